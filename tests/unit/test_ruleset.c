/* SPDX-License-Identifier: Apache-2.0 */
#include "cs_limits.h"
#include "finder.h"
#include "rulebuilder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- one rule, one text ------------------------------------------------------------------------------------------ */

static void assert_hits(const char *regex, const char *text, size_t len, const char *expected)
{
        static const enum cs_ruleset_way ways[] = { CS_WAY_ALONE, CS_WAY_PLAIN, CS_WAY_BEST };
        static const size_t windows[] = { 1 << 20, 64, 7, 1 };
        struct cs_rules rules = { 0 };
        rule_add(&rules, regex);
        for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
                for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
                        struct found_hits hits = rules_search(&rules, ways[w], text, len, windows[i], 0);
                        if (strcmp(hits_text(&hits), expected) != 0)
                                fail_msg("%s: %s instead of %s, way %d, windows of %zu", regex,
                                         hits_text(&hits), expected, (int)ways[w], windows[i]);
                        found_hits_deinit(&hits);
                }
        }
        cs_rules_deinit(&rules);
}

#define T(regex, text, expected) assert_hits(regex, "" text, sizeof(text) - 1, expected)

static void test_table(void **state)
{
        (void)state;
        T("abc", "xxabcxabc", "r0@2+3 r0@6+3");
        T("abc", "", "");
        T("aa", "aaaaa", "r0@0+2 r0@2+2"); /* one behind the other */
        T("a*", "baab", "r0@1+2");         /* matches of no bytes are none */
        T("x*|y", "aybxx", "r0@1+1 r0@3+2");
        T("\\b", "ab cd", "");
        T("(?=ab)", "abab", "");
        T("(?<=secret=)\\w+", "a secret=hunter2 b", "r0@9+7");
        T("(?<!x)abc", "xabc abc", "r0@5+3");
        T("\\babc\\b", "abc xabc abcx abc", "r0@0+3 r0@14+3");
        T("^abc$", "abc\nxabc\nabc\nabcx\nabc", "r0@0+3 r0@9+3 r0@18+3");
        T("\\Aabc", "abcabc", "r0@0+3");
        T("abc\\z", "abcabc", "r0@3+3");
        T("foo\\Kbar", "xfoobar", "r0@4+3");
        T("[a-z]{3,5}@[a-z]+", "to abcdefgh@ex, ab@x", "r0@6+8");
        T("[a-z.]+@[a-z]+\\.com", "a.b@c.com..d@e.com x@", "r0@0+9 r0@9+9");
        T("(a|bc)+\\d", "bcaabc7 a1 bc", "r0@0+7 r0@8+2");
        T("(['\"])x+\\1", "'xx' \"x' \"xxx\"", "r0@0+4 r0@9+5");
        T("(?i)Key-[0-9]{2}", "KEY-12 kEy-3 key-99", "r0@0+6 r0@13+6");
        T("a(?i)b(?-i)c", "aBc abC Abc abc", "r0@0+3 r0@12+3");
        T("(?i:x|yz)=1", "X=1 yZ=1 z=1", "r0@0+3 r0@4+4");
        T("AKIA[A-Z2-7]{16}", "..AKIAABCDEFGHIJKLMNOP..", "r0@2+20");
        T("\\x00\\xff[\\x80-\\x82]", "\x00\xff\x81\xff\x00\xff\x83", "r0@0+3");
        T("[^\\x00]{3}", "\0ab\0abc\0abcdef", "r0@4+3 r0@8+3 r0@11+3");
        T("a.c", "a\nc abc", "r0@4+3");
        T("(?s)a.c", "a\nc abc", "r0@0+3 r0@4+3");
        T("\\Qa.c\\E+", "a.ccc abc", "r0@0+5");
        T("(?>a+)b", "aaab", "r0@0+4");
        T("(\\d+)-(?1)", "12-34 5-", "r0@0+5");
        T("\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}", "v1.2.3 10.0.0.17 1.2.3.4.5", "r0@7+9 r0@17+7");
        T("[[:alpha:]]{2}[[:digit:]]",
          "a1 ab2 \xe4\xe4"
          "1",
          "r0@3+3");
        T("x{2}y{0}z?", "xxz xx", "r0@0+3 r0@4+2");
        /* Needles that are runs of one set, with and without something before them. */
        T("[0-9]{9}", "12345678 123456789 1234567890123456789012", "r0@9+9 r0@19+9 r0@28+9");
        T("[a-z0-9]*-?[0-9]{9}", "ab1-123456789012 zz 1234567890", "r0@0+13 r0@20+10");
        T("[0-9a-f]{12}(?:z|yy)", "x0123456789abcdez 0123456789abyy", "r0@4+13 r0@18+14");
        T("a{,3}", "aaa a{,3}", "r0@4+5"); /* literal in PCRE2 10.42 */
        T("token=([a-z]+);?", "token=ab; token=cd", "r0@0+9 r0@10+8");
}

/* Vectorscan 5.4.9 alone misses some of these: the needle is the last thing there is. */
static void test_needles_at_the_very_end(void **state)
{
        (void)state;
        static const char filler[] = "aabbqcfoo .\n";
        struct cs_rules rules = { 0 };
        rule_add(&rules, "ab|ba{2}");
        rule_add(&rules, "q{3}c{3}");
        uint64_t x = 99;
        for (size_t len = 2; len < 1500; len++) {
                char text[80];
                size_t n = 3 + len % 70;
                for (size_t i = 0; i < n; i++) {
                        x = x * 6364136223846793005u + 1442695040888963407u;
                        text[i] = filler[(x >> 40) % (sizeof(filler) - 1)];
                }
                text[n - 3] = '.';
                text[n - 2] = 'a';
                text[n - 1] = 'b';
                struct found_hits alone = rules_search(&rules, CS_WAY_ALONE, text, n, 100, 0);
                struct found_hits best = rules_search(&rules, CS_WAY_BEST, text, n, 100, 0);
                assert_int_equal(alone.at.at[alone.at.n - 1].start, n - 2);
                assert_int_equal(best.at.n, alone.at.n);
                found_hits_deinit(&alone);
                found_hits_deinit(&best);
        }
        cs_rules_deinit(&rules);
}

static void test_only_windows_of_its_stretch_see_its_ends(void **state)
{
        (void)state;
        char text[600];
        memset(text, 'a', sizeof(text));
        /* ^ and \A belong to the beginning of the memory, not of a window. */
        assert_hits("\\Aaaa", text, sizeof(text), "r0@0+3");
        assert_hits("^aaa", text, sizeof(text), "r0@0+3");
        assert_hits("aaa$", text, sizeof(text), "r0@597+3");
}

/* ---- the same hits in every way ---------------------------------------------------------------------------------- */

static void add_item(char *out, size_t size, unsigned depth)
{
        static const char *const items[] = {
                "a",     "b",    "ab",    "c",     "foo",  "[ab]",         "\\d",     ".",     "x",   "[^a]",
                "(?i)k", "\\bq", "\\x00", "@",     "bar=", "[a-f]",        "(?<=a)b", "(?!b)", "\\w", "\\.",
                "key",   "^",    "$",     "ab|ba", "(?:)", "[\\x80-\\xff]"
        };
        static const char *const repeats[] = { "",    "",      "",     "*",  "+",    "?",
                                               "{2}", "{1,3}", "{2,}", "*?", "{3,4}" };
        size_t used = strlen(out);
        if (used + 200 > size)
                return;
        if (depth < 3 && roll(4) == 0) {
                strcat(out, roll(2) ? "(" : "(?:");
                for (unsigned n = 1 + roll(3); n > 0; n--) {
                        add_item(out, size, depth + 1);
                        if (n > 1 && roll(3) == 0)
                                strcat(out, "|");
                }
                strcat(out, ")");
        } else {
                strcat(out, items[roll(sizeof(items) / sizeof(items[0]))]);
        }
        const char *repeat = repeats[roll(sizeof(repeats) / sizeof(repeats[0]))];
        char last = out[strlen(out) - 1];
        if (*repeat && last != '^' && last != '$' && last != ')')
                strcat(out, repeat);
        else if (last == ')' && roll(2))
                strcat(out, repeat);
}

static void fill_text(char *text, size_t len)
{
        static const char *const words[] = { "a",    "b",   "ab", "ba", "c", "foo", "x",  "q", "K",  "k",
                                             "bar=", "key", "@",  ".",  "1", "22",  "\n", " ", "ff", "aaaa" };
        size_t used = 0;
        while (used < len) {
                if (roll(12) == 0) {
                        text[used++] = (char)roll(256);
                        continue;
                }
                const char *word = words[roll(sizeof(words) / sizeof(words[0]))];
                for (; *word && used < len; word++)
                        text[used++] = *word;
        }
}

static bool same_hit(const struct found_hit *a, const struct found_hit *b)
{
        return a->rule == b->rule && a->start == b->start && a->end == b->end &&
               a->secret_start == b->secret_start && a->secret_end == b->secret_end;
}

static void assert_same(const struct cs_rules *rules, const char *what, const struct found_hits *expected,
                        const struct found_hits *hits)
{
        for (size_t i = 0; i < expected->at.n && i < hits->at.n; i++)
                if (!same_hit(&expected->at.at[i], &hits->at.at[i]))
                        fail_msg("%s: hit %zu: rule %u at %lu+%lu instead of rule %u at %lu+%lu: %s | %s",
                                 what, i, hits->at.at[i].rule, (unsigned long)hits->at.at[i].start,
                                 (unsigned long)(hits->at.at[i].end - hits->at.at[i].start),
                                 expected->at.at[i].rule, (unsigned long)expected->at.at[i].start,
                                 (unsigned long)(expected->at.at[i].end - expected->at.at[i].start),
                                 rules->at.at[hits->at.at[i].rule].regex,
                                 rules->at.at[expected->at.at[i].rule].regex);
        if (expected->at.n != hits->at.n)
                fail_msg("%s: %zu hits instead of %zu", what, hits->at.n, expected->at.n);
}

/* Does it compile, and stay below all limits? Where it does not, what is found may differ. */
static bool is_usual(const char *regex, const char *text, size_t len)
{
        struct cs_rules one = { 0 };
        struct cs_ruleset *set = NULL;
        const struct cs_rule *culprit;
        rule_add(&one, regex);
        bool good = cs_ruleset_compile(&one, CS_WAY_ALONE, &set, &culprit, NULL) == CS_OK;
        cs_ruleset_destroy(set);
        if (good) {
                struct found_hits hits = rules_search(&one, CS_WAY_ALONE, text, len, 1 << 20, 0);
                good = hits.limits == 0;
                found_hits_deinit(&hits);
        }
        cs_rules_deinit(&one);
        return good;
}

static void test_ways_and_windows_agree(void **state)
{
        static const size_t windows[] = { 64, 1000, 1 << 20 };
        (void)state;
        size_t all = 0;
        for (unsigned round = 0; round < 60; round++) {
                static char text[6000];
                struct cs_rules rules = { 0 };
                size_t len = 1 + roll(sizeof(text));
                fill_text(text, len);
                while (rules.at.n < (round % 2 ? 1 : 12)) { /* few have few needles */
                        char regex[1024] = "";
                        for (unsigned n = 1 + roll(4); n > 0; n--)
                                add_item(regex, sizeof(regex), 0);
                        if (is_usual(regex, text, len))
                                rule_add(&rules, regex);
                }
                struct found_hits expected = rules_search(&rules, CS_WAY_ALONE, text, len, 1 << 20, 0);
                all += expected.at.n;
                for (enum cs_ruleset_way way = CS_WAY_BEST; way <= CS_WAY_ALONE; way++) {
                        if (way == CS_WAY_VECTORSCAN && !cs_finder_has_vectorscan())
                                continue;
                        for (size_t i = 0; i < 3; i++) {
                                char what[64];
                                (void)snprintf(what, sizeof(what), "round %u, way %d, windows of %zu", round,
                                               (int)way, windows[i]);
                                struct found_hits hits =
                                        rules_search(&rules, way, text, len, windows[i], i == 1 ? 500 : 0);
                                assert_same(&rules, what, &expected, &hits);
                                found_hits_deinit(&hits);
                        }
                }
                found_hits_deinit(&expected);
                cs_rules_deinit(&rules);
        }
        assert_true(all > 10000);
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

static void test_catastrophic_rule_is_told_and_others_go_on(void **state)
{
        (void)state;
        enum { LEN = 200000 };
        char *text = malloc(LEN);
        struct cs_rules rules = { 0 };
        assert_non_null(text);
        memset(text, 'a', LEN);
        text[LEN - 20] = 'b';
        memcpy(text + LEN - 10, "needle", 6);
        rule_add(&rules, "(x+x+)+y|(a|aa)+c|b$c");
        rule_add(&rules, "needle");
        text[100000] = 'c';
        memset(text + 100001, ' ', 50);
        struct found_hits hits = rules_search(&rules, CS_WAY_BEST, text, LEN, 1 << 16, 0);
        assert_true(hits.limits & CS_RULE_LIMIT_STEPS);
        assert_true(hits.at.n >= 1);
        assert_int_equal(hits.at.at[hits.at.n - 1].rule, 1);
        assert_int_equal(hits.at.at[hits.at.n - 1].start, LEN - 10);
        found_hits_deinit(&hits);
        cs_rules_deinit(&rules);
        free(text);
}

/* Each attempt goes far and fails, and PCRE2 counts no steps: a million times 64 KiB would take minutes. */
static void test_rule_that_takes_too_long_is_told(void **state)
{
        (void)state;
        enum { LEN = 1 << 20 };
        char *text = malloc(LEN);
        struct cs_rules rules = { 0 };
        assert_non_null(text);
        memset(text, 'a', LEN);
        text[LEN - 1] = 'x';
        rule_add(&rules, "[ab]{50,}x");
        rule_add(&rules, "ax");
        struct found_hits hits = rules_search(&rules, CS_WAY_BEST, text, LEN - 200000, LEN, 0);
        assert_int_equal(hits.limits & CS_RULE_LIMIT_STEPS, CS_RULE_LIMIT_STEPS);
        found_hits_deinit(&hits);
        cs_rules_deinit(&rules);
        free(text);
}

static void test_long_matches_are_cut_alike_everywhere(void **state)
{
        (void)state;
        enum { LEN = 300000 };
        char *text = malloc(LEN);
        struct cs_rules rules = { 0 };
        assert_non_null(text);
        memset(text, 'a', LEN);
        text[0] = '<';
        text[LEN - 1] = '>';
        rule_add(&rules, "a+");
        rule_add(&rules, "<a+>"); /* longer than a match may be: none */
        struct found_hits whole = rules_search(&rules, CS_WAY_ALONE, text, LEN, LEN, 0);
        struct found_hits small = rules_search(&rules, CS_WAY_BEST, text, LEN, 5000, 20000);
        assert_int_equal(whole.limits, CS_RULE_LIMIT_LENGTH);
        assert_int_equal(whole.at.n, 5);
        assert_int_equal(whole.at.at[0].end - whole.at.at[0].start, CS_LIMIT_MATCH_BYTES);
        assert_same(&rules, "small windows", &whole, &small);
        found_hits_deinit(&whole);
        found_hits_deinit(&small);
        cs_rules_deinit(&rules);
        free(text);
}

/* ---- conditions -------------------------------------------------------------------------------------------------- */

static void test_conditions(void **state)
{
        (void)state;
        static const char text[] = "key=aaaaaaaa key=q8Zr2mXk pass=q8Zr2mXk key=EXAMPLE9";
        struct cs_allow allow = { .target = CS_ALLOW_SECRET };
        struct cs_rules rules = { 0 };
        struct cs_rule *rule = rule_add(&rules, "(\\w+)=(\\w{8})");
        rule->secret_group = 2;
        rule->entropy = 2.0;
        rule = rule_add(&rules, "\\w{3}=\\w{8}");
        allow.words = rule_strings(&rules, "example", NULL);
        rule->allow = &allow;
        rule->n_allow = 1;
        struct found_hits hits = rules_search(&rules, CS_WAY_BEST, text, sizeof(text) - 1, 64, 0);
        assert_string_equal(hits_text(&hits), "r1@0+12 r0@13+12 r1@13+12 r0@26+13 r1@27+12 r0@40+12");
        assert_int_equal(hits.at.at[1].secret_start, 17);
        assert_int_equal(hits.at.at[1].secret_end, 25);
        found_hits_deinit(&hits);
        cs_rules_deinit(&rules);
}

static void test_keywords_are_near(void **state)
{
        (void)state;
        static char text[20000];
        struct cs_rules rules = { 0 };
        struct cs_rule *rule = rule_add(&rules, "[0-9a-f]{32}");
        rule->keywords = rule_strings(&rules, "HeroKu", "azure", NULL);
        memset(text, ' ', sizeof(text));
        memcpy(text + 500, "0123456789abcdef0123456789abcdef", 32);
        memcpy(text + 900, "herokU", 6);
        memcpy(text + 5000, "0123456789abcdef0123456789abcdef", 32);
        memcpy(text + 10000 - CS_LIMIT_CONTEXT_BYTES, "azure", 5);
        memcpy(text + 10000, "0123456789abcdef0123456789abcdef", 32);
        memcpy(text + 15000 - CS_LIMIT_CONTEXT_BYTES - 1, "azure", 5); /* one byte too far */
        memcpy(text + 15000, "0123456789abcdef0123456789abcdef", 32);
        for (enum cs_ruleset_way way = CS_WAY_BEST; way <= CS_WAY_ALONE; way++) {
                if (way == CS_WAY_VECTORSCAN && !cs_finder_has_vectorscan())
                        continue;
                struct found_hits hits = rules_search(&rules, way, text, sizeof(text), 64, 0);
                assert_string_equal(hits_text(&hits), "r0@500+32 r0@10000+32");
                found_hits_deinit(&hits);
        }
        cs_rules_deinit(&rules);
}

/* ---- what does not compile --------------------------------------------------------------------------------------- */

static void test_what_is_wrong_is_said(void **state)
{
        (void)state;
        static const struct {
                const char *regex, *says;
        } table[] = {
                { "a(b", "rule r1: missing closing parenthesis, at byte 3 of the regex" },
                { "[z-a]", "rule r1: range out of order in character class, at byte 3 of the regex" },
                { "(*UTF)x", "rule r1: " },
                { "\\x{100}",
                  "rule r1: character code point value in \\x{} or \\o{} is too large, at byte 6 of the regex" },
        };
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                struct cs_rules rules = { 0 };
                struct cs_ruleset *set = NULL;
                const struct cs_rule *culprit;
                struct cs_error err = { 0 };
                rule_add(&rules, "fine");
                rule_add(&rules, table[i].regex);
                assert_int_equal(cs_ruleset_compile(&rules, CS_WAY_BEST, &set, &culprit, &err), CS_EFORMAT);
                assert_ptr_equal(culprit, &rules.at.at[1]);
                assert_memory_equal(err.text, table[i].says, strlen(table[i].says));
                cs_rules_deinit(&rules);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_needles_at_the_very_end),
                cmocka_unit_test(test_only_windows_of_its_stretch_see_its_ends),
                cmocka_unit_test(test_ways_and_windows_agree),
                cmocka_unit_test(test_catastrophic_rule_is_told_and_others_go_on),
                cmocka_unit_test(test_rule_that_takes_too_long_is_told),
                cmocka_unit_test(test_long_matches_are_cut_alike_everywhere),
                cmocka_unit_test(test_conditions),
                cmocka_unit_test(test_keywords_are_near),
                cmocka_unit_test(test_what_is_wrong_is_said),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
