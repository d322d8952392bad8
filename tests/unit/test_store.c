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
                assert_true(cs_store_zeros(s, b.len - (1 << 20)) >= (1 << 20) - (128 << 10));
                assert_true(cs_store_zeros(s, b.len - (1 << 20)) <= (1 << 20) - 777);
                assert_int_equal(cs_store_zeros(s, b.len), 0);
                assert_int_equal(cs_store_zeros(s, 0), 0);
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

/* Some blocks as they are, some packed, in every proportion; and where there is no room for all of them, the first ones. */
static void test_bounds(void **state)
{
        (void)state;
        static const struct {
                uint64_t max;
                bool all;
        } bounds[] = {
                { 100 << 20, true }, { 16 << 20, true },  { 10 << 20, true },
                { 8 << 20, true },   { 5 << 20, true },   { 4 << 20, true },
                { 1 << 20, false },  { 70 << 10, false }, { 1, false },
        };
        struct corebuilder_bytes b = build(), packed = squeeze(b.at, b.len, CS_PACKED_ZSTD);
        struct cs_store *s = NULL;
        struct cs_error err = { 0 };
        uint8_t *some = malloc(b.len);
        assert_non_null(some);
        for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
                struct cs_store_options options = { .max_memory = bounds[i].max };
                if (store(packed.at, packed.len, &options, &s, &err) != CS_OK)
                        fail_msg("%s", err.text);
                size_t size = cs_store_size(s);
                assert_int_equal(size == b.len, bounds[i].all);
                assert_int_equal(cs_store_damage(s) == NULL, bounds[i].all);
                if (!bounds[i].all) {
                        assert_non_null(strstr(cs_store_damage(s), "--max-memory"));
                        assert_non_null(strstr(cs_store_damage(s), "--temp-dir"));
                        assert_true(size <= bounds[i].max);
                }
                assert_int_equal(cs_store_read(s, 0, some, b.len), size);
                assert_memory_equal(some, b.at, size);
                for (size_t at = 0, n; at < size; at += n) {
                        size_t len = n = 12345;
                        const uint8_t *lent = cs_store_lend(s, at, &len);
                        assert_true(!lent || (len > 0 && len <= n && len <= size - at));
                        assert_true(!lent || memcmp(lent, b.at + at, len) == 0);
                        if (bounds[i].max == 100 << 20)
                                assert_non_null(lent);
                }
                cs_store_destroy(s);
        }
        free(some);
        struct cs_store_options small = { .max_memory = 1 << 20, .temp_dir = "/tmp" };
        assert_int_equal(store(packed.at, packed.len, &small, &s, &err), CS_OK);
        assert_true(cs_store_file(s) >= 0);
        uint8_t *back = malloc(b.len);
        assert_non_null(back);
        assert_int_equal(pread(cs_store_file(s), back, b.len, 0), b.len);
        assert_memory_equal(back, b.at, b.len);
        cs_store_destroy(s);
        free(back);
        small.temp_dir = "/nonexistent";
        assert_int_equal(store(packed.at, packed.len, &small, &s, &err), CS_ESYS);
        assert_non_null(strstr(err.text, "--temp-dir /nonexistent"));
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
        enum { PAGES = 4 << 20, LARGE = 4 << 20 };
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
        /* Whoever reads it all gets each span of data and the zeros between them, untouched; whoever looks for data is led there. */
        struct cs_view view;
        size_t ones = 0, found = 0;
        cs_view_init(&view, image->source);
        for (uint64_t at = ADDR, got; at < ADDR + (uint64_t)PAGES * 4096; at += got) {
                size_t n;
                const uint8_t *bytes = cs_view_at(&view, at, CS_VIEW_BYTES, &n);
                assert_non_null(bytes);
                ones += memchr(bytes, 1, n) != NULL;
                got = n;
        }
        cs_view_deinit(&view);
        /* File systems count in larger pieces than pages. */
        for (uint64_t at = ADDR; (at = cs_source_next_data(image->source, at)) != UINT64_MAX;
             at += 4096, found++)
                assert_true((at - ADDR + LARGE) % ((uint64_t)PAGES / 4 * 4096) < 2 * LARGE);
        assert_int_equal(ones, 4);
        assert_true(found >= 4 && found <= 4 * 2 * LARGE / 4096);
        assert_int_equal(cs_source_zeros(image->source, ADDR), 0);
        assert_in_range(cs_source_zeros(image->source, ADDR + LARGE), (uint64_t)PAGES / 4 * 4096 - 2 * LARGE,
                        (uint64_t)PAGES / 4 * 4096);
        assert_int_equal(cs_source_zeros(image->source, ADDR + (uint64_t)PAGES * 4096), 0);
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
