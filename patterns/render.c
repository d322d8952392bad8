/* SPDX-License-Identifier: Apache-2.0 */
/* One text for a set of texts that were found to be of one source: what they share, <*> where they differ. */
#include "merge.h"

#include "mask.h"

#include <string.h>

/* What the rows have in one column, as compared with the first of them. */
struct summary {
        bool same;
        bool absent;  /* some rows have no such segment */
        bool tokens;  /* all are masks of the compatible kinds, or (few) look as if they should be */
        uint64_t odd; /* texts of the latter sort */
        enum cs_mask widest;
        size_t prefix; /* bytes that all have at the start, */
        size_t suffix; /* and at the end */
};

/* Where a name may be taken apart: worker-<*>, <*>.css, part_<*>. */
static bool joins(char c)
{
        return c == '-' || c == '_' || c == '.' || c == '+' || c == '%';
}

static void shrink(struct summary *s, const char *a, size_t a_len, const char *b, size_t b_len)
{
        size_t most = a_len < b_len ? a_len : b_len, n = 0;
        if (s->prefix > most)
                s->prefix = most;
        while (n < s->prefix && a[n] == b[n])
                n++;
        s->prefix = n;
        if (s->suffix > most)
                s->suffix = most;
        for (n = 0; n < s->suffix && a[a_len - 1 - n] == b[b_len - 1 - n]; n++)
                ;
        s->suffix = n;
}

static void add_token(struct summary *s, const struct cs_field *f, const char *text, uint64_t count)
{
        enum cs_mask kind;
        if (f->kind == CS_FIELD_TOKEN && cs_mask_length(text + f->at, f->len, &kind)) {
                if (kind > s->widest)
                        s->widest = kind;
        } else if (f->len && (f->kind == CS_FIELD_ODD || f->kind == CS_FIELD_MADE)) {
                s->odd += count;
        } else {
                s->tokens = false;
        }
}

static void summarise(struct summary *s, const struct cs_field *a, const char *a_text,
                      const struct cs_field *b, const char *b_text, uint64_t count)
{
        add_token(s, b, b_text, count);
        if (!b->len)
                s->absent = true;
        if (a->len == b->len && memcmp(a_text + a->at, b_text + b->at, a->len) == 0)
                return;
        s->same = false;
        shrink(s, a_text + a->at, a->len, b_text + b->at, b->len);
}

struct writer {
        char *out;
        size_t len;
};

static void put(struct writer *w, const char *bytes, size_t len)
{
        if (len > CS_RENDER_BYTES - w->len)
                len = CS_RENDER_BYTES - w->len;
        memcpy(w->out + w->len, bytes, len);
        w->len += len;
}

/* Shared ends of different names are shown up to the last joint. */
static void put_different(struct writer *w, const struct summary *s, const char *text, size_t len,
                          uint64_t texts)
{
        if (s->tokens && s->odd <= texts / 20) {
                put(w, cs_mask_names[s->widest].text, cs_mask_names[s->widest].len);
                return;
        }
        size_t prefix = s->prefix, suffix = s->suffix;
        while (prefix > 0 && !joins(text[prefix - 1]))
                prefix--;
        while (suffix > 0 && !joins(text[len - suffix]))
                suffix--;
        if (prefix + suffix >= len)
                prefix = suffix = 0;
        put(w, text, prefix);
        put(w, "<*>", 3);
        put(w, text + len - suffix, suffix);
}

static void write_template(struct writer *w, const char *text, size_t text_len, const struct cs_fields *f,
                           const struct summary *summaries, uint64_t texts)
{
        size_t from = 0;
        bool open = false; /* a path of varying depth: one <*> stands for all its further segments */
        for (size_t c = 0; c < f->n; c++) {
                const struct cs_field *a = &f->at[c];
                if (a->path <= 1)
                        open = false;
                if (!a->len)
                        continue;
                if (!open)
                        put(w, text + from, a->at - from);
                from = (size_t)a->at + a->len;
                if (summaries[c].same) {
                        if (open)
                                put(w, "/", 1);
                        put(w, text + a->at, a->len);
                        open = false;
                        continue;
                }
                if (!open)
                        put_different(w, &summaries[c], text + a->at, a->len, texts);
                open = a->path && summaries[c].absent;
        }
        put(w, text + from, text_len - from);
}

size_t cs_rows_render(const struct cs_rows *rows, const struct cs_leaf *leaf,
                      const struct cs_template_count *templates, char out[CS_RENDER_BYTES])
{
        struct cs_fields best, f;
        struct writer w = { .out = out };
        const struct cs_template_count *model = &templates[rows->at[leaf->lo].template];
        size_t most = 0;
        uint64_t texts = 0;
        if (leaf->hi - leaf->lo == 1) {
                put(&w, model->text, model->len);
                return w.len;
        }
        /* The model is the row with the most fields that are there (the first such one in the order of
         * texts). */
        uint32_t order = UINT32_MAX;
        for (size_t i = leaf->lo; i < leaf->hi; i++) {
                const struct cs_row *row = &rows->at[i];
                size_t there = 0;
                for (size_t c = 0; c < row->n; c++)
                        there += rows->cells[row->first + c] > CS_CELL_KIND; /* neither absent nor empty */
                if (there > most || (there == most && row->order < order)) {
                        most = there;
                        order = row->order;
                        model = &templates[row->template];
                }
                texts += row->count;
        }
        cs_fields_split(model->text, model->len, model->cut, &best);
        struct summary s[CS_FIELDS_MAX];
        for (size_t c = 0; c < best.n; c++)
                s[c] = (struct summary){
                        .same = true, .tokens = true, .prefix = best.at[c].len, .suffix = best.at[c].len
                };
        for (size_t i = leaf->lo; i < leaf->hi; i++) {
                const struct cs_template_count *t = &templates[rows->at[i].template];
                cs_fields_split(t->text, t->len, t->cut, &f);
                for (size_t c = 0; c < best.n && c < f.n; c++)
                        summarise(&s[c], &best.at[c], model->text, &f.at[c], t->text, t->count);
        }
        write_template(&w, model->text, model->len, &best, s, texts);
        return w.len;
}
