/* SPDX-License-Identifier: Apache-2.0 */
#include "textfacts.h"

#include <string.h>

void cs_text_votes_add_other(struct cs_text_votes *votes, uint32_t who, uint64_t weight)
{
        unsigned least = 0, n = 0;
        for (; n < CS_TEXT_VOTES && votes->weight[n]; n++) {
                if (votes->who[n] == who) {
                        votes->weight[n] += weight;
                        return;
                }
                if (votes->weight[n] < votes->weight[least])
                        least = n;
        }
        if (n < CS_TEXT_VOTES) {
                votes->who[n] = who;
                votes->weight[n] = weight;
                return;
        }
        /* Nobody's place is free: all lose as much as the weakest of them and the new one has. */
        uint64_t loss = votes->weight[least] < weight ? votes->weight[least] : weight;
        unsigned kept = 0;
        for (unsigned i = 0; i < CS_TEXT_VOTES; i++) {
                if (votes->weight[i] == loss)
                        continue;
                votes->who[kept] = votes->who[i];
                votes->weight[kept++] = votes->weight[i] - loss;
        }
        for (unsigned i = kept; i < CS_TEXT_VOTES; i++)
                votes->weight[i] = 0;
        if (weight > loss) {
                votes->who[kept] = who;
                votes->weight[kept] = weight - loss;
        }
}

uint32_t cs_text_votes_winner(const struct cs_text_votes *votes, uint64_t all)
{
        unsigned best = 0;
        for (unsigned i = 1; i < CS_TEXT_VOTES; i++)
                if (votes->weight[i] > votes->weight[best] ||
                    (votes->weight[i] == votes->weight[best] && votes->who[i] < votes->who[best]))
                        best = i;
        return votes->weight[best] && votes->weight[best] >= all - all / 2 ? votes->who[best]
                                                                           : (uint32_t)CS_NOBODY;
}

bool cs_text_facts_add(struct cs_text_facts *f, const struct cs_text_place *p)
{
        bool other = p->block != CS_NOBODY && (!f->blocks || p->block != f->last_block);
        if (other) {
                if (!f->blocks)
                        f->first_block = p->block;
                f->last_block = p->block;
                f->blocks++;
        }
        f->count++;
        f->bytes += p->bytes;
        f->states[p->state]++;
        f->encodings |= (uint8_t)(1 << p->encoding);
        if (f->n_examples < CS_TEXT_EXAMPLES)
                f->examples[f->n_examples++] = p->address;
        cs_text_votes_add(&f->clusters, p->cluster, p->bytes);
        cs_text_votes_add(&f->modules, p->module, p->bytes);
        cs_text_votes_add(&f->kinds, p->kind, p->bytes);
        return other;
}

static void merge_votes(struct cs_text_votes *into, const struct cs_text_votes *from)
{
        for (unsigned i = 0; i < CS_TEXT_VOTES && from->weight[i]; i++)
                cs_text_votes_add(into, from->who[i], from->weight[i]);
}

static void merge_examples(struct cs_text_facts *into, const struct cs_text_facts *from)
{
        uint64_t all[CS_TEXT_EXAMPLES];
        unsigned n = 0, a = 0, b = 0;
        while (n < CS_TEXT_EXAMPLES && (a < into->n_examples || b < from->n_examples)) {
                bool first = b == from->n_examples ||
                             (a < into->n_examples && into->examples[a] <= from->examples[b]);
                all[n++] = first ? into->examples[a++] : from->examples[b++];
        }
        memcpy(into->examples, all, n * sizeof(all[0]));
        into->n_examples = (uint8_t)n;
}

void cs_text_facts_merge(struct cs_text_facts *into, const struct cs_text_facts *from, bool beside)
{
        bool same = !beside && into->blocks && from->blocks && into->last_block == from->first_block;
        if (from->blocks) {
                if (!into->blocks)
                        into->first_block = from->first_block;
                into->last_block = from->last_block;
                into->blocks += from->blocks - same;
        }
        into->count += from->count;
        into->bytes += from->bytes;
        for (unsigned i = 0; i < 3; i++)
                into->states[i] += from->states[i];
        into->encodings |= from->encodings;
        merge_examples(into, from);
        merge_votes(&into->clusters, &from->clusters);
        merge_votes(&into->modules, &from->modules);
        merge_votes(&into->kinds, &from->kinds);
}
