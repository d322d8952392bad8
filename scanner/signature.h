/* SPDX-License-Identifier: Apache-2.0 */
/* What a block's words say: which of them point into modules, at which offsets. Pure but for reading; thread-safe with a
 * view per worker. */
#ifndef CS_SIGNATURE_H
#define CS_SIGNATURE_H

#include "blocks.h"
#include "bytes.h"
#include "cs_limits.h"

struct cs_feature {
        uint32_t offset; /* from what malloc returned */
        uint32_t module;
        uint64_t target;
};

struct cs_features {
        uint32_t n;
        bool quiet; /* all of the block was looked at, and no word of it points at anything */
        struct cs_feature at[CS_LIMIT_BLOCK_FEATURES];
};

/* Collects the module pointers in the payload of a block, in order of offset: pointers into code and data, not into ELF's
 * own tables. */
void cs_signature_features(struct cs_view *view, const struct cs_space *space, const struct cs_block *block,
                           struct cs_features *out);

/* How like blocks share a feature: one number per size, offset and target. Where not all can be kept, those count most that stand near the
 * block's beginning: its rank, see thin.h. */
enum { CS_FEATURE_RANK_AT = 60 };
static inline uint64_t cs_feature_key(uint64_t units, const struct cs_feature *f)
{
        uint64_t mixed = cs_mix(f->target) ^ cs_mix(units << 32 | f->offset), far = f->offset / 8;
        uint64_t rank = far ? 64 - (uint64_t)__builtin_clzll(far) : 0;
        return mixed >> (64 - CS_FEATURE_RANK_AT) | (rank < 15 ? rank : 15) << CS_FEATURE_RANK_AT;
}
uint32_t cs_feature_rank(uint64_t key);

/* One number per size, for blocks that begin with text. */
static inline uint64_t cs_text_key(uint64_t units)
{
        return cs_mix(units ^ UINT64_C(0x7e87) << 40) >> (64 - CS_FEATURE_RANK_AT);
}

/* The classes of a block's first words, for blocks that point into no module: one digit a word. */
enum { CS_SHAPE_WORDS = 6 };
uint64_t cs_signature_shape(struct cs_view *view, const struct cs_space *space, const struct cs_block *block);

#endif
