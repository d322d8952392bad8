/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of a comparison. Only for growth/. */
#ifndef CS_JOIN_PRIVATE_H
#define CS_JOIN_PRIVATE_H

#include "join.h"
#include "names.h"
#include "vec.h"

#include <inttypes.h>

/* Fills rows, which join_rows.c sorts and whose sums it makes at the end. Kinds by name; libraries by name, then by stem;
 * clusters by signature and what stands in for it. */
CS_CHECK enum cs_status cs_join_kinds(struct cs_growth *g, struct cs_error *err);
CS_CHECK enum cs_status cs_join_libraries(struct cs_growth *g, struct cs_error *err);
/* After the libraries: it asks which of them were upgraded. */
CS_CHECK enum cs_status cs_join_clusters(struct cs_growth *g, struct cs_error *err);

typedef CS_VEC(struct cs_growth_row) cs_growth_row_vec;

/* A row with a value for each snapshot, in the pool. */
CS_CHECK enum cs_status cs_join_row(struct cs_growth *g, cs_growth_row_vec *rows, struct cs_error *err);

/* Differences, states, shapes and rates of the rows; then sorts them and moves them to the pool. The vector is empty then. */
CS_CHECK enum cs_status cs_join_finish(struct cs_growth *g, cs_growth_row_vec *rows,
                                       struct cs_growth_rows *out, struct cs_error *err);
/* The same of one row. */
CS_CHECK enum cs_status cs_join_measure(const struct cs_growth *g, struct cs_growth_row *row,
                                        struct cs_error *err);

/* A pair of rows that is to become one: how rows with one key are told together (join_rows.c). */
struct cs_join_key {
        uint64_t key;
        size_t row;
};
typedef CS_VEC(struct cs_join_key) cs_join_key_vec;

/* Merges rows that have one key and stand in different snapshots. Where several of a snapshot have it, they are paired in the
 * order of their names if the snapshots have as many of each, or else become one row (`together`), or stay apart. Sorts keys. */
CS_CHECK enum cs_status cs_join_merge(struct cs_growth *g, cs_growth_row_vec *rows, cs_join_key_vec *keys,
                                      enum cs_joined joined, bool together, struct cs_error *err);

/* Is it there in some snapshots, and not in all? */
bool cs_join_is_part(const struct cs_growth *g, const struct cs_growth_row *row);

/* One more sentence in g->notes. */
CS_CHECK enum cs_status cs_growth_note(struct cs_growth *g, struct cs_error *err, const char *format, ...)
        CS_PRINTF(3, 4);

/* What a snapshot is called in notes. */
const char *cs_growth_name(struct cs_growth *g, size_t snapshot);

/* Are both of one process, as far as is known? */
bool cs_growth_same_process(const struct cs_snapshot *a, const struct cs_snapshot *b);

/* Fills g->verdict. */
CS_CHECK enum cs_status cs_growth_judge(struct cs_growth *g, struct cs_error *err);

/* "1.21 GiB", in the pool; "" when memory ran out. */
const char *cs_growth_size(struct cs_growth *g, uint64_t bytes);

#endif
