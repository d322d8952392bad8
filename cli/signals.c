/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"

#include "escape.h"
#include "pulse.h"
#include "sanitized.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { UNFINISHED_MAX = 4, MESSAGE_MAX = 1024, EXIT_TROUBLE = 2, EXIT_SIGNAL = 128 };

/* What handlers read. Written on the main thread only, each in one store. */
static const char *volatile unfinished[UNFINISHED_MAX];
static volatile sig_atomic_t line_there;
static volatile sig_atomic_t soft; /* the next SIGINT only asks */
static char bus_message[MESSAGE_MAX] = "corescan: the input became shorter while it was read\n";

static void write_all(const char *text, size_t len)
{
        while (len) {
                ssize_t n = write(STDERR_FILENO, text, len);
                if (n <= 0)
                        return;
                text += n;
                len -= (size_t)n;
        }
}

/* Only what is safe in a signal handler. */
static void clean_up(void)
{
        static const char erase[] = "\r\033[K";
        if (line_there)
                write_all(erase, sizeof(erase) - 1);
        for (size_t i = 0; i < UNFINISHED_MAX; i++)
                if (unfinished[i])
                        (void)unlink(unfinished[i]);
}

static void on_end(int number)
{
        if (number == SIGINT && soft) {
                soft = 0;
                cs_stop_ask();
                return;
        }
        clean_up();
        _exit(EXIT_SIGNAL + number);
}

static void on_bus(int number, siginfo_t *info, void *context)
{
        (void)context;
        /* Anything but a page that its file no longer holds (or cannot give) is a bug of ours: let it be
         * seen. */
        if (info->si_code != BUS_ADRERR) {
                (void)signal(number, SIG_DFL);
                return;
        }
        clean_up();
        write_all(bus_message, strlen(bus_message));
        _exit(EXIT_TROUBLE);
}

static void open_standard_descriptors(void)
{
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
                if (fcntl(fd, F_GETFD) != -1)
                        continue;
                /* The lowest free number is taken, which is fd. Read-only: writing there must fail, not
                 * vanish. */
                if (open("/dev/null", O_RDONLY) < 0)
                        return;
        }
}

void cs_signals_install(void)
{
        static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
        open_standard_descriptors();
        struct sigaction ignore = { .sa_handler = SIG_IGN };
        (void)sigaction(SIGPIPE, &ignore, NULL);
        struct sigaction end = { .sa_handler = on_end, .sa_flags = SA_RESTART };
        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
                struct sigaction before;
                if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
                        (void)sigaction(ends[i], &end, NULL);
        }
        struct sigaction bus = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
        (void)sigaction(SIGBUS, &bus, NULL);
}

void cs_signals_ask_first(bool ask)
{
        soft = ask;
}

void cs_signals_no_dump(void)
{
        if (!CS_SANITIZED)
                (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void cs_signals_name_input(const char *path)
{
        static const char cause[] =
                ": the file became shorter, or could not be read, while it was analysed\n";
        struct cs_pool pool = { 0 };
        const char *safe = cs_escape_terminal(&pool, path, strlen(path), CS_CHARSET_ASCII);
        if (safe)
                (void)snprintf(bus_message, sizeof(bus_message), "corescan: %.*s%s",
                               (int)(sizeof(bus_message) - sizeof(cause) - sizeof("corescan: ")), safe,
                               cause);
        cs_pool_deinit(&pool);
}

void cs_signals_remove_at_end(const char *path)
{
        for (size_t i = 0; i < UNFINISHED_MAX; i++) {
                if (!unfinished[i]) {
                        unfinished[i] = path;
                        return;
                }
        }
}

void cs_signals_keep(const char *path)
{
        for (size_t i = 0; i < UNFINISHED_MAX; i++)
                if (unfinished[i] == path)
                        unfinished[i] = NULL;
}

void cs_signals_line(bool there)
{
        line_there = there;
}
