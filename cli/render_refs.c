/* SPDX-License-Identifier: Apache-2.0 */
/* Who points at a block, and who at those: a tree of groups. */
#include "render_case.h"

#include "units.h"

#include <inttypes.h>
#include <string.h>

enum { INDENT = 2, INDENT_MOST = 40, WHAT_LEAST = 30 };

/* "at +16", "at +16 (29,000), +24 (3), 12 elsewhere" */
static const char *places_text(struct cs_screen *screen, const struct cs_report_group *g)
{
        const char *text = "";
        bool one = g->n_places == 1 && !g->elsewhere && !g->unread;
        for (size_t i = 0; i < g->n_places; i++) {
                const char *count =
                        one ? "" : cs_screen_text(screen, " (%s)", cs_units_count(g->places[i].count).text);
                text = cs_screen_text(screen, "%s%s+%" PRIu64 "%s", text, i ? ", " : " at ",
                                      g->places[i].offset, count);
        }
        if (g->elsewhere)
                text = cs_screen_text(screen, "%s, %s elsewhere", text, cs_units_count(g->elsewhere).text);
        if (g->unread)
                text = cs_screen_text(screen, "%s, %s at offsets not looked for", text,
                                      cs_units_count(g->unread).text);
        return text;
}

static const char *again_text(struct cs_screen *screen, const struct cs_report_group *g)
{
        if (!g->again)
                return "";
        if (g->same == 0)
                return ": the block itself, a cycle";
        return cs_screen_text(screen, ": those of [%" PRIu32 "]%s", g->same,
                              g->cycle ? ", a cycle" : ", told of there");
}

static const char *group_text(struct cs_screen *screen, const struct cs_report_group *g, size_t indent)
{
        struct cs_units references = cs_units_count(g->references);
        const char *what = cs_screen_safe(screen, g->what);
        if (!g->blocks)
                return cs_screen_text(screen, "%s word%s of roots: %s", references.text,
                                      g->references == 1 ? "" : "s", what);
        size_t room = screen->width > indent + WHAT_LEAST + 30 ? screen->width - indent - 30 : WHAT_LEAST;
        const char *library =
                g->library ? cs_screen_text(screen, " (%s)", cs_screen_safe(screen, g->library)) : "";
        const char *times =
                g->references == g->blocks ? "" : cs_screen_text(screen, ", %s pointers", references.text);
        return cs_screen_text(screen, "%s of %s %s%s%s%s%s%s", cs_units_count(g->blocks).text,
                              cs_screen_safe(screen, g->cluster), cs_screen_cut_end(screen, what, room),
                              library, places_text(screen, g), times,
                              g->stale ? ", behind the end of a text: stale" : "", again_text(screen, g));
}

static const char *indent_text(struct cs_screen *screen, uint32_t level)
{
        size_t n = level < INDENT_MOST / INDENT ? (size_t)level * INDENT : INDENT_MOST;
        return cs_screen_text(screen, "%*s", (int)n, "");
}

static void render_examples(struct cs_screen *screen, const struct cs_report_group *g, const char *indent)
{
        const char *text = "";
        for (size_t i = 0; i < g->n_examples; i++) {
                const struct cs_report_group_example *e = &g->examples[i];
                if (g->blocks) {
                        text = cs_screen_text(screen, "%s%s0x%" PRIx64, text, i ? " " : "", e->address);
                        continue;
                }
                /* Registers have no address. */
                const char *at =
                        e->address > 0xff ? cs_screen_text(screen, "0x%" PRIx64 " ", e->address) : "";
                cs_screen_paragraph(screen, cs_screen_text(screen, "%s     ", indent), CS_STYLE_DIM,
                                    cs_screen_text(screen, "%s%s", at, cs_screen_safe(screen, e->name)));
        }
        uint64_t all = g->blocks ? g->blocks : g->references;
        const char *more = all > g->n_examples ? cs_screen_pick(screen, " …", " ...") : "";
        if (g->blocks)
                cs_screen_paragraph(screen, cs_screen_text(screen, "%s     ", indent), CS_STYLE_DIM,
                                    cs_screen_text(screen, "%s%s", text, more));
        else if (*more)
                cs_screen_printf(screen, "%s    %s\n", indent, more);
}

static void render_left(struct cs_screen *screen, uint64_t groups, uint64_t references, const char *indent)
{
        if (!references)
                return;
        struct cs_units n = cs_units_count(groups);
        cs_screen_paragraph(screen, cs_screen_text(screen, "%s", indent), CS_STYLE_PLAIN,
                            cs_screen_text(screen, "%s and %s more group%s with %s pointer%s",
                                           cs_screen_pick(screen, "…", "..."), n.text, groups == 1 ? "" : "s",
                                           cs_units_count(references).text, references == 1 ? "" : "s"));
}

void cs_render_referrers(struct cs_screen *screen, const struct cs_report_case *c)
{
        struct cs_units blocks = cs_units_count(c->referrers);
        struct cs_units words = cs_units_count(c->slots);
        cs_screen_heading(screen, "Referrers",
                          cs_screen_text(screen, "%s block%s and %s word%s of roots point here", blocks.text,
                                         c->referrers == 1 ? "" : "s", words.text, c->slots == 1 ? "" : "s"));
        for (size_t i = 0; i < c->n_groups; i++) {
                const struct cs_report_group *g = &c->groups[i];
                const char *indent = indent_text(screen, g->level);
                const char *first = cs_screen_text(screen, "%s[%" PRIu32 "] ", indent, g->id);
                cs_screen_paragraph(screen, first, CS_STYLE_PLAIN,
                                    group_text(screen, g, cs_escape_columns(first)));
                render_examples(screen, g, indent);
                render_left(screen, g->left_groups, g->left_references, indent_text(screen, g->level + 1));
        }
        render_left(screen, c->left_groups, c->left_references, indent_text(screen, 1));
}

void cs_render_notes(struct cs_screen *screen, const struct cs_report_case *c)
{
        if (c->n_notes)
                cs_screen_printf(screen, "\n");
        for (size_t i = 0; i < c->n_notes; i++)
                cs_screen_paragraph(screen, "  ", CS_STYLE_DIM, cs_screen_safe(screen, c->notes[i]));
}

void cs_render_refs(struct cs_screen *screen, const struct cs_report *report,
                    const struct cs_options *options)
{
        const struct cs_report_case *c = report->refs;
        (void)options;
        if (!c)
                return;
        cs_render_place(screen, c);
        if (!c->block || strcmp(c->block->state, "in-use") != 0) {
                cs_render_fact(screen, "referrers",
                               "not known: pointers are followed to blocks in use only, and here is none");
                return;
        }
        cs_screen_printf(screen, "\n");
        cs_render_referrers(screen, c);
        cs_screen_printf(screen, "  %u level%s of referrers were asked for (--depth)\n", c->depth,
                         c->depth == 1 ? "" : "s");
        cs_render_notes(screen, c);
}
