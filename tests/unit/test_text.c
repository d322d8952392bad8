#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
        const char *name;
        const char *bytes;
        size_t len;
        size_t run;
} runs[] = {
        { "empty", "", 0, 0 },
        { "tab, CR, LF", "a\tb\r\nc", 6, 6 },
        { "NUL ends", "abc\0def", 7, 3 },
        { "escape ends", "abc\x1b[0m", 7, 3 },
        { "DEL ends", "abc\x7f", 4, 3 },
        { "two bytes",
          "\xc3\xa4"
          "b",
          3, 3 },
        { "C1 control", "a\xc2\x85", 3, 1 },
        { "first beyond C1", "a\xc2\xa0", 3, 3 },
        { "overlong slash", "a\xc0\xaf", 3, 1 },
        { "overlong of three", "a\xe0\x80\xaf", 4, 1 },
        { "surrogate", "a\xed\xa0\x80", 4, 1 },
        { "last before surrogates", "a\xed\x9f\xbf", 4, 4 },
        { "noncharacter fdd0", "a\xef\xb7\x90", 4, 1 },
        { "noncharacter ffff", "a\xef\xbf\xbf", 4, 1 },
        { "four bytes", "a\xf0\x9f\x98\x80", 5, 5 },
        { "noncharacter 1ffff", "a\xf0\x9f\xbf\xbf", 5, 1 },
        { "overlong of four", "a\xf0\x80\x80\xaf", 5, 1 },
        { "last code point's neighbour", "a\xf4\x8f\xbf\xbd", 5, 5 },
        { "beyond Unicode", "a\xf4\x90\x80\x80", 5, 1 },
        { "lone continuation", "a\x80", 2, 1 },
        { "cut by the end", "a\xe2\x82", 3, 1 },
        { "cut by ASCII",
          "a\xe2\x82"
          "b",
          4, 1 },
        { "f8 leads nothing", "a\xf8\x88\x80\x80\x80", 6, 1 },
};

static void finds_runs(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
                size_t run = cs_text_run((const uint8_t *)runs[i].bytes, runs[i].len);
                if (run != runs[i].run)
                        fail_msg("%s: %zu, not %zu", runs[i].name, run, runs[i].run);
        }
}

/* Every byte value at every place of the fast path, in a buffer of just this size. */
static void every_byte_at_every_place(void **state)
{
        (void)state;
        for (size_t len = 1; len <= 48; len++) {
                uint8_t *bytes = malloc(len);
                assert_non_null(bytes);
                for (size_t at = 0; at < len; at++) {
                        for (unsigned c = 0; c < 256; c++) {
                                bool text = (c >= ' ' && c < 0x7f) || c == '\t' || c == '\n' || c == '\r';
                                memset(bytes, 'x', len);
                                bytes[at] = (uint8_t)c;
                                assert_int_equal(cs_text_run(bytes, len), text ? len : at);
                        }
                }
                free(bytes);
        }
}

/* Every byte pattern of up to three beyond ASCII agrees with a slow decoder that is written from the
 * standard's table. */
static size_t slow_sequence(const uint8_t *b, size_t len)
{
        static const struct {
                uint8_t low[4], high[4];
                size_t n;
        } forms[] = {
                { { 0xc2, 0x80 }, { 0xdf, 0xbf }, 2 },
                { { 0xe0, 0xa0, 0x80 }, { 0xe0, 0xbf, 0xbf }, 3 },
                { { 0xe1, 0x80, 0x80 }, { 0xec, 0xbf, 0xbf }, 3 },
                { { 0xed, 0x80, 0x80 }, { 0xed, 0x9f, 0xbf }, 3 },
                { { 0xee, 0x80, 0x80 }, { 0xef, 0xbf, 0xbf }, 3 },
        };
        if (b[0] == 0xc2 && b[1] < 0xa0)
                return 0;
        if (b[0] == 0xef && len > 2 &&
            ((b[1] == 0xb7 && b[2] >= 0x90 && b[2] <= 0xaf) || (b[1] == 0xbf && b[2] >= 0xbe)))
                return 0;
        for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
                size_t i = 0;
                while (i < forms[f].n && i < len && b[i] >= forms[f].low[i] && b[i] <= forms[f].high[i])
                        i++;
                if (i == forms[f].n)
                        return i;
        }
        return 0;
}

static void agrees_with_a_slow_decoder(void **state)
{
        (void)state;
        for (unsigned lead = 0x80; lead < 0xf0; lead++) {
                for (unsigned second = 0; second < 256; second++) {
                        for (unsigned third = 0x70; third < 0xd0; third++) {
                                uint8_t bytes[] = { (uint8_t)lead, (uint8_t)second, (uint8_t)third, 0 };
                                size_t want = slow_sequence(bytes, 3);
                                size_t have = cs_text_run(bytes, 3);
                                if (want == 0 ? have != 0 : have < want)
                                        fail_msg("%02x %02x %02x: %zu, not %zu", lead, second, third, have,
                                                 want);
                        }
                }
        }
}

#define Z8 "\0\0\0\0\0\0\0\0"
#define HEAP "\xa0\x12\x34\x9c\x55\x55\0\0"
#define LIBRARY "\x40\xe1\xf2\xf7\xff\x7f\0\0"

static const struct {
        const char *name;
        const char *bytes;
        size_t len;
        bool text;
        size_t run;
} blocks[] = {
        { "zeros", Z8 Z8 Z8, 24, false, 0 },
        { "three characters", "abc\0\0\0\0\0" Z8 Z8, 24, false, 3 },
        { "strdup of four, fresh", "root\0\0\0\0" Z8 Z8, 24, true, 4 },
        { "strdup of four, stale bytes in its word", "root\0\x55\0\0" Z8 Z8, 24, true, 4 },
        { "strdup of four, stale end", "root\0\0\0\0" Z8 HEAP, 24, true, 4 },
        { "int 0x41424344 and a pointer", "DCBA\0\0\0\0" HEAP Z8, 24, false, 4 },
        { "printable int, no name", "D#{A\0\0\0\0" Z8 Z8, 24, false, 4 },
        { "magic number in a large structure", "DCBA\0\0\0\0" Z8 HEAP LIBRARY "\5\0\0\0\0\0\0\0", 40, false,
          4 },
        { "short name in a zeroed buffer", "root\0\0\0\0" Z8 Z8 Z8 Z8, 40, true, 4 },
        { "heap address of printable bytes", "0abcdU\0\0" Z8 Z8, 24, false, 6 },
        { "name of six that ends in U", "abcdeU\0\0" Z8 Z8, 24, true, 6 },
        { "pointers", HEAP LIBRARY Z8, 24, false, 0 },
        { "eight characters and no NUL behind them: a number", "abcdefgh\1\0\0\0\0\0\0\0" Z8, 24, false, 8 },
        { "strdup of eight, stale slack", "abcdefgh\0\0\0\0\0\0\0\0" HEAP, 24, true, 8 },
        { "strdup of 23 fills the block", "abcdefghijklmnopqrstuvw", 24, true, 23 },
        { "24 characters without NUL", "abcdefghijklmnopqrstuvwx", 24, true, 24 },
        { "four bytes without NUL", "abcd", 4, false, 4 },
        { "end cuts a character", "abcdefghijklmnopqrstuv\xe2\x82", 24, true, 22 },
        { "end cuts no character", "abcdefghijklmnopqrstuv\xe2\x41", 24, false, 22 },
        { "name[16] and fields", "worker-1\0\0\0\0\0\0\0\0" HEAP LIBRARY "\3\0\0\0\1\0\0\0" HEAP LIBRARY, 56,
          false, 8 },
        { "grown string, half full, stale slack", "abcdefghijklmnopqrstuvwxyz012\0\0\0" HEAP LIBRARY Z8, 56,
          true, 29 },
        { "short text in a zeroed buffer", "worker-1\0\0\0\0\0\0\0\0" Z8 Z8 Z8 Z8 Z8, 56, true, 8 },
        { "short text, stale text behind", "worker-1\0old text that was here before, and some more.", 55,
          true, 8 },
        { "JSON", "{\"id\":1,\"ok\":true}\0\0\0\0\0\0", 24, true, 18 },
        { "vtable first", LIBRARY "abcdefghijklmno", 24, false, 1 },
};

static void judges_blocks(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
                size_t run = 0;
                uint8_t *exact = malloc(blocks[i].len);
                assert_non_null(exact);
                memcpy(exact, blocks[i].bytes, blocks[i].len);
                bool text = cs_text_block(exact, blocks[i].len, &run);
                if (text != blocks[i].text || run != blocks[i].run)
                        fail_msg("%s: %d, run %zu", blocks[i].name, text, run);
                /* Any cut of it: nothing beyond the end is read (the sanitizer watches). */
                for (size_t n = 0; n < blocks[i].len; n++) {
                        uint8_t *cut = malloc(n ? n : 1);
                        assert_non_null(cut);
                        memcpy(cut, exact, n);
                        cs_text_block(cut, n, &run);
                        free(cut);
                }
                free(exact);
        }
}

/* A body in a read buffer many times its size, with binary bytes left behind it. */
static void body_in_a_large_buffer(void **state)
{
        (void)state;
        uint8_t block[16384];
        size_t run;
        for (size_t i = 0; i + 8 <= sizeof(block); i += 8)
                memcpy(block + i, HEAP, 8);
        memset(block, 'b', 1500);
        block[1500] = 0;
        assert_true(cs_text_block(block, sizeof(block), &run));
        assert_int_equal(run, 1500);
        block[100] = 0;
        memcpy(block + 104, block + 8000, 1400);
        assert_false(cs_text_block(block, sizeof(block), &run));
        assert_int_equal(run, 100);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(finds_runs),
                cmocka_unit_test(every_byte_at_every_place),
                cmocka_unit_test(agrees_with_a_slow_decoder),
                cmocka_unit_test(judges_blocks),
                cmocka_unit_test(body_in_a_large_buffer),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
