/* SPDX-License-Identifier: Apache-2.0 */
#include "entropy.h"

#include "bytes.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

enum { SIZE = 1 << 20, PART = 16 << 10, PARTS = SIZE / PART };

static uint8_t *plain, *packed;
static uint64_t seed;

static uint64_t next(void)
{
        return cs_mix(seed += UINT64_C(0x9e3779b97f4a7c15));
}

static int setup(void **state)
{
        (void)state;
        plain = malloc(SIZE);
        packed = malloc(2 * SIZE);
        return !plain || !packed;
}

static int teardown(void **state)
{
        (void)state;
        free(plain);
        free(packed);
        return 0;
}

/* Lines of a log, of which numbers and words vary. */
static void fill_text(void)
{
        static const char *const words[] = { "request", "served", "from",  "cache",  "client", "closed",
                                             "timeout", "après",  "Größe", "worker", "GET",    "/index" };
        size_t n = 0;
        seed = 1;
        while (n < SIZE - 64)
                n += (size_t)snprintf((char *)plain + n, 64, "%llu %s %s %llx\n",
                                      (unsigned long long)(next() % 100000), words[next() % 12],
                                      words[next() % 12], (unsigned long long)(next() >> 40));
        memset(plain + n, ' ', SIZE - n);
}

/* The machine code of the C library, which has no tables of noise in it (libcrypto has). */
static void read_code(void)
{
        Dl_info where;
        const void *function = (const void *)(uintptr_t)printf;
        assert_true(dladdr(function, &where) != 0);
        FILE *f = fopen(where.dli_fname, "rb");
        assert_non_null(f);
        assert_int_equal(fseek(f, (long)((const char *)function - (const char *)where.dli_fbase) - SIZE / 8,
                               SEEK_SET),
                         0);
        assert_int_equal(fread(plain, 1, SIZE, f), SIZE);
        fclose(f);
}

/* How many parts of the bytes are of each kind. */
static void count(const uint8_t *bytes, size_t len, size_t part, size_t out[CS_CONTENTS])
{
        memset(out, 0, CS_CONTENTS * sizeof(*out));
        for (size_t at = 0; at + part <= len; at += part)
                out[cs_entropy_judge(bytes + at, part)]++;
}

static void all_are(const char *what, const uint8_t *bytes, enum cs_content kind)
{
        size_t got[CS_CONTENTS];
        count(bytes, SIZE, PART, got);
        if (got[kind] != PARTS)
                fail_msg("%s: %zu empty, %zu text, %zu structured, %zu compressed, %zu random", what, got[0],
                         got[1], got[2], got[3], got[4]);
}

static void plain_things(void **state)
{
        (void)state;
        memset(plain, 0, SIZE);
        all_are("zeros", plain, CS_CONTENT_EMPTY);
        memset(plain, 0xa5, SIZE);
        all_are("a filling", plain, CS_CONTENT_EMPTY);
        for (size_t i = 0; i < SIZE; i += PART)
                plain[i + 5000] = 1;
        all_are("nearly a filling", plain, CS_CONTENT_STRUCTURED);
        fill_text();
        all_are("UTF-8", plain, CS_CONTENT_TEXT);
        for (size_t i = 0; i < SIZE; i += 2)
                plain[i] = (uint8_t)(' ' + next() % 90), plain[i + 1] = 0;
        all_are("UTF-16", plain, CS_CONTENT_TEXT);
        read_code();
        all_are("machine code", plain, CS_CONTENT_STRUCTURED);
}

static void numbers(void **state)
{
        (void)state;
        seed = 2;
        for (size_t i = 0; i < SIZE; i += 8) {
                double d = (double)(next() >> 11) * 0x1p-53;
                memcpy(plain + i, &d, 8);
        }
        all_are("doubles", plain, CS_CONTENT_STRUCTURED);
        for (size_t i = 0; i < SIZE; i += 4) {
                float d = (float)(next() >> 11) * 0x1p-40F - 4000;
                memcpy(plain + i, &d, 4);
        }
        all_are("floats", plain, CS_CONTENT_STRUCTURED);
        for (size_t i = 0; i < SIZE; i += 2) {
                int16_t d = (int16_t)((int)(next() % 8000 + next() % 8000 + next() % 8000) - 12000);
                memcpy(plain + i, &d, 2);
        }
        all_are("sound", plain, CS_CONTENT_STRUCTURED);
        for (size_t i = 0; i < SIZE; i += 8) {
                uint64_t p = 0x7f0000000000 + next() % (UINT64_C(1) << 32);
                memcpy(plain + i, &p, 8);
        }
        all_are("pointers", plain, CS_CONTENT_STRUCTURED);
        for (size_t i = 0; i < SIZE; i += 8) {
                uint64_t p = i % 32 ? next() : 0x7f0000000000 + next() % (UINT64_C(1) << 32);
                memcpy(plain + i, &p, 8);
        }
        all_are("digests, with pointers", plain, CS_CONTENT_STRUCTURED);
        for (size_t i = 0; i < SIZE; i += 8) {
                uint64_t word = next();
                memcpy(plain + i, i % PART < 512 ? (void *)&word : plain + i - 512, 8);
        }
        all_are("noise that repeats", plain, CS_CONTENT_STRUCTURED);
}

/* 1,000,000 buffers of 16 KiB would have 3 by accident that look uneven; of these none may. */
static void noise(void **state)
{
        size_t got[CS_CONTENTS];
        (void)state;
        seed = 3;
        for (size_t i = 0; i < SIZE; i += 8) {
                uint64_t word = next();
                memcpy(plain + i, &word, 8);
        }
        all_are("noise", plain, CS_CONTENT_RANDOM);
        count(plain, SIZE, CS_ENTROPY_LEAST, got);
        if (got[CS_CONTENT_RANDOM] + 1 < SIZE / CS_ENTROPY_LEAST || got[CS_CONTENT_COMPRESSED])
                fail_msg("small ones: %zu of %d", got[CS_CONTENT_RANDOM], SIZE / CS_ENTROPY_LEAST);
        FILE *f = fopen("/dev/urandom", "rb");
        assert_non_null(f);
        assert_int_equal(fread(plain, 1, SIZE, f), SIZE);
        fclose(f);
        all_are("urandom", plain, CS_CONTENT_RANDOM);
        assert_int_equal(cs_entropy_judge(plain, 1000), CS_CONTENT_STRUCTURED);
}

static void encrypted(void **state)
{
        (void)state;
        fill_text();
        EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        int n = 0;
        assert_int_equal(EVP_EncryptInit_ex(c, EVP_aes_256_cbc(), NULL,
                                            (const uint8_t *)"0123456789abcdef0123456789abcdef",
                                            (const uint8_t *)"0123456789abcdef"),
                         1);
        assert_int_equal(EVP_EncryptUpdate(c, packed, &n, plain, SIZE), 1);
        EVP_CIPHER_CTX_free(c);
        all_are("AES", packed, CS_CONTENT_RANDOM);
}

/* What is packed is noise in nearly all of its parts, and as a whole mostly told from what is random. */
static void packers(void **state)
{
        (void)state;
        for (unsigned source = 0; source < 2; source++) {
                if (source)
                        read_code();
                else
                        fill_text();
                for (int level = 1; level <= 9; level += 4)
                        for (unsigned zstd = 0; zstd < 2; zstd++) {
                                size_t got[CS_CONTENTS], len = 2 * SIZE;
                                uLongf z = (uLongf)len;
                                if (zstd)
                                        len = ZSTD_compress(packed, len, plain, SIZE, level);
                                else if (compress2(packed, &z, plain, SIZE, level) == Z_OK)
                                        len = z;
                                assert_true(len > 4 * PART && len < SIZE);
                                count(packed, len, PART, got);
                                size_t dense = got[CS_CONTENT_COMPRESSED] + got[CS_CONTENT_RANDOM];
                                enum cs_content whole = cs_entropy_judge(packed, len);
                                printf("%s of %s, level %d: %zu KiB, parts: %zu structured, %zu compressed, %zu random; as a "
                                       "whole %s\n",
                                       zstd ? "zstd" : "zlib", source ? "a program" : "text", level,
                                       len >> 10, got[2], got[3], got[4], cs_content_name(whole));
                                assert_true(got[CS_CONTENT_TEXT] + got[CS_CONTENT_EMPTY] == 0);
                                assert_true(dense * 2 > len / PART);
                                if (!source)
                                        assert_true(dense == len / PART && whole >= CS_CONTENT_COMPRESSED);
                        }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(plain_things), cmocka_unit_test(numbers), cmocka_unit_test(noise),
                cmocka_unit_test(encrypted),    cmocka_unit_test(packers),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
