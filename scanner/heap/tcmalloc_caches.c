/* SPDX-License-Identifier: Apache-2.0 */
/* tcmalloc's own memory, and what lies in its caches. */
#include "tcmalloc.h"

#include "bytes.h"

#include <stdlib.h>

enum {
        /* Records are cut from chunks of this size (common.cc, kMetadataAllocChunkSize): between two of one chunk lies nothing
         * else. */
        CHUNK = 8 << 20,

        /* thread_cache.h: ThreadCache begins with a FreeList for each class. */
        CACHE_ALIGN = 16,
        LIST_BYTES = 0x20,
        LIST_LENGTH = 8,
        LIST_SIZE = 0x18, /* of the class's objects */

        /* central_freelist.h: CentralFreeListPadded, one for each class; gperftools 2.6 to 2.18. */
        CENTRAL_BYTES = 0x4c0,
        CENTRAL_CLASS = 8,
        CENTRAL_USED_SLOTS = 0x480,
        CENTRAL_SLOTS_MOST = 64, /* kMaxNumTransferEntries */
        MOVED_BEFORE =
                CS_TCMALLOC_CLASSES * 4, /* SizeMap: num_objects_to_move_ lies right before class_to_size_ */
        MOVED_BYTES = 64 << 10,          /* SizeMap::NumMoveSize: moved at once, but two objects at least */
};

enum cs_status cs_tcmalloc_record(struct cs_tcmalloc *t, struct cs_range range, struct cs_error *err)
{
        struct cs_range pages = { cs_page_down(range.start), cs_page_up(range.end) };
        struct cs_range *last = t->records.n ? &t->records.at[t->records.n - 1] : NULL;
        if (pages.start >= pages.end)
                return CS_OK;
        if (last && pages.start >= last->start && pages.start <= last->end) {
                last->end = pages.end > last->end ? pages.end : last->end;
                return CS_OK;
        }
        return cs_vec_push(&t->records, pages, err);
}

static int by_start(const void *a, const void *b)
{
        const struct cs_range *x = a, *y = b;
        return x->start < y->start ? -1 : x->start > y->start;
}

/* The memory around addr that no span takes, within one mapping. `from`: no claim before it ends behind addr. */
static struct cs_range gap_at(const struct cs_tcmalloc *t, uint64_t addr, size_t *from)
{
        const struct cs_mapping *m = cs_image_mapping_at(t->in->image, addr);
        struct cs_range gap = { addr, addr };
        if (!m || !cs_allocator_plain(t->in->image, addr))
                return gap;
        gap = m->range;
        while (*from < t->claims->at.n && t->claims->at.at[*from].range.end <= addr)
                ++*from;
        if (*from > t->first_claim && t->claims->at.at[*from - 1].range.end > gap.start)
                gap.start = t->claims->at.at[*from - 1].range.end;
        if (*from < t->claims->at.n && t->claims->at.at[*from].range.start < gap.end)
                gap.end = t->claims->at.at[*from].range.start;
        return gap.start < gap.end ? gap : (struct cs_range){ addr, addr };
}

/* Sorts the records and joins those between which there can only be more of them. */
static void join_records(struct cs_tcmalloc *t)
{
        size_t kept = 0, from = t->first_claim;
        if (t->records.n)
                qsort(t->records.at, t->records.n, sizeof(*t->records.at), by_start);
        for (size_t i = 0; i < t->records.n; i++) {
                struct cs_range r = t->records.at[i], *last = kept ? &t->records.at[kept - 1] : NULL;
                struct cs_range gap = gap_at(t, r.start, &from);
                r = cs_range_cut(r, gap);
                if (r.start >= r.end)
                        continue;
                if (last && last->start >= gap.start &&
                    (r.start <= last->end || r.start - last->end <= CHUNK))
                        last->end = r.end > last->end ? r.end : last->end;
                else
                        t->records.at[kept++] = r;
        }
        t->records.n = kept;
}

/* Does each list say of its objects' size what the classes say? */
static bool is_cache(const struct cs_tcmalloc *t, const uint8_t *bytes, size_t len)
{
        if (len < (size_t)t->classes * LIST_BYTES)
                return false;
        for (unsigned c = 1; c < t->classes; c++)
                if (cs_half(bytes + (size_t)c * LIST_BYTES + LIST_SIZE) != t->sizes[c])
                        return false;
        return true;
}

/* What is cached of each class. */
struct cached {
        uint64_t objects[CS_TCMALLOC_CLASSES];
};

/* Thread caches are known by what each list says of its objects' size. Those of threads that ended have empty lists. */
static enum cs_status search_caches(struct cs_tcmalloc *t, struct cs_range range, struct cached *sum,
                                    struct cs_error *err)
{
        const size_t lists = (size_t)t->classes * LIST_BYTES;
        enum cs_status st = CS_OK;
        uint64_t at = (range.start + CACHE_ALIGN - 1) & ~(uint64_t)(CACHE_ALIGN - 1);
        while (st == CS_OK && cs_range_holds(range, at, lists)) {
                size_t got;
                const uint8_t *bytes = cs_view_whole(&t->view, at, CS_VIEW_BYTES, &got);
                if (got > range.end - at)
                        got = (size_t)(range.end - at);
                if (!bytes || got < lists) {
                        uint64_t next =
                                cs_source_next(t->in->image->source, cs_page_down(at + got) + CS_PAGE);
                        at = next > at ? next : range.end;
                        continue;
                }
                size_t k = 0;
                while (got - k >= lists && !is_cache(t, bytes + k, got - k))
                        k += CACHE_ALIGN;
                if (got - k >= lists) {
                        for (unsigned c = 1; c < t->classes; c++)
                                sum->objects[c] += cs_half(bytes + k + (size_t)c * LIST_BYTES + LIST_LENGTH);
                        st = cs_tcmalloc_record(t, (struct cs_range){ at + k, at + k + lists }, err);
                        k += lists;
                }
                at += k;
        }
        return st;
}

/* Around records, as far as a chunk of them can reach. */
static enum cs_status find_caches(struct cs_tcmalloc *t, struct cached *sum, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        size_t from = t->first_claim, records = t->records.n;
        uint64_t done = 0;
        for (size_t i = 0; st == CS_OK && i < records; i++) {
                struct cs_range r = t->records.at[i], gap = gap_at(t, r.start, &from);
                if (r.start - gap.start > CHUNK)
                        gap.start = r.start - CHUNK;
                if (gap.end - r.end > CHUNK)
                        gap.end = r.end + CHUNK;
                if (gap.start < done)
                        gap.start = done;
                if (gap.start < gap.end) {
                        done = gap.end;
                        st = search_caches(t, gap, sum, err);
                }
        }
        return st;
}

/* How many objects of each class move between caches at once; false: not where they are looked for. */
static bool read_moved(struct cs_tcmalloc *t, uint32_t *moved)
{
        size_t got;
        const uint8_t *bytes = cs_view_whole(&t->view, t->sizes_at - MOVED_BEFORE, MOVED_BEFORE, &got);
        if (!bytes || got < MOVED_BEFORE || cs_half(bytes))
                return false;
        for (unsigned c = 1; c < t->classes; c++) {
                uint32_t most = MOVED_BYTES / t->sizes[c];
                moved[c] = cs_half(bytes + (size_t)c * 4);
                if (moved[c] < 2 || moved[c] > (most < 2 ? 2 : most))
                        return false;
        }
        return true;
}

/* Adds what lies in the lists between thread caches, if the central lists begin at `at`. */
static bool add_central(struct cs_tcmalloc *t, uint64_t at, const uint32_t *moved, struct cached *sum)
{
        uint32_t slots[CS_TCMALLOC_CLASSES];
        for (unsigned c = 0; c < t->classes; c++) {
                size_t got;
                const uint8_t *list =
                        cs_view_whole(&t->view, at + (uint64_t)c * CENTRAL_BYTES, CENTRAL_BYTES, &got);
                if (!list || got < CENTRAL_BYTES || cs_word(list + CENTRAL_CLASS) != c ||
                    (slots[c] = cs_half(list + CENTRAL_USED_SLOTS)) > CENTRAL_SLOTS_MOST)
                        return false;
        }
        for (unsigned c = 1; c < t->classes; c++)
                sum->objects[c] += (uint64_t)slots[c] * moved[c];
        return true;
}

static void find_central(struct cs_tcmalloc *t, struct cached *sum)
{
        struct cs_module_words words;
        uint32_t moved[CS_TCMALLOC_CLASSES];
        uint64_t at, word;
        bool found = false;
        cs_module_words_init(&words, t->in);
        if (read_moved(t, moved))
                while (!found && cs_module_words_next(&words, &at, &word))
                        found = word == 1 && add_central(t, at - CENTRAL_BYTES - CENTRAL_CLASS, moved, sum);
        cs_module_words_deinit(&words);
}

static void count_cached(struct cs_tcmalloc *t, const struct cached *sum)
{
        for (unsigned c = 1; c < t->classes; c++) {
                uint64_t n = sum->objects[c] < t->out[c] ? sum->objects[c] : t->out[c];
                t->sums->cached.count += n;
                t->sums->cached.bytes += n * t->sizes[c];
                t->sums->used.count -= n;
                t->sums->used.bytes -= n * t->sizes[c];
        }
}

enum cs_status cs_tcmalloc_caches(struct cs_tcmalloc *t, struct cs_error *err)
{
        struct cached sum = { 0 };
        join_records(t);
        enum cs_status st = find_caches(t, &sum, err);
        find_central(t, &sum);
        count_cached(t, &sum);
        join_records(t);
        for (size_t i = 0; st == CS_OK && i < t->records.n; i++) {
                struct cs_claim claim = { t->records.at[i], CS_KIND_MALLOC_OVERHEAD, (int32_t)t->in->module,
                                          "tcmalloc's records", 0 };
                t->sums->overhead += cs_range_size(claim.range);
                st = cs_claims_add(t->claims, claim, err);
        }
        return st;
}
