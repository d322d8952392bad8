/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned columns. Cells are safe texts (see screen.h) that live as long as the table; columns that may
 * shrink give way, from the left, until a line fits the screen. What does not fit at all can stand below
 * its row, on lines of its own. Not thread-safe. */
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

/* What becomes of a cell of the last column that is too wide. */
enum cs_table_last {
        CS_TABLE_CUT_MIDDLE,
        CS_TABLE_CUT_END,
        CS_TABLE_FOLD, /* it goes below its row, and is cut only beyond the screen's width */
};

/* A line of its own below a row. */
struct cs_table_under {
        size_t row;
        const char *text;
        enum cs_style style;
        bool cut_end;
};

struct cs_table {
        const struct cs_column *columns; /* borrowed */
        size_t n_columns;                /* at most CS_TABLE_COLUMNS */
        const char *indent;              /* before every line */
        enum cs_table_last last;         /* of the last column; set it after cs_table_init() */
        CS_VEC(const char *) cells;      /* row by row */
        CS_VEC(struct cs_table_under) under;
};

/* Names below a row are cut where the screen ends, but never below this many columns. */
enum { CS_TABLE_UNDER_LEAST = 40 };

void cs_table_init(struct cs_table *table, const struct cs_column *columns, size_t n_columns,
                   const char *indent);
void cs_table_deinit(struct cs_table *table);

/* Adds one row of n_columns cells; NULL is an empty cell. What does not fit into our memory sets
 * screen->failed. */
void cs_table_add(struct cs_table *table, struct cs_screen *screen, const char *const *cells);

/* Adds a line below the row that was added last. */
void cs_table_add_under(struct cs_table *table, struct cs_screen *screen, const char *text,
                        enum cs_style style, bool cut_end);

/* Columns that the screen leaves for the last column when the others are as wide as they would like to be. */
size_t cs_table_room(const struct cs_table *table, const struct cs_screen *screen);

void cs_table_print(const struct cs_table *table, struct cs_screen *screen);

#endif
