/* SPDX-License-Identifier: Apache-2.0 */
/* Text that like blocks hold in one place. */
#include "blocktext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world {
        struct cs_blocktext texts;
        struct cs_pool pool;
};

static int set_up(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        if (!w)
                return -1;
        w->texts.n = CS_BLOCKTEXT_SAMPLES;
        w->texts.bytes = calloc(w->texts.n, CS_BLOCKTEXT_BYTES);
        w->texts.got = calloc(w->texts.n, sizeof(*w->texts.got));
        for (size_t i = 0; w->texts.got && i < w->texts.n; i++)
                w->texts.got[i] = 200;
        *state = w;
        return w->texts.bytes && w->texts.got ? 0 : -1;
}

static int tear_down(void **state)
{
        struct world *w = *state;
        cs_blocktext_deinit(&w->texts);
        cs_pool_deinit(&w->pool);
        free(w);
        return 0;
}

static void put(struct world *w, size_t block, uint32_t at, const char *text)
{
        memcpy(w->texts.bytes + block * CS_BLOCKTEXT_BYTES + at, text, strlen(text));
}

/* printf() with the number of the block. */
static void put_all(struct world *w, uint32_t at, const char *format)
{
        for (unsigned i = 0; i < w->texts.n; i++) {
                char text[400];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                (void)snprintf(text, sizeof(text), format, i * 7919);
#pragma GCC diagnostic pop
                put(w, i, at, text);
        }
}

#define NONE UINT32_MAX

static void check(struct world *w, const char *want, uint32_t want_at)
{
        uint32_t at = NONE;
        const char *text = cs_blocktext_find(&w->texts, 0, UINT32_MAX, &w->pool, &at);
        if (!want) {
                assert_null(text);
                return;
        }
        assert_non_null(text);
        assert_string_equal(text, want);
        assert_int_equal(at, want_at);
}

static void masked(void **state)
{
        struct world *w = *state;
        put_all(w, 8, "connection %u of a client");
        put_all(w, 100, "another text that comes later");
        check(w, "connection <n> of a client", 8);
}

static void most(void **state)
{
        struct world *w = *state;
        put_all(w, 24, "order %u is paid");
        for (size_t i = 0; i < w->texts.n / 4; i++)
                memset(w->texts.bytes + (i * 4 + 1) * CS_BLOCKTEXT_BYTES, 0, CS_BLOCKTEXT_BYTES);
        check(w, "order <n> is paid", 24);
        memset(w->texts.bytes, 0, CS_BLOCKTEXT_BYTES);
        check(w, NULL, 0);
}

/* A byte before it looks like one of the text in some of them. */
static void behind_chance(void **state)
{
        struct world *w = *state;
        put_all(w, 32, "user %u has logged in");
        for (size_t i = 0; i < 5; i++)
                w->texts.bytes[i * 3 * CS_BLOCKTEXT_BYTES + 31] = 'A';
        check(w, "user <n> has logged in", 32);
}

static void known_form(void **state)
{
        struct world *w = *state;
        for (unsigned i = 0; i < w->texts.n; i++) {
                char text[32];
                (void)snprintf(text, sizeof(text), "10.%u.%u.%u", i, 17 + i, 200 - i);
                memset(w->texts.bytes + i * CS_BLOCKTEXT_BYTES, 0, CS_BLOCKTEXT_BYTES);
                put(w, i, 4, text);
        }
        check(w, "<ip>", 4);
}

static void nothing_said(void **state)
{
        struct world *w = *state;
        put_all(w, 0, "%u-1234-99-1200"); /* numbers */
        put_all(w, 40, "abc%u");          /* too short */
        put_all(w, 80, "\x01\x02\x03%u"); /* no text */
        check(w, NULL, 0);
        for (size_t i = 0; i < w->texts.n; i++) /* each another one */
                put(w, i, 120,
                    (const char *[]){ "Entwurf vom Mai", "der; Rest, fehlt", "x = (alpha)" }[i % 3]);
        check(w, NULL, 0);
}

static void few(void **state)
{
        struct world *w = *state;
        put_all(w, 8, "connection %u of a client");
        w->texts.n = 3;
        check(w, NULL, 0);
        w->texts.n = 4;
        check(w, "connection <n> of a client", 8);
}

/* What was read ends before the text does, or before it begins. */
static void cut(void **state)
{
        struct world *w = *state;
        put_all(w, 180, "connection %u of a client, and what it said");
        check(w, "connection <n> of…", 180);
        for (size_t i = 0; i < w->texts.n; i++)
                w->texts.got[i] = 180;
        check(w, NULL, 0);
        for (size_t i = 0; i < w->texts.n; i++)
                w->texts.got[i] = 0;
        check(w, NULL, 0);
}

static void shortened(void **state)
{
        struct world *w = *state;
        put_all(w, 0, "GET /orders HTTP/1.1\r\nHost: shop.example.com\r\n");
        check(w, "GET /orders HTTP/1.1…", 0);
        put_all(w, 0, "a line that is very long indeed goes on and on and on until it is cut, ä, and more");
        check(w, "a line that is very long indeed goes on and on and on until it is cut,…", 0);
}

static void within(void **state)
{
        struct world *w = *state;
        uint32_t at;
        put_all(w, 8, "the first of two texts");
        put_all(w, 64, "the second of two texts");
        assert_string_equal(cs_blocktext_find(&w->texts, 64, 72, &w->pool, &at), "the second of two texts");
        assert_string_equal(cs_blocktext_find(&w->texts, 40, 96, &w->pool, &at), "the second of two texts");
        assert_int_equal(at, 64);
        assert_null(cs_blocktext_find(&w->texts, 96, 200, &w->pool, &at));
        assert_null(cs_blocktext_find(&w->texts, 4096, 4104, &w->pool, &at));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(masked, set_up, tear_down),
                cmocka_unit_test_setup_teardown(most, set_up, tear_down),
                cmocka_unit_test_setup_teardown(behind_chance, set_up, tear_down),
                cmocka_unit_test_setup_teardown(known_form, set_up, tear_down),
                cmocka_unit_test_setup_teardown(nothing_said, set_up, tear_down),
                cmocka_unit_test_setup_teardown(few, set_up, tear_down),
                cmocka_unit_test_setup_teardown(cut, set_up, tear_down),
                cmocka_unit_test_setup_teardown(shortened, set_up, tear_down),
                cmocka_unit_test_setup_teardown(within, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
