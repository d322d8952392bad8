/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <assert.h>

enum {
        GAP = 2,
        UNDER_INDENT = 4
}; /* blanks: between columns; before lines below a row, beside the table's */

void cs_table_init(struct cs_table *table, const struct cs_column *columns, size_t n_columns,
                   const char *indent)
{
        assert(n_columns > 0 && n_columns <= CS_TABLE_COLUMNS);
        *table = (struct cs_table){ .columns = columns, .n_columns = n_columns, .indent = indent };
}

void cs_table_deinit(struct cs_table *table)
{
        cs_vec_deinit(&table->cells);
        cs_vec_deinit(&table->under);
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

void cs_table_add_under(struct cs_table *table, struct cs_screen *screen, const char *text,
                        enum cs_style style, bool cut_end)
{
        struct cs_table_under under = {
                .row = table->cells.n / table->n_columns - 1,
                .text = text,
                .style = style,
                .cut_end = cut_end,
        };
        if (cs_vec_push(&table->under, under, NULL) != CS_OK)
                screen->failed = true;
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

static size_t sum(const struct cs_table *table, const size_t *widths, size_t n)
{
        size_t all = cs_escape_columns(table->indent) + GAP * (table->n_columns - 1);
        for (size_t i = 0; i < n; i++)
                all += widths[i];
        return all;
}

size_t cs_table_room(const struct cs_table *table, const struct cs_screen *screen)
{
        size_t widths[CS_TABLE_COLUMNS] = { 0 };
        (void)measure(table, widths);
        size_t others = sum(table, widths, table->n_columns - 1);
        return screen->width > others ? screen->width - others : 0;
}

/* Makes columns narrower, from the left, until the line fits or none may shrink any more. */
static void fit(const struct cs_table *table, size_t width, size_t widths[CS_TABLE_COLUMNS])
{
        size_t last = table->n_columns - 1;
        if (table->last == CS_TABLE_FOLD) {
                size_t others = sum(table, widths, last);
                size_t room = width > others ? width - others : 0;
                widths[last] = widths[last] < room ? widths[last] : room;
        }
        size_t all = sum(table, widths, table->n_columns);
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

static bool folds(const struct cs_table *table, const size_t *widths, const char *cell)
{
        size_t last = table->n_columns - 1;
        return table->last == CS_TABLE_FOLD && cs_escape_columns(cell) > widths[last];
}

static void print_row(const struct cs_table *table, struct cs_screen *screen, const size_t *widths,
                      const char *const *cells, bool head)
{
        size_t last = table->n_columns;
        if (!head && folds(table, widths, cells[last - 1]))
                last--;
        while (last > 0 && *cells[last - 1] == '\0')
                last--;
        (void)fputs(table->indent, screen->out);
        for (size_t i = 0; i < last; i++) {
                const struct cs_column *column = &table->columns[i];
                bool cut_end = i + 1 == table->n_columns && table->last == CS_TABLE_CUT_END;
                const char *cell = cut_end ? cs_screen_cut_end(screen, cells[i], widths[i])
                                   : head  ? cells[i]
                                           : cs_screen_cut(screen, cells[i], widths[i]);
                size_t takes = cs_escape_columns(cell);
                size_t blanks = widths[i] > takes ? widths[i] - takes : 0;
                if (column->right)
                        print_blanks(screen, blanks);
                cs_screen_styled(screen, head ? CS_STYLE_DIM : column->style, cell);
                if (i + 1 < last)
                        print_blanks(screen, (column->right ? 0 : blanks) + GAP);
        }
        (void)fputc('\n', screen->out);
}

static void print_under(const struct cs_table *table, struct cs_screen *screen, const char *text,
                        enum cs_style style, bool cut_end)
{
        size_t indent = cs_escape_columns(table->indent) + UNDER_INDENT;
        size_t columns =
                screen->width > indent + CS_TABLE_UNDER_LEAST ? screen->width - indent : CS_TABLE_UNDER_LEAST;
        print_blanks(screen, indent);
        cs_screen_styled(screen, style,
                         cut_end ? cs_screen_cut_end(screen, text, columns)
                                 : cs_screen_cut(screen, text, columns));
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
        size_t last = table->n_columns - 1;
        size_t under = 0;
        for (size_t i = 0; i + table->n_columns <= table->cells.n; i += table->n_columns) {
                const char *const *cells = table->cells.at + i;
                print_row(table, screen, widths, cells, false);
                if (folds(table, widths, cells[last]))
                        print_under(table, screen, cells[last], table->columns[last].style, false);
                for (; under < table->under.n && table->under.at[under].row == i / table->n_columns; under++)
                        print_under(table, screen, table->under.at[under].text, table->under.at[under].style,
                                    table->under.at[under].cut_end);
        }
}
