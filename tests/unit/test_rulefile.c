/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of rule files, the built-in rules, and what matches must pass beside the regex. */
#include "cs_limits.h"
#include "gate.h"
#include "goregex.h"
#include "rulebuilder.h"
#include "rulefile.h"
#include "yara_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void read_rules(const char *name, const char *text, struct cs_rules *rules)
{
        struct cs_rule_place place;
        struct cs_error err = { 0 };
        if (cs_rules_read(name, text, strlen(text), rules, &place, &err) != CS_OK)
                fail_msg("%s:%u:%u: %s", name, place.line, place.column, err.text);
}

static void refuse(const char *name, const char *text, uint32_t line, uint32_t column, const char *why)
{
        struct cs_rules rules = { 0 };
        struct cs_rule_place place;
        struct cs_error err = { 0 };
        assert_int_equal(cs_rules_read(name, text, strlen(text), &rules, &place, &err), CS_EFORMAT);
        if (place.line != line || place.column != column || !strstr(err.text, why))
                fail_msg("%s: %u:%u: %s instead of %u:%u: %s", text, place.line, place.column, err.text, line,
                         column, why);
        cs_rules_deinit(&rules);
}

/* ---- YAML -------------------------------------------------------------------------------------------------------- */

static void test_yaml(void **state)
{
        (void)state;
        struct cs_rules rules = { 0 };
        read_rules("x.yaml",
                   "# rules of ours\n"
                   "- id: first\n"
                   "  description: \"it's the first\"\n"
                   "  regex: '\\d+\\.x'\n"
                   "  keywords: [One, two]\n"
                   "  entropy: 3.5\n"
                   "  secret_group: 0\n"
                   "  redact: true\n"
                   "  tags:\n"
                   "    - a\n"
                   "    - b\n"
                   "  unknown: {deep: [1, {x: y}]}\n"
                   "- {id: second, regex: \"a\\x00b\", keywords: k}\n"
                   "- id: third\n"
                   "  regex: |-\n"
                   "    folded|regex\n",
                   &rules);
        assert_int_equal(rules.at.n, 3);
        const struct cs_rule *r = &rules.at.at[0];
        assert_string_equal(r->id, "first");
        assert_string_equal(r->description, "it's the first");
        assert_string_equal(r->regex, "\\d+\\.x");
        assert_int_equal(r->line, 4);
        assert_int_equal(r->column, 10);
        assert_int_equal(r->keywords.n, 2);
        assert_string_equal(r->keywords.at[0], "One");
        assert_true(r->entropy > 3.49 && r->entropy < 3.51);
        assert_true(r->redact);
        assert_int_equal(r->tags.n, 2);
        assert_string_equal(r->tags.at[1], "b");
        r = &rules.at.at[1];
        assert_int_equal(r->regex_len, 3);
        assert_memory_equal(r->regex, "a\0b", 3);
        assert_int_equal(r->keywords.n, 1);
        assert_false(r->redact);
        assert_string_equal(rules.at.at[2].regex, "folded|regex");
        cs_rules_deinit(&rules);
}

static void test_yaml_refused(void **state)
{
        (void)state;
        refuse("x.yaml", "", 1, 1, "no rules");
        refuse("x.yaml", "id: x\n", 1, 1, "a list of rules");
        refuse("x.yaml", "- x\n", 1, 3, "a rule is wanted");
        refuse("x.yaml", "- id: x\n", 1, 3, "without a regex");
        refuse("x.yaml", "- regex: x\n", 1, 3, "without an id");
        refuse("x.yaml", "- id: x\n  regex: ''\n", 2, 10, "empty");
        refuse("x.yaml", "- id: x\n  regex: [a]\n", 2, 10, "a regex is wanted");
        refuse("x.yaml", "- id: x\n  regex: a\n  entropy: high\n", 3, 12, "a number");
        refuse("x.yaml", "- id: x\n  regex: a\n  entropy: 9\n", 3, 12, "too large");
        refuse("x.yaml", "- id: x\n  regex: a\n  redact: maybe\n", 3, 11, "true or false");
        refuse("x.yaml", "- id: x\n  regex: a\n  tags: [[a]]\n", 3, 10, "a text");
        refuse("x.yaml", "- id: \"a\\0b\"\n  regex: a\n", 1, 7, "zero byte");
        refuse("x.yaml", "- id: *anchor\n  regex: a\n", 1, 7, "a text");
        refuse("x.yaml", "- id: 'open\n", 2, 1, "");
        char deep[400] = "- id: x\n  more: ";
        memset(deep + strlen(deep), '[', 200);
        refuse("x.yaml", deep, 2, 73, "nested too deep");
}

/* ---- TOML -------------------------------------------------------------------------------------------------------- */

static void test_toml(void **state)
{
        (void)state;
        struct cs_rules rules = { 0 };
        read_rules("x",
                   "title = \"config\" # a comment\n"
                   "date = 2024-01-02T03:04:05Z\n"
                   "inline = { a = 1, b = [\"x\"] }\n"
                   "[allowlist]\n"
                   "regexes = [\n"
                   "  '''^true$''', # the first\n"
                   "  \"fa\\u006cse\",\n"
                   "]\n"
                   "[[ rules ]]\n"
                   "id = \"one\"\n"
                   "regex = '''(?i)key=([a-z]{8})(?:[\\s'\"]|$)'''\n"
                   "entropy = 3\n"
                   "secretGroup = 1\n"
                   "keywords = [\"key\", 'k2']\n"
                   "  [[rules.allowlists]]\n"
                   "  condition = \"AND\"\n"
                   "  regexTarget = \"line\"\n"
                   "  regexes = ['x']\n"
                   "  stopwords = [\"y\", \"z\"]\n"
                   "[[rules]]\n"
                   "id = 'two'\n"
                   "regex = \"\"\"\\\n"
                   "   a\\\n"
                   "   b\"\"\"\n"
                   "[[rules]]\n"
                   "id = \"path\"\n"
                   "path = '''x'''\n",
                   &rules);
        assert_int_equal(rules.at.n, 2);
        const struct cs_rule *r = &rules.at.at[0];
        assert_string_equal(r->id, "one");
        assert_string_equal(r->regex, "(?i)key=([a-z]{8})(?:[\\s'\"]|(?![\\t\\n\\r\\x20-\\x7e]))");
        assert_int_equal(r->line, 11);
        assert_int_equal(r->column, 9);
        assert_true(r->redact);
        assert_int_equal(r->secret_group, 1);
        assert_int_equal(r->keywords.n, 2);
        assert_string_equal(r->keywords.at[1], "k2");
        assert_int_equal(r->n_allow, 2);
        assert_true(r->allow[0].all);
        assert_int_equal(r->allow[0].target, CS_ALLOW_LINE);
        assert_int_equal(r->allow[0].words.n, 2);
        assert_string_equal(r->allow[1].regexes.at[0], "\\Atrue\\z");
        assert_string_equal(r->allow[1].regexes.at[1], "false");
        assert_string_equal(rules.at.at[1].regex, "ab");
        assert_int_equal(rules.at.at[1].n_allow, 1);
        assert_int_equal(rules.at.at[1].secret_group, CS_GROUP_FIRST);
        assert_int_equal(rules.notes.n, 1);
        cs_rules_deinit(&rules);
}

static void test_toml_refused(void **state)
{
        (void)state;
        refuse("x.toml", "", 1, 1, "there are no [[rules]]");
        refuse("x.toml", "[[rules]]\nid = \"x\n", 2, 7, "the text has no end");
        refuse("x.toml", "[[rules]]\nid = '''x\n\n", 2, 9, "the text has no end");
        refuse("x.toml", "[[rules]]\nid \"x\"\n", 2, 4, "\"=\"");
        refuse("x.toml", "[[rules]]\nid = \n", 2, 6, "a value");
        refuse("x.toml", "[[rules]]\nid = \"x\" y\n", 2, 10, "behind the value");
        refuse("x.toml", "[[rules]\n", 1, 9, "the heading has no end");
        refuse("x.toml", "[[rules]]\nregex = '''a'''\n", 1, 1, "without an id");
        refuse("x.toml", "[[rules]]\nid = 3\n", 2, 6, "a text is wanted");
        refuse("x.toml", "[[rules]]\nid = \"\\q\"\n", 2, 8, "no such escape");
        refuse("x.toml", "[[rules]]\nid = \"\\uD8\"\n", 2, 8, "no character");
        refuse("x.toml", "[[rules]]\nkeywords = [\"a\", \n", 3, 1, "the list has no end");
        refuse("x.toml", "[[rules]]\nkeywords = [\"a\" }\n", 2, 17, "do not match");
        refuse("x.toml", "[[rules.allowlists]]\n", 1, 1, "of no rule");
        char deep[200] = "[[rules]]\nx = ";
        memset(deep + strlen(deep), '[', 100);
        refuse("x.toml", deep, 2, 37, "nested too deep");
}

static void test_every_cut_of_a_file_is_read_or_refused(void **state)
{
        (void)state;
        static const char *const texts[] = {
                "- id: first\n  regex: '\\d+'\n  keywords: [a, \"b\\x41\"]\n- {id: x, regex: y, tags: [z]}\n",
                "[allowlist]\nregexes = ['''a''', \"\\u0041\"]\n[[rules]]\nid = \"one\"\nregex = '''^(?P<x>a)\\x{2026}[]^$]$'''\nentropy = 3.1\n",
        };
        for (size_t t = 0; t < 2; t++)
                for (size_t len = 0; len <= strlen(texts[t]); len++) {
                        struct cs_rules rules = { 0 };
                        struct cs_rule_place place;
                        char *copy = malloc(len + 1); /* so that a sanitizer sees its end */
                        assert_non_null(copy);
                        memcpy(copy, texts[t], len);
                        enum cs_status st =
                                cs_rules_read(t ? "x.toml" : "x.yaml", copy, len, &rules, &place, NULL);
                        assert_true(st == CS_OK || (st == CS_EFORMAT && place.line > 0));
                        free(copy);
                        cs_rules_deinit(&rules);
                }
}

static void test_formats_are_told_by_content(void **state)
{
        (void)state;
        struct cs_rules rules = { 0 };
        struct cs_rule_place place;
        struct cs_error err = { 0 };
        read_rules("rules", "# x\n\n  [[rules]]\nid = 'a'\nregex = 'b'\n", &rules);
        read_rules("rules", "# x\n- id: a\n  regex: b\n", &rules);
        assert_int_equal(rules.at.n, 2);
        assert_int_equal(rules.at.at[1].file, 1);
        assert_int_equal(cs_rules_read("rules", "YARA\x0c\0\0", 7, &rules, &place, &err), CS_ENOTSUP);
        assert_non_null(strstr(err.text, "compiled"));
        cs_rules_deinit(&rules);
}

/* ---- Go's regexes ------------------------------------------------------------------------------------------------ */

static void test_go_regexes(void **state)
{
        (void)state;
        static const struct {
                const char *go, *pcre, *whole;
        } table[] = {
                { "abc", "abc", "abc" },
                { "^a$", "(?<![\\t\\n\\r\\x20-\\x7e])a(?![\\t\\n\\r\\x20-\\x7e])", "\\Aa\\z" },
                { "\\^\\$[$^]", "\\^\\$[$^]", "\\^\\$[$^]" },
                { "[]$]$", "[]$](?![\\t\\n\\r\\x20-\\x7e])", "[]$]\\z" },
                { "[^]$[:alpha:]^]x", "[^]$[:alpha:]^]x", "[^]$[:alpha:]^]x" },
                { "\\Aa\\z", "(?<![\\t\\n\\r\\x20-\\x7e])a(?![\\t\\n\\r\\x20-\\x7e])", "\\Aa\\z" },
                { "(?m)^a", "(?m)(?:^|(?<![\\t\\n\\r\\x20-\\x7e]))a", "(?m)^a" },
                { "(?P<n>a)(?i:b)", "(?P<n>a)(?i:b)", "(?P<n>a)(?i:b)" },
                { "\\Q$^\\E$", "\\Q$^\\E(?![\\t\\n\\r\\x20-\\x7e])", "\\Q$^\\E\\z" },
                { "\\x{2026}\\x{e9}+\\x{1F600}", "(?:\\xe2\\x80\\xa6)(?:\\xc3\\xa9)+(?:\\xf0\\x9f\\x98\\x80)",
                  "(?:\\xe2\\x80\\xa6)(?:\\xc3\\xa9)+(?:\\xf0\\x9f\\x98\\x80)" },
                { "\\x{41}\\v[\\v]", "\\x{41}\\x0b[\\x0b]", "\\x{41}\\x0b[\\x0b]" },
                { "a\\", "a\\", "a\\" },
        };
        struct cs_pool pool = { 0 };
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                assert_string_equal(cs_goregex_translate(&pool, table[i].go, false), table[i].pcre);
                assert_string_equal(cs_goregex_translate(&pool, table[i].go, true), table[i].whole);
        }
        cs_pool_deinit(&pool);
}

/* ---- built-in rules ---------------------------------------------------------------------------------------------- */

/* What the set finds in the text: "rule@offset+length", one behind the other. */
static const char *found_by(const char *set, const void *text, size_t len)
{
        static char out[2000];
        struct cs_rules rules = { 0 };
        assert_int_equal(cs_rules_builtin(set, &rules, NULL), CS_OK);
        struct found_hits hits = rules_search(&rules, CS_WAY_BEST, text, len, 64, 0);
        out[0] = '\0';
        for (size_t i = 0; i < hits.at.n; i++)
                (void)snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%s@%lu+%lu", i ? " " : "",
                               rules.at.at[hits.at.at[i].rule].id, (unsigned long)hits.at.at[i].secret_start,
                               (unsigned long)(hits.at.at[i].secret_end - hits.at.at[i].secret_start));
        found_hits_deinit(&hits);
        cs_rules_deinit(&rules);
        return out;
}

static void test_builtins(void **state)
{
        (void)state;
        static const struct {
                const char *set, *text, *finds;
        } table[] = {
                { "secrets", "x AKIAIOSFODNN7EXAMPLE y AKIAIOSFODNN7EXAMPLEX", "aws-access-key@2+20" },
                { "secrets", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
                  "aws-secret-key@24+40" },
                { "secrets", "token ghp_aBcDeFgHiJkLmNoPqRsTuVwXyAbC01234567.", "github-token@6+40" },
                { "secrets", "xghp_aBcDeFgHiJkLmNoPqRsTuVwXyAbC01234567", "" },
                { "secrets",
                  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
                  "jwt@0+92" },
                { "secrets", "xoxb-123456789012-1234567890123-abcDEFghiJKL", "slack-token@0+44" },
                { "secrets", "Authorization: Bearer abcDEF123456ghiJKL789", "bearer-token@22+21" },
                { "secrets", "postgres://app:s3cr3tPw@db.internal:5432/x", "url-password@15+8" },
                { "secrets", "\"db_password\": \"hunter2-Zk9qLx\"", "password-assignment@16+14" },
                { "secrets",
                  "root:$6$saltsalt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./abcdefghijklmnopqr:1",
                  "shadow-hash@5+94" },
                { "http", "GET /a/b?c=d HTTP/1.1\r\nHost: example.com\r\nCookie: a=b; c=d\r\n",
                  "request-line@0+21 header@23+17 cookie@42+16" },
                { "http", "HTTP/1.1 404 Not Found\r\nsee https://example.com/x?y=z#f",
                  "status-line@0+22 url@28+27" },
                { "pii", "mail alice.b+c@mail.example.org, x@y", "email@5+26" },
                { "pii", "pay 4111 1111 1111 1111 not 4111 1111 1111 1112", "card@4+19" },
                { "pii", "378282246310005 4222222222222222 0000000000000000", "card@0+15" },
                { "pii",
                  "to DE89 3704 0044 0532 0130 00 or GB82WEST12345698765432 not DE88370400440532013000",
                  "iban@3+27 iban@34+22" },
                { "pii", "10.20.30.40 999.1.1.1 1.2.3.4 01.02.03.04 10.0.0.1.5", "ipv4@0+11" },
                { "pii", "call +49 30 1234 5678 or 030 1234", "phone@5+16" },
                { "pii", "52:54:00:ab:cd:ef fe80:0:0:0:5054:ff:feab:cdef", "mac@0+17 ipv6@18+28" },
        };
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                const char *found = found_by(table[i].set, table[i].text, strlen(table[i].text));
                if (strcmp(found, table[i].finds) != 0)
                        fail_msg("%s: \"%s\" instead of \"%s\"", table[i].text, found, table[i].finds);
        }
}

/* A key of P-256 in SEC1 (RFC 5915), made for this. */
static const uint8_t sec1[] = { 0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20, 0x3c, 0x0e, 0x84, 0x19, 0x77, 0x52,
                                0x6a, 0x1b, 0xc3, 0x90, 0x41, 0xd2, 0x5e, 0x8f, 0x66, 0x0b, 0x29, 0xfa, 0x13,
                                0x78, 0xe4, 0xb5, 0x02, 0x9d, 0x6c, 0x31, 0x47, 0xaa, 0x08, 0xf3, 0x5b, 0xe0,
                                0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };

static void test_keys_in_der(void **state)
{
        (void)state;
        uint8_t text[200] = { 0 };
        assert_int_equal(cs_der_key_length(sec1, sizeof(sec1)), sizeof(sec1));
        for (size_t len = 0; len < sizeof(sec1); len++)
                assert_int_equal(cs_der_key_length(sec1, len), 0);
        memcpy(text + 7, sec1, sizeof(sec1));
        assert_string_equal(found_by("secrets", text, sizeof(text)), "private-key-der@7+51");
        text[8]++; /* its length no longer agrees */
        assert_string_equal(found_by("secrets", text, 7 + sizeof(sec1)), "");
}

static void test_gates(void **state)
{
        (void)state;
        assert_true(cs_entropy((const uint8_t *)"aaaa", 4) == 0);
        assert_true(cs_entropy((const uint8_t *)"abcd", 4) == 2);
        assert_true(cs_entropy(NULL, 0) == 0);
        static const struct {
                const char *text, *class;
        } classes[] = { { "0123", "digits" },   { "0aF", "hex" },  { "Hello", "letters" },
                        { "a/b+c=", "base64" }, { "a b", "text" }, { "a\x01", "bytes" } };
        for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
                assert_string_equal(cs_bytes_class((const uint8_t *)classes[i].text, strlen(classes[i].text)),
                                    classes[i].class);
        assert_true(cs_bytes_have_word((const uint8_t *)"xxExAmple", 9, "example"));
        assert_false(cs_bytes_have_word((const uint8_t *)"exampl", 6, "example"));
}

/* ---- YARA -------------------------------------------------------------------------------------------------------- */

struct blocks {
        const struct cs_yara_block *at;
        size_t n;
        char found[400];
};

static bool next_block(void *context, struct cs_yara_block *block)
{
        struct blocks *b = context;
        if (!b->n)
                return false;
        *block = *b->at++;
        b->n--;
        return true;
}

static enum cs_status on_match(void *context, const struct cs_yara_match *match, struct cs_error *err)
{
        struct blocks *b = context;
        (void)err;
        (void)snprintf(b->found + strlen(b->found), sizeof(b->found) - strlen(b->found), "%zu@%lx:%.*s ",
                       match->rule, (unsigned long)match->address, (int)match->text_len,
                       (const char *)match->text);
        return CS_OK;
}

static void test_yara(void **state)
{
        (void)state;
        static const char memory[] = "....first.........second....first";
        struct cs_rules rules = { 0 };
        bool limited = false;
        read_rules(
                "x.yar",
                "rule both { meta: description = \"two words\" strings: $a = \"first\" $b = /sec.nd/ condition: #a == 2 and $b }\n"
                "private rule hidden { strings: $a = \"first\" condition: $a }\n"
                "rule unmet { strings: $a = \"first\" condition: #a > 2 }\n",
                &rules);
        assert_int_equal(rules.at.n, 3);
        assert_string_equal(rules.at.at[0].id, "both");
        assert_string_equal(rules.at.at[0].description, "two words");
        assert_null(rules.at.at[0].regex);
        /* Blocks that overlap: "second" and the last "first" stand in two of them, and are one each. */
        const struct cs_yara_block at[] = { { 0x7f0000001000, (const uint8_t *)memory, 24 },
                                            { 0x7f0000001000 + 10, (const uint8_t *)memory + 10, 23 },
                                            { 0x7f0000001000 + 26, (const uint8_t *)memory + 26, 7 } };
        struct blocks blocks = { at, 3, "" };
        assert_int_equal(cs_yara_scan(rules.yara.at[0].yara, next_block, on_match, &blocks, &limited, NULL),
                         CS_OK);
        assert_string_equal(blocks.found, "0@7f0000001004:first 0@7f000000101c:first 0@7f0000001012:second ");
        assert_false(limited);
        cs_rules_deinit(&rules);
        refuse("x.yar", "rule a {\n condition: \n}\n", 3, 0, "");
        refuse("x.yar", "include \"x\"\n", 1, 0, "includes are disabled");
}

/* ---- many -------------------------------------------------------------------------------------------------------- */

static void test_a_hundred_thousand_rules(void **state)
{
        (void)state;
        enum { RULES = 100000 };
        size_t size = RULES * 64, used = 0;
        char *text = malloc(size);
        assert_non_null(text);
        for (unsigned i = 0; i < RULES; i++)
                used += (size_t)snprintf(text + used, size - used,
                                         "- {id: rule-%u, regex: 'tok%05u-[a-z]{4}'}\n", i, i);
        struct cs_rules rules = { 0 };
        read_rules("many.yaml", text, &rules);
        assert_int_equal(rules.at.n, RULES);
        static const char memory[] = "xx tok00017-abcd tok99999-wxyz tok12345-ab1d tok54321-qqqq";
        struct found_hits hits = rules_search(&rules, CS_WAY_BEST, memory, sizeof(memory) - 1, 1 << 20, 0);
        assert_string_equal(hits_text(&hits), "r17@3+13 r99999@17+13 r54321@45+13");
        found_hits_deinit(&hits);
        free(text);
        cs_rules_deinit(&rules);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_yaml),
                cmocka_unit_test(test_yaml_refused),
                cmocka_unit_test(test_toml),
                cmocka_unit_test(test_toml_refused),
                cmocka_unit_test(test_every_cut_of_a_file_is_read_or_refused),
                cmocka_unit_test(test_formats_are_told_by_content),
                cmocka_unit_test(test_go_regexes),
                cmocka_unit_test(test_builtins),
                cmocka_unit_test(test_keys_in_der),
                cmocka_unit_test(test_gates),
                cmocka_unit_test(test_yara),
                cmocka_unit_test(test_a_hundred_thousand_rules),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
