#include "template.h"
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
        { "33 bytes copied without NUL, stale rounding",
          "POST /api/router/1234 HTTP/1.1 ab\x07\x01\xff\xfe\x01\x02\x03", 40, true, 33 },
        { "33 bytes without NUL in a larger block",
          "POST /api/router/1234 HTTP/1.1 ab\x07\x01\xff\xfe\x01\x02\x03" Z8 Z8, 56, false, 33 },
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

/* --- masks --- */

static void mask_text(const char *text, struct cs_template *t)
{
        cs_template_mask((const uint8_t *)text, strlen(text), t);
}

/* Each row names the edge it stands for by its content. */
static const struct {
        const char *text;
        const char *masked;
} masks[] = {
        { "", "" },
        { "plain words stay", "plain words stay" },
        { "<n> literal <uuid>", "<n> literal <uuid>" },
        { "POST /api/router/1234 HTTP/1.1\r\n", "POST /api/router/<n> HTTP/1.1\r\n" },
        { "GET / HTTP/1.0", "GET / HTTP/1.0" },
        { "Cookie: session=9f86d081884c7d659a2feaa0c55ad015; theme=dark; uid=4711",
          "Cookie: session=<hex>; theme=dark; uid=<n>" },
        { "a=1&b=-2.5&name=John+Smith&x=%2Fshop%2Forders", "a=<n>&b=<n>&name=John+Smith&x=%2Fshop%2Forders" },
        { "{\"id\":17,\"t\":-1.5e-7,\"ok\":true}", "{\"id\":<n>,\"t\":<n>,\"ok\":true}" },
        { "user123 at host7.example", "user<n> at host<n>.example" },
        { "libfoo.so.3 v1.2.3", "libfoo.so.<n> v<n>" },
        { "deadbeef01: 0x7f; 0xCAFE: 0x", "<hex>: <hex>; <hex>: <n>x" },
        { "defaced facade", "defaced facade" },
        { "3f2a9b 12e4 15ms 4711", "<hex> <n> <n>ms <n>" },
        { "1700000000000000000 123456789012345678901234", "<n> <hex>" },
        { "550e8400-e29b-41d4-a716-446655440000", "<uuid>" },
        { "id=F47AC10B-58CC-4372-A567-0E02B2C3D479;", "id=<uuid>;" },
        { "10.0.0.1:8080/256.1.1.1/1.2.3.4.5", "<ip>:<n>/<n>/<n>" },
        { "fe80::1ff:fe23:4567:890a 2001:db8::1", "<ip> <ip>" },
        { "aa:bb:cc:dd:ee:ff 00:1a:2b:3c:4d:5e", "<mac> <mac>" },
        { "2015-07-29 17:41:44,747", "<time>" },
        { "at 2024-01-01T00:00:00.123Z.", "at <time>." },
        { "\"taken_at\":\"2024-01-01T00:00:00+02:00\"", "\"taken_at\":\"<time>\"" },
        { "2005-06-03-15.42.50.675872", "<time>" },
        { "[10/Oct/2000:13:55:36 -0700]", "[<time>]" },
        { "Date: Tue, 15 Nov 1994 08:12:31 GMT", "Date: <time>" },
        { "Sun Dec 04 04:47:44 2005", "<time>" },
        { "17/06/09 20:10:40 INFO", "<time> INFO" },
        { "time=12%3A30%3A00", "time=<time>" },
        { "12:75 is not one", "<n>:<n> is not one" },
        { "mail alice.b+c@mail.example.org.", "mail <email>." },
        { "q=bob%40example.com&x", "q=<email>&x" },
        { "root@localhost Foo@1a2b3c", "root@localhost Foo@<hex>" },
        { "tok=aB3xK9pQ2rT7vW1z; z=abc/Df9+kJ2lMn3OpQ4rS5tU6v==", "tok=<b64>; z=<b64>" },
        { "/files/dQw4w9WgXcQaB3dE5xyz/view", "/files/<b64>/view" },
        { "GetUserById2Response NettyBlockTransferService",
          "GetUserById<n>Response NettyBlockTransferService" },
        { "01ARZ3NDEKTSV4RRFFQ69G5FAV", "<b64>" },
        { "utf8 SHA256 x86 base64 UTF-8", "utf8 SHA256 x86 base64 UTF-8" },
        { "X11 on x86_64, x86_63", "X11 on x86_64, x86_<n>" },
        { "<?xml version=\"1.0\"?><a version=\"2.0\">", "<?xml version=\"1.0\"?><a version=\"<n>\">" },
        { "0x52908400098527886E0F7030069857D2E4169EE7 0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe",
          "<hex> <hex>" },
        { "loofa_Kx3bQ9zTr7WmP2vY8sJd4", "<b64>" },
        { "user_name_of_the_host Content-Security-Policy-Report",
          "user_name_of_the_host Content-Security-Policy-Report" },
        { "a\\nbC3dE5fG7hI9jK1lM3\\n", "a\\n<b64>\\n" },
        { "----------------====================", "<rep><rep>" },
        { "---------------", "---------------" },
        { "0000000000000000000000", "<rep>" },
        { "[1,2] [1,2,3] [1,2,3,4,5]", "[<n>,<n>] [<n>,<n>,...] [<n>,<n>,...]" },
        { "12 KB - 1.5MiB - 7 B - 3 Bytes", "<n> - <n> - <n> - <n> Bytes" },
        { "two  blanks\t\tand tabs", "two blanks and tabs" },
        { "blk_-69 blk_38 page-12 -5 x=+5", "blk_<n> blk_<n> page-<n> <n> x=+<n>" },
        { "Gr\xc3\xbc\xc3\x9f"
          "e 7",
          "Gr\xc3\xbc\xc3\x9f"
          "e <n>" },
};

static void masks_typed_parts(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
                struct cs_template t;
                mask_text(masks[i].text, &t);
                if (t.len != strlen(masks[i].masked) || memcmp(t.text, masks[i].masked, t.len) != 0)
                        fail_msg("'%s': '%.*s', not '%s'", masks[i].text, (int)t.len, t.text,
                                 masks[i].masked);
                assert_false(t.cut);
        }
}

/* Many short numbers become longer as masks; the text ends in a whole part all the same. */
static void never_grows_beyond_its_room(void **state)
{
        (void)state;
        char text[CS_TEMPLATE_INPUT + 1];
        struct cs_template t;
        for (size_t i = 0; i < CS_TEMPLATE_INPUT; i++)
                text[i] = i % 2 ? (i % 4 == 1 ? ';' : '-') : '7';
        cs_template_mask((const uint8_t *)text, CS_TEMPLATE_INPUT, &t);
        assert_true(t.cut);
        assert_true(t.len <= CS_TEMPLATE_BYTES);
        assert_true(t.text[t.len - 1] == ';');
}

static void cuts_at_a_whole_part(void **state)
{
        (void)state;
        char text[2048] = "";
        struct cs_template t;
        while (strlen(text) < 1024)
                strcat(text, "name=value another=12345678 ");
        mask_text(text, &t);
        assert_true(t.cut);
        assert_true(t.text[t.len - 1] == ' ' || t.text[t.len - 1] == '=');
}

/* A word without an end is known by its beginning, in whole characters. */
static void long_words_keep_their_beginning(void **state)
{
        (void)state;
        char text[2000] = "x";
        struct cs_template t;
        while (strlen(text) < 1500)
                strcat(text, "\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97");
        mask_text(text, &t);
        assert_true(t.cut);
        assert_int_equal(t.len, 31);
        assert_memory_equal(t.text, text, t.len);
}

static void hostile_bytes_are_harmless(void **state)
{
        (void)state;
        enum { SIZE = 1 << 20 };
        uint8_t *text = malloc(SIZE);
        struct cs_template t;
        assert_non_null(text);
        for (const char *fill = "<7a@%:-/=.Jx\xff"; *fill; fill++) {
                memset(text, *fill, SIZE);
                cs_template_mask(text, SIZE, &t);
                assert_true(t.cut && t.len <= CS_TEMPLATE_BYTES);
        }
        for (size_t i = 0; i < SIZE; i++)
                text[i] = (uint8_t)rand();
        for (size_t i = 0; i + 600 < SIZE; i += 97) {
                cs_template_mask(text + i, 600, &t);
                assert_true(t.len <= CS_TEMPLATE_BYTES);
        }
        /* Every cut of a text with all forms: nothing is read beyond the end (the sanitizer watches). */
        for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
                for (size_t n = strlen(masks[i].text); n > 0; n--) {
                        uint8_t *exact = malloc(n);
                        assert_non_null(exact);
                        memcpy(exact, masks[i].text, n);
                        cs_template_mask(exact, n, &t);
                        free(exact);
                }
        }
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(finds_runs),
                cmocka_unit_test(every_byte_at_every_place),
                cmocka_unit_test(agrees_with_a_slow_decoder),
                cmocka_unit_test(judges_blocks),
                cmocka_unit_test(body_in_a_large_buffer),
                cmocka_unit_test(masks_typed_parts),
                cmocka_unit_test(never_grows_beyond_its_room),
                cmocka_unit_test(cuts_at_a_whole_part),
                cmocka_unit_test(hostile_bytes_are_harmless),
                cmocka_unit_test(long_words_keep_their_beginning),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
