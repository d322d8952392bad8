/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader leaves of an unloaded library: told from other bytes, however much of it was used again. */
#include "leftovers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK UINT64_C(0x555500001000)
#define LIBRARY UINT64_C(0x7f1000000000)

/* Of the block: words of l_info, the map's range, and what stands at the end. */
enum { INFO = 0x40, RANGE = 0x380, TAIL = 0x490, NAME = TAIL + 24, BYTES = 0x500 };

static uint8_t block[BYTES];

static void put(size_t at, uint64_t value)
{
        memcpy(block + at, &value, sizeof(value));
}

static void build(const char *name)
{
        memset(block, 0, sizeof(block));
        for (size_t i = 0; i < 6; i++)
                put(INFO + 8 * i, LIBRARY + 0x3e00 + 16 * i);
        put(RANGE, LIBRARY);
        put(RANGE + 8, LIBRARY + 0x4028);
        put(TAIL, BLOCK + NAME);
        put(TAIL + 16, 1);
        memcpy(block + NAME, name, strlen(name) + 1);
}

static bool parse(size_t len, struct cs_leftover_facts *out)
{
        /* In memory of its own, so that a sanitizer sees what is read beyond. */
        uint8_t *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, block, len);
        bool found = cs_leftover_parse(copy, TAIL, len, BLOCK + TAIL, out);
        if (found) {
                assert_in_range((uint64_t)(uintptr_t)out->name, (uintptr_t)copy, (uintptr_t)copy + len);
                out->name = (const char *)block + (out->name - (const char *)copy);
        }
        free(copy);
        return found;
}

static void test_names(void **state)
{
        (void)state;
        static const struct {
                const char *asked, *name;
                bool found, whole;
        } rows[] = {
                { "libplug.so", "libplug.so", true, true },
                { "/usr/lib/x/libplug.so.1", "libplug.so.1", true, true },
                { "./libplu\xb0\x04", "libplu", true, false },
                { "/usr/lib/x/\xb0\x04", "", true, false },
                { "/usr/lib/x/", "", false, true },
                { "", "", false, true },
                { "\x01\x02", "", false, false },
        };
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                struct cs_leftover_facts facts;
                build(rows[i].asked);
                if (parse(BYTES, &facts) != rows[i].found)
                        fail_msg("row %zu", i);
                if (!rows[i].found)
                        continue;
                assert_int_equal(facts.len, strlen(rows[i].name));
                assert_memory_equal(facts.name, rows[i].name, facts.len);
                assert_int_equal(facts.whole, rows[i].whole);
                assert_int_equal(facts.range.start, LIBRARY);
                assert_int_equal(facts.range.end, LIBRARY + 0x4028);
        }
}

static void test_used_again(void **state)
{
        (void)state;
        struct cs_leftover_facts facts;
        /* The first half is somebody else's: two of the entries are left of l_info, and two are too few. */
        build("libplug.so");
        memset(block, 0x11, INFO + 8);
        assert_true(parse(BYTES, &facts));
        memset(block, 0x11, INFO + 32);
        assert_false(parse(BYTES, &facts));
        build("libplug.so");
        put(RANGE, LIBRARY + 8); /* no page */
        assert_false(parse(BYTES, &facts));
        build("libplug.so");
        put(RANGE + 8, UINT64_MAX);
        assert_false(parse(BYTES, &facts));
        build("libplug.so");
        put(TAIL + 16, 0); /* dont_free */
        assert_false(parse(BYTES, &facts));
        build("libplug.so");
        put(TAIL, BLOCK + NAME + 8);
        assert_false(parse(BYTES, &facts));
}

static void test_truncated(void **state)
{
        (void)state;
        struct cs_leftover_facts facts;
        build("libplug.so");
        for (size_t len = 0; len <= BYTES; len++) {
                bool found = parse(len, &facts);
                assert_int_equal(found, len > NAME);
                if (found)
                        assert_int_equal(facts.whole, len > NAME + strlen("libplug.so"));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_names), cmocka_unit_test(test_used_again),
                                            cmocka_unit_test(test_truncated) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
