/* SPDX-License-Identifier: Apache-2.0 */
/* What a look at a running process leaves for the next one: digests of the pages of its heaps, and what each block was. A block in use
 * that begins and ends where one did, on pages that have not changed, is what that was: it need not be read again. Main thread, but for
 * what says otherwise. */
#ifndef CS_RECALL_H
#define CS_RECALL_H

#include "clusters.h"
#include "thin.h"

struct cs_recall_page {
        uint64_t addr;
        uint64_t digest; /* never 0 */
};

struct cs_recall {
        bool filled;
        uint64_t program;        /* the process and its modules; another number: nothing holds any more */
        uint64_t unexplained;    /* resident bytes of nobody's when all was looked at; the caller's */
        struct cs_blocks blocks; /* as they were; a tag's cluster is a number of `kinds` */
        uint64_t *digests;       /* of all pages of its heap ranges, one range behind the other */
        CS_VEC(struct cs_cluster)
        kinds;               /* as single blocks were found to be, before likes were joined; without counts */
        struct cs_pool pool; /* their texts and periods */
        struct cs_thin features; /* what the first sweep counted, then and since */
        struct cs_thin addresses;
        CS_VEC(struct cs_recall_page) seen; /* pages that were read, until they are compared */
};

/* Between these, what one thread reads of the source is digested as it comes, and need not be read once more for that. */
void cs_recall_listen(struct cs_recall *recall, struct cs_source *source);
void cs_recall_listen_no_more(struct cs_source *source);

/* Forgets everything; what is zeroed is empty. */
void cs_recall_deinit(struct cs_recall *recall);

/* A number that changes with the process and with what is loaded into it. */
uint64_t cs_recall_program(const struct cs_image *image);

/* One look's part of it. Zeroed: nothing is recalled, and nothing kept. */
struct cs_recalled {
        const struct cs_recall *from;
        struct cs_recall *into; /* NULL: nothing is kept */
        uint64_t *digests;      /* of the present heap ranges; 0: absent, or it could not be read */
        uint32_t *
                number; /* by block: of from->kinds, or CS_NO_CLUSTER; NULL: nothing is recalled, or no longer */
        uint32_t *tags; /* by block: those that are kept; NULL: none are */
};
void cs_recalled_deinit(struct cs_recalled *recalled);

/* Digests of the pages of all blocks: before they are read for anything else, so that what changes meanwhile is read again next time. Then, with
 * `recall` filled and `use`, which blocks are known. */
CS_CHECK enum cs_status cs_recalled_begin(const struct cs_cluster_input *in, struct cs_recall *recall,
                                          bool use, struct cs_recalled *out, struct cs_error *err);

/* The number of a block's kind, or CS_NO_CLUSTER. Thread-safe. */
static inline uint32_t cs_recalled_number(const struct cs_recalled *recalled, uint32_t block)
{
        return recalled->number ? recalled->number[block] : (uint32_t)CS_NO_CLUSTER;
}

/* Keeps what was found, instead of what was: kinds are copied, features and addresses taken. Nothing is recalled any more, and
 * all blocks are to be noted. */
CS_CHECK enum cs_status cs_recalled_end(struct cs_recalled *recalled, const struct cs_cluster_input *in,
                                        const struct cs_cluster *kinds, size_t n, struct cs_thin *features,
                                        struct cs_thin *addresses, struct cs_error *err);

/* Notes what a block of the present look is: the number of a kind that cs_recalled_end() got, or CS_NO_CLUSTER. Thread-safe, of different ones. */
static inline void cs_recalled_note(struct cs_recalled *recalled, const struct cs_blocks *blocks,
                                    uint32_t block, uint32_t kind)
{
        if (recalled->tags)
                recalled->tags[block] =
                        (blocks->tags.at[block] & CS_BLOCK_STATE_MASK) | (kind + 1) << CS_BLOCK_STATE_BITS;
}

/* All blocks were noted. */
void cs_recalled_keep_tags(struct cs_recalled *recalled);

/* And, when nobody needs the blocks any more: takes them. Without it nothing was kept. */
void cs_recall_keep(struct cs_recall *recall, struct cs_blocks *blocks);

#endif
