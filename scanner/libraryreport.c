/* SPDX-License-Identifier: Apache-2.0 */
#include "libraryreport.h"

#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *keep(struct cs_pool *pool, const char *text)
{
        return text ? cs_pool_copy(pool, text, strlen(text)) : NULL;
}

static const char *hex(struct cs_pool *pool, const uint8_t *bytes, size_t len)
{
        char *text = len ? cs_pool_alloc(pool, 2 * len + 1, 1) : NULL;
        for (size_t i = 0; text && i < len; i++)
                snprintf(text + 2 * i, 3, "%02x", bytes[i]);
        return text;
}

static int by_resident(const void *a, const void *b)
{
        const struct cs_report_library *x = a, *y = b;
        if (x->resident != y->resident)
                return x->resident > y->resident ? -1 : 1;
        if (x->bytes != y->bytes)
                return x->bytes > y->bytes ? -1 : 1;
        return strcmp(x->library ? x->library : "", y->library ? y->library : "");
}

/* Of one owner. */
struct sum {
        uint64_t count;
        uint64_t bytes;
        uint64_t resident;
        uint64_t certainty; /* of 255, for each byte */
};

struct summing {
        const struct cs_libraryreport_input *in;
        size_t n;
        struct sum *sums; /* n + 1 of each worker: whole numbers, so that their order does not matter */
};

static enum cs_status sum_slice(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        const struct summing *s = context;
        const struct cs_libraryreport_input *in = s->in;
        const struct cs_slice *slice = &in->slices->at[unit];
        struct cs_block_cursor cursor = cs_blocks_from(in->blocks, slice->first, slice->end);
        struct cs_residency_walk residency = { .residency = in->residency };
        struct cs_block b;
        uint32_t block;
        (void)err;
        while (cs_blocks_next(&cursor, &b, &block)) {
                if (b.state != CS_BLOCK_IN_USE)
                        continue;
                int32_t module = cs_label_module(in->owners, block);
                struct sum *sum =
                        &s->sums[worker * (s->n + 1) + (module == CS_NO_MODULE ? s->n : (size_t)module)];
                sum->count++;
                sum->bytes += b.size;
                sum->resident += cs_residency_walk_bytes(&residency, cs_block_range(&b));
                sum->certainty += in->owners->certainty[block] * b.size;
        }
        return CS_OK;
}

/* Who asks for the end while all is found, and only told, is told it: in a tenth of a second, of the largest heaps. */
static enum cs_status sum_all(struct summing *s, struct cs_error *err)
{
        const cs_slice_vec *slices = s->in->slices;
        enum cs_status st = cs_work_run(s->in->workers, slices->n, sum_slice, s, err);
        if (st != CS_ESTOPPED)
                return st;
        memset(s->sums, 0, (s->n + 1) * s->in->workers * sizeof(*s->sums));
        st = CS_OK;
        for (size_t u = 0; st == CS_OK && u < slices->n; u++)
                st = sum_slice(s, u, 0, err);
        return st;
}

/* What all workers summed up for the i-th owner. */
static struct cs_report_library library_of(const struct summing *s, size_t i)
{
        struct cs_report_library l = { .count = 0 };
        uint64_t certainty = 0;
        for (unsigned w = 0; w < s->in->workers; w++) {
                const struct sum *sum = &s->sums[w * (s->n + 1) + i];
                l.count += sum->count;
                l.bytes += sum->bytes;
                l.resident += sum->resident;
                certainty += sum->certainty;
        }
        l.confidence = l.bytes ? (double)certainty / 255 / (double)l.bytes : 0;
        return l;
}

enum cs_status cs_libraryreport_build(const struct cs_libraryreport_input *in, struct cs_report *r,
                                      struct cs_error *err)
{
        struct summing s = { .in = in, .n = cs_unloaded_modules(in->image, in->unloaded) };
        struct cs_report_library *all = cs_pool_alloc(&r->pool, s.n + 1, sizeof(*all));
        s.sums = calloc((s.n + 1) * in->workers, sizeof(*s.sums));
        enum cs_status st = all && s.sums ? CS_OK : cs_fail(err, CS_ENOMEM, "libraries");
        if (st == CS_OK)
                st = sum_all(&s, err);
        for (size_t i = 0; st == CS_OK && i <= s.n; i++) {
                struct cs_report_library l = library_of(&s, i);
                if (!l.count)
                        continue;
                if (i < s.n)
                        l.library = keep(&r->pool, cs_unloaded_name(in->image, in->unloaded, i));
                if (i < in->image->modules.n)
                        l.build_id = hex(&r->pool, in->image->modules.at[i].build_id,
                                         in->image->modules.at[i].build_id_len);
                all[r->n_libraries++] = l;
        }
        free(s.sums);
        if (st != CS_OK)
                return st;
        r->libraries = all;
        qsort(all, r->n_libraries, sizeof(*all), by_resident);
        return CS_OK;
}
