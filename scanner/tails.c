/* SPDX-License-Identifier: Apache-2.0 */
#include "tails.h"

#include "stretches.h"
#include "work.h"

#include <stdlib.h>

enum {
        SPAN = 4 << 10,    /* structures that begin with a text are no larger */
        SAMPLED_BITS = 17, /* that many blocks, about, are looked at */
        TOO_FEW = 8,       /* words at one place that tell nothing */
        COUNT_BITS = 32,   /* pointers in the upper half of a count, others in the lower one */
};

struct build {
        const struct cs_tails_input *in;
        uint32_t stride;
        struct cs_tails *workers;
        struct cs_view *views;
};

struct reading {
        const struct build *b;
        struct cs_tails *out;
        struct cs_range payload;
        bool roomy;
};

static uint64_t place(uint64_t payload, bool roomy, uint64_t offset)
{
        return (uint64_t)roomy << 63 | payload << 32 | offset;
}

static enum cs_status read_words(void *reading, uint64_t addr, const uint8_t *bytes, size_t len,
                                 struct cs_error *err)
{
        struct reading *r = reading;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i + 8 <= len; i += 8) {
                uint64_t value = cs_word(bytes + i), *count;
                if (!value)
                        continue;
                bool pointer = cs_space_at(r->b->in->space, value).kind != CS_SPACE_NONE;
                st = cs_tally_at(&r->out->places,
                                 place(cs_range_size(r->payload), r->roomy, addr + i - r->payload.start), 0,
                                 &count, err);
                if (st == CS_OK)
                        *count += pointer ? UINT64_C(1) << COUNT_BITS : 1;
        }
        return st;
}

static enum cs_status read_slice(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        struct build *b = context;
        const struct cs_slice *slice = &b->in->slices->at[unit];
        struct cs_block_cursor cursor = cs_blocks_from(b->in->blocks, slice->first, slice->end);
        struct cs_block block;
        uint32_t i;
        enum cs_status st = CS_OK;
        for (uint64_t next = ((uint64_t)slice->first + b->stride - 1) / b->stride * b->stride;
             st == CS_OK && next < slice->end; next += b->stride) {
                cs_blocks_skip(&cursor, (uint32_t)next);
                if (!cs_blocks_next_any(&cursor, &block, &i) || cs_block_state(&block) != CS_BLOCK_IN_USE ||
                    cs_block_size(&block) > SPAN)
                        continue;
                struct reading r = { b, &b->workers[worker], cs_block_payload(&block), true };
                size_t got, size = (size_t)cs_range_size(r.payload);
                const uint8_t *bytes = cs_view_whole(&b->views[worker], r.payload.start, size, &got);
                if (b->in->clusters->at.at[block.cluster].kind != CS_CLUSTER_TEXT &&
                    !(bytes && cs_tails_begins(bytes, got)))
                        continue;
                if (bytes)
                        r.roomy = cs_tails_roomy(bytes, got, size);
                st = cs_stretches(&b->views[worker], r.payload, read_words, &r, err);
        }
        cs_slice_release(b->in->blocks, slice, b->views[worker].src);
        return st;
}

static void build_deinit(struct build *b)
{
        for (unsigned i = 0; b->workers && i < b->in->workers; i++)
                cs_tails_deinit(&b->workers[i]);
        free(b->workers);
        for (unsigned i = 0; b->views && i < b->in->workers; i++)
                cs_view_deinit(&b->views[i]);
        free(b->views);
}

enum cs_status cs_tails_build(const struct cs_tails_input *in, struct cs_tails *out, struct cs_error *err)
{
        cs_cleanup(build_deinit) struct build b = { .in = in };
        b.stride = (cs_blocks_indices(in->blocks) >> SAMPLED_BITS) + 1;
        b.workers = calloc(in->workers, sizeof(*b.workers));
        b.views = calloc(in->workers, sizeof(*b.views));
        if (!b.workers || !b.views)
                return cs_fail(err, CS_ENOMEM, "ends of texts");
        for (unsigned i = 0; i < in->workers; i++)
                cs_view_init(&b.views[i], in->image->source);
        enum cs_status st = cs_work_run(in->workers, in->slices->n, read_slice, &b, err);
        for (unsigned i = 0; st == CS_OK && i < in->workers; i++)
                st = cs_tally_add(&out->places, &b.workers[i].places, err);
        return st;
}

void cs_tails_deinit(struct cs_tails *tails)
{
        cs_tally_deinit(&tails->places);
}

bool cs_tails_roomy(const uint8_t *bytes, size_t len, uint64_t payload)
{
        return payload <= SPAN && !cs_text_fills(cs_text_run(bytes, len), (size_t)payload);
}

struct votes {
        uint64_t pointers, others;
};

static struct votes votes_at(const struct cs_tails *tails, uint64_t payload, bool roomy, uint64_t offset)
{
        uint64_t count = cs_tally_get(&tails->places, place(payload, roomy, offset), 0);
        return (struct votes){ count >> COUNT_BITS, count & ((UINT64_C(1) << COUNT_BITS) - 1) };
}

/* Structures that begin with a name have room behind it, most of them: these alone say what stands there. Of where they are few
 * and the block has no room to speak of, all say it. */
bool cs_tails_field(const struct cs_tails *tails, uint64_t payload, bool roomy, uint64_t offset)
{
        if (payload > SPAN)
                return true;
        struct votes v = votes_at(tails, payload, true, offset);
        if (v.pointers + v.others < TOO_FEW && !roomy) {
                struct votes filled = votes_at(tails, payload, false, offset);
                v.pointers += filled.pointers;
                v.others += filled.others;
        }
        if (v.pointers + v.others < TOO_FEW || v.pointers >= v.others)
                return true;
        /* One of a smaller size, where the rest of a chunk was too small to stand alone? */
        v = votes_at(tails, payload - CS_BLOCK_UNIT, true, offset);
        return v.pointers + v.others >= TOO_FEW && v.pointers >= v.others;
}
