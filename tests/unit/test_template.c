#include "template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

static uint64_t seed;

static uint32_t random_below(uint32_t n)
{
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)((seed >> 33) % n);
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
                text[i] = (uint8_t)random_below(256);
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

/* --- merging --- */

struct texts {
        struct cs_template *masked; /* distinct */
        struct cs_template_count *counts;
        uint32_t *group_of;
        size_t n, cap;
        uint32_t *slots; /* hash table: 1 + index into masked */
        size_t slot_count;
        struct cs_template_groups *groups;
};

static struct texts *texts_create(size_t cap)
{
        struct texts *t = calloc(1, sizeof(*t));
        assert_non_null(t);
        t->cap = cap;
        t->slot_count = cap * 2 + 1;
        t->masked = calloc(cap, sizeof(*t->masked));
        t->counts = calloc(cap, sizeof(*t->counts));
        t->group_of = calloc(cap, sizeof(*t->group_of));
        t->slots = calloc(t->slot_count, sizeof(*t->slots));
        assert_true(t->masked && t->counts && t->group_of && t->slots);
        return t;
}

static void texts_destroy(struct texts *t)
{
        cs_template_groups_destroy(t->groups);
        free(t->masked);
        free(t->counts);
        free(t->group_of);
        free(t->slots);
        free(t);
}

static size_t texts_add(struct texts *t, const char *text)
{
        struct cs_template m;
        mask_text(text, &m);
        uint64_t h = 14695981039346656037u;
        for (size_t i = 0; i < m.len; i++)
                h = (h ^ (uint8_t)m.text[i]) * 1099511628211u;
        size_t at = h % t->slot_count;
        for (; t->slots[at]; at = (at + 1) % t->slot_count) {
                const struct cs_template *have = &t->masked[t->slots[at] - 1];
                if (have->len == m.len && have->cut == m.cut && memcmp(have->text, m.text, m.len) == 0)
                        break;
        }
        if (!t->slots[at]) {
                assert_true(t->n < t->cap);
                t->masked[t->n] = m;
                t->counts[t->n] = (struct cs_template_count){ .text = t->masked[t->n].text,
                                                              .len = (uint32_t)m.len,
                                                              .cut = m.cut };
                t->slots[at] = (uint32_t)++t->n;
        }
        t->counts[t->slots[at] - 1].count++;
        return t->slots[at] - 1;
}

static void texts_merge(struct texts *t)
{
        struct cs_error err;
        assert_int_equal(cs_template_merge(t->counts, t->n, t->group_of, &t->groups, &err), CS_OK);
}

static const struct cs_template_group *group_with(const struct texts *t, const char *text)
{
        for (size_t i = 0; i < cs_template_groups_count(t->groups); i++) {
                const struct cs_template_group *g = cs_template_groups_at(t->groups, i);
                if (g->len == strlen(text) && memcmp(g->text, text, g->len) == 0)
                        return g;
        }
        return NULL;
}

static void print_groups(const struct texts *t)
{
        for (size_t i = 0; i < cs_template_groups_count(t->groups); i++) {
                const struct cs_template_group *g = cs_template_groups_at(t->groups, i);
                print_message("%8llu %.*s\n", (unsigned long long)g->count, (int)g->len, g->text);
        }
}

/* One text of a source: in its pattern, %d is a number, %x a hex id of 8 digits, %X one of 32, %u a UUID, %e
 * a mail address, %w a word out of 500, %b a base64 token of 24 (%s: the kind for URLs),
 * %t a time, %f a decimal fraction. */
static size_t put_random(char *out, char what)
{
        static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        size_t n = 0;
        unsigned w = random_below(500);
        switch (what) {
        case 'd':
                return (size_t)sprintf(out, "%u", random_below(1u << (4 + random_below(20))));
        case 'x':
                return (size_t)sprintf(out, "%04x%04x", random_below(65536), random_below(65536));
        case 'X':
                for (int i = 0; i < 8; i++)
                        n += (size_t)sprintf(out + n, "%04x", random_below(65536));
                return n;
        case 'u':
                return (size_t)sprintf(out, "%04x%04x-%04x-4%03x-a%03x-%04x%04x%04x", random_below(65536),
                                       random_below(65536), random_below(65536), random_below(4096),
                                       random_below(4096), random_below(65536), random_below(65536),
                                       random_below(65536));
        case 'e':
                return (size_t)sprintf(out, "user.%c%u@mail.example.org", 'a' + (int)random_below(26),
                                       random_below(999));
        case 'w': /* two syllables, made so that 500 differ */
                return (size_t)sprintf(out, "%c%c%c%c%c", "bdfgklmnprst"[w % 12], "aeiou"[w / 12 % 5],
                                       "lmnrst"[w / 60 % 6], "aeo"[w / 360 % 3], "nrs"[w % 3]);
        case 'b':
        case 's':
                for (; n < 24; n++)
                        out[n] = (what == 'b' ? base64 : base64url)[random_below(64)];
                return n;
        case 't':
                return (size_t)sprintf(out, "2024-%02u-%02uT%02u:%02u:%02uZ", 1 + random_below(12),
                                       1 + random_below(28), random_below(24), random_below(60),
                                       random_below(60));
        default:
                return (size_t)sprintf(out, "%u.%02u", random_below(1000), random_below(100));
        }
}

static void make_text(const char *pattern, char *out)
{
        for (; *pattern; pattern++) {
                if (*pattern == '%')
                        out += put_random(out, *++pattern);
                else
                        *out++ = *pattern;
        }
        *out = 0;
}

static const char *const sources[] = {
        "POST /api/router/%d HTTP/1.1",
        "GET /api/router/%d HTTP/1.1",
        "session=%X; theme=dark; uid=%d",
        "GET /users/%w/profile HTTP/1.1\r\nHost: router.example.com\r\nAccept: */*\r\n",
        "GET /users/%w/orders HTTP/1.1\r\nHost: router.example.com\r\nAccept: */*\r\n",
        "{\"id\":\"%u\",\"name\":\"%w\",\"email\":\"%e\",\"age\":%d}",
        "{\"type\":\"order\",\"id\":%d,\"total\":%f,\"placed\":\"%t\"}",
        "{\"type\":\"refund\",\"id\":%d,\"total\":%f,\"placed\":\"%t\"}",
        "action=checkout&cart=%u&csrf=%X&amount=%f&return_to=/shop/orders",
        "user %w logged in from 10.1.2.3 port %d",
        "user %w logged out after %d seconds",
        "worker-%d: job %x done in %fms",
        "worker-%d: job %x failed: timeout",
        "Authorization: Bearer %s",
        "INSERT INTO orders (id, name, total) VALUES (%d, '%w', %f)",
        "SELECT * FROM users WHERE id = %d AND name = '%w'",
        "/var/spool/jobs/%x/input.json",
        "cache miss for key item:%d:%w (generation %d)",
        "Subject: invoice for %w number %d",
        "trace=%X span=%x parent=%x sampled=true",
};

enum { SOURCES = sizeof(sources) / sizeof(sources[0]), EACH = 3000 };

static void twenty_sources_are_twenty_groups(void **state)
{
        (void)state;
        static const char *const rare[] = { "disk almost full", "worker pool started: all fine",
                                            "config: no such file" };
        struct texts *t = texts_create(SOURCES * EACH + 16);
        static uint32_t of[SOURCES][EACH];
        char text[1024];
        seed = 1;
        for (size_t k = 0; k < EACH; k++) {
                for (size_t s = 0; s < SOURCES; s++) {
                        make_text(sources[s], text);
                        of[s][k] = (uint32_t)texts_add(t, text);
                }
        }
        size_t singles[3];
        for (size_t i = 0; i < 3; i++)
                singles[i] = texts_add(t, rare[i]);
        texts_merge(t);
        if (cs_template_groups_count(t->groups) != SOURCES + 3)
                print_groups(t);
        assert_int_equal(cs_template_groups_count(t->groups), SOURCES + 3);
        for (size_t s = 0; s < SOURCES; s++) {
                uint32_t g = t->group_of[of[s][0]];
                assert_int_equal(cs_template_groups_at(t->groups, g)->count, EACH);
                for (size_t k = 0; k < EACH; k++)
                        assert_int_equal(t->group_of[of[s][k]], g);
        }
        for (size_t i = 0; i < 3; i++) {
                const struct cs_template_group *g = cs_template_groups_at(t->groups, t->group_of[singles[i]]);
                assert_int_equal(g->count, 1);
                assert_int_equal(g->len, strlen(rare[i]));
        }
        assert_non_null(group_with(t, "user <*> logged out after <n> seconds"));
        assert_non_null(group_with(t, "session=<hex>; theme=dark; uid=<n>"));
        assert_non_null(
                group_with(t,
                           "GET /users/<*>/orders HTTP/1.1\r\nHost: router.example.com\r\nAccept: */*\r\n"));
        texts_destroy(t);
}

/* With slashes a token may look like a path by chance (/save/Kx3...): one in some thousands stays apart. */
static void base64_with_slashes(void **state)
{
        (void)state;
        struct texts *t = texts_create(20000);
        char text[64];
        seed = 5;
        for (size_t i = 0; i < 20000; i++) {
                make_text("Bearer %b", text);
                texts_add(t, text);
        }
        texts_merge(t);
        const struct cs_template_group *g = group_with(t, "Bearer <b64>");
        if (!g || g->count < 19980)
                print_groups(t);
        assert_non_null(g);
        assert_true(g->count >= 19980);
        texts_destroy(t);
}

/* Texts longer than the input window are cut at varying places. */
static void cut_texts_stay_together(void **state)
{
        (void)state;
        static const char *const heads[] = {
                "{\"kind\":\"telemetry\",\"device\":\"%u\",\"sequence\":%d,\"readings\":[",
                "{\"kind\":\"audit\",\"actor\":{\"email\":\"%e\",\"account\":%d},\"spans\":[",
        };
        static const char *const items[] = {
                "{\"sensor\":\"inlet\",\"celsius\":%f,\"rpm\":%d,\"at\":\"%t\"},",
                "{\"span\":\"%x\",\"took\":%f,\"parent\":\"%X\",\"n\":%d},",
        };
        struct texts *t = texts_create(8000);
        seed = 2;
        for (size_t k = 0; k < 6000; k++) {
                char text[8192], part[512];
                make_text(heads[k % 2], text);
                while (strlen(text) < 1500) {
                        make_text(items[k % 2], part);
                        strcat(text, part);
                }
                texts_add(t, text);
        }
        texts_merge(t);
        if (cs_template_groups_count(t->groups) != 2)
                print_groups(t);
        assert_int_equal(cs_template_groups_count(t->groups), 2);
        for (size_t g = 0; g < 2; g++)
                assert_int_equal(cs_template_groups_at(t->groups, g)->count, 3000);
        texts_destroy(t);
}

static void order_of_input_has_no_influence(void **state)
{
        (void)state;
        struct texts *a = texts_create(8000), *b = texts_create(8000);
        char(*texts)[256] = calloc(6000, sizeof(*texts));
        assert_non_null(texts);
        seed = 3;
        for (size_t i = 0; i < 6000; i++)
                make_text(sources[i % SOURCES], texts[i]);
        for (size_t i = 0; i < 6000; i++)
                texts_add(a, texts[i]);
        for (size_t i = 6000; i-- > 0;)
                texts_add(b, texts[i]);
        texts_merge(a);
        texts_merge(b);
        assert_int_equal(cs_template_groups_count(a->groups), cs_template_groups_count(b->groups));
        for (size_t i = 0; i < cs_template_groups_count(a->groups); i++) {
                const struct cs_template_group *x = cs_template_groups_at(a->groups, i);
                const struct cs_template_group *y = cs_template_groups_at(b->groups, i);
                assert_int_equal(x->count, y->count);
                assert_int_equal(x->len, y->len);
                assert_memory_equal(x->text, y->text, x->len);
        }
        free(texts);
        texts_destroy(a);
        texts_destroy(b);
}

static void small_sets(void **state)
{
        (void)state;
        struct texts *t = texts_create(8);
        texts_merge(t);
        assert_int_equal(cs_template_groups_count(t->groups), 0);
        texts_destroy(t);

        t = texts_create(8);
        texts_add(t, "");
        texts_add(t, "GET /a HTTP/1.1");
        texts_add(t, "POST /a HTTP/1.1");
        texts_merge(t);
        assert_int_equal(cs_template_groups_count(t->groups), 3);
        assert_non_null(group_with(t, ""));
        assert_non_null(group_with(t, "POST /a HTTP/1.1"));
        texts_destroy(t);
}

/* Two paths that are both common stay two; the many rare ones beside them are one. */
static void common_paths_stay_apart(void **state)
{
        (void)state;
        struct texts *t = texts_create(2000);
        char text[256];
        for (size_t i = 0; i < 1000; i++) {
                texts_add(t, "GET /index HTTP/1.1");
                texts_add(t, "GET /login HTTP/1.1");
        }
        seed = 4;
        for (size_t i = 0; i < 200; i++) {
                make_text("GET /%w%w HTTP/1.1", text);
                texts_add(t, text);
        }
        texts_merge(t);
        assert_int_equal(cs_template_groups_count(t->groups), 3);
        assert_int_equal(group_with(t, "GET /index HTTP/1.1")->count, 1000);
        assert_int_equal(group_with(t, "GET /<*> HTTP/1.1")->count, 200);
        texts_destroy(t);
}

static void refuses_too_many(void **state)
{
        (void)state;
        struct cs_template_groups *groups = NULL;
        struct cs_error err;
        assert_int_equal(cs_template_merge(NULL, ((size_t)1 << 20) + 1, NULL, &groups, &err), CS_ELIMIT);
        assert_null(groups);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(masks_typed_parts),
                cmocka_unit_test(never_grows_beyond_its_room),
                cmocka_unit_test(cuts_at_a_whole_part),
                cmocka_unit_test(hostile_bytes_are_harmless),
                cmocka_unit_test(twenty_sources_are_twenty_groups),
                cmocka_unit_test(base64_with_slashes),
                cmocka_unit_test(cut_texts_stay_together),
                cmocka_unit_test(order_of_input_has_no_influence),
                cmocka_unit_test(small_sets),
                cmocka_unit_test(common_paths_stay_apart),
                cmocka_unit_test(refuses_too_many),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
