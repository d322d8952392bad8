/* SPDX-License-Identifier: Apache-2.0 */
/* Vtables without symbols, laid out by hand as in a stripped program that has the C++ runtime linked in; and by symbol, in
 * the C++ runtime of this machine. */
#include "rtti.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        TEXT = 0x400000,
        DATA = 0x401000, /* vtables and typeinfo */
        NAMES = 0x402000,
        END = 0x403000,
        FN = TEXT + 0x100,
};

struct world {
        uint8_t bytes[END - TEXT];
        struct cs_mapping mappings[3];
        struct cs_module module;
        struct cs_image image;
        struct cs_symbols *symbols;
        struct cs_pool pool;
        uint64_t data; /* next free */
        uint64_t names;
        uint64_t type_info; /* what points at a class has here */
};

static uint64_t put_words(struct world *w, const uint64_t *words, size_t n)
{
        uint64_t at = w->data;
        memcpy(w->bytes + (at - TEXT), words, n * sizeof(*words));
        w->data += n * sizeof(*words);
        return at;
}

#define PUT(w, ...) \
        put_words((w), (const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8)

static uint64_t put_name(struct world *w, const char *name)
{
        uint64_t at = w->names;
        size_t len = strlen(name) + 1;
        memcpy(w->bytes + (at - TEXT), name, len);
        w->names += len;
        return at;
}

static uint64_t put_class(struct world *w, const char *name)
{
        return PUT(w, w->type_info, put_name(w, name), 0);
}

/* The address point of a vtable of that class. */
static uint64_t put_vtable(struct world *w, uint64_t top, uint64_t typeinfo)
{
        return PUT(w, top, typeinfo, FN, FN + 16) + 16;
}

static int set_up(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        if (!w)
                return -1;
        *state = w;
        w->data = DATA;
        w->names = NAMES;
        w->mappings[0] = (struct cs_mapping){ .range = { TEXT, DATA }, .perms = CS_PERM_READ | CS_PERM_EXEC };
        w->mappings[1] =
                (struct cs_mapping){ .range = { DATA, NAMES }, .perms = CS_PERM_READ | CS_PERM_WRITE };
        w->mappings[2] = (struct cs_mapping){ .range = { NAMES, END }, .perms = CS_PERM_READ };
        for (size_t i = 0; i < 3; i++)
                w->mappings[i].file_backed = true;
        w->module = (struct cs_module){ .path = "/app", .name = "app", .range = { TEXT, END }, .fd = -1 };
        w->image.mappings.at = w->mappings;
        w->image.mappings.n = 3;
        w->image.modules.at = &w->module;
        w->image.modules.n = 1;
        w->image.source = cs_source_from_bytes(TEXT, w->bytes, sizeof(w->bytes));

        /* __si_class_type_info is a class with one base itself: its typeinfo's vptr points behind its own vtable's head. */
        uint64_t name = put_name(w, "N10__cxxabiv120__si_class_type_infoE");
        uint64_t typeinfo = w->data;
        w->type_info = typeinfo + 3 * 8 + 16;
        (void)PUT(w, w->type_info, name, 0);
        assert_int_equal(put_vtable(w, 0, typeinfo), w->type_info);
        return cs_symbols_create(&w->image, NULL, &w->symbols, NULL) == CS_OK && w->image.source ? 0 : -1;
}

static int tear_down(void **state)
{
        struct world *w = *state;
        cs_symbols_destroy(w->symbols);
        cs_source_close(w->image.source);
        cs_pool_deinit(&w->pool);
        free(w);
        return 0;
}

static bool ask(struct world *w, uint64_t addr, struct cs_vtable *v)
{
        return cs_rtti_vtable(&w->image, w->symbols, &w->pool, addr, v);
}

static void expect_class(struct world *w, uint64_t addr, const char *class, int64_t top)
{
        struct cs_vtable v;
        if (!ask(w, addr, &v))
                fail_msg("no vtable of %s", class);
        assert_string_equal(v.class_name, class);
        assert_null(v.symbol);
        assert_false(v.by_symbol);
        assert_int_equal(v.offset_to_top, top);
}

static void expect_none(struct world *w, const char *what, uint64_t addr)
{
        struct cs_vtable v;
        if (ask(w, addr, &v))
                fail_msg("%s: taken for a vtable of %s", what, v.class_name ? v.class_name : "?");
}

static void test_classes(void **state)
{
        struct world *w = *state;
        uint64_t connection = put_class(w, "N3app10ConnectionIiEE");
        uint64_t local = put_class(w, "*N12_GLOBAL__N_16WorkerE");
        expect_class(w, put_vtable(w, 0, connection), "app::Connection<int>", 0);
        expect_class(w, put_vtable(w, 0, local), "(anonymous namespace)::Worker", 0);
        expect_class(w, put_vtable(w, (uint64_t)-24, connection), "app::Connection<int>", -24);
        expect_class(w, PUT(w, 0, connection, 0, FN) + 16, "app::Connection<int>", 0);
        expect_class(w, w->type_info, "__cxxabiv1::__si_class_type_info", 0);
}

static void test_flag_in_name(void **state)
{
        struct world *w = *state;
        uint64_t typeinfo = PUT(w, w->type_info, put_name(w, "1A") | UINT64_C(1) << 63, 0);
        expect_class(w, put_vtable(w, 0, typeinfo), "A", 0);
}

static void test_not_an_address_point(void **state)
{
        struct world *w = *state;
        uint64_t class = put_class(w, "1A"), point = put_vtable(w, 0, class);
        expect_none(w, "head of the vtable", point - 16);
        expect_none(w, "its typeinfo word", point - 8);
        expect_none(w, "second slot", point + 8);
        expect_none(w, "unaligned", point + 1);
        expect_none(w, "the typeinfo", class);
        expect_none(w, "text", FN);
        expect_none(w, "unmapped", 0x10);
        expect_none(w, "null", 0);
        expect_none(w, "top of the address space", UINT64_MAX - 7);
        expect_none(w, "start of the module", TEXT);
        expect_none(w, "functions", PUT(w, FN, FN, FN, FN) + 16);
        expect_none(w, "functions behind zeros (-fno-rtti)", PUT(w, 0, 0, FN, FN) + 16);
        expect_none(w, "positive offset to top", put_vtable(w, 8, class));
        expect_none(w, "unaligned offset to top", put_vtable(w, (uint64_t)-4, class));
        expect_none(w, "huge offset to top", put_vtable(w, (uint64_t)INT64_MIN, class));
        expect_none(w, "unaligned typeinfo", put_vtable(w, 0, class + 4));
        expect_none(w, "typeinfo in text", put_vtable(w, 0, FN));
        expect_none(w, "typeinfo nowhere", put_vtable(w, 0, 0x7000000));
        expect_none(w, "slot is data", PUT(w, 0, class, class, FN) + 16);
        expect_none(w, "slot is a number", PUT(w, 0, class, 42, FN) + 16);
}

static void test_bad_typeinfo(void **state)
{
        struct world *w = *state;
        uint64_t name = put_name(w, "1A");
        uint64_t other = put_class(w, "N10__cxxabiv119__pointer_type_infoE");
        uint64_t pointer_kind = put_vtable(w, 0, other), plain = put_vtable(w, 0, put_class(w, "5Plain"));
        expect_none(w, "no vptr", put_vtable(w, 0, PUT(w, 0, name, 0)));
        expect_none(w, "vptr into text", put_vtable(w, 0, PUT(w, FN, name, 0)));
        expect_none(w, "vptr unaligned", put_vtable(w, 0, PUT(w, w->type_info + 1, name, 0)));
        expect_none(w, "a pointer's typeinfo", put_vtable(w, 0, PUT(w, pointer_kind, name, 0)));
        expect_none(w, "an object of a plain class", put_vtable(w, 0, PUT(w, plain, name, 0)));
        expect_none(w, "name nowhere", put_vtable(w, 0, PUT(w, w->type_info, 0x7000000, 0)));
        expect_none(w, "name null", put_vtable(w, 0, PUT(w, w->type_info, 0, 0)));
}

static void test_bad_names(void **state)
{
        struct world *w = *state;
        static const char *const names[] = { "",           "*",        "A",   "i",     "PKc",
                                             "hello",      "1A extra", "3Fo", "N3foo", "1\001",
                                             "\x1b[31m1A", "**1A",     "v",   "FvvE" };
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                expect_none(w, names[i], put_vtable(w, 0, put_class(w, names[i])));
        /* No end before the memory ends, none before the limit. */
        memset(w->bytes + (w->names - TEXT), '1', END - w->names);
        expect_none(w, "unterminated", put_vtable(w, 0, PUT(w, w->type_info, w->names + 1, 0)));
        expect_none(w, "unterminated, short", put_vtable(w, 0, PUT(w, w->type_info, END - 3, 0)));
}

static void test_self_reference(void **state)
{
        struct world *w = *state;
        uint64_t at = w->data;
        /* A typeinfo whose vptr points at its own vtable, which is none. */
        (void)PUT(w, at + 24 + 16, at, 0, 0, at, FN);
        expect_none(w, "circle", at + 24 + 16);
        expect_none(w, "itself", PUT(w, 0, w->data, FN) + 16);
}

/* Random words never crash it; memory that ends anywhere neither. */
static void test_noise(void **state)
{
        struct world *w = *state;
        struct cs_vtable v;
        uint64_t x = 88172645463325252u;
        const uint64_t likely[] = { 0,         FN,           w->type_info, NAMES,     DATA,
                                    DATA + 64, (uint64_t)-8, END - 8,      UINT64_MAX };
        for (uint64_t at = w->data; at < NAMES; at += 8) {
                x ^= x << 13, x ^= x >> 7, x ^= x << 17;
                memcpy(w->bytes + (at - TEXT), &likely[x % 9], 8);
        }
        for (uint64_t at = TEXT; at < END + 64; at += 4)
                (void)ask(w, at, &v);
        for (size_t cut = sizeof(w->bytes); cut > DATA - TEXT; cut -= 61) {
                cs_source_close(w->image.source);
                w->image.source = cs_source_from_bytes(TEXT, w->bytes, cut);
                for (uint64_t at = DATA; at < DATA + 256; at += 8)
                        (void)ask(w, at, &v);
        }
}

/* The name was not dumped: still a vtable, by the runtime's vptr. */
static void test_name_missing(void **state)
{
        struct world *w = *state;
        struct cs_vtable v;
        uint64_t typeinfo = PUT(w, w->type_info, END - 8, 0), point = put_vtable(w, 0, typeinfo);
        cs_source_close(w->image.source);
        w->image.source = cs_source_from_bytes(TEXT, w->bytes, sizeof(w->bytes) - 16);
        assert_true(ask(w, point, &v));
        assert_null(v.class_name);
}

/* No name at all was dumped, the runtime's included: its structure says what it is. */
static void test_names_missing(void **state)
{
        struct world *w = *state;
        struct cs_vtable v;
        uint64_t point = put_vtable(w, 0, put_class(w, "1A"));
        uint64_t fake =
                PUT(w, 0, put_class(w, "1B"), FN) + 16; /* a class of the program, not of the runtime */
        uint64_t other = put_vtable(w, 0, PUT(w, fake, NAMES, 0));
        cs_source_close(w->image.source);
        w->image.source = cs_source_from_bytes(TEXT, w->bytes, NAMES - TEXT);
        assert_true(ask(w, point, &v));
        assert_null(v.class_name);
        expect_none(w, "an object of a plain class", other);
}

/* ---- by symbol --------------------------------------------------------------------------------------------------- */

static void test_runtime(void **state)
{
        (void)state;
        struct cs_image_options options = { 0 };
        struct cs_image *image;
        struct cs_symbols *symbols;
        struct cs_pool pool = { 0 };
        struct cs_vtable v;
        struct cs_error err;
        void *library = dlopen("libstdc++.so.6", RTLD_NOW);
        const char *vtable = library ? dlsym(library, "_ZTVSt13runtime_error") : NULL;
        const char *stream = library ? dlsym(library, "_ZTVSo") : NULL;
        if (!vtable || !stream)
                skip();
        uint64_t at = (uint64_t)(uintptr_t)vtable, out = (uint64_t)(uintptr_t)stream;
        if (cs_image_open_live(getpid(), &options, &image, &err) != CS_OK)
                fail_msg("%s", err.text);
        assert_int_equal(cs_symbols_create(image, &options, &symbols, NULL), CS_OK);
        assert_true(cs_rtti_vtable(image, symbols, &pool, at + 16, &v));
        assert_true(v.by_symbol);
        assert_string_equal(v.class_name, "std::runtime_error");
        assert_string_equal(v.symbol, "vtable for std::runtime_error");
        assert_false(cs_rtti_vtable(image, symbols, &pool, at, &v));
        assert_false(cs_rtti_vtable(image, symbols, &pool, at + 8, &v));
        assert_false(cs_rtti_vtable(image, symbols, &pool, at + 24, &v));
        /* std::ostream has a virtual base: one word before the usual two, and a second vtable behind the first. */
        assert_false(cs_rtti_vtable(image, symbols, &pool, out + 16, &v));
        assert_true(cs_rtti_vtable(image, symbols, &pool, out + 24, &v));
        assert_int_equal(v.offset_to_top, 0);
        assert_true(cs_rtti_vtable(image, symbols, &pool, out + 64, &v));
        assert_int_equal(v.offset_to_top, -8);
        cs_symbols_destroy(symbols);
        cs_image_close(image);
        cs_pool_deinit(&pool);
        dlclose(library);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_classes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_flag_in_name, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_not_an_address_point, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_bad_typeinfo, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_bad_names, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_self_reference, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_noise, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_name_missing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_names_missing, set_up, tear_down),
                cmocka_unit_test(test_runtime),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
