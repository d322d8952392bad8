/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes around an address, and what each word of them is. */
#include "case_private.h"

#include "bytes.h"
#include "fieldmap.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum {
        WHOLE = 4096, /* blocks up to this size are shown whole, of larger ones so much */
        LEAD = 2048,  /* of which so much before the address */
        AROUND = 512, /* where there is no block */
};

struct dump {
        const struct cs_case *c;
        uint32_t block; /* or CS_NO_BLOCK */
        uint64_t user;  /* its start */
        struct cs_report_dump *out;
        uint8_t *unread;     /* per word: it cannot be read */
        cs_field_vec fields; /* what the block's likes have at each offset */
        bool code;           /* instructions are no words */
};

static void dump_deinit(struct dump *d)
{
        free(d->unread);
        cs_vec_deinit(&d->fields);
}

/* ---- one word ---------------------------------------------------------------------------------------------------- */

static const char *say_time(const struct cs_case *c, uint64_t word)
{
        /* Seconds up to the year 2100 are below this; each finer unit a thousand times more. */
        static const struct {
                uint64_t below, per_second;
                const char *unit;
        } units[] = {
                { UINT64_C(4102444800), 1, "s" },
                { UINT64_C(4102444800000), 1000, "ms" },
                { UINT64_C(4102444800000000), 1000000, "us" },
                { UINT64_C(4102444800000000000), 1000000000, "ns" },
        };
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
                time_t seconds = (time_t)(word / units[i].per_second);
                struct tm tm;
                char text[32];
                if (word >= units[i].below)
                        continue;
                if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
                        return NULL;
                return cs_pool_printf(c->pool, "%s UTC, in %s", text, units[i].unit);
        }
        return NULL;
}

static const char *say_int(const struct cs_case *c, uint64_t word)
{
        int64_t value = (int64_t)word;
        if (value == (int32_t)value || word >> 32 == 0)
                return cs_pool_printf(c->pool, "%" PRId64, value);
        return cs_pool_printf(c->pool, "%" PRId32 ", %" PRId32, (int32_t)(uint32_t)word,
                              (int32_t)(uint32_t)(word >> 32));
}

static const char *say_number(const struct cs_case *c, enum cs_column kind, uint64_t word)
{
        double d;
        switch (kind) {
        case CS_COLUMN_TIME:
                return say_time(c, word);
        case CS_COLUMN_INT:
                return say_int(c, word);
        case CS_COLUMN_FLAGS:
                return cs_pool_printf(c->pool, "0x%" PRIx64, word);
        case CS_COLUMN_FLOAT:
                memcpy(&d, &word, sizeof(d));
                return cs_pool_printf(c->pool, "%.10g", d);
        default:
                return NULL;
        }
}

/* What the block's likes have there, where that is a kind of number: one word alone tells less. */
static enum cs_column judge_number(const struct dump *d, uint64_t offset, uint64_t word)
{
        enum cs_column alone = cs_word_judge(word);
        for (size_t i = 0; i < d->fields.n; i++) {
                const struct cs_field *f = &d->fields.at[i];
                if (f->kind != CS_FIELD_COLUMN || offset < f->offset || offset - f->offset >= f->size)
                        continue;
                if (f->facts.kind == CS_COLUMN_TIME || f->facts.kind == CS_COLUMN_FLAGS)
                        return f->facts.kind;
                if (f->facts.kind == CS_COLUMN_INT && alone == CS_COLUMN_TIME)
                        return CS_COLUMN_INT;
        }
        return alone;
}

static void fill_heap_pointer(const struct dump *d, uint64_t value, struct cs_report_word *out)
{
        const struct cs_case *c = d->c;
        const struct cs_blocks *blocks = &c->heaps->blocks;
        uint32_t i = cs_blocks_holding(&c->heaps->blocks, c->space, value, NULL);
        if (i == CS_NO_BLOCK) {
                out->kind = "pointer:memory";
                out->note = "malloc's heap, but no block";
                return;
        }
        struct cs_block b = cs_blocks_get(blocks, i);
        const struct cs_report_cluster *cluster = cs_case_cluster(c, i);
        bool used = cs_block_state(&b) == CS_BLOCK_IN_USE;
        uint64_t inside = value - cs_block_user(&b);
        out->kind = i == d->block ? "pointer:self" : "pointer:block";
        if (value < cs_block_user(&b))
                out->note = cs_pool_printf(c->pool, "the header of a block %s: a link of malloc's",
                                           used ? "in use" : "that is free");
        else if (i == d->block)
                out->note = cs_pool_printf(c->pool, "this block, +%" PRIu64, inside);
        else if (!used)
                out->note = cs_pool_printf(c->pool, "a block of %" PRIu64 " bytes that is free, +%" PRIu64,
                                           cs_block_usable(&b), inside);
        else if (cluster) {
                out->to = cluster->id;
                out->library = cs_case_owner(c, i).library;
                out->note = inside ? cs_pool_printf(c->pool, "%s, +%" PRIu64, cluster->what, inside)
                                   : cluster->what;
        }
}

/* False where the word is no pointer. */
static bool fill_pointer(const struct dump *d, uint64_t value, struct cs_report_word *out)
{
        struct cs_space_entry e = cs_space_at(d->c->space, value);
        if (value < 0x10000)
                return false;
        switch (e.kind) {
        case CS_SPACE_NONE:
                return false;
        case CS_SPACE_MODULE:
                out->kind = "pointer:module";
                out->note = cs_case_name(d->c, e.index, value);
                out->library = cs_case_keep(d->c, d->c->image->modules.at[e.index].name);
                return true;
        case CS_SPACE_HEAP:
                fill_heap_pointer(d, value, out);
                return true;
        case CS_SPACE_STACK:
                out->kind = "pointer:stack";
                break;
        case CS_SPACE_OTHER:
                out->kind = "pointer:memory";
                break;
        }
        out->note = cs_case_name_memory(d->c, value);
        return true;
}

static void fill_number(const struct dump *d, uint64_t at, uint64_t word, struct cs_report_word *out)
{
        static const char *const names[] = {
                [CS_COLUMN_ZERO] = "zero",   [CS_COLUMN_CONSTANT] = "constant", [CS_COLUMN_TEXT] = "text",
                [CS_COLUMN_FLAGS] = "flags", [CS_COLUMN_TIME] = "time",         [CS_COLUMN_FLOAT] = "float",
                [CS_COLUMN_INT] = "int",     [CS_COLUMN_MIXED] = "mixed",
        };
        uint64_t offset = d->out->start + at - d->user;
        enum cs_column kind = d->block == CS_NO_BLOCK ? cs_word_judge(word) : judge_number(d, offset, word);
        out->kind = names[kind];
        out->note = say_number(d->c, kind, word);
}

/* ---- the words --------------------------------------------------------------------------------------------------- */

/* How many bytes from `at` on can be read. */
static size_t readable(const struct dump *d, size_t at)
{
        size_t end = at;
        while (end < d->out->len && !d->unread[end / 8])
                end += 8;
        return end - at;
}

static size_t zeros(const struct dump *d, size_t at, size_t room)
{
        size_t n = 0;
        while (n < room && cs_word(d->out->bytes + at + n) == 0)
                n += 8;
        return n;
}

/* One entry from `at` on; returns where the next one begins. */
static size_t fill_word(const struct dump *d, size_t at, struct cs_report_word *out)
{
        const uint8_t *bytes = d->out->bytes + at;
        size_t room = readable(d, at), n = 0;
        *out = (struct cs_report_word){ .offset = at, .size = 8 };
        if (!room) {
                while (at + n < d->out->len && d->unread[(at + n) / 8])
                        n += 8;
                out->kind = "gap";
                out->note = cs_gap_name(cs_source_gap(d->c->image->source, d->out->start + at));
        } else if (d->code) {
                n = room;
                out->kind = "mixed";
                out->note = "instructions";
        } else if ((n = zeros(d, at, room)) > 0) {
                out->kind = "zero";
        } else if (fill_pointer(d, cs_word(bytes), out)) {
                n = 8;
                out->value = cs_word(bytes);
        } else {
                size_t run = cs_text_run(bytes, room);
                uint64_t word = cs_word(bytes);
                if (run >= 8 || cs_word_judge(word) == CS_COLUMN_TEXT) {
                        n = run + (run < room && !bytes[run] ? 1 : 0);
                        out->kind = "text";
                        out->text = (struct cs_text){ (const char *)bytes, run };
                } else {
                        n = 8;
                        out->value = word;
                        fill_number(d, at, word, out);
                }
        }
        out->size = (n + 7) & ~(size_t)7;
        return at + (size_t)out->size;
}

static enum cs_status fill_words(struct dump *d, struct cs_error *err)
{
        CS_VEC(struct cs_report_word) words = { 0 };
        enum cs_status st = CS_OK;
        for (size_t at = 0; st == CS_OK && at < d->out->len;) {
                struct cs_report_word word;
                at = fill_word(d, at, &word);
                st = cs_vec_push(&words, word, err);
        }
        d->out->words = cs_pool_alloc(d->c->pool, words.n + 1, sizeof(*words.at));
        if (st == CS_OK && !d->out->words)
                st = cs_fail(err, CS_ENOMEM, "words");
        if (st == CS_OK && words.n) {
                memcpy(d->out->words, words.at, words.n * sizeof(*words.at));
                d->out->n_words = words.n;
        }
        cs_vec_deinit(&words);
        return st;
}

/* ---- the window -------------------------------------------------------------------------------------------------- */

/* What of `whole` is shown of an address in it: no more than `most` bytes, of which `lead` before it. */
static struct cs_range window(struct cs_range whole, uint64_t address, uint64_t most, uint64_t lead)
{
        struct cs_range w = whole;
        if (cs_range_size(whole) <= most)
                return w;
        uint64_t inside = address > whole.start ? address - whole.start : 0;
        if (inside > most - lead)
                w.start = whole.start + ((inside - lead) & ~(uint64_t)15);
        w.end = whole.end - w.start > most ? w.start + most : whole.end;
        return w;
}

static bool read_window(struct dump *d)
{
        bool any = false;
        for (size_t at = 0; at < d->out->len;) {
                size_t got = 0, left = d->out->len - at;
                if (cs_source_read(d->c->image->source, d->out->start + at, d->out->bytes + at, left, &got,
                                   NULL) != CS_OK)
                        got = 0;
                size_t whole = got & ~(size_t)7;
                memset(d->out->bytes + at + whole, 0, left - whole);
                any |= whole > 0;
                at += whole;
                /* What cannot be read ends with a page, at the soonest. */
                uint64_t next = cs_page_down(d->out->start + at) + CS_PAGE - d->out->start;
                for (; at < d->out->len && at < next; at += 8)
                        d->unread[at / 8] = 1;
        }
        return any;
}

static enum cs_status open_window(struct dump *d, struct cs_range whole, struct cs_range shown,
                                  struct cs_error *err)
{
        d->out = cs_pool_alloc(d->c->pool, 1, sizeof(*d->out));
        if (!d->out)
                return cs_fail(err, CS_ENOMEM, "dump");
        d->out->start = shown.start;
        d->out->len = (size_t)cs_range_size(shown) & ~(size_t)7;
        d->out->before = d->block == CS_NO_BLOCK ? 0 : shown.start - whole.start;
        d->out->behind = d->block == CS_NO_BLOCK ? 0 : whole.end - shown.end;
        d->out->bytes = cs_pool_alloc(d->c->pool, d->out->len + 8, 1);
        d->unread = calloc(d->out->len / 8 + 1, 1);
        return d->out->bytes && d->unread ? CS_OK : cs_fail(err, CS_ENOMEM, "dump");
}

/* Text has no fields, and blocks that are not in use have no likes. */
static enum cs_status map_fields(struct dump *d, struct cs_error *err)
{
        const struct cs_case *c = d->c;
        uint32_t cluster = cs_blocks_cluster(&c->heaps->blocks, d->block);
        if (cs_blocks_state(&c->heaps->blocks, d->block) != CS_BLOCK_IN_USE || cluster >= c->clusters->at.n ||
            c->clusters->at.at[cluster].kind == CS_CLUSTER_TEXT)
                return CS_OK;
        return cs_fieldmap_build(c->image, c->space, &c->heaps->blocks, c->clusters, c->members, cluster,
                                 &d->fields, err);
}

enum cs_status cs_case_dump(const struct cs_case *c, uint64_t address, uint32_t block,
                            struct cs_report_dump **out, struct cs_error *err)
{
        cs_cleanup(dump_deinit) struct dump d = { .c = c, .block = block };
        const struct cs_region *region = cs_regions_at(c->regions, address);
        struct cs_range whole, shown;
        enum cs_status st = CS_OK;
        if (block != CS_NO_BLOCK) {
                struct cs_block b = cs_blocks_get(&c->heaps->blocks, block);
                whole = cs_block_payload(&b);
                d.user = whole.start;
                shown = window(whole, address, WHOLE, LEAD);
                st = map_fields(&d, err);
        } else if (region) {
                whole = region->range;
                shown = window(whole, address, AROUND, AROUND / 2);
                d.code = region->kind == CS_KIND_MODULE_CODE &&
                         c->image->mappings.at[region->mapping].perms & CS_PERM_EXEC;
        } else {
                return CS_OK;
        }
        if (st != CS_OK || (st = open_window(&d, whole, shown, err)) != CS_OK || !read_window(&d))
                return st;
        if ((st = fill_words(&d, err)) == CS_OK)
                *out = d.out;
        return st;
}
