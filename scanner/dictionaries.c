/* SPDX-License-Identifier: Apache-2.0 */
#include "dictionaries.h"

#include "tally.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
        SAMPLES = 256,   /* blocks of a cluster */
        WORDS_LEAST = 8, /* different ones; fewer may be an accident */
        TENTHS = 6,      /* of the words, that must be the module's */
        LEAD_HALVES = 3, /* and half so many times those of the next module that has them */
        CERTAINTY = 240, /* of 255 */
};

struct holder {
        uint32_t module, words;
};

/* The words of blocks of one size that anybody has. */
struct kind {
        uint64_t size;
        uint32_t words;
        CS_VEC(struct holder) holders; /* few: linear search */
};

struct search {
        const struct cs_dictionaries_input *in;
        struct cs_labels *labels;
        struct cs_view view;
        struct cs_tally by_size; /* size -> which of kinds, and one */
        struct cs_tally seen;    /* a word at a size */
        CS_VEC(struct kind) kinds;
        struct cs_error *err;
};

static void search_deinit(struct search *s)
{
        for (size_t i = 0; i < s->kinds.n; i++)
                cs_vec_deinit(&s->kinds.at[i].holders);
        cs_vec_deinit(&s->kinds);
        cs_tally_deinit(&s->seen);
        cs_tally_deinit(&s->by_size);
        cs_view_deinit(&s->view);
}

/* The word with which a block begins, until the next is read; NULL where it begins with none. */
static const uint8_t *word_of(struct search *s, const struct cs_block *block, size_t *len)
{
        struct cs_range payload = cs_block_payload(block);
        size_t got, want = cs_range_size(payload) < CS_LITERAL_MOST ? (size_t)cs_range_size(payload)
                                                                    : (size_t)CS_LITERAL_MOST;
        const uint8_t *bytes = cs_view_whole(&s->view, payload.start, want, &got);
        *len = bytes ? cs_literals_word(bytes, got) : 0;
        return *len ? bytes : NULL;
}

static enum cs_status kind_at(struct search *s, uint64_t size, struct kind **out)
{
        uint64_t *number;
        enum cs_status st = cs_tally_at(&s->by_size, size, 0, &number, s->err);
        if (st == CS_OK && !*number) {
                struct kind fresh = { .size = size };
                *number = s->kinds.n + 1;
                st = cs_vec_push(&s->kinds, fresh, s->err);
        }
        if (st == CS_OK)
                *out = &s->kinds.at[*number - 1];
        return st;
}

static enum cs_status add_holder(struct search *s, struct kind *k, uint32_t module)
{
        for (size_t i = 0; i < k->holders.n; i++)
                if (k->holders.at[i].module == module) {
                        k->holders.at[i].words++;
                        return CS_OK;
                }
        struct holder fresh = { module, 1 };
        return cs_vec_push(&k->holders, fresh, s->err);
}

static enum cs_status add_block(struct search *s, uint32_t index)
{
        struct cs_block block = cs_blocks_get(s->in->blocks, index);
        size_t len;
        uint64_t *count;
        struct kind *k;
        const uint8_t *word = word_of(s, &block, &len);
        if (!word)
                return CS_OK;
        enum cs_status st =
                cs_tally_at(&s->seen, XXH3_64bits_withSeed(word, len, block.size), 0, &count, s->err);
        if (st != CS_OK || (*count)++)
                return st;
        struct cs_literal_set set = cs_literals_holders(s->in->literals, word, len);
        st = kind_at(s, block.size, &k);
        for (size_t i = 0; st == CS_OK && i < set.n; i++)
                st = add_holder(s, k, set.modules[i]);
        if (st == CS_OK && set.n)
                k->words++;
        return st;
}

static enum cs_status judge(const struct kind *k, cs_dictionary_vec *out, struct cs_error *err)
{
        const struct holder *best = NULL;
        uint32_t second = 0;
        for (size_t i = 0; i < k->holders.n; i++) {
                const struct holder *h = &k->holders.at[i];
                if (!best || h->words > best->words) {
                        second = best ? best->words : 0;
                        best = h;
                } else if (h->words > second) {
                        second = h->words;
                }
        }
        if (!best || k->words < WORDS_LEAST || (uint64_t)best->words * 10 < (uint64_t)k->words * TENTHS ||
            (uint64_t)best->words * 2 < (uint64_t)second * LEAD_HALVES)
                return CS_OK;
        struct cs_dictionary found = { k->size, best->module };
        return cs_vec_push(out, found, err);
}

static const struct cs_dictionary *dictionary_at(const cs_dictionary_vec *dictionaries, uint64_t size)
{
        for (size_t i = 0; i < dictionaries->n; i++)
                if (dictionaries->at[i].size == size)
                        return &dictionaries->at[i];
        return NULL;
}

/* Labels a block of a size that is known, if its word is one of the module's. */
static void label(struct search *s, const cs_dictionary_vec *dictionaries, uint32_t index)
{
        struct cs_block block = cs_blocks_get(s->in->blocks, index);
        const struct cs_dictionary *d = dictionary_at(dictionaries, block.size);
        size_t len;
        if (!d || s->labels->certainty[index] >= CERTAINTY)
                return;
        const uint8_t *word = word_of(s, &block, &len);
        if (!word)
                return;
        struct cs_literal_set set = cs_literals_holders(s->in->literals, word, len);
        if (cs_literal_set_has(&set, d->module))
                cs_label_set(s->labels, index, d->module, CERTAINTY);
}

static bool is_text(const struct search *s, size_t cluster)
{
        return s->in->clusters->at.at[cluster].kind == CS_CLUSTER_TEXT;
}

enum cs_status cs_dictionaries_label(const struct cs_dictionaries_input *in, struct cs_labels *labels,
                                     cs_dictionary_vec *out, struct cs_error *err)
{
        cs_cleanup(search_deinit) struct search s = { .in = in, .labels = labels, .err = err };
        const struct cs_members *members = in->members;
        enum cs_status st = CS_OK;
        cs_view_init_hopping(&s.view, in->image->source);
        for (uint32_t c = 0; st == CS_OK && c < in->clusters->at.n; c++) {
                uint32_t sample[SAMPLES];
                size_t n = is_text(&s, c) ? cs_members_sample(members, c, SAMPLES, sample) : 0;
                for (size_t i = 0; st == CS_OK && i < n; i++)
                        st = add_block(&s, sample[i]);
        }
        for (size_t i = 0; st == CS_OK && i < s.kinds.n; i++)
                st = judge(&s.kinds.at[i], out, err);
        for (uint32_t c = 0; st == CS_OK && out->n && c < in->clusters->at.n; c++)
                for (uint32_t m = members->first[c]; is_text(&s, c) && m < members->first[c + 1]; m++)
                        label(&s, out, members->block[m]);
        return st;
}

bool cs_dictionaries_say(const cs_dictionary_vec *dictionaries, const struct cs_literals *literals,
                         uint64_t size, uint32_t module, const uint8_t *bytes, size_t len)
{
        const struct cs_dictionary *d = dictionary_at(dictionaries, size);
        size_t word = d && d->module == module ? cs_literals_word(bytes, len) : 0;
        if (!word)
                return false;
        struct cs_literal_set set = cs_literals_holders(literals, bytes, word);
        return cs_literal_set_has(&set, module);
}
