/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed cores: what comes out of the store is what went in, zeros take nothing, damage is said, bounds hold; and cores
 * with more segments than a header can count. */
#include "corebuilder.h"
#include "corefile.h"
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zstd.h>

enum { NOISE = 3 << 20, ADDR = 0x10000000 };

/* A core of noise, text, zeros and an odd tail. */
static struct corebuilder_bytes build(void)
{
        struct corebuilder c = { 0 };
        size_t len = (size_t)NOISE * 2 + 777;
        uint8_t *bytes = calloc(1, len);
        uint64_t x = 88172645463325252u;
        assert_non_null(bytes);
        for (size_t i = 0; i < NOISE; i++) {
                x ^= x << 13, x ^= x >> 7, x ^= x << 17;
                bytes[i] = (uint8_t)(i < NOISE / 2 ? x : (uint64_t)(i % 10 + 97));
        }
        memset(bytes + len - 777, 7, 777);
        corebuilder_thread(&c, 1, ADDR, ADDR, NULL);
        corebuilder_load(&c, ADDR, bytes, len, (len + 4095) / 4096 * 4096, PF_R | PF_W);
        struct corebuilder_bytes b = corebuilder_finish(&c);
        corebuilder_deinit(&c);
        free(bytes);
        return b;
}

static struct corebuilder_bytes squeeze(const uint8_t *from, size_t len, enum cs_packing packing)
{
        size_t most =
                packing == CS_PACKED_ZSTD ? ZSTD_compressBound(len) : LZ4F_compressFrameBound(len, NULL);
        struct corebuilder_bytes b = { malloc(most), 0 };
        assert_non_null(b.at);
        b.len = packing == CS_PACKED_ZSTD ? ZSTD_compress(b.at, most, from, len, 1)
                                          : LZ4F_compressFrame(b.at, most, from, len, NULL);
        return b;
}

/* Two frames, the first behind a skippable one. */
static struct corebuilder_bytes two_frames(const struct corebuilder_bytes *b, enum cs_packing packing)
{
        static const uint8_t skip[] = { 0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z' };
        size_t half = b->len / 2 + 5;
        struct corebuilder_bytes one = squeeze(b->at, half, packing),
                                 two = squeeze(b->at + half, b->len - half, packing);
        struct corebuilder_bytes all = { malloc(sizeof(skip) + one.len + two.len),
                                         sizeof(skip) + one.len + two.len };
        assert_non_null(all.at);
        memcpy(all.at, skip, sizeof(skip));
        memcpy(all.at + sizeof(skip), one.at, one.len);
        memcpy(all.at + sizeof(skip) + one.len, two.at, two.len);
        free(one.at);
        free(two.at);
        return all;
}

static enum cs_status store(const void *bytes, size_t len, const struct cs_store_options *options,
                            struct cs_store **out, struct cs_error *err)
{
        char path[64];
        int fd = corebuilder_open(bytes, len, path);
        enum cs_status st = cs_store_create(fd, cs_packing_of(fd), options, out, err);
        close(fd);
        return st;
}

static void test_round_trip(void **state)
{
        (void)state;
        static const struct cs_store_options options = { 0 };
        struct corebuilder_bytes b = build();
        for (enum cs_packing p = CS_PACKED_ZSTD; p <= CS_PACKED_LZ4; p++) {
                struct corebuilder_bytes packed = two_frames(&b, p);
                struct cs_store *s = NULL;
                uint8_t *back = malloc(b.len);
                assert_non_null(back);
                assert_int_equal(store(packed.at, packed.len, &options, &s, NULL), CS_OK);
                assert_null(cs_store_damage(s));
                assert_int_equal(cs_store_size(s), b.len);
                assert_int_equal(cs_store_read(s, 0, back, b.len + 5), b.len);
                assert_memory_equal(back, b.at, b.len);
                for (size_t at = 0; at < b.len; at += 99991) {
                        size_t want = b.len - at < 150001 ? b.len - at : 150001;
                        assert_int_equal(cs_store_read(s, at, back, 150001), want);
                        assert_memory_equal(back, b.at + at, want);
                }
                assert_int_equal(cs_store_read(s, b.len, back, 1), 0);
                assert_true(cs_store_is_zero(s, b.len - (1 << 20), 4096));
                assert_false(cs_store_is_zero(s, b.len - 100, 100));
                assert_false(cs_store_is_zero(s, b.len - (1 << 20), 2 << 20));
                free(back);
                free(packed.at);
                cs_store_destroy(s);
        }
        free(b.at);
}

static void test_damage(void **state)
{
        (void)state;
        static const struct cs_image_options options = { .sysroot = "/nonexistent" };
        struct corebuilder_bytes b = build();
        for (enum cs_packing p = CS_PACKED_ZSTD; p <= CS_PACKED_LZ4; p++) {
                struct corebuilder_bytes packed = squeeze(b.at, b.len, p);
                for (int cut = 0; cut < 2; cut++) {
                        struct cs_image *image = NULL;
                        struct cs_error err = { 0 };
                        char path[64];
                        if (!cut) /* a wrong frame behind a good one's middle */
                                memset(packed.at + packed.len / 2, 0xff, packed.len - packed.len / 2);
                        int fd = corebuilder_open(packed.at, cut ? packed.len / 2 : packed.len, path);
                        if (cs_image_open_core(path, &options, &image, &err) != CS_OK)
                                fail_msg("%s", err.text);
                        assert_false(image->complete);
                        assert_non_null(strstr(image->warnings.at[0], cut ? "compressed core ends early"
                                                                          : "compressed core is damaged"));
                        assert_non_null(strstr(image->warnings.at[1], "the core is truncated"));
                        uint8_t byte;
                        size_t got = 0;
                        assert_int_equal(cs_source_read(image->source, ADDR, &byte, 1, &got, NULL), CS_OK);
                        assert_int_equal(got, 1);
                        assert_int_equal(cs_source_gap(image->source, ADDR + NOISE * 2), CS_GAP_TRUNCATED);
                        cs_image_close(image);
                        close(fd);
                }
                free(packed.at);
        }
        free(b.at);
}

static void test_bounds(void **state)
{
        (void)state;
        struct cs_store_options small = { .max_memory = 1 << 20 };
        struct corebuilder_bytes b = build(), packed = squeeze(b.at, b.len, CS_PACKED_ZSTD);
        struct cs_store *s = NULL;
        struct cs_error err = { 0 };
        assert_int_equal(store(packed.at, packed.len, &small, &s, &err), CS_ELIMIT);
        assert_non_null(strstr(err.text, "--max-memory"));
        assert_non_null(strstr(err.text, "--temp-dir"));
        small.temp_dir = "/tmp";
        assert_int_equal(store(packed.at, packed.len, &small, &s, &err), CS_OK);
        assert_true(cs_store_file(s) >= 0);
        uint8_t *back = malloc(b.len);
        assert_non_null(back);
        assert_int_equal(pread(cs_store_file(s), back, b.len, 0), b.len);
        assert_memory_equal(back, b.at, b.len);
        cs_store_destroy(s);
        free(back);
        free(packed.at);

        /* A bomb: behind the core, a gigabyte that no header promises; it is not even looked at. */
        size_t bomb_len = (size_t)1 << 28;
        uint8_t *bomb = calloc(1, bomb_len);
        assert_non_null(bomb);
        memcpy(bomb, b.at, b.len);
        packed = squeeze(bomb, bomb_len, CS_PACKED_ZSTD);
        free(bomb);
        assert_int_equal(store(packed.at, packed.len, &(struct cs_store_options){ 0 }, &s, &err), CS_OK);
        assert_int_equal(cs_store_size(s), b.len);
        cs_store_destroy(s);
        free(packed.at);
        free(b.at);
}

static void test_xz(void **state)
{
        (void)state;
        struct cs_store *s = NULL;
        struct cs_error err = { 0 };
        assert_int_equal(store("\xfd"
                               "7zXZ\0\0\0",
                               8, &(struct cs_store_options){ 0 }, &s, &err),
                         CS_ENOTSUP);
        assert_non_null(strstr(err.text, "xz"));
}

/* More segments than e_phnum counts, whole and with the end (where the kernel puts the count) gone. */
static void test_many_segments(void **state)
{
        (void)state;
        static const size_t counts[] = { 70000, 200000 };
        static const struct cs_image_options options = { .sysroot = "/nonexistent" };
        for (size_t i = 0; i < 2; i++) {
                size_t n = counts[i], table = sizeof(Elf64_Ehdr) + (n + 1) * sizeof(Elf64_Phdr);
                size_t notes = 32, end = table + notes + n;
                uint8_t *bytes = calloc(1, end + sizeof(Elf64_Shdr));
                assert_non_null(bytes);
                Elf64_Ehdr header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                                                   ELFDATA2LSB, EV_CURRENT },
                                      .e_type = ET_CORE,
                                      .e_machine = EM_X86_64,
                                      .e_version = EV_CURRENT,
                                      .e_phoff = sizeof(Elf64_Ehdr),
                                      .e_phnum = PN_XNUM,
                                      .e_shoff = end,
                                      .e_shnum = 1,
                                      .e_shentsize = sizeof(Elf64_Shdr),
                                      .e_phentsize = sizeof(Elf64_Phdr),
                                      .e_ehsize = sizeof(Elf64_Ehdr) };
                Elf64_Shdr section = { .sh_info = (uint32_t)n + 1, .sh_size = 1 };
                memcpy(bytes, &header, sizeof(header));
                Elf64_Phdr note = { .p_type = PT_NOTE, .p_offset = table, .p_filesz = notes };
                memcpy(bytes + sizeof(header), &note, sizeof(note));
                for (size_t k = 0; k < n; k++) {
                        Elf64_Phdr ph = { .p_type = PT_LOAD,
                                          .p_flags = PF_R,
                                          .p_vaddr = ADDR + k * 0x2000,
                                          .p_memsz = 0x1000,
                                          .p_filesz = 1,
                                          .p_offset = table + notes + k };
                        memcpy(bytes + sizeof(header) + (k + 1) * sizeof(ph), &ph, sizeof(ph));
                }
                memcpy(bytes + end, &section, sizeof(section));
                for (int way = 0; way < 4;
                     way++) { /* bit 0: the section header is cut off; bit 1: compressed */
                        size_t len = way & 1 ? end : end + sizeof(section);
                        struct corebuilder_bytes packed = squeeze(bytes, len, CS_PACKED_LZ4);
                        struct cs_image *image = NULL;
                        struct cs_error err = { 0 };
                        char path[64];
                        int fd = way & 2 ? corebuilder_open(packed.at, packed.len, path)
                                         : corebuilder_open(bytes, len, path);
                        if (cs_image_open_core(path, &options, &image, &err) != CS_OK)
                                fail_msg("%s", err.text);
                        assert_int_equal(image->mappings.n, n);
                        bool told = false;
                        for (size_t k = 0; k < image->warnings.n; k++)
                                told |= strstr(image->warnings.at[k], "number of segments was lost") != NULL;
                        assert_int_equal(told, way & 1);
                        cs_image_close(image);
                        close(fd);
                        free(packed.at);
                }
                free(bytes);
        }
}

/* 16 GiB of which four pages are there: the rest is told from the file's holes, in no time and without being faulted in. */
static void test_sparse(void **state)
{
        (void)state;
        enum { PAGES = 4 << 20 };
        static const struct cs_image_options options = { .sysroot = "/nonexistent" };
        static const uint8_t byte = 1;
        struct corebuilder c = { 0 };
        struct cs_image *image = NULL;
        struct cs_error err = { 0 };
        char path[64];
        corebuilder_thread(&c, 1, ADDR, ADDR, NULL);
        corebuilder_load(&c, ADDR, &byte, 1, (uint64_t)PAGES * 4096, PF_R);
        struct corebuilder_bytes b = corebuilder_finish(&c);
        Elf64_Phdr *ph = (Elf64_Phdr *)(void *)(b.at + sizeof(Elf64_Ehdr));
        while (ph->p_type != PT_LOAD)
                ph++;
        ph->p_filesz = ph->p_memsz;
        uint64_t offset = ph->p_offset;
        int fd = corebuilder_open(b.at, b.len, path);
        assert_int_equal(ftruncate(fd, (off_t)(offset + (uint64_t)PAGES * 4096)), 0);
        for (uint64_t page = 1; page < 4; page++)
                assert_int_equal(pwrite(fd, &byte, 1, (off_t)(offset + page * (PAGES / 4) * 4096)), 1);
        if (cs_image_open_core(path, &options, &image, &err) != CS_OK)
                fail_msg("%s", err.text);
        struct rusage before, after;
        size_t set = 0;
        assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
        for (uint64_t page = 0; page < PAGES; page += CS_RESIDENT_PAGES) {
                uint8_t flags[CS_RESIDENT_PAGES];
                cs_source_resident(image->source, ADDR + page * 4096, CS_RESIDENT_PAGES, flags);
                for (size_t i = 0; i < CS_RESIDENT_PAGES; i++) {
                        set += flags[i];
                        if (flags[i])
                                assert_int_equal((page + i) % (PAGES / 4), 0);
                }
        }
        assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
        assert_int_equal(set, 4);
        assert_true(after.ru_minflt - before.ru_minflt < 1000);
        cs_image_close(image);
        close(fd);
        free(b.at);
        corebuilder_deinit(&c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_damage),
                cmocka_unit_test(test_bounds),        cmocka_unit_test(test_xz),
                cmocka_unit_test(test_many_segments), cmocka_unit_test(test_sparse),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
