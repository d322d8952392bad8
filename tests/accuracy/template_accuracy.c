/* Grouping accuracy of the templates on labelled logs: `template_accuracy [-v] FILE.csv...`, for files with
 * the columns Content and EventId (Loghub's 2k sets). A line counts as right when its group holds exactly the
 * lines that have its label. Prints one line a file, and the mean; with -v also the lines that are
 * not right. */
#include "template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 100000 };

struct line {
        char *content;
        char *label;
        struct cs_template masked;
        uint32_t distinct;
        uint32_t group;
};

/* The next field of a CSV text, in place; *end tells whether it was the last one of its line. */
static char *next_field(char **at, int *end)
{
        char *p = *at, *from = p, *to = p;
        if (*p == '"') {
                for (p++; *p; p++) {
                        if (*p == '"' && p[1] == '"')
                                p++;
                        else if (*p == '"')
                                break;
                        *to++ = *p;
                }
                if (*p)
                        p++;
        }
        while (*p && *p != ',' && *p != '\n')
                *to++ = *p++;
        *end = *p != ',';
        *at = *p ? p + 1 : p;
        if (to > from && to[-1] == '\r')
                to--;
        *to = 0;
        return from;
}

static char *read_all(const char *path)
{
        FILE *f = fopen(path, "rb");
        char *text = NULL;
        size_t n = 0, cap = 0;
        if (!f) {
                perror(path);
                exit(2);
        }
        for (size_t got = 1; got; n += got) {
                if (cap - n < 65536 && !(text = realloc(text, cap += 1 << 20)))
                        abort();
                got = fread(text + n, 1, 65535, f);
        }
        fclose(f);
        text[n] = 0;
        return text;
}

static size_t read_lines(char *at, struct line *lines)
{
        int content = -1, label = -1, end = 0;
        size_t n = 0;
        for (int c = 0; !end; c++) {
                char *name = next_field(&at, &end);
                if (!strcmp(name, "Content"))
                        content = c;
                else if (!strcmp(name, "EventId"))
                        label = c;
        }
        while (*at && n < LINES) {
                end = 0;
                for (int c = 0; !end; c++) {
                        char *field = next_field(&at, &end);
                        if (c == content)
                                lines[n].content = field;
                        else if (c == label)
                                lines[n].label = field;
                }
                if (lines[n].content && lines[n].label)
                        n++;
        }
        return n;
}

static void group_lines(struct line *lines, size_t n, struct cs_template_groups **groups)
{
        struct cs_template_count *counts = calloc(n + 1, sizeof(*counts));
        uint32_t *group_of = calloc(n + 1, sizeof(*group_of));
        size_t distinct = 0;
        struct cs_error err;
        if (!counts || !group_of)
                abort();
        for (size_t i = 0; i < n; i++) {
                struct cs_template *t = &lines[i].masked;
                size_t k = 0;
                cs_template_mask((const uint8_t *)lines[i].content, strlen(lines[i].content), t);
                while (k < distinct && !(counts[k].len == t->len && counts[k].cut == t->cut &&
                                         memcmp(counts[k].text, t->text, t->len) == 0))
                        k++;
                if (k == distinct)
                        counts[distinct++] = (struct cs_template_count){ .text = t->text,
                                                                         .len = (uint32_t)t->len,
                                                                         .cut = t->cut };
                counts[k].count++;
                lines[i].distinct = (uint32_t)k;
        }
        if (cs_template_merge(counts, distinct, 1, group_of, groups, &err) != CS_OK) {
                fprintf(stderr, "%s\n", err.text);
                exit(2);
        }
        for (size_t i = 0; i < n; i++)
                lines[i].group = group_of[lines[i].distinct];
        free(counts);
        free(group_of);
}

static double accuracy(const struct line *lines, size_t n, const struct cs_template_groups *groups,
                       int verbose)
{
        size_t right = 0;
        for (size_t i = 0; i < n; i++) {
                size_t same_label = 0, same_group = 0, both = 0;
                for (size_t k = 0; k < n; k++) {
                        int l = !strcmp(lines[i].label, lines[k].label), g = lines[i].group == lines[k].group;
                        same_label += (size_t)l;
                        same_group += (size_t)g;
                        both += (size_t)(l && g);
                }
                int ok = both == same_label && both == same_group;
                right += (size_t)ok;
                if (verbose && !ok) {
                        const struct cs_template_group *g = cs_template_groups_at(groups, lines[i].group);
                        printf("  %s labelled %zu grouped %zu both %zu: %.*s\n", lines[i].label, same_label,
                               same_group, both, (int)g->len, g->text);
                }
        }
        return n ? (double)right / (double)n : 0;
}

int main(int argc, char **argv)
{
        int verbose = argc > 1 && !strcmp(argv[1], "-v"), files = 0;
        double sum = 0;
        for (int a = 1 + verbose; a < argc; a++) {
                char *text = read_all(argv[a]);
                struct line *lines = calloc(LINES, sizeof(*lines));
                struct cs_template_groups *groups = NULL;
                if (!lines)
                        abort();
                size_t n = read_lines(text, lines);
                group_lines(lines, n, &groups);
                double ga = accuracy(lines, n, groups, verbose);
                const char *slash = strrchr(argv[a], '/');
                printf("%-20s lines %zu groups %zu grouping accuracy %.4f\n", slash ? slash + 1 : argv[a], n,
                       cs_template_groups_count(groups), ga);
                sum += ga;
                files++;
                cs_template_groups_destroy(groups);
                free(lines);
                free(text);
        }
        if (files)
                printf("mean grouping accuracy %.4f of %d files\n", sum / files, files);
        return files ? 0 : 2;
}
