/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator.h"

#include "bytes.h"

bool cs_allocator_plain(const struct cs_image *image, uint64_t addr)
{
        const struct cs_mapping *m = cs_image_mapping_at(image, addr);
        return m && m->perms & CS_PERM_WRITE && !m->file_backed && m->module == CS_NO_MODULE;
}

void cs_module_words_init(struct cs_module_words *words, const struct cs_allocator_input *in)
{
        *words = (struct cs_module_words){ .in = in };
        cs_view_init(&words->view, in->image->source);
}

void cs_module_words_deinit(struct cs_module_words *words)
{
        cs_view_deinit(&words->view);
}

/* In one mapping, from words->at on. */
static bool next_word(struct cs_module_words *w, struct cs_range map, uint64_t *addr, uint64_t *word)
{
        if (w->at < map.start)
                w->at = (map.start + 7) & ~UINT64_C(7);
        while (cs_range_holds(map, w->at, 8)) {
                size_t got;
                const uint8_t *bytes = cs_view_at(&w->view, w->at, (size_t)(map.end - w->at), &got);
                if (!bytes || got < 8) {
                        uint64_t next = cs_view_next(&w->view, w->at + 8);
                        w->at = next > w->at && next < map.end ? (next + 7) & ~UINT64_C(7) : map.end;
                        continue;
                }
                for (size_t k = 0; k + 8 <= got; k += 8, w->at += 8)
                        if ((*word = cs_word(bytes + k)) != 0) {
                                *addr = w->at;
                                w->at += 8;
                                return true;
                        }
        }
        return false;
}

bool cs_module_words_next(struct cs_module_words *w, uint64_t *addr, uint64_t *word)
{
        const struct cs_image *image = w->in->image;
        for (; w->mapping < image->mappings.n; w->mapping++) {
                const struct cs_mapping *m = &image->mappings.at[w->mapping];
                if (m->module == (int32_t)w->in->module && m->perms & CS_PERM_WRITE &&
                    next_word(w, m->range, addr, word))
                        return true;
        }
        return false;
}

int32_t cs_allocator_holder(const struct cs_allocator_input *in, struct cs_range range)
{
        int32_t holder = CS_NO_MODULE;
        for (size_t i = 0; holder == CS_NO_MODULE && i < in->image->modules.n; i++) {
                const struct cs_allocator_input one = { in->image, in->symbols, i };
                struct cs_module_words words;
                uint64_t at, word;
                cs_module_words_init(&words, &one);
                while (holder == CS_NO_MODULE && cs_module_words_next(&words, &at, &word))
                        if (cs_range_has(range, word))
                                holder = (int32_t)i;
                cs_module_words_deinit(&words);
        }
        return holder;
}

static bool is_free(const struct cs_slots *s, uint64_t i)
{
        return s->freed[i / 64] >> (i % 64) & 1;
}

enum cs_status cs_allocator_claim_slots(struct cs_claims *claims, const struct cs_slots *slots,
                                        int32_t module, const char *used, const char *freed,
                                        struct cs_error *err)
{
        struct cs_claim claim = { .kind = CS_KIND_MALLOC_USED, .module = module, .detail = used };
        enum cs_status st = CS_OK;
        claim.range.start = slots->range.start;
        for (uint64_t i = 0; st == CS_OK && i < slots->n;) {
                uint64_t from = i;
                while (i < slots->n && is_free(slots, i))
                        i++;
                struct cs_range run = { slots->first + from * slots->size, slots->first + i * slots->size };
                if (cs_range_size(run) >= CS_PAGE) {
                        claim.range.end = run.start;
                        st = cs_claims_extend(claims, claim, err);
                        struct cs_claim unused = { run, CS_KIND_MALLOC_FREE, module, freed, 0 };
                        if (st == CS_OK)
                                st = cs_claims_extend(claims, unused, err);
                        claim.range.start = run.end;
                }
                i += from == i;
        }
        claim.range.end = slots->range.end;
        return st == CS_OK ? cs_claims_extend(claims, claim, err) : st;
}

bool cs_allocator_mark_list(struct cs_view *view, const struct cs_slots *slots, uint64_t at, uint64_t *marks,
                            uint64_t *count)
{
        while (at) {
                size_t got;
                uint64_t offset = at - slots->first, i = offset / slots->size;
                if (at < slots->first || offset % slots->size || i >= slots->n ||
                    marks[i / 64] >> (i % 64) & 1)
                        return false;
                marks[i / 64] |= UINT64_C(1) << (i % 64);
                ++*count;
                const uint8_t *next = cs_view_whole(view, at, 8, &got);
                if (!next || got < 8)
                        return false;
                at = cs_word(next);
        }
        return true;
}
