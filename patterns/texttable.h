/* SPDX-License-Identifier: Apache-2.0 */
/* The templates of all texts, counted in bounded memory: the heavy hitters by bytes, after Misra and Gries (1982) for tables that
 * are merged (Agarwal and others, "Mergeable Summaries", 2012). It depends on what was added in which order and on nothing else.
 *
 * Up to twice `kept` templates are known. When there are more, templates that one source wrote are merged first (template.h), which
 * loses nothing. Where that makes too little room, every template gives as many bytes of credit as the one has whose rank is
 * `kept`, and those that have no more are dropped. At least `kept` templates give so much each time, and no byte gives twice: so what
 * each gave is no more than the bytes of all texts / kept. From then on a new template that is no heavier than that does not come in, as
 * long as it came to no more in all: what comes once, as most of what is no text at all, costs little. So no masked text lost more
 * bytes than
 *
 *     error <= 2 * bytes of all texts / kept
 *
 * and none that is heavier than that is missing. What was dropped is counted, in all and by the texts' skeletons: so it is known
 * of each merged template how much can be missing at most. Where nothing was dropped all counts are exact. Not thread-safe. */
#ifndef CS_TEXTTABLE_H
#define CS_TEXTTABLE_H

#include "sketch.h"
#include "textunit.h"

enum { CS_TEXTS_KEPT = 1 << 16 };

struct cs_text_sum {
        uint64_t count;
        uint64_t bytes;
};

struct cs_text_row {
        struct cs_text_entry entry;
        struct cs_sketch values;
        struct cs_sketch blocks;
        uint64_t credit;
        uint32_t variants; /* masked texts that were merged to it */
};

enum { CS_TEXT_LOST_ROWS = 2, CS_TEXT_LOST_CELLS = 1 << 13 };

struct cs_text_table {
        size_t kept;
        unsigned workers;       /* threads that merge what is many; one, unless the caller says otherwise */
        struct cs_text_row *at; /* room for 2 * kept */
        size_t n;
        uint32_t *index; /* by key: the row; 8 * kept of them */
        struct cs_text_sum all;
        struct cs_text_sum lost;
        struct cs_text_sum lost_cut; /* texts that were cut: their skeletons do not tell them apart */
        struct cs_text_sum *
                lost_by; /* by hashes of skeletons, CS_TEXT_LOST_ROWS of CS_TEXT_LOST_CELLS (a count-min sketch) */
        uint32_t *
                door; /* by hashes of masked texts, 4 * kept of them: at least the bytes of what did not come in */
        uint64_t given;    /* bytes that each template in the table gave */
        uint64_t kept_out; /* the most bytes of one template that did not come in */
        unsigned patience; /* so many times merging is not tried: it was of no use */
        unsigned backoff;
};

/* kept: a power of two, at most CS_TEXTS_KEPT. */
CS_CHECK enum cs_status cs_text_table_init(struct cs_text_table *table, size_t kept, struct cs_error *err);
void cs_text_table_deinit(struct cs_text_table *table);

/* Units come in the order of their addresses. */
CS_CHECK enum cs_status cs_text_table_add(struct cs_text_table *table, const struct cs_text_unit *unit,
                                          struct cs_error *err);

/* Merges what one source wrote, and sorts by bytes, largest first. Nothing is added behind it. */
CS_CHECK enum cs_status cs_text_table_finish(struct cs_text_table *table, struct cs_error *err);

/* The same without merging, for those who cannot wait. */
CS_CHECK enum cs_status cs_text_table_rank(struct cs_text_table *table, struct cs_error *err);

/* Bytes that any masked text may have lost. */
uint64_t cs_text_table_error(const struct cs_text_table *table);

/* How much of a row of the finished table can be missing at most. */
struct cs_text_sum cs_text_table_missing(const struct cs_text_table *table, const struct cs_text_row *row);

/* Estimates (sketch.h); never more than there are texts, and of blocks exact where they can be. */
uint64_t cs_text_row_values(const struct cs_text_row *row);
uint64_t cs_text_row_blocks(const struct cs_text_row *row);

#endif
