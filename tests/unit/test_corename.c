/* SPDX-License-Identifier: Apache-2.0 */
/* File names of systemd-coredump. */
#include "corename.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define BOOT "6e1f0a2b3c4d5e6f708192a3b4c5d6e7"

static void test_names(void **state)
{
        (void)state;
        static const struct {
                const char *path, *command;
                int pid;
        } cases[] = {
                { "/var/lib/systemd/coredump/core.ruby.1000." BOOT ".4711.1696324543000000.zst", "ruby",
                  4711 },
                { "core.ruby.0." BOOT ".1.1696324543000000", "ruby", 1 },
                { "core.ruby.0." BOOT ".1.1696324543000000.lz4", "ruby", 1 },
                { "core.ruby3\\x2e1.0." BOOT ".12.9.xz", "ruby3.1", 12 },
                { "core.a.b.0." BOOT ".12.9", "a.b", 12 }, /* the command is what is left */
                { "core.x\\x2.0." BOOT ".12.9", "x\\x2", 12 },
                { "core.\\x5cx41.0." BOOT ".12.9", "\\x41", 12 },
                { "core..0." BOOT ".12.9", NULL, 0 },
                { "core.0." BOOT ".12.9", NULL, 0 },
                { "core.ruby.0." BOOT "0.12.9", NULL, 0 },
                { "core.ruby.0.6e1f.12.9", NULL, 0 },
                { "core.ruby.zero." BOOT ".12.9", NULL, 0 },
                { "core.ruby.0." BOOT ".0.9", NULL, 0 },
                { "core.ruby.0." BOOT ".99999999999999999999.9", NULL, 0 },
                { "core.ruby.0." BOOT ".12.", NULL, 0 },
                { "core.ruby.0." BOOT "..9", NULL, 0 },
                { "core.4711", NULL, 0 },
                { "core", NULL, 0 },
                { "core.", NULL, 0 },
                { "core..zst", NULL, 0 },
                { "", NULL, 0 },
                { "/", NULL, 0 },
                { "more.ruby.0." BOOT ".12.9", NULL, 0 },
        };
        struct cs_pool pool = { 0 };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const char *command = NULL;
                pid_t pid = 0;
                if (cs_corename_parse(cases[i].path, &pool, &command, &pid) != (cases[i].command != NULL))
                        fail_msg("%s", cases[i].path);
                assert_int_equal(pid, cases[i].pid);
                if (command)
                        assert_string_equal(command, cases[i].command);
        }
        cs_pool_deinit(&pool);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_names) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
