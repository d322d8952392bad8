/* SPDX-License-Identifier: Apache-2.0 */
/* Which names begin a thing's life, which end it, and which belong together. */
#include "lifenames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

struct name_case {
        const char *name;
        enum cs_life life;
        const char *stem; /* NULL: does not matter */
};

static const struct name_case cases[] = {
        { "BIO_new", CS_LIFE_BEGINS, "BIO" },
        { "BIO_new_mem_buf", CS_LIFE_BEGINS, "BIO" },
        { "SSL_CTX_new", CS_LIFE_BEGINS, "SSL_CTX" },
        { "SSL_CTX_free", CS_LIFE_ENDS, "SSL_CTX" },
        { "xmlNewDoc", CS_LIFE_BEGINS, "xml" },
        { "XCreateWindow", CS_LIFE_BEGINS, "X" },
        { "TIFFClose", CS_LIFE_ENDS, "TIFF" },
        { "deflateInit2_", CS_LIFE_INIT, "deflate" },
        { "g_clear_object", CS_LIFE_ENDS, "g" },
        { "newlocale", CS_LIFE_NONE, NULL },
        { "thing_renewal", CS_LIFE_NONE, NULL },
        { "Thing_renew", CS_LIFE_NONE, NULL },
        { "open", CS_LIFE_NONE, NULL },
        { "_free", CS_LIFE_NONE, NULL },
        { "free_list", CS_LIFE_NONE, NULL },
        { "printf", CS_LIFE_NONE, NULL },
        { "", CS_LIFE_NONE, NULL },
        { "____", CS_LIFE_NONE, NULL },
        { "_ZN3BIO7BIO_newEv", CS_LIFE_NONE, NULL },
};

static void test_names(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct cs_lifename n = cs_lifename_of(cases[i].name);
                if (n.life != cases[i].life ||
                    (n.life && (n.stem_len != strlen(cases[i].stem) ||
                                n.stem != cs_lifename_stem(cases[i].stem, strlen(cases[i].stem)))))
                        fail_msg("%s: life %d, stem of %zu", cases[i].name, (int)n.life, n.stem_len);
        }
}

static void test_pairs(void **state)
{
        (void)state;
        assert_int_equal(cs_lifename_of("BIO_new").whole, cs_lifename_of("BIO_free").whole);
        assert_int_equal(cs_lifename_of("BIO_new_file").stem, cs_lifename_of("BIO_free").whole);
        assert_int_not_equal(cs_lifename_of("BIO_new_file").whole, cs_lifename_of("BIO_free").whole);
        assert_int_equal(cs_lifename_of("xmlNewDoc").whole, cs_lifename_of("xmlFreeDoc").whole);
        assert_int_not_equal(cs_lifename_of("xmlNewDoc").whole, cs_lifename_of("xmlFreeNode").whole);
        assert_int_equal(cs_lifename_of("deflateInit2_").whole, cs_lifename_of("deflateEnd").whole);
        assert_int_equal(cs_lifename_of("g_object_new").whole, cs_lifename_of("g_clear_object").whole);
        assert_true(cs_lifename_of("BIO_new").nothing_left);
        assert_false(cs_lifename_of("BIO_new_file").nothing_left);
}

/* A long name is none, and one that is just short enough is read to its end. */
static void test_long(void **state)
{
        char name[CS_LIFENAME_BYTES + 8];
        (void)state;
        for (size_t len = 6; len < sizeof(name); len++) {
                memset(name, 'a', len);
                memcpy(name + len - 4, "_new", 5);
                assert_int_equal(cs_lifename_of(name).life,
                                 len < CS_LIFENAME_BYTES ? CS_LIFE_BEGINS : CS_LIFE_NONE);
        }
}

static void test_shorter(void **state)
{
        (void)state;
        assert_int_equal(cs_lifename_shorter("OPENSSL_sk_pop", strlen("OPENSSL_sk_pop")),
                         strlen("OPENSSL_sk"));
        assert_int_equal(cs_lifename_shorter("OPENSSL_sk", strlen("OPENSSL_sk")), strlen("OPENSSL"));
        assert_int_equal(cs_lifename_shorter("OPENSSL", strlen("OPENSSL")), 0);
        assert_int_equal(cs_lifename_shorter("xmlDoc", strlen("xmlDoc")), strlen("xml"));
        assert_int_equal(cs_lifename_shorter("", 0), 0);
        assert_int_equal(cs_lifename_shorter("__", 2), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_pairs),
                cmocka_unit_test(test_long),
                cmocka_unit_test(test_shorter),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
