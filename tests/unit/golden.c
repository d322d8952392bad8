/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct golden_look golden_usual = { 100, false, CS_CHARSET_UTF8 };

/* malloc'ed. */
char *golden_render(const struct cs_report *report, const struct cs_options *options, struct golden_look look)
{
        char *text = NULL;
        size_t len = 0;
        struct cs_screen screen = {
                .out = open_memstream(&text, &len),
                .color = look.color,
                .width = look.width,
                .charset = look.charset,
        };
        assert_non_null(screen.out);
        cs_render_text(&screen, report, options);
        assert_false(screen.failed);
        assert_int_equal(ferror(screen.out), 0);
        fclose(screen.out);
        cs_screen_deinit(&screen);
        return text;
}

static char *read_file(const char *path)
{
        FILE *f = fopen(path, "r");
        if (!f)
                return NULL;
        char *text = calloc(1, 1 << 16);
        assert_non_null(text);
        size_t len = fread(text, 1, (1 << 16) - 1, f);
        text[len] = '\0';
        fclose(f);
        return text;
}

void golden_assert(const char *text, const char *name)
{
        char path[1024];
        (void)snprintf(path, sizeof(path), "%s/tests/cli/golden/%s.txt", CS_SOURCE_DIR, name);
        const char *update = getenv("CS_UPDATE_GOLDEN");
        if (update && strcmp(update, "1") == 0) {
                FILE *f = fopen(path, "w");
                assert_non_null(f);
                fputs(text, f);
                assert_int_equal(fclose(f), 0);
                return;
        }
        char *want = read_file(path);
        if (!want)
                fail_msg("%s: cannot be read; CS_UPDATE_GOLDEN=1 writes it", path);
        if (strcmp(text, want) != 0)
                fail_msg("%s (CS_UPDATE_GOLDEN=1 rewrites it) does not equal:\n%s", path, text);
        free(want);
}

void golden_check(const struct cs_report *report, const struct cs_options *options, struct golden_look look,
                  const char *name)
{
        char *text = golden_render(report, options, look);
        golden_assert(text, name);
        free(text);
}
