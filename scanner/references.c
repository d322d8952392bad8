/* SPDX-License-Identifier: Apache-2.0 */
#include "references.h"

#include "huge.h"
#include "pulse.h"
#include "work.h"

#include <inttypes.h>

enum {
        KEPT = 1 << 20, /* bytes of a list that are copied; what is larger is handed over as it is */
        BEYOND = 4,     /* bytes behind the last reference that are read with it */
};

enum cs_status cs_references_init(struct cs_references *references, uint32_t blocks, struct cs_error *err)
{
        references->first = cs_huge_calloc((size_t)blocks + 1, sizeof(*references->first));
        return references->first ? CS_OK : cs_fail(err, CS_ENOMEM, "references of %u blocks", blocks);
}

void cs_references_deinit(struct cs_references *references)
{
        free(references->first);
        free(references->base);
        free(references->packed);
        cs_vec_deinit(&references->wide);
        *references = (struct cs_references){ 0 };
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

void cs_reference_list_deinit(struct cs_reference_list *list)
{
        cs_vec_deinit(&list->bytes);
        cs_vec_deinit(&list->longer);
}

enum cs_status cs_reference_list_lengthen(struct cs_reference_list *list, uint16_t *length, uint32_t block,
                                          size_t bytes, struct cs_error *err)
{
        struct cs_reference_length fresh = { block, *length };
        enum cs_status st = *length == UINT16_MAX ? CS_OK : cs_vec_push(&list->longer, fresh, err);
        if (st != CS_OK)
                return st;
        *length = UINT16_MAX;
        list->longer.at[list->longer.n - 1].bytes += bytes;
        return CS_OK;
}

enum cs_status cs_reference_list_take(struct cs_reference_list *list, struct cs_reference_list *out,
                                      struct cs_error *err)
{
        size_t n = list->bytes.n;
        if (n > KEPT) {
                *out = *list;
                *list = (struct cs_reference_list){ 0 };
                uint8_t *smaller = realloc(out->bytes.at, n);
                out->bytes.at = smaller ? smaller : out->bytes.at;
                return CS_OK;
        }
        out->bytes.at = malloc(n + 1);
        if (!out->bytes.at)
                return cs_fail(err, CS_ENOMEM, "references in %zu bytes", n);
        if (n)
                memcpy(out->bytes.at, list->bytes.at, n);
        out->bytes.n = out->bytes.cap = n;
        list->bytes.n = 0;
        out->longer.at = list->longer.at;
        out->longer.n = list->longer.n;
        out->longer.cap = list->longer.cap;
        list->longer.at = NULL;
        list->longer.n = list->longer.cap = 0;
        return CS_OK;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

/* Lists that one worker copies, and where they begin in what they become. */
struct stretch {
        size_t first, end;
        uint64_t at;
};

/* So many bytes at least that a worker copies at once. */
enum { STRETCH_BYTES = 4 << 20 };

struct join {
        struct cs_references *references;
        struct cs_reference_list *lists;
        size_t n;
        uint32_t blocks;
        CS_VEC(struct stretch) stretches;
};

static void join_deinit(struct join *j)
{
        for (size_t i = 0; i < j->n; i++)
                cs_vec_deinit(&j->lists[i].longer);
        cs_vec_deinit(&j->stretches);
}

/* Makes room for all of them. */
static enum cs_status plan(struct join *j, struct cs_error *err)
{
        struct cs_references *references = j->references;
        struct stretch stretch = { 0 };
        uint64_t total = 0;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < j->n; i++) {
                total += j->lists[i].bytes.n;
                stretch.end = i + 1;
                if (total - stretch.at < STRETCH_BYTES && stretch.end < j->n)
                        continue;
                st = cs_vec_push(&j->stretches, stretch, err);
                stretch = (struct stretch){ stretch.end, stretch.end, total };
        }
        if (st != CS_OK)
                return st;
        references->packed = malloc(total + BEYOND); /* of small pages: see huge.h */
        references->base = calloc((size_t)j->blocks / CS_REFERENCES_GROUP + 1, sizeof(*references->base));
        if (!references->packed || !references->base)
                return cs_fail(err, CS_ENOMEM, "references of %u blocks in %" PRIu64 " bytes", j->blocks,
                               total);
        memset(references->packed + total, 0, BEYOND);
        return CS_OK;
}

/* Each list goes once it is copied: at no time are all bytes there twice. */
static enum cs_status copy_stretch(struct join *j, const struct stretch *stretch, struct cs_error *err)
{
        uint64_t at = stretch->at;
        enum cs_status st = CS_OK;
        for (size_t i = stretch->first; st == CS_OK && i < stretch->end; i++) {
                struct cs_reference_list *list = &j->lists[i];
                if (list->bytes.n)
                        memcpy(j->references->packed + at, list->bytes.at, list->bytes.n);
                at += list->bytes.n;
                cs_huge_forget(list->bytes.at, list->bytes.n);
                cs_vec_deinit(&list->bytes);
                st = cs_pulse(0, 0, err);
        }
        return st;
}

/* Enters where the blocks of a group begin, of which there are n. */
static enum cs_status set_group(struct cs_references *references, uint32_t first, const uint64_t *at,
                                size_t n, struct cs_error *err)
{
        uint64_t *base = &references->base[first / CS_REFERENCES_GROUP];
        enum cs_status st = CS_OK;
        *base = at[0];
        if (at[n - 1] - at[0] > UINT16_MAX) {
                *base = CS_REFERENCES_WIDE | references->wide.n;
                for (size_t i = 0; st == CS_OK && i < n; i++)
                        st = cs_vec_push(&references->wide, at[i], err);
                return st;
        }
        for (size_t i = 0; i < n; i++)
                references->first[first + i] = (uint16_t)(at[i] - at[0]);
        return st;
}

static enum cs_status set_groups(struct join *j, struct cs_error *err)
{
        struct cs_references *references = j->references;
        uint64_t begins[CS_REFERENCES_GROUP], total = 0;
        size_t list = 0, longer = 0;
        enum cs_status st = CS_OK;
        for (uint32_t i = 0; st == CS_OK && i <= j->blocks; i++) {
                uint64_t length = references->first[i];
                begins[i % CS_REFERENCES_GROUP] = total;
                if (length == UINT16_MAX) {
                        for (; longer == j->lists[list].longer.n; longer = 0)
                                list++;
                        length = j->lists[list].longer.at[longer++].bytes;
                }
                total += length;
                uint32_t in_group = i % CS_REFERENCES_GROUP;
                if (in_group == CS_REFERENCES_GROUP - 1 || i == j->blocks)
                        st = set_group(references, i - in_group, begins, in_group + 1, err);
                if (st == CS_OK && i % (CS_REFERENCES_GROUP * CS_PULSE_EVERY) == 0)
                        st = cs_pulse(0, 0, err);
        }
        return st;
}

/* First the lengths, which are gone through by one worker, while others copy. */
static enum cs_status join_unit(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        struct join *j = context;
        (void)worker;
        return unit ? copy_stretch(j, &j->stretches.at[unit - 1], err) : set_groups(j, err);
}

enum cs_status cs_references_join(struct cs_references *references, struct cs_reference_list *lists, size_t n,
                                  uint32_t blocks, unsigned workers, struct cs_error *err)
{
        cs_cleanup(join_deinit) struct join j = {
                .references = references, .lists = lists, .n = n, .blocks = blocks
        };
        enum cs_status st = plan(&j, err);
        return st == CS_OK ? cs_work_run(workers, j.stretches.n + 1, join_unit, &j, err) : st;
}
