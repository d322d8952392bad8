/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of one shape mask to one template, and those of one outline have one shape: told by changing, in texts of all that masking looks at,
 * the digits and hex letters. And both are of use: what differs in ids only has one. */
#include "mask.h"
#include "masks.h"
#include "shapes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 1400 };

static const char *const pieces[] = {
        "0x",
        "HTTP/1.1",
        "utf-8",
        "x86_64",
        "md5",
        "SHA256",
        "s3",
        "%40",
        "%3A",
        "%3a",
        "1x23456789",
        "%2F",
        "%%41",
        "2026-03-01",
        " 12:00:00",
        ".123",
        "12.34.56.78",
        "300.1.2.255",
        "Dec  4 ",
        " Nov 1994 ",
        "Mon, ",
        "e5",
        "-5",
        "+7",
        " KB",
        "MB",
        "4f3a9b2c-1234-4abc-8def-0123456789ab",
        "deadbeef01",
        "/",
        "//",
        "_",
        "-",
        "+",
        ":",
        "::",
        "::1",
        "ab:cd:ef:01:23:45",
        " ",
        "  ",
        ",",
        ".",
        "=",
        "==",
        "\"",
        "<?xml version=\"1.0",
        "0000000000000000",
        "----------------",
        "////////////////",
        "%2F/",
        "%aF",
        "\\n",
        "aaaaaaaaaaaaaaaa1",
        "eyJhbGciOiJIUzI1NiJ9",
        "1234567890123456789",
        "123456789012345678901",
        "T",
        "Z",
        "+02:00",
        " GMT",
        "a",
        "b2",
        "K8s",
        "1e5",
        "id",
        "user",
        "@",
        "\xc3\xa9",
        "\\n",
        "\\x41",
        "(",
        ")",
        "[",
        "]",
        "Q3vZ8xLm2TqW9rKe",
        "q3vz8xlm2tqw9rke",
        "GET /api/v2/items/",
        " finished in ",
        " ms",
        "session=",
        "; path=/",
};

static size_t compose(char *text, size_t least)
{
        size_t n = 0, parts = 1 + roll(9);
        for (size_t i = 0; i < parts || n < least; i++) {
                const char *piece = pieces[roll(sizeof(pieces) / sizeof(pieces[0]))];
                memcpy(text + n, piece, strlen(piece));
                n += strlen(piece);
        }
        return n;
}

/* The text with other digits, other hex letters, or with digits and letters that are more or fewer. */
static size_t change(const char *text, size_t len, char *out)
{
        size_t n = 0, way = roll(4), rate = 1 + roll(4);
        for (size_t i = 0; i < len && n < ROOM - 20; i++) {
                unsigned class = cs_class[(uint8_t)text[i]];
                const char *hex = class & CS_CLASS_UPPER ? "0123456789ABCDEF" : "0123456789abcdef";
                if ((class & CS_CLASS_DIGIT) && roll(rate) == 0) {
                        if (way == 1 && roll(3) == 0)
                                continue;
                        out[n++] = (char)('0' + roll(10));
                        for (size_t more = way == 2 && roll(3) == 0 ? 1 + roll(roll(8) ? 3 : 14) : 0;
                             more > 0; more--)
                                out[n++] = (char)('0' + roll(10));
                } else if ((class & CS_CLASS_HEX) && way == 3 && roll(rate) == 0) {
                        out[n++] = hex[roll(16)];
                        if (roll(8) == 0)
                                out[n++] = hex[roll(16)];
                } else {
                        out[n++] = text[i];
                }
        }
        return n;
}

static void one_shape_has_one_template(void **unused)
{
        static struct cs_shape a, b;
        static struct cs_template x, y;
        char text[ROOM], other[ROOM];
        size_t same = 0;
        (void)unused;
        for (unsigned round = 0; round < 60000; round++) {
                size_t len = compose(text, roll(40) ? 0 : CS_TEMPLATE_INPUT);
                if (!cs_shape_of((const uint8_t *)text, len, cs_classes_best(), &a))
                        continue;
                cs_template_mask((const uint8_t *)text, len, &x);
                for (unsigned i = 0; i < 6; i++) {
                        size_t n = change(text, len, other);
                        if (!cs_shape_of((const uint8_t *)other, n, cs_classes_best(), &b) ||
                            !same_shape(&a, &b))
                                continue;
                        same++;
                        cs_template_mask((const uint8_t *)other, n, &y);
                        if (x.len != y.len || x.cut != y.cut || memcmp(x.text, y.text, x.len) != 0)
                                fail_msg("'%.*s' and '%.*s' have one shape", (int)len, text, (int)n, other);
                }
        }
        assert_true(same > 50000);
}

static void shaped(const char *text, struct cs_shape *out)
{
        assert_true(cs_shape_of((const uint8_t *)text, strlen(text), cs_classes_best(), out));
}

static void one_outline_has_one_shape(void **unused)
{
        static struct cs_shape a, b;
        static struct cs_outline x, y;
        char text[ROOM], other[ROOM];
        size_t same = 0, hex = 0;
        (void)unused;
        for (unsigned round = 0; round < 200000; round++) {
                size_t len = compose(text, roll(4) ? 0 : roll(CS_PLACES));
                if (len > CS_PLACES || !cs_outline_best()((const uint8_t *)text, len, &x) ||
                    !cs_shape_of((const uint8_t *)text, len, cs_classes_best(), &a))
                        continue;
                struct cs_places shown = cs_outline_shown(&x, &a);
                for (unsigned i = 0; i < 4; i++) {
                        change_hidden(&x, &shown, (const uint8_t *)text, len, (uint8_t *)other);
                        if (memcmp(text, other, len) == 0 ||
                            !cs_outline_best()((const uint8_t *)other, len, &y) ||
                            memcmp(x.bytes, y.bytes, len) != 0)
                                continue;
                        same++;
                        for (size_t word = 0; word < CS_PLACES_WORDS; word++)
                                hex += (x.hex.at[word] & ~shown.at[word]) != 0;
                        assert_memory_equal(&x.hidden, &y.hidden, sizeof(x.hidden));
                        assert_memory_equal(&x.hex, &y.hex, sizeof(x.hex));
                        assert_int_equal(cs_outline_key(&x, len, false), cs_outline_key(&y, len, false));
                        if (!cs_shape_of((const uint8_t *)other, len, cs_classes_best(), &b) ||
                            !same_shape(&a, &b))
                                fail_msg("'%.*s' and '%.*s' have one outline", (int)len, text, (int)len,
                                         other);
                }
        }
        assert_true(same > 100000);
        assert_true(hex > 5000);
}

static struct cs_places shown_of(const char *text, struct cs_outline *out)
{
        static struct cs_shape shape;
        assert_true(cs_outline_best()((const uint8_t *)text, strlen(text), out));
        assert_true(cs_shape_of((const uint8_t *)text, strlen(text), cs_classes_best(), &shape));
        return cs_outline_shown(out, &shape);
}

static void what_differs_in_digits_has_one_outline(void **unused)
{
        static const struct {
                const char *one, *other;
                size_t shown;
        } alike[] = {
                { "2026-03-01 12:00:59 request 47 took 12 ms", "2025-12-31 23:59:00 request 11 took 99 ms",
                  0 },
                { "session=00112233445566778899aabbccddeeff; theme",
                  "session=f0e1d2c3b4a5968778695a4b3c2d1e0f; theme", 0 },
                { "GET /items/123e4567-e89b-12d3-a456-42661417400f/x",
                  "GET /items/0fffffff-0f00-4abc-8def-0123456789ab/x", 0 },
                { "10.20.30.255 - - 302", "99.10.11.128 - - 200", 0 },
                { "GET /7 HTTP/1.1", "GET /8 HTTP/1.1", 2 },
                { "md5 of 12", "md5 of 99", 1 },
        };
        static struct cs_outline a, b;
        (void)unused;
        for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
                size_t len = strlen(alike[i].one);
                struct cs_places p = shown_of(alike[i].one, &a), q = shown_of(alike[i].other, &b);
                if (memcmp(a.bytes, b.bytes, len) != 0)
                        fail_msg("'%s' has another outline than '%s'", alike[i].one, alike[i].other);
                assert_memory_equal(&p, &q, sizeof(p));
                assert_int_equal(cs_places_count(&p), alike[i].shown);
                uint64_t key = cs_outline_key(&a, len, false);
                assert_int_equal(cs_outline_key_with(key, (const uint8_t *)alike[i].one, len, &p),
                                 cs_outline_key_with(key, (const uint8_t *)alike[i].other, len, &p));
        }
        struct cs_places p = shown_of("md5 of 12", &a);
        uint64_t key = cs_outline_key(&a, 9, false);
        assert_int_not_equal(cs_outline_key_with(key, (const uint8_t *)"md5 of 12", 9, &p),
                             cs_outline_key_with(key, (const uint8_t *)"md4 of 12", 9, &p));
        assert_int_not_equal(key, cs_outline_key(&a, 9, true));
        p.at[CS_PLACES_WORDS - 1] |= UINT64_C(1) << (CS_PLACES_WORD - 1); /* of a longer text */
        assert_int_not_equal(cs_outline_key_with(key, (const uint8_t *)"md5 of 12", 9, &p),
                             cs_outline_key_with(key, (const uint8_t *)"md4 of 12", 9, &p));
        (void)shown_of("10.20.30.255 - -", &a);
        (void)shown_of("10.20.30.256 - -", &b);
        assert_memory_not_equal(a.bytes, b.bytes, 16);
        /* What reaches from some bytes to the next is not seen as a whole. */
        for (size_t before = 55; before < 70; before++) {
                char text[100];
                size_t len = (size_t)snprintf(text, sizeof(text), "%*s300.1", (int)before, "n ");
                p = shown_of(text, &a);
                memcpy(text + before, "255", 3);
                (void)shown_of(text, &b);
                if (memcmp(a.bytes, b.bytes, len) == 0 && cs_places_count(&p) != 3)
                        fail_msg("300 and 255 have one outline behind %zu bytes", before);
        }
        /* It may be the half of a <rep>. */
        assert_false(cs_outline_best()((const uint8_t *)"n=00000000", 10, &a));
}

static void every_way_finds_the_same_outlines(void **unused)
{
        cs_outline_fn ways[] = { cs_outline_avx2(), cs_outline_avx512() };
        (void)unused;
        if (!ways[0]) {
                print_message("no AVX2 here: only the plain way was looked at\n");
                skip();
        }
        for (unsigned round = 0; round < 60000; round++) {
                static struct cs_outline a, b;
                char text[ROOM];
                size_t len = compose(text, roll(3) ? 0 : CS_PLACES);
                len = len < CS_PLACES ? len : CS_PLACES;
                for (size_t i = round % 2 ? roll(len) : len; i < len; i++) /* every byte */
                        text[i] = (char)roll(256);
                uint8_t *bytes = malloc(len ? len : 1); /* so that nothing behind them is read unseen */
                memcpy(bytes, text, len);
                bool good = cs_outline_scalar(bytes, len, &a);
                for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                        if (!ways[i])
                                continue;
                        assert_int_equal(ways[i](bytes, len, &b), good);
                        assert_memory_equal(a.bytes, b.bytes, len);
                        assert_memory_equal(&a.hidden, &b.hidden, sizeof(a.hidden));
                        assert_memory_equal(&a.hex, &b.hex, sizeof(a.hex));
                }
                free(bytes);
        }
        if (!ways[1])
                print_message("no AVX-512 here: that way was not looked at\n");
}

static void what_differs_in_ids_has_one_shape(void **unused)
{
        static const char *const alike[][2] = {
                { "request 7 finished in 12 ms", "request 4711 finished in 997 ms" },
                { "session=00112233445566778899aabbccddeeff; theme",
                  "session=f0e1d2c3b4a5968778695a4b3c2d1e0f; theme" },
                { "GET /items/123e4567-e89b-12d3-a456-426614174000/x",
                  "GET /items/0fffffff-0000-4abc-8def-0123456789ab/x" },
                { "https://cdn.example.net/assets/00ff00ff00ff00ff/app.js",
                  "https://cdn.example.net/assets/1a2b3c4d5e6f7081/app.js" },
                { "at 0x7f12 in", "at 0x00007fffdeadbeef in" },
                { "{\"n\":1,\"m\":22}", "{\"n\":4711,\"m\":0}" },
        };
        static struct cs_shape a, b;
        (void)unused;
        for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
                shaped(alike[i][0], &a);
                shaped(alike[i][1], &b);
                if (!same_shape(&a, &b))
                        fail_msg("'%s' has another shape than '%s'", alike[i][0], alike[i][1]);
        }
        shaped("md5 of 12", &a);
        shaped("md4 of 12", &b);
        assert_false(same_shape(&a, &b));
        assert_false(cs_shape_of((const uint8_t *)"mail 1 to a@b.org", 17, cs_classes_best(), &a));
}

static void assert_masked(struct cs_masks *masks, const char *text, size_t len, bool wide)
{
        static struct cs_template direct;
        uint64_t value = cs_template_key(text, len, false, wide);
        uint8_t *bytes = malloc(len); /* so that nothing behind them is read unseen */
        memcpy(bytes, text, len);
        const struct cs_masked *m = &masks->known[cs_masks_get(masks, bytes, len, wide, value)];
        free(bytes);
        cs_template_mask((const uint8_t *)text, len, &direct);
        assert_int_equal(m->len, direct.len);
        assert_memory_equal(m->text, direct.text, direct.len);
        assert_int_equal(m->cut, direct.cut);
        assert_int_equal(m->wide, wide);
        assert_int_equal(m->key, cs_template_key(direct.text, direct.len, direct.cut, wide));
}

static void what_is_remembered_is_what_masking_says(void **unused)
{
        struct cs_masks masks;
        struct cs_error err;
        char text[ROOM];
        (void)unused;
        assert_int_equal(cs_masks_init(&masks, &err), CS_OK);
        /* Few texts many times, and many once. */
        for (unsigned round = 0; round < 60000; round++) {
                uint64_t kept = state;
                if (roll(2))
                        state = 1 + roll(3000);
                size_t len = compose(text, roll(40) ? 0 : CS_TEMPLATE_INPUT);
                state = kept;
                (void)roll(2);
                assert_masked(&masks, text, len, len % 2);
        }
        assert_true(masks.n_known > 1000);
        assert_true(masks.n_shown > 50);
        cs_masks_deinit(&masks);
}

/* More outlines than there is room for what they have to tell ("md5" stays, "of 12" does not), and all of them twice. */
static void what_outlines_have_to_tell_makes_room(void **unused)
{
        enum { WORDS = 6000, AT_ONCE = 12, TIMES = 8 };
        struct cs_masks masks;
        struct cs_error err;
        (void)unused;
        assert_int_equal(cs_masks_init(&masks, &err), CS_OK);
        for (unsigned batch = 0; batch < 2 * WORDS / AT_ONCE; batch++)
                for (unsigned i = 0; i < AT_ONCE * TIMES; i++) {
                        unsigned word = (batch * AT_ONCE + i % AT_ONCE) % WORDS;
                        char text[64];
                        int len =
                                snprintf(text, sizeof(text), "%.*s%c%c%c md%u of %02zu", (int)(word % 7) * 4,
                                         "some words more and more ", 'g' + word % 19, 'g' + word / 19 % 19,
                                         'g' + word / (19 * 19), i / AT_ONCE % 2 + 4, roll(90) + 10);
                        assert_masked(&masks, text, (size_t)len, false);
                }
        assert_true(masks.n_shown > 6000);
        cs_masks_deinit(&masks);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_shape_has_one_template),
                cmocka_unit_test(one_outline_has_one_shape),
                cmocka_unit_test(what_differs_in_digits_has_one_outline),
                cmocka_unit_test(every_way_finds_the_same_outlines),
                cmocka_unit_test(what_differs_in_ids_has_one_shape),
                cmocka_unit_test(what_is_remembered_is_what_masking_says),
                cmocka_unit_test(what_outlines_have_to_tell_makes_room),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
