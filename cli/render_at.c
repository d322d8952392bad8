/* SPDX-License-Identifier: Apache-2.0 */
/* One address in full: what is there, whose it is, who points there, how it is held, and what its words mean. */
#include "render_case.h"

#include "units.h"

#include <inttypes.h>
#include <string.h>

enum {
        LABEL = 13,
        EVIDENCE_ROWS = 4,
        ROWS_OF_ONE = 4, /* rows of a text, or of instructions, that are shown */
        SAME = 4,        /* words that are the same are told once */
        HEX = 3 * 8 - 1,
        NOTE_LEAST = 20,
};

void cs_render_fact(struct cs_screen *screen, const char *label, const char *text)
{
        cs_screen_paragraph(screen, cs_screen_text(screen, "  %-*s", LABEL, label), CS_STYLE_PLAIN, text);
}

/* ---- what is there ----------------------------------------------------------------------------------------------- */

static void render_block(struct cs_screen *screen, const struct cs_report_held *b)
{
        static const struct {
                const char *state, *words;
        } states[] = {
                { "in-use", "in use" },
                { "free", "free, in a bin" },
                { "cached", "free, in a thread's cache or a fastbin" },
                { "top", "not handed out yet" },
                { "internal", "malloc's own" },
        };
        const char *state = cs_screen_safe(screen, b->state), *where = "";
        for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
                if (strcmp(states[i].state, b->state) == 0)
                        state = states[i].words;
        if (b->mmapped)
                where = ", in a mapping of its own";
        else if (b->has_arena)
                where = cs_screen_text(screen, b->main_arena ? ", main arena" : ", arena 0x%" PRIx64,
                                       b->arena);
        struct cs_units usable = cs_units_count(b->usable);
        cs_render_fact(screen, "block",
                       cs_screen_text(screen, "0x%" PRIx64 ", %s usable bytes of %s, %s%s", b->address,
                                      usable.text, cs_units_count(b->size).text, state, where));
}

static const char *evidence_text(struct cs_screen *screen, const struct cs_report_evidence *e)
{
        const char *at = e->offset >= 0 ? cs_screen_text(screen, " at +%" PRId64, e->offset) : "";
        const char *arrow = e->symbol || e->module ? cs_screen_pick(screen, " → ", " -> ") : "";
        const char *in = e->symbol && e->module ? " in " : "";
        return cs_screen_text(screen, "%s%s%s%s%s%s", cs_screen_safe(screen, e->kind), at, arrow,
                              cs_screen_safe(screen, e->symbol), in, cs_screen_safe(screen, e->module));
}

static void render_whose(struct cs_screen *screen, const struct cs_report_held *b)
{
        if (b->cluster)
                cs_render_fact(screen, "cluster",
                               cs_screen_text(screen, "%s, one of %s: %s", cs_screen_safe(screen, b->cluster),
                                              cs_units_count(b->alike).text,
                                              cs_screen_safe(screen, b->what)));
        cs_render_fact(screen, "owner",
                       b->library ? cs_render_owner(screen, b->library, b->confidence) : "no owner found");
        for (size_t i = 0; i < b->n_evidence; i++) {
                const char *hint = cs_render_hint(screen, &b->evidence[i]);
                if (hint)
                        cs_render_fact(screen, "hint", hint);
                else if (i < EVIDENCE_ROWS)
                        cs_render_fact(screen, i ? "" : "evidence", evidence_text(screen, &b->evidence[i]));
        }
}

void cs_render_place(struct cs_screen *screen, const struct cs_report_case *c)
{
        const struct cs_report_place *p = &c->place;
        cs_screen_heading(screen, cs_screen_text(screen, "Address 0x%" PRIx64, p->address),
                          cs_screen_safe(screen, p->what));
        if (p->gap)
                cs_render_fact(screen, "no bytes", cs_screen_safe(screen, p->gap));
        if (p->symbol)
                cs_render_fact(screen, "symbol", cs_screen_safe(screen, p->symbol));
        if (p->module)
                cs_render_fact(screen, "module",
                               cs_screen_text(screen, "%s+0x%" PRIx64 "%s%s",
                                              cs_screen_safe(screen, p->module), p->module_offset,
                                              p->section ? ", section " : "",
                                              cs_screen_safe(screen, p->section)));
        if (c->block)
                render_block(screen, c->block);
        if (c->block && strcmp(c->block->state, "in-use") == 0)
                render_whose(screen, c->block);
        if (!p->kind)
                return;
        const char *path = p->path ? cs_screen_text(screen, ", %s", cs_screen_safe(screen, p->path)) : "";
        const char *detail =
                p->detail ? cs_screen_text(screen, ", %s", cs_screen_safe(screen, p->detail)) : "";
        cs_render_fact(screen, "region",
                       cs_screen_text(screen, "%s, 0x%" PRIx64 " to 0x%" PRIx64 ", %s%s%s",
                                      cs_screen_safe(screen, p->kind), p->start, p->end,
                                      cs_screen_safe(screen, p->perms), path, detail));
}

/* ---- how it is held ---------------------------------------------------------------------------------------------- */

static const char *held_text(const struct cs_report_case *c)
{
        const struct cs_report_held *b = c->block;
        if (b->from_root)
                return "yes: a root points here";
        if (b->reached)
                return "yes: a root leads here";
        if (b->leak == CS_LEAK_POSSIBLE)
                return "perhaps lost: no pointer leads here from a root, but its address, or that of what it hangs "
                       "on, is kept in another form";
        if (b->leak == CS_LEAK_INDIRECT)
                return "LOST: no root leads here, only lost blocks do";
        if (c->referrers == 0)
                return "LOST: nothing points here";
        return "LOST: no root leads here, only blocks of a ring that nothing else leads to, which this one stands "
               "for";
}

static void render_held(struct cs_screen *screen, const struct cs_report_case *c)
{
        const struct cs_report_held *b = c->block;
        struct cs_units count = cs_units_count(b->retains);
        const char *bytes = cs_units_bytes(b->retained_bytes).text;
        const char *s = b->retains == 1 ? "" : "s";
        cs_render_fact(screen, "held", held_text(c));
        if (b->stale)
                cs_render_fact(screen, "stale",
                               "freed memory, or a stack below its pointer, still has the address");
        if (b->retains == 1)
                cs_render_fact(screen, "retains", cs_screen_text(screen, "%s: nothing but itself", bytes));
        else
                cs_render_fact(screen, "retains",
                               cs_screen_text(screen, "%s in %s block%s, itself included: %s", bytes,
                                              count.text, s,
                                              b->reached ? "what nothing else leads to"
                                                         : "the lost blocks that it leads to"));
}

static void render_link(struct cs_screen *screen, const struct cs_report_link *l, const char *before)
{
        if (l->root) {
                const char *at =
                        l->address > 0xff ? cs_screen_text(screen, " at 0x%" PRIx64, l->address) : "";
                cs_screen_paragraph(screen, before, CS_STYLE_PLAIN,
                                    cs_screen_text(screen, "root: %s%s", cs_screen_safe(screen, l->what),
                                                   at));
                return;
        }
        const char *library =
                l->library ? cs_screen_text(screen, " (%s)", cs_screen_safe(screen, l->library)) : "";
        const char *word = l->offset < 0 ? ", a word that is not there any more"
                                         : cs_screen_text(screen, ", its word at +%" PRId64, l->offset);
        const char *what = cs_screen_cut_end(screen, cs_screen_safe(screen, l->what),
                                             screen->width > 60 ? screen->width - 30 : 30);
        cs_screen_paragraph(screen, before, CS_STYLE_PLAIN,
                            cs_screen_text(screen, "0x%" PRIx64 " %s %s%s%s%s", l->address,
                                           cs_screen_safe(screen, l->cluster), what, library, word,
                                           l->stale ? " (behind the end of a text: stale)" : ""));
}

/* From the root, or the head, down to the block. */
static void render_chain(struct cs_screen *screen, const struct cs_report_chain *chain)
{
        const char *arrow = cs_screen_pick(screen, "  → ", "  -> ");
        for (size_t i = chain->n_links; i-- > 0;) {
                if (chain->left_out && i + 1 == chain->left_at)
                        cs_screen_printf(screen, "%s%s %s more blocks\n", arrow,
                                         cs_screen_pick(screen, "…", "..."),
                                         cs_units_count(chain->left_out).text);
                render_link(screen, &chain->links[i], i + 1 == chain->n_links ? "  " : arrow);
        }
        cs_screen_printf(screen, "%sthis block\n", arrow);
}

static void render_chains(struct cs_screen *screen, const struct cs_report_case *c)
{
        for (size_t i = 0; i < c->n_chains; i++) {
                bool head = c->chains[i].to_head;
                cs_screen_printf(screen, "\n");
                cs_screen_heading(screen, head ? "Chain from the head of a leak" : "Chain from a root",
                                  i ? "another way" : "the shortest");
                render_chain(screen, &c->chains[i]);
        }
}

/* ---- its words --------------------------------------------------------------------------------------------------- */

/* "vtable for Thing (libthing.so .data.rel.ro)", "c7 Session (libfoo.so)", "int 42" */
static const char *word_text(struct cs_screen *screen, const struct cs_report_word *w)
{
        const char *note = cs_screen_safe(screen, w->note);
        if (w->text.len)
                return cs_screen_text(screen, "text \"%s\"",
                                      cs_screen_safe_bytes(screen, w->text.bytes, w->text.len));
        if (strncmp(w->kind, "pointer", 7) != 0)
                return strcmp(w->kind, "mixed") == 0 || !w->note
                               ? note
                               : cs_screen_text(screen, "%s %s", cs_screen_safe(screen, w->kind), note);
        const char *library = w->library && w->to
                                      ? cs_screen_text(screen, " (%s)", cs_screen_safe(screen, w->library))
                                      : "";
        return cs_screen_text(screen, "%s%s%s%s%s", cs_screen_pick(screen, "→ ", "-> "),
                              cs_screen_safe(screen, w->to), w->to ? " " : "", note, library);
}

struct hexdump {
        struct cs_screen *screen;
        const struct cs_report_case *c;
        size_t label; /* columns of offsets */
};

/* Offsets from the start of a block; where there is none, addresses. */
static const char *label_of(const struct hexdump *h, uint64_t at)
{
        uint64_t address = h->c->dump->start + at;
        return h->c->block ? cs_screen_text(h->screen, "+%" PRIu64, address - h->c->block->address)
                           : cs_screen_text(h->screen, "%" PRIx64, address);
}

/* The row of the address that was asked for is marked. */
static void print_label(const struct hexdump *h, uint64_t at, uint64_t len)
{
        bool here = h->c->place.address - (h->c->dump->start + at) < len;
        cs_screen_printf(h->screen, " %s", here ? ">" : " ");
        cs_screen_styled(h->screen, CS_STYLE_CYAN,
                         cs_screen_text(h->screen, "%*s", (int)h->label, label_of(h, at)));
        cs_screen_printf(h->screen, "  ");
}

static void print_row(const struct hexdump *h, uint64_t at, const char *note)
{
        char hex[HEX + 1] = "", text[9] = "";
        for (size_t i = 0; i < 8; i++) {
                uint8_t byte = h->c->dump->bytes[at + i];
                (void)snprintf(hex + 3 * i, sizeof(hex) - 3 * i, i < 7 ? "%02x " : "%02x", byte);
                text[i] = byte >= 0x20 && byte < 0x7f ? (char)byte : '.';
        }
        size_t used = 2 + h->label + 2 + HEX + 2 + 8 + 2;
        size_t room = h->screen->width > used + NOTE_LEAST ? h->screen->width - used : NOTE_LEAST;
        print_label(h, at, 8);
        cs_screen_printf(h->screen, "%s  %s", hex, text);
        if (note && *note)
                cs_screen_printf(h->screen, "  %s", cs_screen_cut_end(h->screen, note, room));
        cs_screen_printf(h->screen, "\n");
}

static void print_run(const struct hexdump *h, uint64_t at, uint64_t len, const char *what)
{
        print_label(h, at, len);
        cs_screen_styled(h->screen, CS_STYLE_DIM,
                         cs_screen_text(h->screen, "%s byte%s %s", cs_units_count(len).text,
                                        len == 1 ? "" : "s", what));
        cs_screen_printf(h->screen, "\n");
}

static void print_word(const struct hexdump *h, const struct cs_report_word *w)
{
        const char *note = word_text(h->screen, w);
        if (w->offset > h->c->dump->len || w->size > h->c->dump->len - w->offset)
                return;
        if (strcmp(w->kind, "gap") == 0) {
                print_run(h, w->offset, w->size,
                          cs_screen_text(h->screen, "cannot be read: %s",
                                         cs_screen_safe(h->screen, w->note)));
                return;
        }
        if (strcmp(w->kind, "zero") == 0 && w->size > 8) {
                print_run(h, w->offset, w->size, "of zeros");
                return;
        }
        uint64_t shown = w->size <= (ROWS_OF_ONE + 1) * 8 ? w->size : ROWS_OF_ONE * 8;
        for (uint64_t at = 0; at < shown; at += 8)
                print_row(h, w->offset + at, at ? NULL : note);
        if (shown < w->size)
                print_run(h, w->offset + shown, w->size - shown, "more of it");
}

static bool same_meaning(const struct cs_report_word *a, const struct cs_report_word *b)
{
        if (a->size != 8 || b->size != 8 || !a->value || !b->value)
                return false;
        if (a->value == b->value)
                return true;
        return strcmp(a->kind, b->kind) == 0 && strncmp(a->kind, "pointer", 7) == 0 && a->note && b->note &&
               strcmp(a->note, b->note) == 0;
}

/* How many words from there on are the same, or point at the same kind of thing. */
static size_t same_words(const struct cs_report_dump *d, size_t from)
{
        size_t n = 1;
        while (from + n < d->n_words && same_meaning(&d->words[from], &d->words[from + n]))
                n++;
        return n;
}

static void render_dump(struct cs_screen *screen, const struct cs_report_case *c)
{
        const struct cs_report_dump *d = c->dump;
        struct hexdump h = { screen, c, 0 };
        const char *last = label_of(&h, d->len), *first = label_of(&h, 0);
        h.label = strlen(last) > strlen(first) ? strlen(last) : strlen(first);
        cs_screen_printf(screen, "\n");
        cs_screen_heading(screen, "Words",
                          c->block ? "offset from the block's start, bytes, and what they are"
                                   : "address, bytes, and what they are");
        if (d->before)
                print_run(&h, 0, d->before, "before this: --at with an address there shows them");
        for (size_t i = 0; i < d->n_words;) {
                size_t same = same_words(d, i);
                print_word(&h, &d->words[i]);
                if (same >= SAME)
                        print_run(&h, d->words[i + 1].offset, (same - 1) * 8, "more like it");
                i += same >= SAME ? same : 1;
        }
        if (d->behind)
                print_run(&h, d->len, d->behind, "behind this: --at with an address there shows them");
}

void cs_render_at(struct cs_screen *screen, const struct cs_report *report, const struct cs_options *options)
{
        const struct cs_report_case *c = report->at;
        (void)options;
        if (!c)
                return;
        cs_render_place(screen, c);
        if (c->block && strcmp(c->block->state, "in-use") == 0) {
                render_held(screen, c);
                cs_screen_printf(screen, "\n");
                cs_render_referrers(screen, c);
                render_chains(screen, c);
        }
        if (c->dump)
                render_dump(screen, c);
        cs_render_notes(screen, c);
}
