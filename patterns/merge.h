/* SPDX-License-Identifier: Apache-2.0 */
/* Inner parts of cs_template_merge(): rows of columns, and how a set of rows falls into sources. */
#ifndef CS_MERGE_H
#define CS_MERGE_H

#include "fields.h"
#include "template.h"
#include "vec.h"

/* One distinct masked text as a row of a table. Its cells are hashes of its fields: two fields that collide
 * are taken for one value, which at worst merges two texts. */
struct cs_row {
        uint64_t skeleton;
        uint64_t count;
        uint64_t values;   /* which of its cells are values by where they stand */
        uint64_t names;    /* and which of these are somebody's names */
        uint32_t template; /* index in the caller's array */
        uint32_t order;    /* rank of the text among all: what decides where nothing else does */
        uint32_t first;    /* its first cell */
        uint32_t n;        /* how many cells it has */
        uint32_t key;      /* the value by which a set is being divided */
};

/* A cell is 0 where a path has no such segment; else its two lowest bits tell what kind of value it is. */
enum {
        CS_CELL_ABSENT = 0,
        CS_CELL_KIND = 3,
        CS_CELL_WORD = 0,
        CS_CELL_MASK = 1, /* <n>, <hex> and <b64>: CS_FIELD_TOKEN_HASH; other masks have their own values */
        CS_CELL_ODD = 2,  /* CS_FIELD_ODD */
        CS_CELL_MADE = 3, /* CS_FIELD_MADE */
        CS_CELL_ANY = 7,  /* CS_FIELD_ANY: as a kind, it is made */
};

struct cs_rows {
        struct cs_row *at;
        size_t n;
        const uint32_t *cells;
};

/* Rows from lo to hi (excluded) are one source. */
struct cs_leaf {
        size_t lo;
        size_t hi;
};

typedef CS_VEC(struct cs_leaf) cs_leaves;

/* Divides rows, which are sorted by skeleton, into sources; reorders those of one skeleton. */
CS_CHECK enum cs_status cs_rows_divide(struct cs_rows *rows, cs_leaves *leaves, struct cs_error *err);

/* The text of the template that stands for the rows of a leaf; returns its length. Masks may make it longer
 * than each of the texts, by less than two bytes for each column. */
enum { CS_RENDER_BYTES = CS_TEMPLATE_BYTES + 4 * CS_FIELDS_MAX };
size_t cs_rows_render(const struct cs_rows *rows, const struct cs_leaf *leaf,
                      const struct cs_template_count *templates, char out[CS_RENDER_BYTES]);

#endif
