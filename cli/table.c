/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <assert.h>

enum { GAP = 2 }; /* blanks between columns */

void cs_table_init(struct cs_table *table, const struct cs_column *columns, size_t n_columns,
                   const char *indent)
{
        assert(n_columns > 0 && n_columns <= CS_TABLE_COLUMNS);
        *table = (struct cs_table){ .columns = columns, .n_columns = n_columns, .indent = indent };
}

void cs_table_deinit(struct cs_table *table)
{
        cs_vec_deinit(&table->cells);
}

void cs_table_add(struct cs_table *table, struct cs_screen *screen, const char *const *cells)
{
        if (cs_vec_reserve(&table->cells, table->n_columns, NULL) != CS_OK) {
                screen->failed = true;
                return;
        }
        for (size_t i = 0; i < table->n_columns; i++)
                table->cells.at[table->cells.n++] = cells[i] ? cells[i] : "";
}

/* How wide each column would like to be; whether there is a head line. */
static bool measure(const struct cs_table *table, size_t widths[CS_TABLE_COLUMNS])
{
        bool heads = false;
        for (size_t i = 0; i < table->n_columns; i++) {
                widths[i] = cs_escape_columns(table->columns[i].head);
                heads |= widths[i] > 0;
        }
        for (size_t i = 0; i < table->cells.n; i++) {
                size_t width = cs_escape_columns(table->cells.at[i]);
                size_t column = i % table->n_columns;
                if (width > widths[column])
                        widths[column] = width;
        }
        return heads;
}

/* Makes columns narrower, from the left, until the line fits or none may shrink any more. */
static void fit(const struct cs_table *table, size_t width, size_t widths[CS_TABLE_COLUMNS])
{
        size_t all = cs_escape_columns(table->indent) + GAP * (table->n_columns - 1);
        for (size_t i = 0; i < table->n_columns; i++)
                all += widths[i];
        for (size_t i = 0; i < table->n_columns && all > width; i++) {
                size_t least = table->columns[i].least;
                size_t can = least && widths[i] > least ? widths[i] - least : 0;
                size_t gives = can < all - width ? can : all - width;
                widths[i] -= gives;
                all -= gives;
        }
}

static void print_blanks(struct cs_screen *screen, size_t n)
{
        for (size_t i = 0; i < n; i++)
                (void)fputc(' ', screen->out);
}

static void print_row(const struct cs_table *table, struct cs_screen *screen, const size_t *widths,
                      const char *const *cells, bool head)
{
        size_t last = table->n_columns;
        while (last > 0 && *cells[last - 1] == '\0')
                last--;
        (void)fputs(table->indent, screen->out);
        for (size_t i = 0; i < last; i++) {
                const struct cs_column *column = &table->columns[i];
                const char *cell = cs_screen_cut(screen, cells[i], widths[i]);
                size_t blanks = widths[i] - cs_escape_columns(cell);
                if (column->right)
                        print_blanks(screen, blanks);
                cs_screen_styled(screen, head ? CS_STYLE_DIM : column->style, cell);
                if (i + 1 < last)
                        print_blanks(screen, (column->right ? 0 : blanks) + GAP);
        }
        (void)fputc('\n', screen->out);
}

void cs_table_print(const struct cs_table *table, struct cs_screen *screen)
{
        size_t widths[CS_TABLE_COLUMNS] = { 0 };
        bool heads = measure(table, widths);
        fit(table, screen->width, widths);
        if (heads) {
                const char *cells[CS_TABLE_COLUMNS];
                for (size_t i = 0; i < table->n_columns; i++)
                        cells[i] = table->columns[i].head;
                print_row(table, screen, widths, cells, true);
        }
        for (size_t i = 0; i + table->n_columns <= table->cells.n; i += table->n_columns)
                print_row(table, screen, widths, table->cells.at + i, false);
}
