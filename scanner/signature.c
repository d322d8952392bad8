/* SPDX-License-Identifier: Apache-2.0 */
#include "signature.h"

#include "thin.h"

/* Every user-space pointer that matters lies above the first 64 KiB (vm.mmap_min_addr) and below 2^47. */
static inline bool may_point(uint64_t value)
{
        return value - 0x10000 < (UINT64_C(1) << 47) - 0x10000;
}

/* A word that may point into a module. */
uint32_t cs_feature_rank(uint64_t key)
{
        enum { CHANCE_BITS = 5 };
        _Static_assert(1 << (64 - CS_FEATURE_RANK_AT + CHANCE_BITS) == CS_THIN_RANKS, "all ranks have room");
        return (uint32_t)(key >> CS_FEATURE_RANK_AT) << CHANCE_BITS |
               (uint32_t)(cs_mix(key) >> (64 - CHANCE_BITS));
}

static void consider(const struct cs_space *space, uint64_t value, uint64_t offset, struct cs_features *out)
{
        if (!may_point(value))
                return;
        struct cs_space_entry e = cs_space_at(space, value);
        if (e.kind != CS_SPACE_MODULE)
                return;
        enum cs_part part = cs_space_part(space, e.index, value);
        if (part != CS_PART_META && part != CS_PART_NONE && !cs_range_has(space->allocator, value))
                out->at[out->n++] = (struct cs_feature){ (uint32_t)offset, e.index, value };
}

static void collect(const struct cs_space *space, const uint8_t *at, size_t len, uint64_t offset,
                    struct cs_features *out)
{
        for (size_t from = 0; from + 8 <= len; from += CS_WORDS * 8) {
                size_t n = (len - from) / 8 < CS_WORDS ? (len - from) / 8 : (size_t)CS_WORDS;
                if (!cs_words_within(&space->into_any, at + from, n))
                        continue;
                out->quiet = false;
                uint64_t bits = cs_words_within(&space->into_modules, at + from, n);
                for (; bits && out->n < CS_LIMIT_BLOCK_FEATURES; bits &= bits - 1) {
                        size_t i = from + (size_t)__builtin_ctzll(bits) * 8;
                        consider(space, cs_word(at + i), offset + i, out);
                }
        }
}

void cs_signature_features(struct cs_view *view, const struct cs_space *space, const struct cs_block *block,
                           struct cs_features *out)
{
        struct cs_range payload = cs_block_payload(block);
        out->n = 0;
        out->quiet = cs_range_size(payload) <= CS_LIMIT_SIGNATURE_SPAN;
        if (!out->quiet)
                payload.end = payload.start + CS_LIMIT_SIGNATURE_SPAN;
        for (uint64_t at = payload.start; at < payload.end && out->n < CS_LIMIT_BLOCK_FEATURES;) {
                size_t got;
                const uint8_t *bytes = cs_view_whole(view, at, (size_t)(payload.end - at), &got);
                if (!bytes) {
                        at = cs_view_past_gap(view, at, payload.end);
                        continue;
                }
                collect(space, bytes, got, at - payload.start, out);
                at += got;
        }
}

uint64_t cs_signature_shape(struct cs_view *view, const struct cs_space *space, const struct cs_block *block)
{
        struct cs_range payload = cs_block_payload(block);
        size_t want = cs_range_size(payload) < CS_SHAPE_WORDS * 8 ? (size_t)cs_range_size(payload)
                                                                  : CS_SHAPE_WORDS * 8;
        size_t got;
        uint64_t shape = 0;
        const uint8_t *bytes = cs_view_whole(view, payload.start, want, &got);
        for (size_t i = 0; bytes && i + 8 <= got; i += 8) {
                uint64_t value = cs_word(bytes + i);
                enum cs_space_kind kind = may_point(value) ? cs_space_at(space, value).kind : CS_SPACE_NONE;
                shape |= (uint64_t)kind << i;
        }
        return shape;
}
