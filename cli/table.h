/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned columns. Cells are safe texts (see screen.h) that live as long as the table; columns that may
 * shrink give way, from the left, until a line fits the screen. Not thread-safe. */
#ifndef CS_TABLE_H
#define CS_TABLE_H

#include "screen.h"
#include "vec.h"

enum { CS_TABLE_COLUMNS = 10 };

struct cs_column {
        const char *head; /* safe; "" where all are: no head line is printed then */
        bool right;       /* aligned to the right: numbers */
        size_t least;     /* cells may be cut down to this many columns; 0: never */
        enum cs_style style;
};

struct cs_table {
        const struct cs_column *columns; /* borrowed */
        size_t n_columns;                /* at most CS_TABLE_COLUMNS */
        const char *indent;              /* before every line */
        CS_VEC(const char *) cells;      /* row by row */
};

void cs_table_init(struct cs_table *table, const struct cs_column *columns, size_t n_columns,
                   const char *indent);
void cs_table_deinit(struct cs_table *table);

/* Adds one row of n_columns cells; NULL is an empty cell. What does not fit into our memory sets
 * screen->failed. */
void cs_table_add(struct cs_table *table, struct cs_screen *screen, const char *const *cells);

void cs_table_print(const struct cs_table *table, struct cs_screen *screen);

#endif
