/* SPDX-License-Identifier: Apache-2.0 */
#include "tails.h"

#include "budget.h"
#include "stretches.h"
#include "work.h"

#include <stdlib.h>

enum {
        SPAN = 4 << 10,    /* structures that begin with a text are no larger */
        SAMPLED_BITS = 17, /* that many blocks, about, are looked at */
        COUNT_BITS = 32,   /* pointers in the upper half of a count, parts of texts in the lower one */
        PLACES_MAX = 1 << 19,
        PLACE_BYTES = 6 * sizeof(struct cs_tally_slot), /* see edges.c */
        PLACES_PERCENT = 1,
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
        uint32_t cluster;
        struct cs_range payload;
        uint64_t behind; /* where the text ends */
};

enum { PAYLOAD_AT = 16, CLUSTER_AT = 32, ANYWHERE = 0xffff /* offset */ };
static const uint32_t every = UINT32_MAX; /* cluster */

static uint64_t place(uint32_t cluster, uint64_t payload, uint64_t offset)
{
        return (uint64_t)cluster << CLUSTER_AT | payload << PAYLOAD_AT | offset;
}

/* There are fewer sizes than clusters. */
static uint32_t rank(uint64_t key)
{
        uint32_t chance = cs_thin_chance(key);
        return key >> CLUSTER_AT == every ? 0 : chance ? chance : 1;
}

static size_t most_places(void)
{
        return cs_budget_entries(PLACES_MAX, PLACE_BYTES, PLACES_PERCENT);
}

static enum cs_status count(const struct reading *r, uint64_t offset, bool pointer, struct cs_error *err)
{
        const uint64_t payload = cs_range_size(r->payload), one = pointer ? UINT64_C(1) << COUNT_BITS : 1;
        const uint64_t keys[] = { place(every, payload, ANYWHERE), place(every, payload, offset),
                                  place(r->cluster, payload, offset) };
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < sizeof(keys) / sizeof(keys[0]); i++)
                st = cs_thin_count(&r->out->places, keys[i], one, rank, most_places(), err);
        return st;
}

/* Is the word, no address, from the middle of a text? A short text that ends in the word may be a field itself. */
static bool amid_text(const uint8_t *word)
{
        size_t run = cs_text_run(word, 8);
        return run == 8 || (run >= 4 && word[run]);
}

static enum cs_status read_words(void *reading, uint64_t addr, const uint8_t *bytes, size_t len,
                                 struct cs_error *err)
{
        struct reading *r = reading;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i + 8 <= len; i += 8) {
                uint64_t value = cs_word(bytes + i);
                if (!value || addr + i < r->behind)
                        continue;
                /* Numbers say nothing: structures have them beside pointers, also in one place. */
                bool pointer = cs_space_at(r->b->in->space, value).kind != CS_SPACE_NONE;
                bool text = pointer ? i && cs_tails_rest(bytes + i) : amid_text(bytes + i);
                if (text || pointer)
                        st = count(r, addr + i - r->payload.start, !text, err);
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
                struct reading r = { b, &b->workers[worker], block.cluster, cs_block_payload(&block), 0 };
                size_t got;
                const uint8_t *bytes = cs_view_whole(&b->views[worker], r.payload.start, 8, &got);
                if (b->in->clusters->at.at[block.cluster].kind != CS_CLUSTER_TEXT &&
                    !(bytes && cs_tails_begins(bytes, got)))
                        continue;
                bytes = cs_view_whole(&b->views[worker], r.payload.start, (size_t)cs_range_size(r.payload),
                                      &got);
                if (bytes)
                        r.behind = r.payload.start + cs_text_run(bytes, got);
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
                st = cs_thin_add(&out->places, &b.workers[i].places, err);
        return st == CS_OK ? cs_thin_settle(&out->places, rank, most_places(), err) : st;
}

void cs_tails_deinit(struct cs_tails *tails)
{
        cs_thin_deinit(&tails->places);
}

/* Parts of pointers, of pointers and texts. */
static const double UNKNOWN = 0.5, FIELD = 0.3;
enum { WEIGHT = 8 }; /* so many words of what is expected */

/* The part of pointers at a place, of what is there and of what was expected. */
static double part(const struct cs_tails *tails, uint64_t key, double expected)
{
        uint64_t count = cs_tally_get(&tails->places.counts, key, 0);
        double pointers = (double)(count >> COUNT_BITS),
               texts = (double)(count & ((UINT64_C(1) << COUNT_BITS) - 1));
        return (pointers + WEIGHT * expected) / (pointers + texts + WEIGHT);
}

/* What its likes say; and where these are few, all blocks of the size. */
static double part_of_likes(const struct cs_tails *tails, uint32_t cluster, uint64_t payload, uint64_t offset,
                            double expected)
{
        expected = part(tails, place(every, payload, offset), expected);
        return part(tails, place(cluster, payload, offset), expected);
}

bool cs_tails_field(const struct cs_tails *tails, uint32_t cluster, uint64_t payload, uint64_t offset)
{
        if (payload > SPAN || offset == 0)
                return true;
        double expected = part(tails, place(every, payload, ANYWHERE), UNKNOWN);
        if (part_of_likes(tails, cluster, payload, offset, expected) >= FIELD)
                return true;
        /* Of a smaller size, where the rest of a chunk was too small to stand alone? */
        return part_of_likes(tails, cluster, payload - CS_BLOCK_UNIT, offset, 0) > UNKNOWN;
}
