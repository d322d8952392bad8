/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "dir/name" → "dir/.name.XXXXXX". A long name is cut, so that the new one is no longer than a name may
 * be. */
static char *name_aside(const char *path)
{
        const char *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        char *aside = NULL;
        if (asprintf(&aside, "%.*s.%.200s.XXXXXX", (int)(name - path), path, name) < 0)
                return NULL;
        return aside;
}

static enum cs_status open_stream(int fd, struct cs_output *out, struct cs_error *err)
{
        out->stream = fdopen(fd, "w");
        if (out->stream)
                return CS_OK;
        int number = errno;
        (void)close(fd);
        cs_output_discard(out);
        return cs_fail_sys(err, number, "cannot be written");
}

enum cs_status cs_output_open(const char *path, struct cs_output *out, struct cs_error *err)
{
        *out = (struct cs_output){ .path = path };
        struct stat st;
        if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
                int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
                return fd < 0 ? cs_fail_sys(err, errno, "cannot be written") : open_stream(fd, out, err);
        }
        size_t len = strlen(path);
        if (len == 0 || path[len - 1] == '/')
                return cs_fail(err, CS_ESYS, "cannot be written: it names a folder");
        char *aside = name_aside(path);
        if (!aside)
                return cs_fail(err, CS_ENOMEM, "not enough memory");
        /* mkostemp: 0600, O_EXCL. */
        int fd = mkostemp(aside, O_CLOEXEC);
        if (fd < 0) {
                int number = errno;
                free(aside);
                return cs_fail_sys(err, number, "cannot be written");
        }
        out->aside = aside;
        cs_signals_remove_at_end(out->aside);
        return open_stream(fd, out, err);
}

void cs_output_share(struct cs_output *out)
{
        if (!out->stream || !out->aside)
                return;
        mode_t mask = umask(0);
        (void)umask(mask);
        (void)fchmod(fileno(out->stream), 0644 & ~mask);
}

void cs_output_discard(struct cs_output *out)
{
        if (out->stream)
                (void)fclose(out->stream);
        out->stream = NULL;
        if (out->aside) {
                (void)unlink(out->aside);
                cs_signals_keep(out->aside);
        }
        free(out->aside);
        out->aside = NULL;
}

/* Did the other end of this pipe close? Asked after a failed write, whose errno stdio may have forgotten
 * meanwhile. */
static bool reader_is_gone(int fd)
{
        struct pollfd poller = { .fd = fd, .events = POLLOUT };
        return poll(&poller, 1, 0) == 1 && (poller.revents & POLLERR);
}

enum cs_status cs_output_commit(struct cs_output *out, struct cs_error *err)
{
        errno = 0;
        bool bad = fflush(out->stream) != 0 || ferror(out->stream);
        int number = errno ? errno : EIO;
        /* A pipe whose reader has seen enough is no failure. */
        if (bad && !out->aside && reader_is_gone(fileno(out->stream)))
                bad = false;
        else if (fclose(cs_take(out->stream)) != 0 && !bad) {
                number = errno;
                bad = true;
        }
        if (!bad && out->aside && rename(out->aside, out->path) != 0) {
                number = errno;
                bad = true;
        }
        if (!bad && out->aside) {
                cs_signals_keep(out->aside);
                free(cs_take(out->aside));
        }
        cs_output_discard(out);
        return bad ? cs_fail_sys(err, number, "cannot be written") : CS_OK;
}

enum cs_status cs_output_finish_stdout(struct cs_error *err)
{
        errno = 0;
        bool bad = fflush(stdout) != 0 || ferror(stdout);
        int number = errno ? errno : EIO;
        if (!bad || reader_is_gone(STDOUT_FILENO))
                return CS_OK;
        return cs_fail_sys(err, number, "standard output");
}
