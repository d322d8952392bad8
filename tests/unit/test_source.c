/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes and the holes between them: a byte array, a core's pieces, a module's file that stands in, and views over them. */
#include "source.h"

#include "corefile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t read_at(struct cs_source *src, uint64_t addr, void *buf, size_t len)
{
        size_t got = 12345;
        assert_int_equal(cs_source_read(src, addr, buf, len, &got, NULL), CS_OK);
        assert_true(got <= len);
        return got;
}

/* ---- a byte array ------------------------------------------------------------------------------------------------ */

static void test_array(void **state)
{
        (void)state;
        static const uint8_t bytes[32] = { 1, 2, 3, [30] = 31, 32 };
        static const struct {
                const char *what;
                uint64_t addr;
                size_t len, got;
        } cases[] = {
                { "all", 0x1000, 32, 32 },          { "stops at the end", 0x1010, 32, 16 },
                { "last byte", 0x101f, 8, 1 },      { "at the end", 0x1020, 8, 0 },
                { "before", 0xfff, 8, 0 },          { "far before", 0, SIZE_MAX, 0 },
                { "far behind", UINT64_MAX, 1, 0 }, { "nothing", 0x1000, 0, 0 },
        };
        uint8_t buf[32];
        struct cs_source *src = cs_source_from_bytes(0x1000, bytes, sizeof(bytes));
        assert_non_null(src);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                size_t len = cases[i].len < sizeof(buf) ? cases[i].len : sizeof(buf);
                if (read_at(src, cases[i].addr, buf, len) != cases[i].got)
                        fail_msg("%s", cases[i].what);
                if (cases[i].got && memcmp(buf, bytes + (cases[i].addr - 0x1000), cases[i].got) != 0)
                        fail_msg("%s: other bytes", cases[i].what);
        }
        uint64_t word;
        assert_true(cs_source_u64(src, 0x1018, &word));
        assert_true(word == (UINT64_C(31) << 48 | UINT64_C(32) << 56));
        assert_false(cs_source_u64(src, 0x1019, &word));
        assert_true(cs_source_next(src, 0) == 0x1000);
        assert_true(cs_source_next(src, 0x1010) == 0x1010);
        assert_true(cs_source_next(src, 0x1020) == UINT64_MAX);
        size_t len = 100;
        assert_ptr_equal(cs_source_borrow(src, 0x1010, &len), bytes + 16);
        assert_int_equal(len, 16);
        assert_null(cs_source_borrow(src, 0x1020, &len));
        cs_source_release(src, 0x1000, 32);
        cs_source_close(src);
        cs_source_close(NULL);
        assert_null(cs_source_from_bytes(UINT64_MAX - 4, bytes, 8));
}

static void test_array_resident(void **state)
{
        (void)state;
        static uint8_t bytes[3 * CS_PAGE];
        uint8_t flags[6];
        bytes[2 * CS_PAGE + 5] = 1;
        struct cs_source *src = cs_source_from_bytes(0x10000, bytes, sizeof(bytes));
        cs_source_resident(src, 0x10000 - CS_PAGE, 6, flags);
        assert_memory_equal(flags, "\0\0\0\1\0\0", 6);
        cs_source_close(src);
}

/* ---- a core's pieces --------------------------------------------------------------------------------------------- */

/* Three neighbours and one apart:
 *   1000 … 2000   dumped
 *   2000 … 3000   half dumped, half not
 *   3000 … 4000   promised, of which the core holds 0x100 bytes
 *   6000 … 7000   not dumped at all */
struct core {
        uint8_t *bytes; /* pages of our own: the source may let go of them */
        struct cs_segment segments[4];
        struct cs_corefile file;
        struct cs_source *src;
};

enum { CORE_BYTES = 0x1900 };

static int set_up(void **state)
{
        struct core *c = calloc(1, sizeof(*c));
        if (!c)
                return -1;
        *state = c;
        int fd = memfd_create("core", MFD_CLOEXEC);
        uint8_t all[CORE_BYTES];
        for (size_t i = 0; i < sizeof(all); i++)
                all[i] = (uint8_t)(i % 251 + 1);
        if (fd < 0 || write(fd, all, sizeof(all)) != (ssize_t)sizeof(all))
                return -1;
        c->bytes = mmap(NULL, CORE_BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
        close(fd);
        c->segments[0] = (struct cs_segment){ { 0x1000, 0x2000 }, 0, 0x1000, 0x1000, CS_PERM_READ };
        c->segments[1] = (struct cs_segment){ { 0x2000, 0x3000 }, 0x1000, 0x800, 0x800, CS_PERM_READ };
        c->segments[2] = (struct cs_segment){ { 0x3000, 0x4000 }, 0x1800, 0x100, 0x1000, CS_PERM_READ };
        c->segments[3] = (struct cs_segment){ { 0x6000, 0x7000 }, 0x1900, 0, 0, CS_PERM_READ };
        c->file.segments.at = c->segments;
        c->file.segments.n = 4;
        return c->bytes != MAP_FAILED &&
                               cs_core_source_create(c->bytes, CORE_BYTES, &c->file, &c->src, NULL) == CS_OK
                       ? 0
                       : -1;
}

static int tear_down(void **state)
{
        struct core *c = *state;
        cs_source_close(c->src);
        munmap(c->bytes, CORE_BYTES);
        free(c);
        return 0;
}

static void test_core_reads(void **state)
{
        struct core *c = *state;
        uint8_t buf[0x3000];
        /* Neighbouring pieces are one stretch. */
        assert_int_equal(read_at(c->src, 0x1000, buf, 0x3000), 0x1800);
        assert_memory_equal(buf, c->bytes, 0x1800);
        assert_int_equal(read_at(c->src, 0x1ff0, buf, 0x20), 0x20);
        assert_memory_equal(buf, c->bytes + 0xff0, 0x20);
        assert_int_equal(read_at(c->src, 0x27ff, buf, 8), 1);
        assert_int_equal(read_at(c->src, 0x2800, buf, 8), 0);
        assert_int_equal(read_at(c->src, 0x30f0, buf, 0x100), 0x10);
        assert_int_equal(read_at(c->src, 0x6000, buf, 8), 0);
        assert_int_equal(read_at(c->src, 0x8000, buf, 8), 0);
        assert_int_equal(read_at(c->src, 0, buf, 8), 0);
        /* What is lent ends with its piece. */
        size_t len = 0x3000;
        assert_ptr_equal(cs_source_borrow(c->src, 0x1ff0, &len), c->bytes + 0xff0);
        assert_int_equal(len, 0x10);
        assert_null(cs_source_borrow(c->src, 0x2800, &len));
        /* After the hint the bytes are still there. */
        cs_source_release(c->src, 0, 0x10000);
        cs_source_release(c->src, 0x1000, 0x3000);
        assert_int_equal(read_at(c->src, 0x1000, buf, 0x1000), 0x1000);
        assert_int_equal(buf[0], 1);
}

static void test_core_gaps(void **state)
{
        struct core *c = *state;
        static const struct {
                uint64_t addr;
                enum cs_gap gap;
        } cases[] = {
                { 0, CS_GAP_UNMAPPED },          { 0xfff, CS_GAP_UNMAPPED },    { 0x2800, CS_GAP_NOT_DUMPED },
                { 0x2fff, CS_GAP_NOT_DUMPED },   { 0x3100, CS_GAP_TRUNCATED },  { 0x3fff, CS_GAP_TRUNCATED },
                { 0x4000, CS_GAP_UNMAPPED },     { 0x6000, CS_GAP_NOT_DUMPED }, { 0x7000, CS_GAP_UNMAPPED },
                { UINT64_MAX, CS_GAP_UNMAPPED },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                if (cs_source_gap(c->src, cases[i].addr) != cases[i].gap)
                        fail_msg("at %lx: %s", (unsigned long)cases[i].addr,
                                 cs_gap_name(cs_source_gap(c->src, cases[i].addr)));
        assert_true(cs_source_next(c->src, 0) == 0x1000);
        assert_true(cs_source_next(c->src, 0x1234) == 0x1234);
        assert_true(cs_source_next(c->src, 0x2800) == 0x3000);
        assert_true(cs_source_next(c->src, 0x3100) == UINT64_MAX);
        for (enum cs_gap g = CS_GAP_UNMAPPED; g <= CS_GAP_GONE; g++)
                assert_true(strlen(cs_gap_name(g)) > 3);
}

static void test_core_resident(void **state)
{
        struct core *c = *state;
        uint8_t flags[7];
        cs_source_resident(c->src, 0, 7, flags);
        assert_memory_equal(flags, "\0\1\1\1\0\0\0", 7);
}

/* Data, a hole, in which one segment ends and the next one begins, data and a hole. */
static void test_core_with_holes(void **state)
{
        (void)state;
        enum { FROM = 0x10, BYTES = 6 * CS_PAGE };
        static uint8_t expected[BYTES], buf[BYTES];
        struct cs_segment segments[2] = {
                { { 0x100000, 0x100000 + 2 * CS_PAGE }, FROM, 2 * CS_PAGE, 2 * CS_PAGE, CS_PERM_READ },
                { { 0x100000 + 2 * CS_PAGE, 0x100000 + BYTES - FROM },
                  FROM + 2 * CS_PAGE,
                  0,
                  0,
                  CS_PERM_READ },
        };
        struct cs_corefile file = { .segments = { .at = segments, .n = 2 } };
        struct cs_source *src;
        segments[1].held = segments[1].promised = cs_range_size(segments[1].range);
        int fd = memfd_create("core", MFD_CLOEXEC);
        assert_int_equal(ftruncate(fd, BYTES), 0);
        memset(expected, 'a', CS_PAGE);
        memset(expected + 4 * CS_PAGE, 'b', 100);
        assert_int_equal(pwrite(fd, expected, CS_PAGE, 0), CS_PAGE);
        assert_int_equal(pwrite(fd, expected + 4 * CS_PAGE, 100, 4 * CS_PAGE), 100);
        uint8_t *bytes = mmap(NULL, BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
        assert_true(bytes != MAP_FAILED);
        assert_int_equal(cs_core_source_create(bytes, BYTES, &file, &src, NULL), CS_OK);
        cs_core_source_read_from(src, fd);
        for (size_t at = 0; at < BYTES - FROM; at += 1000) {
                assert_int_equal(read_at(src, 0x100000 + at, buf, BYTES), BYTES - FROM - at);
                assert_memory_equal(buf, expected + FROM + at, BYTES - FROM - at);
        }
        assert_int_equal(read_at(src, 0x100000 + CS_PAGE, buf, 3 * CS_PAGE), 3 * CS_PAGE);
        assert_memory_equal(buf, expected + FROM + CS_PAGE, 3 * CS_PAGE);
        /* Holes are not read, not even when they are none any more; nor is anything behind the end of a file that was cut. */
        assert_int_equal(pwrite(fd, "new", 3, 2 * CS_PAGE), 3);
        assert_int_equal(ftruncate(fd, 4 * CS_PAGE + 50), 0);
        assert_int_equal(read_at(src, 0x100000, buf, BYTES), 4 * CS_PAGE + 50 - FROM);
        assert_memory_equal(buf, expected + FROM, 4 * CS_PAGE + 50 - FROM);
        cs_source_close(src);
        munmap(bytes, BYTES);
        close(fd);
}

static void test_segment_beyond_file(void **state)
{
        struct core *c = *state;
        struct cs_source *src;
        struct cs_error err;
        c->segments[0].file_offset = CORE_BYTES - 0xfff;
        assert_int_equal(cs_core_source_create(c->bytes, CORE_BYTES, &c->file, &src, &err), CS_EFORMAT);
        c->segments[0].file_offset = UINT64_MAX;
        assert_int_equal(cs_core_source_create(c->bytes, CORE_BYTES, &c->file, &src, &err), CS_EFORMAT);
}

/* ---- a module's file --------------------------------------------------------------------------------------------- */

static int file_of(size_t len)
{
        int fd = memfd_create("module", MFD_CLOEXEC);
        assert_true(fd >= 0);
        for (size_t i = 0; i < len; i += 0x100) {
                uint8_t row[0x100];
                memset(row, (int)(i >> 8), sizeof(row));
                assert_int_equal(write(fd, row, sizeof(row)), sizeof(row));
        }
        return fd;
}

static void add_file(struct cs_source *src, uint64_t start, uint64_t end, int fd, uint64_t offset)
{
        const struct cs_file_part part = { { start, end }, offset, fd };
        assert_int_equal(cs_core_source_add_files(src, &part, 1, NULL), CS_OK);
}

/* The file covers all pieces and the holes between: only what was not dumped comes from it. */
static void test_file_fills_holes(void **state)
{
        struct core *c = *state;
        uint8_t buf[0x8000];
        int fd = file_of(0x8000);
        add_file(c->src, 0, 0x8000, fd, 0);
        assert_int_equal(read_at(c->src, 0, buf, sizeof(buf)), 0x3100);
        assert_int_equal(buf[0xfff], 0x0f);                  /* before the first piece: file */
        assert_memory_equal(buf + 0x1000, c->bytes, 0x1800); /* dumped: core */
        assert_int_equal(buf[0x2800], 0x28);                 /* not dumped: file */
        assert_int_equal(buf[0x2fff], 0x2f);
        assert_memory_equal(buf + 0x3000, c->bytes + 0x1800, 0x100);
        /* Truncated is another matter: the process had its own bytes there, and they are lost. */
        assert_int_equal(cs_source_gap(c->src, 0x3100), CS_GAP_TRUNCATED);
        assert_int_equal(read_at(c->src, 0x4000, buf, sizeof(buf)), 0x4000);
        assert_int_equal(buf[0], 0x40);
        assert_int_equal(buf[0x2000], 0x60);
        assert_int_equal(buf[0x3fff], 0x7f);
        assert_true(cs_source_next(c->src, 0) == 0);
        assert_true(cs_source_next(c->src, 0x3100) == 0x4000);
        size_t len = 1;
        assert_null(cs_source_borrow(c->src, 0x2800, &len)); /* a file is read, not lent */
        close(fd);
}

/* The file's place is told by the range's start, and it may be shorter than the mapping. */
static void test_file_offset_and_end(void **state)
{
        struct core *c = *state;
        uint8_t buf[0x1000];
        int fd = file_of(0x800);
        add_file(c->src, 0x6000, 0x7000, fd, 0x100);
        assert_int_equal(read_at(c->src, 0x6000, buf, sizeof(buf)), 0x700);
        assert_int_equal(buf[0], 1);
        assert_int_equal(buf[0x6ff], 7);
        assert_int_equal(cs_source_gap(c->src, 0x6700), CS_GAP_TRUNCATED);
        close(fd);
}

/* A part that lies inside a piece that was not dumped is there; what is around it is not. */
static void test_file_partial(void **state)
{
        struct core *c = *state;
        uint8_t buf[16];
        int fd = file_of(0x8000);
        add_file(c->src, 0x6800, 0x6900, fd, 0);
        assert_int_equal(read_at(c->src, 0x67f8, buf, 16), 0);
        assert_int_equal(read_at(c->src, 0x6800, buf, 16), 16);
        assert_int_equal(read_at(c->src, 0x68f8, buf, 16), 8);
        assert_int_equal(cs_source_gap(c->src, 0x6900), CS_GAP_NOT_DUMPED);
        assert_true(cs_source_next(c->src, 0x6700) == 0x6800);
        add_file(c->src, 0x5000, 0x5100, fd, 0);
        assert_int_equal(read_at(c->src, 0x50f8, buf, 16), 8);
        add_file(c->src, 0x9000, 0x9000, fd, 0);
        assert_int_equal(read_at(c->src, 0x9000, buf, 16), 0);
        close(fd);
}

/* Many parts at once, edge to edge and across pieces. */
static void test_many_files(void **state)
{
        struct core *c = *state;
        struct cs_file_part parts[0x80];
        uint8_t buf[0x8000], want[0x8000];
        int fd = file_of(0x8000);
        assert_int_equal(read_at(c->src, 0x1000, want + 0x1000, 0x1800), 0x1800);
        assert_int_equal(read_at(c->src, 0x3000, want + 0x3000, 0x100), 0x100);
        for (uint64_t i = 0; i < 0x80; i++)
                parts[i] = (struct cs_file_part){ { i * 0x100, (i + 1) * 0x100 }, i * 0x100, fd };
        assert_int_equal(cs_core_source_add_files(c->src, parts, 0x80, NULL), CS_OK);
        for (uint64_t at = 0; at < 0x8000; at++) {
                bool lost = at >= 0x3100 && at < 0x4000;
                bool dumped = (at >= 0x1000 && at < 0x2800) || (at >= 0x3000 && at < 0x3100);
                size_t got = read_at(c->src, at, buf, 1);
                assert_int_equal(got, !lost);
                if (got)
                        assert_int_equal(buf[0], dumped ? want[at] : at >> 8);
        }
        close(fd);
}

/* ---- views ------------------------------------------------------------------------------------------------------- */

static void test_view(void **state)
{
        struct core *c = *state;
        struct cs_view v;
        size_t got;
        cs_view_init(&v, c->src);
        assert_ptr_equal(cs_view_at(&v, 0x1ff0, 0x20, &got), c->bytes + 0xff0);
        assert_int_equal(got, 0x10); /* the piece ends */
        const uint8_t *at = cs_view_whole(&v, 0x1ff0, 0x20, &got);
        assert_int_equal(got, 0x20);
        assert_memory_equal(at, c->bytes + 0xff0, 0x20);
        /* From the buffer: inside, at its end, behind it. */
        at = cs_view_at(&v, 0x2000, 8, &got);
        assert_int_equal(got, 8);
        assert_memory_equal(at, c->bytes + 0x1000, 8);
        at = cs_view_whole(&v, 0x27f8, 16, &got);
        assert_int_equal(got, 8); /* then a gap */
        assert_memory_equal(at, c->bytes + 0x17f8, 8);
        assert_null(cs_view_at(&v, 0x2800, 8, &got));
        assert_int_equal(got, 0);
        assert_null(cs_view_whole(&v, 0x2800, 8, &got));
        assert_int_equal(got, 0);
        assert_null(cs_view_at(&v, UINT64_MAX, 8, &got));
        assert_null(cs_view_at(&v, 0, 8, &got));
        /* After a gap the view works again, forwards and backwards. */
        assert_ptr_equal(cs_view_at(&v, 0x3000, 8, &got), c->bytes + 0x1800);
        assert_ptr_equal(cs_view_at(&v, 0x1000, 8, &got), c->bytes);
        assert_true(v.bytes > 0);
        cs_view_deinit(&v);
        assert_true(atomic_load(&c->src->bytes_read) > 0);
}

/* Two lent pieces with more behind them than one reading takes. */
static void test_view_large(void **state)
{
        (void)state;
        size_t half = CS_VIEW_BYTES, total = 2 * half + CS_PAGE;
        uint8_t *bytes = malloc(total);
        assert_non_null(bytes);
        for (size_t i = 0; i < total; i++)
                bytes[i] = (uint8_t)(i >> 12 ^ i);
        struct cs_segment segments[2] = {
                { { 0x100000, 0x100000 + half }, 0, half, half, CS_PERM_READ },
                { { 0x100000 + half, 0x100000 + total }, half, total - half, total - half, CS_PERM_READ },
        };
        struct cs_corefile file = { 0 };
        struct cs_source *src;
        file.segments.at = segments;
        file.segments.n = 2;
        assert_int_equal(cs_core_source_create(bytes, total, &file, &src, NULL), CS_OK);
        struct cs_view v;
        size_t got;
        cs_view_init(&v, src);
        const uint8_t *at = cs_view_whole(&v, 0x100000 + half - 100, CS_VIEW_BYTES, &got);
        assert_int_equal(got, CS_VIEW_BYTES);
        assert_memory_equal(at, bytes + half - 100, CS_VIEW_BYTES);
        /* More than can be stitched: what there is in one piece, and the rest when asked again. */
        size_t done = 0;
        while (done < total) {
                at = cs_view_whole(&v, 0x100000 + done, total - done, &got);
                assert_true(at && got);
                assert_memory_equal(at, bytes + done, got);
                done += got;
        }
        assert_null(cs_view_whole(&v, 0x100000 + total, 1, &got));
        cs_view_deinit(&v);
        cs_source_close(src);
        free(bytes);
}

/* A source that cannot lend, and one that fails. */
struct odd {
        struct cs_source base;
        bool fails;
};

static enum cs_status odd_read(struct cs_source *src, uint64_t addr, void *buf, size_t len, size_t *got,
                               struct cs_error *err)
{
        if (((struct odd *)src)->fails)
                return cs_fail(err, CS_EGONE, "gone");
        /* Three bytes at a time. */
        *got = addr < 0x2000 ? (len < 3 ? len : 3) : 0;
        memset(buf, (int)addr, *got);
        return CS_OK;
}

static void test_view_without_lender(void **state)
{
        (void)state;
        static const struct cs_source_ops ops = { .read = odd_read };
        struct odd odd = { .base.ops = &ops };
        struct cs_view v;
        size_t got, len = 1;
        uint64_t word;
        assert_null(cs_source_borrow(&odd.base, 0x1000, &len));
        cs_source_release(&odd.base, 0x1000, 1);
        cs_view_init(&v, &odd.base);
        assert_non_null(cs_view_at(&v, 0x1000, 8, &got));
        assert_int_equal(got, 3);
        assert_non_null(cs_view_whole(&v, 0x1000, 8, &got));
        assert_int_equal(got, 3);
        odd.fails = true;
        assert_non_null(cs_view_at(&v, 0x1002, 8, &got)); /* kept */
        assert_int_equal(got, 1);
        assert_null(cs_view_at(&v, 0x1003, 8, &got));
        assert_int_equal(got, 0);
        assert_null(cs_view_at(&v, 0x1000, 8, &got)); /* nothing is kept after a failure */
        assert_false(cs_source_u64(&odd.base, 0x1000, &word));
        cs_view_deinit(&v);
}

/* From TAPPED_FROM on, what is read is the lowest byte of the address divided by seven; up to TAPPED_TO. */
enum { TAPPED_FROM = 0x10000, TAPPED_TO = TAPPED_FROM + CS_VIEW_BYTES + 3 * CS_PAGE };

static enum cs_status tapped_read(struct cs_source *src, uint64_t addr, void *buf, size_t len, size_t *got,
                                  struct cs_error *err)
{
        (void)src;
        (void)err;
        for (*got = 0; *got < len && addr + *got >= TAPPED_FROM && addr + *got < TAPPED_TO; ++*got)
                ((uint8_t *)buf)[*got] = (uint8_t)((addr + *got) / 7);
        return CS_OK;
}

struct heard {
        uint64_t start, end;
};

static void hear(void *context, uint64_t addr, const uint8_t *bytes, size_t len)
{
        struct heard *heard = context;
        *heard = (struct heard){ addr, addr + len };
        for (size_t i = 0; i < len; i++)
                assert_int_equal(bytes[i], (uint8_t)((addr + i) / 7));
}

static void has(const uint8_t *at, size_t len, uint64_t addr)
{
        assert_non_null(at);
        for (size_t i = 0; i < len; i++)
                assert_int_equal(at[i], (uint8_t)((addr + i) / 7));
}

/* Who taps sees whole pages, and who asked gets what was asked for. */
static void test_view_tapped(void **state)
{
        (void)state;
        static const struct cs_source_ops ops = { .read = tapped_read };
        struct heard heard = { 0 };
        struct cs_source src = { .ops = &ops, .tap = hear, .tap_context = &heard };
        struct cs_view v;
        size_t got;
        cs_view_init(&v, &src);
        has(cs_view_at(&v, 0x10ff8, 16, &got), 16, 0x10ff8);
        assert_int_equal(got, 16);
        assert_int_equal(heard.start, 0x10000);
        assert_int_equal(heard.end, 0x10000 + CS_VIEW_BYTES);
        has(cs_view_at(&v, 0x10008, 16, &got), 16, 0x10008); /* it is there already */
        assert_int_equal(heard.end, 0x10000 + CS_VIEW_BYTES);
        /* More than a view has: what there is from there on. */
        has(cs_view_at(&v, 0x10000 + CS_VIEW_BYTES + 5, SIZE_MAX, &got), got, 0x10000 + CS_VIEW_BYTES + 5);
        assert_int_equal(got, 3 * CS_PAGE - 5);
        assert_int_equal(heard.start, 0x10000 + CS_VIEW_BYTES);
        assert_int_equal(heard.end, TAPPED_TO);
        /* What can be stitched comes as a whole, though its first page is not seen as one then. */
        has(cs_view_whole(&v, 0x11010, CS_VIEW_BYTES - 15, &got), CS_VIEW_BYTES - 15, 0x11010);
        assert_int_equal(got, CS_VIEW_BYTES - 15);
        assert_int_equal(heard.start, 0x11010);
        has(cs_view_whole(&v, 0x11010, CS_VIEW_BYTES - 16, &got), CS_VIEW_BYTES - 16, 0x11010);
        /* Up to a gap, and nothing in it. */
        has(cs_view_whole(&v, TAPPED_TO - 9, 16, &got), 9, TAPPED_TO - 9);
        assert_int_equal(got, 9);
        assert_null(cs_view_whole(&v, TAPPED_TO + 9, 16, &got));
        assert_int_equal(got, 0);
        assert_null(cs_view_at(&v, TAPPED_FROM - 9, 16, &got));
        cs_view_deinit(&v);
        /* Nobody taps: from there on. */
        src.tap = NULL;
        cs_view_init(&v, &src);
        has(cs_view_at(&v, 0x10ff8, 16, &got), 16, 0x10ff8);
        assert_int_equal(v.start, 0x10ff8);
        cs_view_deinit(&v);
}

/* From APART_FROM on, 100 pages of which those are there whose number apart_has() says; bytes as above. */
enum { APART_FROM = 0x40000, APART_PAGES = 100 };

struct apart {
        struct cs_source base;
        unsigned reads, gathers, nexts;
};

static bool apart_has(uint64_t addr)
{
        uint64_t page = (addr - APART_FROM) / CS_PAGE;
        return addr >= APART_FROM && page < APART_PAGES &&
               (page % 3 == 0 || (page > 20 && page < 30) || page == 64);
}

static enum cs_status apart_read(struct cs_source *src, uint64_t addr, void *buf, size_t len, size_t *got,
                                 struct cs_error *err)
{
        (void)err;
        ((struct apart *)src)->reads++;
        for (*got = 0; *got < len && apart_has(addr + *got); ++*got)
                ((uint8_t *)buf)[*got] = (uint8_t)((addr + *got) / 7);
        return CS_OK;
}

static size_t apart_gather(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *buf,
                           uint64_t *present)
{
        ((struct apart *)src)->gathers++;
        assert_int_equal(addr % CS_PAGE, 0);
        assert_in_range(pages, 1, CS_GATHER_PAGES);
        *present = 0;
        if (addr < APART_FROM || addr >= APART_FROM + APART_PAGES * CS_PAGE)
                return 0;
        size_t left = (size_t)(APART_FROM + APART_PAGES * CS_PAGE - addr) / CS_PAGE;
        pages = pages < left ? pages : left;
        for (size_t i = 0; i < pages * CS_PAGE; i++)
                if (apart_has(addr + i)) {
                        *present |= UINT64_C(1) << i / CS_PAGE;
                        buf[i] = (uint8_t)((addr + i) / 7);
                }
        return pages;
}

static uint64_t apart_next(struct cs_source *src, uint64_t addr)
{
        ((struct apart *)src)->nexts++;
        while (addr < APART_FROM + APART_PAGES * CS_PAGE && !apart_has(addr))
                addr = cs_page_down(addr) + CS_PAGE;
        return addr < APART_FROM + APART_PAGES * CS_PAGE ? addr : UINT64_MAX;
}

static void hear_more(void *context, uint64_t addr, const uint8_t *bytes, size_t len)
{
        assert_int_equal(addr % CS_PAGE, 0);
        assert_int_equal(len % CS_PAGE, 0);
        has(bytes, len, addr);
        *(uint64_t *)context += len;
}

/* Pages that lie apart come by one call for 64 of them, and what the view shows is what can be read, from wherever it is asked. */
static void test_view_gathers(void **state)
{
        (void)state;
        static const struct cs_source_ops ops = { .read = apart_read,
                                                  .gather = apart_gather,
                                                  .next = apart_next };
        static const uint64_t offsets[] = { 0, 8, CS_PAGE - 8, CS_PAGE + 8 };
        uint64_t heard = 0;
        struct apart src = { .base = { .ops = &ops, .tap = hear_more, .tap_context = &heard } };
        struct cs_view v;
        size_t got, there = 0;
        cs_view_init(&v, &src.base);
        for (uint64_t at = APART_FROM - 5 * CS_PAGE; at < APART_FROM + APART_PAGES * CS_PAGE;) {
                const uint8_t *bytes = cs_view_whole(&v, at, 3 * CS_PAGE, &got);
                if (!bytes) {
                        assert_false(apart_has(at));
                        at = cs_view_past_gap(&v, at, APART_FROM + APART_PAGES * CS_PAGE);
                        continue;
                }
                has(bytes, got, at);
                assert_true(got == 3 * CS_PAGE || !apart_has(at + got));
                there += got;
                at += got;
        }
        assert_int_equal(there / CS_PAGE, 34 + 6 + 1);
        /* Each page once, but for those where what was gathered ends: it may go on behind. */
        assert_in_range(heard, there, there + 2 * CS_PAGE);
        assert_in_range(src.gathers, 2, 4);
        assert_true(src.reads <= 1 && src.nexts <= 3);
        /* Backwards, in the middle of pages, over their ends. */
        for (uint64_t page = APART_PAGES; page-- > 0;)
                for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
                        uint64_t at = APART_FROM + page * CS_PAGE + offsets[i], end = at;
                        while (end < at + 2 * CS_PAGE && apart_has(end))
                                end++;
                        const uint8_t *bytes = cs_view_whole(&v, at, 2 * CS_PAGE, &got);
                        assert_int_equal(got, end - at);
                        assert_int_equal(bytes != NULL, end > at);
                        if (bytes)
                                has(bytes, got, at);
                        assert_true(cs_view_next(&v, at) == apart_next(&src.base, at));
                }
        /* As much as a view has, from the middle of a page: more than can be gathered then. */
        assert_non_null(cs_view_whole(&v, APART_FROM + 21 * CS_PAGE + 8, CS_VIEW_BYTES, &got));
        assert_int_equal(got, 10 * CS_PAGE - 8);
        assert_null(cs_view_whole(&v, APART_FROM - 8, 16, &got));
        cs_view_deinit(&v);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_array),
                cmocka_unit_test(test_array_resident),
                cmocka_unit_test_setup_teardown(test_core_reads, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_core_gaps, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_core_resident, set_up, tear_down),
                cmocka_unit_test(test_core_with_holes),
                cmocka_unit_test_setup_teardown(test_segment_beyond_file, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_file_fills_holes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_file_offset_and_end, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_file_partial, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_many_files, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_view, set_up, tear_down),
                cmocka_unit_test(test_view_large),
                cmocka_unit_test(test_view_without_lender),
                cmocka_unit_test(test_view_tapped),
                cmocka_unit_test(test_view_gathers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
