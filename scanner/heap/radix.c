/* SPDX-License-Identifier: Apache-2.0 */
#include "radix.h"

#include "bytes.h"

enum {
        LEAVES_MOST = 4096, /* words of .bss that may be tried as pointers to leaves */
        ROOTS_MOST = 16,    /* roots that may be tried */
        ADDRESS_BITS = 47,  /* of user space */
};

void cs_radix_init(struct cs_radix *radix, const struct cs_allocator_input *in, unsigned page_shift,
                   unsigned leaf_bits, uint64_t leaf_align)
{
        *radix = (struct cs_radix){
                .in = in, .page_shift = page_shift, .leaf_bits = leaf_bits, .leaf_align = leaf_align
        };
        uint64_t memory = 0;
        for (size_t i = 0; i < in->image->mappings.n; i++)
                if (cs_allocator_plain(in->image, in->image->mappings.at[i].range.start))
                        memory += cs_range_size(in->image->mappings.at[i].range);
        radix->leaves = 1 + (memory >> leaf_bits) / 8;
        cs_view_init(&radix->view, in->image->source);
}

void cs_radix_deinit(struct cs_radix *radix)
{
        cs_view_deinit(&radix->view);
}

static bool may_be_leaf(const struct cs_radix *r, uint64_t word)
{
        return word && word % r->leaf_align == 0 && cs_allocator_plain(r->in->image, word);
}

bool cs_radix_next_word(struct cs_radix *r, uint64_t leaf, uint32_t *i, uint64_t *word)
{
        const uint32_t words = UINT32_C(1) << r->leaf_bits;
        const uint64_t bytes = (uint64_t)words * 8;
        while (*i < words) {
                size_t got;
                uint64_t at = leaf + (uint64_t)*i * 8;
                const uint8_t *span = cs_view_at(&r->view, at, (size_t)(bytes - (uint64_t)*i * 8), &got);
                if (!span || got < 8) {
                        uint64_t next = cs_view_next(&r->view, (at + 8) & ~UINT64_C(7));
                        if (next < at + 8 || next - leaf >= bytes)
                                return false;
                        *i = (uint32_t)((next - leaf + 7) / 8);
                        continue;
                }
                for (size_t k = 0; k + 8 <= got; k += 8, ++*i) {
                        *word = cs_word(span + k);
                        if (*word)
                                return true;
                }
        }
        return false;
}

bool cs_radix_next_leaf(struct cs_radix *r, uint64_t *slot, uint64_t *leaf)
{
        const uint64_t slots = UINT64_C(1) << (ADDRESS_BITS - r->page_shift - r->leaf_bits);
        if (*slot == 0)
                r->left = r->leaves;
        for (; *slot < slots; ++*slot) {
                size_t got;
                uint64_t at = r->root + *slot * 8;
                const uint8_t *entry = cs_view_whole(&r->view, at, 8, &got);
                if (!entry || got < 8) {
                        uint64_t next = cs_view_next(&r->view, at + 8);
                        if (next <= at || (next - r->root) / 8 >= slots)
                                return false;
                        *slot = (next - r->root + 7) / 8 - 1;
                        continue;
                }
                *leaf = cs_word(entry);
                if (may_be_leaf(r, *leaf))
                        return r->left-- > 0;
        }
        return false;
}

struct search {
        const struct cs_radix_judge *judge;
        unsigned leaves_tried, roots_tried;
        uint64_t refused; /* the last one that was no root: its other leaves lead to it again */
        bool found;
};

/* Could the word at `at`, in the module's data, be the entry of the root that leads to this leaf? Then r->root is that root. */
static bool suppose_root(struct cs_radix *r, const struct search *s, uint64_t at, uint64_t leaf)
{
        uint64_t slot;
        if (!s->judge->prove(s->judge->tree, leaf, &slot) || slot > at / 8)
                return false;
        const struct cs_mapping *m = cs_image_mapping_at(r->in->image, at - slot * 8);
        if (!m || m->module != (int32_t)r->in->module || !(m->perms & CS_PERM_WRITE))
                return false;
        r->root = at - slot * 8;
        return true;
}

static enum cs_status try_root(struct cs_radix *r, struct search *s, struct cs_error *err)
{
        if (r->root == s->refused || s->roots_tried++ >= ROOTS_MOST)
                return CS_OK;
        s->refused = r->root;
        return s->judge->accept(s->judge->tree, &s->found, err);
}

enum cs_status cs_radix_find(struct cs_radix *r, const struct cs_radix_judge *judge, bool *found,
                             struct cs_error *err)
{
        struct search s = { .judge = judge };
        struct cs_module_words words;
        enum cs_status st = CS_OK;
        uint64_t at, leaf;
        cs_module_words_init(&words, r->in);
        while (st == CS_OK && !s.found && s.leaves_tried < LEAVES_MOST &&
               cs_module_words_next(&words, &at, &leaf))
                if (may_be_leaf(r, leaf) && ++s.leaves_tried && suppose_root(r, &s, at, leaf))
                        st = try_root(r, &s, err);
        cs_module_words_deinit(&words);
        *found = s.found;
        return st;
}
