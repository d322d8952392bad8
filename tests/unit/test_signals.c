/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers are only seen from outside: each test is a child process that ends by one. */
#include "signals.h"

#include "pulse.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = 4096 };

struct end {
        int status; /* as of waitpid() */
        char said[512];
};

/* Runs a function in a child, and collects what it wrote to standard error. */
static struct end run_child(void (*act)(void))
{
        struct end end = { 0 };
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)dup2(ends[1], STDERR_FILENO);
                (void)close(ends[0]);
                act();
                _exit(0);
        }
        (void)close(ends[1]);
        ssize_t n = 0;
        for (size_t used = 0; (n = read(ends[0], end.said + used, sizeof(end.said) - 1 - used)) > 0;)
                used += (size_t)n;
        (void)close(ends[0]);
        assert_int_equal(waitpid(pid, &end.status, 0), pid);
        return end;
}

static char *volatile mapped;

static void touch_cut_file(void)
{
        char path[] = "/tmp/corescan-signals.XXXXXX";
        int fd = mkstemp(path);
        if (fd < 0 || ftruncate(fd, PAGE) != 0)
                _exit(1);
        mapped = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
        (void)unlink(path);
        cs_signals_install();
        cs_signals_name_input("a\033core");
        cs_signals_line(true);
        if (mapped == MAP_FAILED || ftruncate(fd, 0) != 0)
                _exit(1);
        _exit(mapped[0] ? 3 : 4);
}

static void test_bus(void **state)
{
        (void)state;
        struct end end = run_child(touch_cut_file);
        assert_true(WIFEXITED(end.status));
        assert_int_equal(WEXITSTATUS(end.status), 2);
        assert_string_equal(
                end.said,
                "\r\033[Kcorescan: a\\x1bcore: the file became shorter, or could not be read, while it "
                "was analysed\n");
}

static void name_long_input(void)
{
        static char name[5000];
        memset(name, 'x', sizeof(name) - 1);
        cs_signals_install();
        cs_signals_name_input(name);
        /* As a mapped file would. */
        siginfo_t info = { .si_signo = SIGBUS, .si_code = BUS_ADRERR };
        struct sigaction now;
        (void)sigaction(SIGBUS, NULL, &now);
        now.sa_sigaction(SIGBUS, &info, NULL);
}

static void test_bus_long_name(void **state)
{
        (void)state;
        struct end end = run_child(name_long_input);
        assert_int_equal(WEXITSTATUS(end.status), 2);
        assert_non_null(strstr(end.said, "corescan: xxx"));
}

static void interrupt_line(void)
{
        cs_signals_install();
        cs_signals_line(true);
        (void)raise(SIGINT);
}

static void interrupt_ignored(void)
{
        (void)signal(SIGINT, SIG_IGN);
        cs_signals_install();
        (void)raise(SIGINT);
        _exit(5);
}

/* The first asks, the next one ends. */
static void interrupt_softly(void)
{
        cs_signals_install();
        cs_signals_line(true);
        cs_signals_ask_first(true);
        (void)raise(SIGINT);
        if (!cs_stop_asked())
                _exit(7);
        (void)raise(SIGINT);
        _exit(8);
}

static void terminate_softly(void)
{
        cs_signals_install();
        cs_signals_ask_first(true);
        (void)raise(SIGTERM);
        _exit(8);
}

static void interrupt_later(void)
{
        cs_signals_install();
        cs_signals_ask_first(true);
        cs_signals_ask_first(false);
        (void)raise(SIGINT);
        _exit(8);
}

static void test_interrupt_softly(void **state)
{
        (void)state;
        struct end end = run_child(interrupt_softly);
        assert_int_equal(WEXITSTATUS(end.status), 130);
        assert_string_equal(end.said, "\r\033[K");
        end = run_child(terminate_softly);
        assert_int_equal(WEXITSTATUS(end.status), 143);
        end = run_child(interrupt_later);
        assert_int_equal(WEXITSTATUS(end.status), 130);
}

static void test_interrupt(void **state)
{
        (void)state;
        struct end end = run_child(interrupt_line);
        assert_int_equal(WEXITSTATUS(end.status), 130);
        assert_string_equal(end.said, "\r\033[K");
        end = run_child(interrupt_ignored);
        assert_int_equal(WEXITSTATUS(end.status), 5);
}

static void lose_descriptors(void)
{
        (void)close(STDIN_FILENO);
        (void)close(STDOUT_FILENO);
        cs_signals_install();
        int next = open("/dev/null", O_RDONLY);
        _exit(next > STDERR_FILENO && write(STDOUT_FILENO, "x", 1) < 0 ? 6 : 1);
}

static void test_descriptors(void **state)
{
        (void)state;
        struct end end = run_child(lose_descriptors);
        assert_int_equal(WEXITSTATUS(end.status), 6);
}

static void no_dump(void)
{
        cs_signals_no_dump();
        _exit(10 + prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void test_no_dump(void **state)
{
        (void)state;
        struct end end = run_child(no_dump);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        assert_int_equal(WEXITSTATUS(end.status), 11);
#elif !defined(__has_feature)
        assert_int_equal(WEXITSTATUS(end.status), 10);
#else
        assert_true(WEXITSTATUS(end.status) >= 10);
#endif
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bus),         cmocka_unit_test(test_bus_long_name),
                cmocka_unit_test(test_interrupt),   cmocka_unit_test(test_interrupt_softly),
                cmocka_unit_test(test_descriptors), cmocka_unit_test(test_no_dump),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
