/* SPDX-License-Identifier: Apache-2.0 */
/* One cluster in full: what it is, why we say so, what its blocks hold, and who points at them. */
#include "render.h"

#include "units.h"

#include <inttypes.h>
#include <string.h>

/* Lines of each list, unless all are asked for. */
enum { EVIDENCE_ROWS = 6, FIELD_ROWS = 16, REFERRER_ROWS = 6, EXAMPLE_ROWS = 4, LABEL = 13, FEW_ZEROS = 64 };

#define VARIOUS "various"

static void line(struct cs_screen *screen, const char *label, const char *text)
{
        cs_screen_paragraph(screen, cs_screen_text(screen, "  %-*s", LABEL, label), CS_STYLE_PLAIN, text);
}

static void more(struct cs_screen *screen, size_t n, size_t shown, const char *what, const char *id)
{
        if (n > shown)
                line(screen, "",
                     cs_screen_text(screen, "%s and %s more %s (--cluster %s shows them)",
                                    cs_screen_pick(screen, "…", "..."), cs_units_count(n - shown).text, what,
                                    id));
}

static const char *content_text(const char *content)
{
        static const char *const texts[][2] = {
                { "random", "random bytes: encrypted, or packed well" },
                { "compressed", "packed bytes" },
                { "structured", "structured" },
                { "text", "text" },
                { "empty", "one byte value throughout" },
        };
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                if (strcmp(content, texts[i][0]) == 0)
                        return texts[i][1];
        return "";
}

static void render_head(struct cs_screen *screen, const struct cs_report_cluster *c)
{
        const char *id = cs_screen_safe(screen, c->id);
        size_t used = cs_escape_columns(id) + 2;
        size_t columns = screen->width > used + 20 ? screen->width - used : 20;
        const char *what = cs_screen_safe(screen, c->what);
        cs_screen_styled(screen, CS_STYLE_CYAN, id);
        cs_screen_printf(screen, "  ");
        /* The template stands below in full; a name is shown as it is, however long. */
        cs_screen_styled(screen, CS_STYLE_BOLD,
                         cs_render_is_text(c) ? cs_screen_cut_end(screen, what, columns) : what);
        cs_screen_printf(screen, "\n");
        struct cs_units count = cs_units_count(c->count);
        struct cs_units resident = cs_units_bytes(c->resident);
        line(screen, "kind",
             cs_screen_text(screen, "%s, %s %s%s, %s resident of %s", cs_screen_safe(screen, c->kind),
                            count.text, c->loose ? c->records ? "record" : "part" : "block",
                            c->count == 1 ? "" : "s", resident.text, cs_units_bytes(c->bytes).text));
        if (c->records && !c->loose)
                line(screen, "records",
                     cs_screen_text(screen, "%s of %s bytes", cs_units_count(c->records).text,
                                    cs_units_count(c->period).text));
        if (c->content)
                line(screen, "content",
                     cs_screen_text(screen, "%s%s%s", content_text(c->content), c->type ? ": " : "",
                                    c->type ? cs_screen_safe(screen, c->type) : ""));
        line(screen, "library",
             c->library ? cs_render_owner(screen, c->library, c->confidence) : "no owner found");
}

static void render_numbers(struct cs_screen *screen, const struct cs_report_cluster *c)
{
        if (c->loose) {
                line(screen, "size",
                     cs_screen_text(screen, "%s bytes each", cs_units_count(c->block_max).text));
                return;
        }
        struct cs_units low = cs_units_count(c->block_min);
        struct cs_units high = cs_units_count(c->block_max);
        line(screen, "block size",
             c->block_min == c->block_max
                     ? cs_screen_text(screen, "%s bytes each, header included", high.text)
                     : cs_screen_text(screen, "%s to %s bytes, header included", low.text, high.text));
        struct cs_units used = cs_units_count(c->in_use);
        line(screen, "state",
             cs_screen_text(screen, "%s in use, %s free", used.text, cs_units_count(c->free).text));
        struct cs_units none = cs_units_count(c->unreferenced);
        line(screen, "unreferenced",
             cs_screen_text(screen, "%s (%s) have nothing that points to them", none.text,
                            cs_units_percent(cs_units_share(c->unreferenced, c->count)).text));
        if (c->leak_direct == 0 && c->leak_indirect == 0)
                return;
        struct cs_units direct = cs_units_count(c->leak_direct);
        struct cs_units indirect = cs_units_count(c->leak_indirect);
        line(screen, "leaked",
             cs_screen_text(screen, "%s directly, %s indirectly, %s together", direct.text, indirect.text,
                            cs_units_bytes(c->leak_bytes).text));
}

/* "vtable at +0 → vtable for Thing in libthing.so, 100 % of blocks" */
static const char *evidence_text(struct cs_screen *screen, const struct cs_report_evidence *e)
{
        const char *at = e->offset >= 0 ? cs_screen_text(screen, " at +%" PRId64, e->offset) : "";
        const char *arrow = e->symbol || e->module ? cs_screen_pick(screen, " → ", " -> ") : "";
        const char *in = e->symbol && e->module ? " in " : "";
        return cs_screen_text(screen, "%s%s%s%s%s%s, %s of blocks", cs_screen_safe(screen, e->kind), at,
                              arrow, cs_screen_safe(screen, e->symbol), in, cs_screen_safe(screen, e->module),
                              cs_units_percent(e->share).text);
}

/* What less than one block in a hundred has says little; only those who ask for all see it. */
static const double RARE = 0.01;

const char *cs_render_hint(struct cs_screen *screen, const struct cs_report_evidence *e)
{
        return e->hint ? cs_screen_text(screen, "%s %s", cs_screen_safe(screen, e->module),
                                        cs_screen_safe(screen, e->symbol))
                       : NULL;
}

static void render_evidence(struct cs_screen *screen, const struct cs_report_cluster *c, bool all)
{
        size_t shown = 0, hints = 0;
        for (size_t i = 0; i < c->n_evidence && (all || shown < EVIDENCE_ROWS); i++)
                if ((all || c->evidence[i].share >= RARE) && !cs_render_hint(screen, &c->evidence[i]))
                        line(screen, shown++ ? "" : "evidence", evidence_text(screen, &c->evidence[i]));
        for (size_t i = 0; i < c->n_evidence; i++) {
                const char *hint = cs_render_hint(screen, &c->evidence[i]);
                if (hint)
                        line(screen, hints++ ? "" : "hint", hint);
        }
}

static bool same_text(const char *a, const char *b)
{
        return a == b || (a && b && strcmp(a, b) == 0);
}

/* Words without a meaning of their own: numbers, and the few zeros between them. */
static bool nameless(const struct cs_report_field *field)
{
        static const char *const kinds[] = { "int", "flags", "mixed", VARIOUS };
        if (field->value || field->to || !field->kind)
                return false;
        if (strcmp(field->kind, "zero") == 0)
                return field->size <= FEW_ZEROS;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                if (strcmp(field->kind, kinds[i]) == 0)
                        return true;
        return false;
}

static bool joins(const struct cs_report_field *run, const struct cs_report_field *next)
{
        if (next->offset != run->offset + run->size)
                return false;
        return (nameless(run) && nameless(next)) ||
               (same_text(next->kind, run->kind) && same_text(next->value, run->value) &&
                same_text(next->to, run->to));
}

/* Neighbours that say the same become one line: 3,000 zero words are one fact, and a thousand numbers
 * without a name are one as well. Returns the index behind the run. */
static size_t field_run(const struct cs_report_cluster *c, size_t from, struct cs_report_field *run)
{
        *run = c->fields[from];
        size_t i = from + 1;
        for (; i < c->n_fields && joins(run, &c->fields[i]); i++) {
                const struct cs_report_field *next = &c->fields[i];
                if (!same_text(next->kind, run->kind))
                        run->kind = VARIOUS;
                run->size += next->size;
                if (next->share < run->share)
                        run->share = next->share;
        }
        return i;
}

static void add_field(struct cs_table *table, struct cs_screen *screen, const struct cs_report_field *field)
{
        const char *value = cs_screen_safe(screen, field->value);
        if (field->to)
                value = cs_screen_text(screen, "%s%s%s%s", value, *value ? " " : "",
                                       cs_screen_pick(screen, "→ ", "-> "),
                                       cs_screen_safe(screen, field->to));
        const char *cells[] = {
                cs_screen_text(screen, "+%" PRIu64, field->offset),
                cs_screen_text(screen, "%s", cs_units_count(field->size).text),
                cs_screen_safe(screen, field->kind),
                cs_screen_text(screen, "%s", cs_units_percent(field->share).text),
                value,
        };
        cs_table_add(table, screen, cells);
}

/* Fields that tell what the block belongs to: those that lead somewhere in most blocks. */
static bool telling(const struct cs_report_field *field)
{
        return strncmp(field->kind, "pointer", 7) == 0 && field->share >= 0.5;
}

static void render_fields(struct cs_screen *screen, const struct cs_report_cluster *c, bool all)
{
        static const struct cs_column columns[] = {
                { "fields at", true, 0, CS_STYLE_PLAIN }, { "bytes", true, 0, CS_STYLE_PLAIN },
                { "kind", false, 0, CS_STYLE_PLAIN },     { "share", true, 0, CS_STYLE_PLAIN },
                { "value", false, 0, CS_STYLE_PLAIN },
        };
        if (c->n_fields == 0)
                return;
        struct cs_table table;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        table.last = CS_TABLE_FOLD;
        size_t runs = 0, told = 0, shown = 0;
        struct cs_report_field run;
        for (size_t i = 0; i < c->n_fields; runs++) {
                i = field_run(c, i, &run);
                told += telling(&run);
        }
        bool every = all || runs <= FIELD_ROWS + 1;
        /* Where not all fit: the telling ones first, the rest of the room for what comes first. */
        size_t others = told < FIELD_ROWS ? FIELD_ROWS - told : 0;
        for (size_t i = 0; i < c->n_fields && (every || shown < FIELD_ROWS);) {
                i = field_run(c, i, &run);
                if (!every && !telling(&run) && others == 0)
                        continue;
                others -= !every && !telling(&run);
                add_field(&table, screen, &run);
                shown++;
        }
        cs_table_print(&table, screen);
        cs_table_deinit(&table);
        more(screen, runs, shown, "fields", cs_screen_safe(screen, c->id));
}

static bool same_referrer(const struct cs_report_referrer *a, const struct cs_report_referrer *b)
{
        /* Stray pointers from one cluster are one fact, wherever they stand. */
        bool same_place = a->offset == b->offset || (a->share < RARE && b->share < RARE);
        return same_place && same_text(a->cluster, b->cluster) && (a->cluster || same_text(a->root, b->root));
}

/* All referrers that say what c->referrers[i] says, as one: several roots share a name. False where an
 * earlier one has said it. */
static bool merged_referrer(const struct cs_report_cluster *c, size_t i, struct cs_report_referrer *out,
                            size_t *places)
{
        for (size_t k = 0; k < i; k++)
                if (same_referrer(&c->referrers[k], &c->referrers[i]))
                        return false;
        *out = c->referrers[i];
        *places = 1;
        for (size_t k = i + 1; k < c->n_referrers; k++) {
                if (!same_referrer(&c->referrers[k], &c->referrers[i]))
                        continue;
                out->share += c->referrers[k].share;
                (*places)++;
        }
        out->share = out->share < 1 ? out->share : 1;
        return true;
}

static const char *referrer_text(struct cs_screen *screen, const struct cs_report_referrer *r, size_t places)
{
        const char *who = cs_screen_safe(screen, r->cluster ? r->cluster : r->root);
        if (r->offset >= 0)
                who = places > 1 ? cs_screen_text(screen, "%s at %zu offsets", who, places)
                                 : cs_screen_text(screen, "%s at +%" PRId64, who, r->offset);
        return cs_screen_text(screen, "%s, to %s of blocks", who, cs_units_percent(r->share).text);
}

static void render_referrers(struct cs_screen *screen, const struct cs_report_cluster *c, bool all)
{
        size_t shown = 0;
        for (size_t i = 0; i < c->n_referrers && (all || shown < REFERRER_ROWS); i++) {
                struct cs_report_referrer r;
                size_t places;
                if (merged_referrer(c, i, &r, &places) && (all || r.share >= RARE))
                        line(screen, shown++ ? "" : "referrers", referrer_text(screen, &r, places));
        }
        if (!shown && c->n_referrers)
                line(screen, "referrers",
                     cs_screen_text(screen, "only stray ones (--cluster %s shows them)",
                                    cs_screen_safe(screen, c->id)));
}

static void render_examples(struct cs_screen *screen, const struct cs_report_cluster *c, bool all)
{
        const char *text = "";
        for (size_t i = 0; i < c->n_examples && (all || i < EXAMPLE_ROWS); i++)
                text = cs_screen_text(screen, "%s%s0x%" PRIx64, text, i ? " " : "", c->examples[i]);
        if (*text)
                line(screen, "examples", text);
}

void cs_render_cluster_detail(struct cs_screen *screen, const struct cs_report_cluster *cluster, bool all)
{
        render_head(screen, cluster);
        render_numbers(screen, cluster);
        render_evidence(screen, cluster, all);
        if (cluster->has_template)
                line(screen, "template",
                     cs_screen_safe_bytes(screen, cluster->template.bytes, cluster->template.len));
        render_referrers(screen, cluster, all);
        render_examples(screen, cluster, all);
        if (all && cluster->signature)
                line(screen, "signature", cs_screen_safe(screen, cluster->signature));
        /* Last, as it may be long. */
        render_fields(screen, cluster, all);
}
