/* SPDX-License-Identifier: Apache-2.0 */
#include "epolled.h"

#include "cs_limits.h"
#include "fd.h"
#include "procfile.h"
#include "through.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A number behind a name: "tfd:        5 ". */
static bool take_number(const char **at, const char *name, int base, uint64_t *value)
{
        const char *found = strstr(*at, name);
        if (!found)
                return false;
        char *end;
        found += strlen(name);
        errno = 0;
        *value = strtoull(found, &end, base);
        *at = end;
        return end != found && errno == 0;
}

enum cs_status cs_epolled_parse(const char *text, size_t len, int epoll, cs_epolled_vec *out,
                                struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t next; st == CS_OK && len; text += next, len -= next) {
                char line[128]; /* of some 80 */
                const char *newline = memchr(text, '\n', len), *at = line;
                next = newline ? (size_t)(newline - text) + 1 : len;
                size_t kept = next < sizeof(line) ? next : sizeof(line) - 1;
                memcpy(line, text, kept);
                line[kept] = '\0';
                struct cs_epolled e = { .epoll = epoll };
                uint64_t fd, events;
                if (strncmp(line, "tfd:", 4) != 0 || !take_number(&at, "tfd:", 10, &fd) || fd > INT_MAX ||
                    !take_number(&at, "events:", 16, &events) || !take_number(&at, "data:", 16, &e.data))
                        continue;
                e.fd = (int)fd;
                st = cs_vec_push(out, e, err);
        }
        return st;
}

typedef CS_VEC(int) fd_vec;

static void free_fds(fd_vec *fds)
{
        cs_vec_deinit(fds);
}

/* The epoll descriptors of the process, unless it has too many of all sorts. */
static enum cs_status find_epolls(int proc, size_t most, fd_vec *out, bool *unasked, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        int fd = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        cs_cleanup(cs_dir_closep) DIR *fds = fd < 0 ? NULL : fdopendir(fd);
        if (!fds) {
                *unasked = errno == EACCES || errno == EPERM;
                cs_fd_closep(&fd);
                return CS_OK;
        }
        size_t n = 0;
        for (struct dirent *entry; st == CS_OK && (entry = readdir(fds));) {
                static const char name[] = "anon_inode:[eventpoll]";
                char target[sizeof(name)];
                if (!isdigit((unsigned char)entry->d_name[0]))
                        continue;
                if (++n > most) {
                        *unasked = true;
                        out->n = 0;
                        break;
                }
                if (readlinkat(fd, entry->d_name, target, sizeof(target)) == sizeof(name) - 1 &&
                    memcmp(target, name, sizeof(name) - 1) == 0)
                        st = cs_vec_push(out, (int)strtol(entry->d_name, NULL, 10), err);
        }
        return st;
}

enum cs_status cs_epolled_list(const struct cs_image *image, cs_epolled_vec *out, bool *unasked,
                               struct cs_error *err)
{
        *unasked = false;
        if (image->kind != CS_IMAGE_LIVE)
                return CS_OK;
        char name[64];
        (void)snprintf(name, sizeof(name), "/proc/%d", (int)cs_through(image->pid));
        cs_cleanup(cs_fd_closep) int proc = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0)
                return CS_OK;
        cs_cleanup(free_fds) fd_vec epolls = { 0 };
        /* One that is stopped waits for nothing. */
        enum cs_status st =
                find_epolls(proc, image->freeze ? SIZE_MAX : CS_LIMIT_EPOLLED_FDS, &epolls, unasked, err);
        for (size_t i = 0; st == CS_OK && i < epolls.n; i++) {
                cs_cleanup(cs_text_freep) cs_text_vec text = { 0 };
                (void)snprintf(name, sizeof(name), "fdinfo/%d", epolls.at[i]);
                int number = cs_procfile_read(proc, name, &text);
                if (number == ENOMEM)
                        return cs_fail(err, CS_ENOMEM, "/proc/PID/fdinfo");
                if (number == 0)
                        st = cs_epolled_parse(text.at, text.n, epolls.at[i], out, err);
        }
        return st;
}
