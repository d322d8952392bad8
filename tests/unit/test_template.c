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

enum { WORKERS = 3 };

static uint64_t seed;

static uint32_t random_below(uint32_t n)
{
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)((seed >> 33) % n);
}

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
        assert_int_equal(cs_template_merge(t->counts, t->n, WORKERS, t->group_of, &t->groups, &err), CS_OK);
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

static size_t put_letters(char *out, size_t n, const char *letters)
{
        uint32_t kinds = (uint32_t)strlen(letters);
        for (size_t i = 0; i < n; i++)
                out[i] = letters[random_below(kinds)];
        return n;
}

#define BASE62 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Tokens: %b base64 of 24 (%s: the kind for URLs), %L of a line of 64, %B of 1500; %J base64url of 43 and
 * more; %A 40 hex digits of either case, %a 8 letters or digits; %R repeats abc. Words: %p a person, %k a
 * keyword. */
static size_t put_special(char *out, char what)
{
        static const char *const people[] = { "alice",   "bob",   "carol",  "dave",  "erin", "frank",
                                              "grace",   "ivan",  "judy",   "oscar", "niaj", "heidi",
                                              "mallory", "trent", "olivia", "peggy", "sybil" };
        static const char *const keywords[] = {
                "order", "refund", "invoice", "shipment", "payment", "return"
        };
        size_t n = 0;
        switch (what) {
        case 'b':
                return put_letters(out, 24, BASE62 "+/");
        case 's':
                return put_letters(out, 24, BASE62 "-_");
        case 'L':
                return put_letters(out, 64, BASE62 "+/");
        case 'B':
                return put_letters(out, 1500, BASE62 "+/");
        case 'J':
                return put_letters(out, 43 + random_below(40), BASE62 "-_");
        case 'A':
                return put_letters(out, 40, "0123456789abcdefABCDEF");
        case 'a':
                return put_letters(out, 8, "abcdefghijklmnopqrstuvwxyz0123456789");
        case 'p':
                return (size_t)sprintf(out, "%s", people[random_below(17)]);
        case 'k':
                return (size_t)sprintf(out, "%s", keywords[random_below(6)]);
        default:
                for (size_t len = 600 + random_below(500); n < len; n++)
                        out[n] = "abc"[n % 3];
                return n;
        }
}

/* One text of a source: in its pattern, %d is a number, %x a hex id of 8 digits, %X one of 32, %u a UUID, %e
 * a mail address, %w a word out of 500, %t a time, %f a decimal fraction; others see put_special(). */
static size_t put_random(char *out, char what)
{
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
        case 't':
                return (size_t)sprintf(out, "2024-%02u-%02uT%02u:%02u:%02uZ", 1 + random_below(12),
                                       1 + random_below(28), random_below(24), random_below(60),
                                       random_below(60));
        case 'f':
                return (size_t)sprintf(out, "%u.%02u", random_below(1000), random_below(100));
        default:
                return put_special(out, what);
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

static void same_groups(const struct cs_template_groups *a, const struct cs_template_groups *b)
{
        assert_int_equal(cs_template_groups_count(a), cs_template_groups_count(b));
        for (size_t i = 0; i < cs_template_groups_count(a); i++) {
                const struct cs_template_group *x = cs_template_groups_at(a, i),
                                               *y = cs_template_groups_at(b, i);
                assert_int_equal(x->count, y->count);
                assert_int_equal(x->len, y->len);
                assert_memory_equal(x->text, y->text, x->len);
        }
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
        same_groups(a->groups, b->groups);
        free(texts);
        texts_destroy(a);
        texts_destroy(b);
}

/* Texts that begin alike for long, end early, have zeros in them, or were cut; each is another. */
static void make_alike(size_t number, char *text, struct cs_template_count *out)
{
        static const char *const words[] = {
                "cache miss for key ", "user=<n> ", "/var/log/app/", "<uuid>", "=", "{", " of 8 b"
        };
        size_t len = 0, repeated = random_below(12);
        for (size_t i = 0; i < repeated; i++)
                len += (size_t)sprintf(text + len, "%s", words[random_below(3) ? 0 : random_below(7)]);
        len += (size_t)sprintf(text + len, "%c%zx", 'g' + (int)random_below(3), number);
        for (size_t i = random_below(4) ? 0 : random_below(20); i > 0; i--)
                text[len++] = 0;
        *out = (struct cs_template_count){ text, (uint32_t)len, random_below(4) == 0, 1 + random_below(100) };
}

static void threads_have_no_influence(void **state)
{
        (void)state;
        enum { N = 5000, BYTES = 400 };
        char(*texts)[BYTES] = calloc(N, sizeof(*texts));
        struct cs_template_count *counts = calloc(N, sizeof(*counts)), *back = calloc(N, sizeof(*back));
        uint32_t *group_of = calloc(N, sizeof(*group_of)), *again = calloc(N, sizeof(*again));
        struct cs_template_groups *one, *many;
        struct cs_error err;
        assert_true(texts && counts && back && group_of && again);
        seed = 11;
        for (size_t i = 0; i < N; i++) {
                make_alike(i, texts[i], &counts[i]);
                back[N - 1 - i] = counts[i];
        }
        assert_int_equal(cs_template_merge(counts, N, 1, group_of, &one, &err), CS_OK);
        for (unsigned workers = 0; workers <= 9; workers += 3) {
                assert_int_equal(cs_template_merge(back, N, workers, again, &many, &err), CS_OK);
                same_groups(one, many);
                for (size_t i = 0; i < N; i++)
                        assert_int_equal(group_of[i], again[N - 1 - i]);
                cs_template_groups_destroy(many);
        }
        assert_true(cs_template_groups_count(one) > 10);
        cs_template_groups_destroy(one);
        free(texts);
        free(counts);
        free(back);
        free(group_of);
        free(again);
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
        assert_int_equal(cs_template_merge(NULL, ((size_t)1 << 20) + 1, 1, NULL, &groups, &err), CS_ELIMIT);
        assert_null(groups);
}

/* --- what an adversary found --- */

struct source {
        const char *pattern;
        const char *group;
};

/* Merges `each` texts of every source for several seeds, and expects that each source's are one group with the
 * text it names. */
static void sources_are_groups(const struct source *from, size_t n, size_t each)
{
        for (uint64_t begin = 11; begin < 14; begin++) {
                struct texts *t = texts_create(n * each);
                char text[8192];
                seed = begin;
                for (size_t k = 0; k < each * n; k++) {
                        make_text(from[k % n].pattern, text);
                        texts_add(t, text);
                }
                texts_merge(t);
                bool right = cs_template_groups_count(t->groups) == n;
                for (size_t i = 0; i < n; i++) {
                        const struct cs_template_group *g = group_with(t, from[i].group);
                        right = right && g && g->count == each;
                }
                if (!right)
                        print_groups(t);
                assert_true(right);
                texts_destroy(t);
        }
}

static void long_tokens_join_nothing(void **state)
{
        (void)state;
        static const struct source from[] = {
                { "%B", "<b64>" },
                { "data:image/png;base64,%B", "data:image/png;base64,<b64>" },
                { "worker%d", "worker<n>" },
                { "{\"id\":%d,\"at\":%d,\"body\":\"%B\"}", "{\"id\":<n>,\"at\":<n>,\"body\":\"<b64>" },
                { "%R", "abc<rep>" },
                { " '--prefix=/usr' '--with-name=%w' '--a' '--b' '--c' '--d' '--e' '--f' '--g'",
                  " '--prefix=/usr' '--with-name=<*>' '--a' '--b' '--c' '--d' '--e' '--f' '--g'" },
        };
        sources_are_groups(from, sizeof(from) / sizeof(from[0]), 2000);
        sources_are_groups(from, 2, 2000);
}

/* Batches are cut anywhere, so the name of their group is not known beforehand. */
static void batches_swallow_no_tokens(void **state)
{
        (void)state;
        struct texts *t = texts_create(4000);
        char text[8192];
        seed = 31;
        for (size_t k = 0; k < 2000; k++) {
                strcpy(text, "{\"events\":[");
                while (strlen(text) < 1500)
                        make_text("{\"x\":%d,\"y\":%d},", text + strlen(text));
                texts_add(t, text);
                make_text("%B", text);
                texts_add(t, text);
        }
        texts_merge(t);
        assert_int_equal(cs_template_groups_count(t->groups), 2);
        assert_non_null(group_with(t, "<b64>"));
        assert_int_equal(group_with(t, "<b64>")->count, 2000);
        texts_destroy(t);
}

static void tokens_are_whole(void **state)
{
        (void)state;
        static const struct source from[] = {
                { "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ%J.%J", "<b64>.<b64>.<b64>" },
                { "auth=%J.%J.%J; theme=dark", "auth=<b64>.<b64>.<b64>; theme=dark" },
                { "arn:aws:s3:::bucket-%a/obj/%d", "arn:aws:s3:::bucket-<*>/obj/<n>" },
                { "to 0x%A wei %d", "to <hex> wei <n>" },
                { "-----BEGIN CERTIFICATE-----\n%L\n%L\n%L\n%L\n%L\n-----END CERTIFICATE-----\n",
                  "-----BEGIN CERTIFICATE-----\n<b64>\n<b64>\n<b64>\n<b64>\n<b64>\n-----END CERTIFICATE-----\n" },
                { "-----BEGIN CERTIFICATE-----\\n%L\\n%L\\n%L\\n%L\\n%L\\n%L\\n%L\\n%L\\n%L\\n",
                  "-----BEGIN CERTIFICATE-----\\n<b64>\\n<b64>\\n<b64>\\n<b64>\\n<b64>\\n<b64>\\n<b64>\\n" },
        };
        sources_are_groups(from, sizeof(from) / sizeof(from[0]), 3000);
        sources_are_groups(from, 1, 3000);
}

/* Merges texts that are given by their number and says which templates come out, in order. */
static void merged_are(const char *const *given, const char *const *want)
{
        struct texts *t = texts_create(4096);
        size_t n = 0;
        for (; *given; given++)
                for (int i = 0; i < 20; i++)
                        (void)texts_add(t, *given);
        texts_merge(t);
        for (; want[n]; n++)
                if (!group_with(t, want[n])) {
                        print_groups(t);
                        fail_msg("not there: %s", want[n]);
                }
        assert_int_equal(cs_template_groups_count(t->groups), n);
        texts_destroy(t);
}

static void two_names_are_names(void **state)
{
        (void)state;
        static const char *const alone[] = { "session closed for user alice", "session closed for user bob",
                                             NULL };
        static const char *const one[] = { "session closed for user <*>", NULL };
        merged_are(alone, one);
        /* Among others of as many words; of these nothing is known. */
        static const char *const among[] = { "session closed for user alice", "session closed for user bob",
                                             "kernel wants more of it",       "disks are quite full now",
                                             "nobody knows what that means",  NULL };
        static const char *const four[] = { "session closed for user <*>", "kernel wants more of it",
                                            "disks are quite full now", "nobody knows what that means",
                                            NULL };
        merged_are(among, four);
        /* Without the words before it, it may be what happened. */
        static const char *const states[] = { "check pass; user unknown", "check pass; user disabled", NULL };
        merged_are(states, states);
}

static void depth_of_files_may_vary(void **state)
{
        (void)state;
        static const char *const given[] = { "deleting file /mnt/store/dfs/data/now/blk_12",
                                             "deleting file /mnt/store/dfs/data/now/subdir7/blk_13",
                                             "deleting file /mnt/store/dfs/data/now/subdir7/subdir1/blk_14",
                                             "deleting file /mnt/store/dfs/data/now/blocks.index", NULL };
        static const char *const want[] = { "deleting file /mnt/store/dfs/data/now/<*>_<n>",
                                            "deleting file /mnt/store/dfs/data/now/blocks.index", NULL };
        merged_are(given, want);
}

/* What an earlier merging wrote takes in texts of its source that came later, few as they are, and nothing else. */
static void what_was_merged_merges_on(void **state)
{
        (void)state;
        static const char *const given[] = { "session opened at gate <*> by the keeper",
                                             "session opened at gate north by the keeper",
                                             "session opened at gate south by the keeper",
                                             "session failed at door south by the keeper",
                                             "cannot open /srv/<*>/index",
                                             "cannot open /srv/abc/index",
                                             "cannot open /srv/abc/list",
                                             NULL };
        static const char *const want[] = { "session opened at gate <*> by the keeper",
                                            "session failed at door south by the keeper",
                                            "cannot open /srv/<*>/index", "cannot open /srv/abc/list", NULL };
        merged_are(given, want);
}

static void few_values_are_values(void **state)
{
        (void)state;
        static const struct source from[] = {
                { "user=%p logged in at port %d", "user=<*> logged in at port <n>" },
                { "{\"user\": \"%p\", \"id\": %d}", "{\"user\": \"<*>\", \"id\": <n>}" },
                { "<user><id>%d</id><name>%p</name></user>", "<user><id><n></id><name><*></name></user>" },
                { "SELECT * FROM users WHERE name = '%p' AND id < %d",
                  "SELECT * FROM users WHERE name = '<*>' AND id < <n>" },
                { "GET /users/%d HTTP/1.1\r\nX-User: %p\r\nAccept: */*\r\n",
                  "GET /users/<n> HTTP/1.1\r\nX-User: <*>\r\nAccept: */*\r\n" },
        };
        sources_are_groups(from, sizeof(from) / sizeof(from[0]), 3000);
}

/* Words that tell sources apart stay, even where a value could stand. */
static void keywords_are_no_values(void **state)
{
        (void)state;
        static const char *const forms[] = {
                "{\"event_type\":\"%k\",\"id\":%d}",
                "action=%k&id=%d",
                "%k /api/%d HTTP/1.1",
                "%k: took %d",
                "level=%k %d done",
                "<a><kind>%k</kind><id>%d</id></a>",
                "worker: %k %d",
        };
        enum { FORMS = sizeof(forms) / sizeof(forms[0]), WORDS = 6 };
        struct texts *t = texts_create(2048);
        char text[256];
        seed = 7;
        for (size_t k = 0; k < (size_t)FORMS * 6000; k++) {
                make_text(forms[k % FORMS], text);
                texts_add(t, text);
        }
        texts_merge(t);
        if (cs_template_groups_count(t->groups) != (size_t)FORMS * WORDS)
                print_groups(t);
        assert_int_equal(cs_template_groups_count(t->groups), FORMS * WORDS);
        texts_destroy(t);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(twenty_sources_are_twenty_groups),
                cmocka_unit_test(base64_with_slashes),
                cmocka_unit_test(cut_texts_stay_together),
                cmocka_unit_test(order_of_input_has_no_influence),
                cmocka_unit_test(threads_have_no_influence),
                cmocka_unit_test(small_sets),
                cmocka_unit_test(common_paths_stay_apart),
                cmocka_unit_test(refuses_too_many),
                cmocka_unit_test(long_tokens_join_nothing),
                cmocka_unit_test(batches_swallow_no_tokens),
                cmocka_unit_test(tokens_are_whole),
                cmocka_unit_test(few_values_are_values),
                cmocka_unit_test(two_names_are_names),
                cmocka_unit_test(depth_of_files_may_vary),
                cmocka_unit_test(what_was_merged_merges_on),
                cmocka_unit_test(keywords_are_no_values),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
