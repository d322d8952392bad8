/* SPDX-License-Identifier: Apache-2.0 */
/* Texts in memory: which are found, in every cut of memory into windows, and by every way of the processor. */
#include "bytes.h"
#include "classes.h"
#include "strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static cs_string_vec find_in(const uint8_t *bytes, size_t len, size_t from, size_t to)
{
        struct cs_strings_window w = { bytes, (uint32_t)len, (uint32_t)from, (uint32_t)to };
        cs_string_vec out = { 0 };
        struct cs_error err;
        assert_int_equal(cs_strings_find(&w, cs_textmask_best(), &out, &err), CS_OK);
        return out;
}

/* "encoding:text|…", in the order of places; of UTF-16 as it was transcribed. */
static const char *told(const void *bytes, size_t len)
{
        static char text[4096];
        size_t n = 0;
        cs_string_vec all = find_in(bytes, len, 0, len);
        for (size_t i = 0; i < all.n; i++) {
                const struct cs_string *s = &all.at[i];
                const uint8_t *at = (const uint8_t *)bytes + s->at;
                char shown[512];
                size_t k = s->len;
                if (s->encoding == CS_ENCODING_UTF16LE)
                        k = cs_strings_transcribe(at, s->len, shown, sizeof(shown));
                else
                        memcpy(shown, at, k);
                n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s:%.*s%s", i ? "|" : "",
                                      cs_encoding_name(s->encoding), (int)k, shown, s->open ? "+" : "");
        }
        text[n] = 0;
        cs_vec_deinit(&all);
        return text;
}

#define TOLD(bytes) told((bytes), sizeof(bytes) - 1)

static void finds_where_texts_stand(void **state)
{
        (void)state;
        assert_string_equal(TOLD("\0\1abcdefgh\0"), "ascii:abcdefgh");
        assert_string_equal(TOLD("\0\1abcdefg\0"), "");
        assert_string_equal(TOLD("first line\nsecond line\r\nthird line\0fourth text\0"),
                            "ascii:first line|ascii:second line|ascii:third line|ascii:fourth text");
        assert_string_equal(TOLD("\x7fwith\ttabs in\x01"), "ascii:with\ttabs in");
        assert_string_equal(TOLD("reaches the end"), "ascii:reaches the end+");
        assert_string_equal(TOLD("\xff gr\xc3\xbc\xc3\x9f"
                                 "e aus K\xc3\xb6ln\0"),
                            "utf-8: gr\xc3\xbc\xc3\x9f"
                            "e aus K\xc3\xb6ln");
        assert_string_equal(TOLD("\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82\0"),
                            "utf-8:\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82");
        assert_string_equal(TOLD("cut by a \xc2\x80 control that is\0"),
                            "ascii:cut by a |ascii: control that is");
        assert_string_equal(TOLD("over\xc0\xaflong forms\0sur\xed\xa0\x80rogates too\0"),
                            "ascii:long forms|ascii:rogates too");
        assert_string_equal(TOLD("ends in half a character \xe2\x82"), "ascii:ends in half a character +");
}

static void finds_counted_texts(void **state)
{
        (void)state;
        /* One byte, below and among the printable ones; the same one after the other. */
        assert_string_equal(TOLD("\x0ctwelve bytes\x0btwelve less\0"),
                            "ascii:twelve bytes|ascii:twelve less");
        assert_string_equal(TOLD("\1#just thirty-five bytes of some text\2"),
                            "ascii:just thirty-five bytes of some text");
        assert_string_equal(
                TOLD("\1#just thirty-five bytes of some text'and just thirty-nine bytes of some text\0"),
                "ascii:just thirty-five bytes of some text|ascii:and just thirty-nine bytes of some text");
        /* What begins with such a byte by chance, and is ended as texts are. */
        assert_string_equal(TOLD("#just thirty-five bytes of some text\n"),
                            "ascii:#just thirty-five bytes of some text");
        /* Words of four and of eight bytes, low byte first. */
        assert_string_equal(
                TOLD("\x23\0\0\0just thirty-five bytes of some text'\0\0\0and just thirty-nine bytes of some text"
                     "\x20\0\0\0"),
                "ascii:just thirty-five bytes of some text|ascii:and just thirty-nine bytes of some text");
        assert_string_equal(TOLD("\x23\0\0\0\0\0\0\0just thirty-five bytes of some text'\0\0\0\0\0\0\0"),
                            "ascii:just thirty-five bytes of some text");
        /* High byte first. */
        assert_string_equal(
                TOLD("\0\0\0\x23just thirty-five bytes of some text\0\0\0\x0cthirty-six..\0\0\0\0"),
                "ascii:just thirty-five bytes of some text|ascii:thirty-six..");
}

static size_t put_wide(uint8_t *out, const char *text)
{
        size_t n = 0;
        for (; *text; text++) {
                out[n++] = (uint8_t)*text;
                out[n++] = 0;
        }
        return n;
}

static void finds_utf16(void **state)
{
        (void)state;
        for (size_t odd = 0; odd < 2; odd++) {
                uint8_t bytes[300] = { 0 };
                memset(bytes, 0xff, 65);
                size_t n = 60 + odd;
                n += put_wide(bytes + n, "wide text at an address");
                bytes[n++] = 0xff;
                bytes[n++] = 0xff;
                memcpy(bytes + n,
                       "\x1f\x04\x40\x04\x38\x04\x32\x04\x35\x04\x42\x04\x20\0\x3c\x04\x38\x04\x40\x04", 20);
                n += 20;
                bytes[n++] = 0;
                bytes[n++] = 0;
                n += put_wide(bytes + n, "seven..");
                n += 2;
                assert_string_equal(
                        told(bytes, n),
                        "utf-16le:wide text at an address|"
                        "utf-16le:\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd0\xbc\xd0\xb8\xd1\x80");
        }
        /* Neither blanks nor the last letter of a text before it are any of it. */
        assert_string_equal(TOLD("\1\" \" \" \" \" \" \" \" \"\1"), "ascii:\" \" \" \" \" \" \" \" \"");
        uint8_t both[64] = "a text of bytes";
        size_t n = 16 + put_wide(both + 16, "and of units");
        assert_string_equal(told(both, n + 2), "ascii:a text of bytes|utf-16le:and of units");
}

/* ---- windows ---- */

static uint64_t rng(uint64_t *s)
{
        *s += 0x9e3779b97f4a7c15u;
        return cs_mix(*s);
}

/* Bytes of all sorts side by side: texts in all encodings, broken characters, numbers, zeros. */
static void fill(uint8_t *at, size_t len, uint64_t seed)
{
        for (size_t i = 0; i < len;) {
                uint64_t r = rng(&seed);
                size_t n = 1 + (r >> 8) % 40;
                for (; n && i < len; n--) {
                        uint64_t c = rng(&seed);
                        switch (r % 9) {
                        case 0:
                                at[i++] = (uint8_t)c;
                                break;
                        case 1:
                                at[i++] = 0;
                                break;
                        case 2: /* units */
                                at[i++] = (uint8_t)(c % 7 ? 'a' + c % 26 : 0x20);
                                if (i < len)
                                        at[i++] = (uint8_t)(c % 11 ? 0 : c >> 8 & 7);
                                break;
                        case 3: /* two bytes, most well formed */
                                at[i++] = (uint8_t)(0xc0 + c % 32);
                                if (i < len)
                                        at[i++] = (uint8_t)(0x80 + (c >> 8) % 66);
                                break;
                        case 4: /* three and four */
                                at[i++] = (uint8_t)(0xe0 + c % 22);
                                for (int k = 0; k < 2 + (int)(c >> 32 & 1) && i < len; k++)
                                        at[i++] = (uint8_t)(0x80 + (c >> (8 + 8 * k)) % 65);
                                break;
                        case 5:
                                at[i++] = (uint8_t)(c % 9 ? 'a' + c % 26 : '\n');
                                break;
                        default:
                                at[i++] = (uint8_t)(' ' + c % 95);
                        }
                }
        }
}

static int by_place(const void *a, const void *b)
{
        const struct cs_string *x = a, *y = b;
        if (x->at != y->at)
                return x->at < y->at ? -1 : 1;
        return (int)x->encoding - (int)y->encoding;
}

/* Windows of `own` bytes find together what one window finds. */
static void windows_agree(const uint8_t *bytes, size_t len, size_t own)
{
        cs_string_vec whole = find_in(bytes, len, 0, len), parts = { 0 };
        struct cs_error err;
        for (size_t at = 0; at < len; at += own) {
                size_t before = at < CS_STRING_BEFORE ? at : CS_STRING_BEFORE;
                size_t end = len - at < own ? len : at + own;
                size_t behind = len - end < CS_STRING_BEHIND ? len - end : CS_STRING_BEHIND;
                /* A copy of just these bytes: the sanitizer sees whoever looks beyond. */
                size_t n = before + (end - at) + behind;
                uint8_t *copy = malloc(n);
                assert_non_null(copy);
                memcpy(copy, bytes + at - before, n);
                cs_string_vec some = find_in(copy, n, before, before + end - at);
                for (size_t i = 0; i < some.n; i++)
                        some.at[i].at += (uint32_t)(at - before);
                assert_int_equal(cs_vec_append(&parts, &some, &err), CS_OK);
                cs_vec_deinit(&some);
                free(copy);
        }
        qsort(whole.at, whole.n, sizeof(*whole.at), by_place);
        qsort(parts.at, parts.n, sizeof(*parts.at), by_place);
        assert_int_equal(whole.n, parts.n);
        for (size_t i = 0; i < whole.n; i++) {
                assert_int_equal(whole.at[i].at, parts.at[i].at);
                assert_int_equal(whole.at[i].len, parts.at[i].len);
                assert_int_equal(whole.at[i].encoding, parts.at[i].encoding);
                assert_int_equal(whole.at[i].open, parts.at[i].open);
        }
        cs_vec_deinit(&whole);
        cs_vec_deinit(&parts);
}

static void windows_find_each_once(void **state)
{
        enum { LEN = 1500 };
        uint8_t bytes[LEN];
        (void)state;
        for (uint64_t seed = 1; seed < 60; seed++) {
                fill(bytes, LEN, seed);
                windows_agree(bytes, LEN, 64);
                windows_agree(bytes, LEN, 1 + seed % 100);
        }
}

/* ---- by the letter ---- */

/* What the search must find of texts in bytes (lengths apart, which the above looks at), written as simply as can be. */
static size_t plainly(const uint8_t *b, size_t len, struct cs_string *out)
{
        size_t n = 0;
        for (size_t at = 0; at < len;) {
                size_t end = at;
                bool beyond = false;
                while (end < len) {
                        enum cs_encoding e = CS_ENCODING_ASCII;
                        bool ended;
                        size_t most = len - end < 4 ? len - end : 4, k;
                        for (k = 1; k <= most; k++)
                                if (cs_strings_more(&e, b + end, k, cs_textmask_best(), &ended) == k)
                                        break;
                        if (k > most)
                                break;
                        beyond |= e == CS_ENCODING_UTF8;
                        end += k;
                }
                if (end - at >= CS_STRING_LEAST)
                        out[n++] = (struct cs_string){ (uint32_t)at, (uint32_t)(end - at),
                                                       beyond ? CS_ENCODING_UTF8 : CS_ENCODING_ASCII, false };
                at = end + (end == at);
        }
        return n;
}

static void finds_what_a_plain_search_finds(void **state)
{
        enum { LEN = 3000 };
        uint8_t bytes[LEN];
        struct cs_string plain[LEN / CS_STRING_LEAST];
        (void)state;
        size_t exact = 0, texts = 0;
        for (uint64_t seed = 100; seed < 200; seed++) {
                fill(bytes, LEN, seed);
                bytes[LEN - 1] = 0;
                size_t n = plainly(bytes, LEN, plain), k = 0;
                cs_string_vec all = find_in(bytes, LEN, 0, LEN);
                qsort(all.at, all.n, sizeof(*all.at), by_place);
                for (size_t i = 0; i < all.n; i++) {
                        const struct cs_string *s = &all.at[i];
                        if (s->encoding == CS_ENCODING_UTF16LE)
                                continue;
                        while (k < n && plain[k].at + plain[k].len <= s->at)
                                k++;
                        assert_true(k < n);
                        assert_true(s->at >= plain[k].at);
                        assert_true(s->at + s->len <= plain[k].at + plain[k].len);
                        exact += s->at == plain[k].at && s->len == plain[k].len &&
                                 s->encoding == plain[k].encoding;
                }
                texts += n;
                cs_vec_deinit(&all);
        }
        /* Of random bytes few look as if they were a length before a text, which is none of it. */
        assert_true(texts > 1000);
        assert_in_range(exact, texts - texts / 100, texts);
}

static void compare_masks(cs_textmask_fn fast, const uint8_t *bytes)
{
        struct cs_textmask a = { 0 }, b = { 0 };
        cs_textmask_scalar(bytes, 1, &a);
        fast(bytes, 1, &b);
        assert_int_equal(a.plain, b.plain);
        assert_int_equal(a.wide, b.wide);
        assert_int_equal(a.beyond, b.beyond);
        if (!a.beyond)
                return;
        assert_int_equal(a.follow, b.follow);
        assert_int_equal(a.lead2, b.lead2);
        assert_int_equal(a.lead3, b.lead3);
        assert_int_equal(a.lead4, b.lead4);
}

static void every_way_gives_the_same_masks(void **state)
{
        const cs_textmask_fn ways[] = { cs_textmask_avx2(), cs_textmask_avx512() };
        uint8_t bytes[CS_TEXTMASK_READ];
        uint64_t seed = 7;
        (void)state;
        if (!ways[0]) {
                print_message("no AVX2 here: only the plain way was looked at\n");
                skip();
        }
        for (unsigned round = 0; round < 70000; round++) {
                if (round < 65536) /* every pair of bytes, at every place in turn */
                        for (size_t i = 0; i < sizeof(bytes); i++)
                                bytes[i] = (uint8_t)(i & 1 ? round >> 8 : round);
                else
                        fill(bytes, sizeof(bytes), rng(&seed));
                /* Some units in bytes of another sort. */
                if (round % 3 == 0)
                        memset(bytes + rng(&seed) % 50, (int)(rng(&seed) % 256), 1 + rng(&seed) % 15);
                for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
                        if (ways[i])
                                compare_masks(ways[i], bytes);
        }
        if (!ways[1])
                print_message("no AVX-512 here: that way was not looked at\n");
}

static void every_way_finds_the_same_classes(void **state)
{
        cs_classes_fn ways[] = { cs_classes_avx2(), cs_classes_avx512() };
        enum { BYTES = 2 * CS_CLASSES_BYTES };
        uint64_t seed = 8;
        (void)state;
        if (!ways[0]) {
                print_message("no AVX2 here: only the plain way was looked at\n");
                skip();
        }
        for (unsigned round = 0; round < 5000; round++) {
                struct cs_classes a[3], b[3];
                size_t n = rng(&seed) % (BYTES + 1);
                uint8_t *bytes =
                        malloc(n + 1); /* exactly so many, so that nothing behind them is read unseen */
                fill(bytes, n, rng(&seed));
                for (size_t i = 0; round < 256 && i < n; i++) /* every byte, at every place */
                        bytes[i] = (uint8_t)(round + i);
                cs_classes_scalar(bytes, n, a);
                for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                        if (!ways[i])
                                continue;
                        ways[i](bytes, n, b);
                        assert_memory_equal(a, b, (n / CS_CLASSES_BYTES + 1) * sizeof(a[0]));
                }
                free(bytes);
        }
        if (!ways[1])
                print_message("no AVX-512 here: that way was not looked at\n");
}

static void an_open_text_is_followed(void **state)
{
        bool ended;
        enum cs_encoding e = CS_ENCODING_ASCII;
        (void)state;
        assert_int_equal(cs_strings_more(&e, (const uint8_t *)"goes on", 7, cs_textmask_best(), &ended), 7);
        assert_false(ended);
        assert_int_equal(cs_strings_more(&e, (const uint8_t *)"to here\nand", 11, cs_textmask_best(), &ended),
                         7);
        assert_true(ended);
        assert_int_equal(e, CS_ENCODING_ASCII);
        assert_int_equal(cs_strings_more(&e, (const uint8_t *)"gr\xc3\xbc\xc3", 5, cs_textmask_best(),
                                         &ended),
                         4);
        assert_false(ended);
        assert_int_equal(e, CS_ENCODING_UTF8);
        e = CS_ENCODING_UTF16LE;
        assert_int_equal(cs_strings_more(&e, (const uint8_t *)"a\0b\0c", 5, cs_textmask_best(), &ended), 4);
        assert_false(ended);
        assert_int_equal(cs_strings_more(&e, (const uint8_t *)"a\0b\0\0\0", 6, cs_textmask_best(), &ended),
                         4);
        assert_true(ended);
}

static void transcription_stops_where_there_is_no_room(void **state)
{
        char out[4];
        (void)state;
        assert_int_equal(cs_strings_transcribe((const uint8_t *)"a\0\x3f\x04\x13\x20", 6, out, 4), 3);
        assert_memory_equal(out, "a\xd0\xbf", 3);
        assert_int_equal(cs_strings_transcribe((const uint8_t *)"\x13\x20", 2, out, 4), 3);
        assert_memory_equal(out, "\xe2\x80\x93", 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(finds_where_texts_stand),
                cmocka_unit_test(finds_counted_texts),
                cmocka_unit_test(finds_utf16),
                cmocka_unit_test(windows_find_each_once),
                cmocka_unit_test(finds_what_a_plain_search_finds),
                cmocka_unit_test(every_way_gives_the_same_masks),
                cmocka_unit_test(every_way_finds_the_same_classes),
                cmocka_unit_test(an_open_text_is_followed),
                cmocka_unit_test(transcription_stops_where_there_is_no_room),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
