/* SPDX-License-Identifier: Apache-2.0 */
/* Ruby's heap pages since 3.1: 16 KiB, later 64 KiB, aligned, mapped one by one; the first word leads to a struct heap_page
 * that leads back (ruby, gc.c, struct heap_page_header, struct heap_page). Pages of older versions are malloc's blocks and stay so. */
#include "runtimes_all.h"

#include "bytes.h"
#include "marks.h"

enum {
        RECORD = 96,      /* of struct heap_page: its counters and `start` are in here, in every version */
        FIRST_SLOT = 512, /* `start` is not farther into the page than this: a header and one rounding up */
        UNFILLED = 2048,  /* less than a header and one slot of the largest pool are left over */
        TYPE_MASK = 0x1f,
};

/* HEAP_PAGE_ALIGN_LOG: 16, or 14 (seen in 3.1.2). */
static const uint64_t page_sizes[] = { 64 << 10, 16 << 10 };

/* Slots begin with {flags, klass}; a class lives in a heap page too. */
static bool slot(const struct cs_image *image, uint64_t addr)
{
        uint8_t at[16];
        if (!cs_source_exact(image->source, addr, at, sizeof(at)))
                return false;
        uint64_t klass = cs_word(at + 8);
        return !(cs_word(at) & TYPE_MASK) || !klass || (klass % 8 == 0 && cs_marks_plain_at(image, klass));
}

static bool heap_page(const struct cs_image *image, uint64_t page, uint64_t size)
{
        uint64_t record;
        uint8_t at[RECORD];
        if (!cs_source_u64(image->source, page, &record) || !record || record % 8 ||
            !cs_source_exact(image->source, record, at, sizeof(at)))
                return false;
        /* It begins with the size of slots and their number, as shorts, and they fill the page. */
        uint64_t slots = (uint64_t)(cs_half(at) & 0xffff) * (cs_half(at) >> 16);
        if (slots > size || size - slots > UNFILLED)
                return false;
        for (size_t i = 0; i < RECORD; i += 8) {
                uint64_t start = cs_word(at + i);
                if (start > page && start - page <= FIRST_SLOT && start % 8 == 0)
                        return slot(image, start);
        }
        return false;
}

/* Of Ruby before 3.1: a block of posix_memalign() has its size (a page, less or more a few words) right before it. */
static bool is_malloced(const struct cs_image *image, uint64_t page, uint64_t size)
{
        uint64_t before;
        return cs_source_u64(image->source, page - 8, &before) && (before & ~UINT64_C(7)) + 64 >= size &&
               (before & ~UINT64_C(7)) <= size + 64;
}

/* The size of pages: by those that hold Ruby's first classes. 0: not of this kind. */
static uint64_t page_size(const struct cs_runtime_input *in, uint64_t object, uint64_t string)
{
        for (size_t i = 0; i < sizeof(page_sizes) / sizeof(*page_sizes); i++) {
                uint64_t size = page_sizes[i], a = object & ~(size - 1), b = string & ~(size - 1);
                if (cs_marks_plain_at(in->image, a) && cs_marks_plain_at(in->image, b) &&
                    heap_page(in->image, a, size) && heap_page(in->image, b, size))
                        return is_malloced(in->image, a, size) || is_malloced(in->image, b, size) ? 0 : size;
        }
        return 0;
}

enum cs_status cs_ruby_find(const struct cs_runtime_input *in, struct cs_claims *claims, struct cs_error *err)
{
        static const char *const names[] = { "rb_cObject", "rb_cString", "rb_gc_start", NULL };
        int32_t module = cs_marks_module(in, names);
        uint64_t object, string, size;
        if (module < 0 || !cs_marks_word(in, module, "rb_cObject", &object) ||
            !cs_marks_word(in, module, "rb_cString", &string) || !(size = page_size(in, object, string)))
                return CS_OK;
        enum cs_status st = CS_OK;
        struct cs_claim claim = { .kind = CS_KIND_RUBY_HEAP, .module = module, .detail = "ruby heap page" };
        for (size_t i = 0; st == CS_OK && i < in->image->mappings.n; i++) {
                const struct cs_mapping *m = &in->image->mappings.at[i];
                uint64_t page = (m->range.start + size - 1) & ~(size - 1);
                for (; st == CS_OK && cs_marks_plain(m) && cs_range_holds(m->range, page, size);
                     page += size) {
                        claim.range = (struct cs_range){ page, page + size };
                        if (heap_page(in->image, page, size))
                                st = cs_claims_add(claims, claim, err);
                }
        }
        return st;
}
