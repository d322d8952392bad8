/* SPDX-License-Identifier: Apache-2.0 */
#include "blocktext.h"

#include "mask.h"
#include "template.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum {
        SAMPLES_LEAST = 4,
        TEXT_LEAST = 8,  /* characters: as for texts that are listed (strings.h) */
        WORDS_LEAST = 4, /* letters that no mask stands for */
        TRIES = 4,       /* places that are compared: one alone takes some 50 microseconds */
        SHOWN = 72,      /* bytes of a template */
};

/* Of so many blocks, do so many tell for all? */
static bool are_most(size_t some, size_t all)
{
        return some >= SAMPLES_LEAST && some * 4 >= all * 3;
}

enum cs_status cs_blocktext_read(const struct cs_image *image, const struct cs_blocks *blocks,
                                 const struct cs_members *members, uint32_t cluster, struct cs_blocktext *out,
                                 struct cs_error *err)
{
        uint32_t sample[CS_BLOCKTEXT_SAMPLES];
        struct cs_view view;
        size_t n = cs_members_sample(members, cluster, CS_BLOCKTEXT_SAMPLES, sample);
        *out = (struct cs_blocktext){ 0 };
        if (n < SAMPLES_LEAST)
                return CS_OK;
        out->bytes = malloc(n * CS_BLOCKTEXT_BYTES);
        out->got = calloc(n, sizeof(*out->got));
        if (!out->bytes || !out->got) {
                cs_blocktext_deinit(out);
                return cs_fail(err, CS_ENOMEM, "texts of blocks");
        }
        out->n = n;
        cs_view_init_hopping(&view, image->source);
        for (size_t i = 0; i < n; i++) {
                struct cs_block block = cs_blocks_get(blocks, sample[i]);
                struct cs_range payload = cs_block_payload(&block);
                uint64_t size = cs_range_size(payload);
                const uint8_t *at =
                        cs_view_whole(&view, payload.start,
                                      size < CS_BLOCKTEXT_BYTES ? (size_t)size : CS_BLOCKTEXT_BYTES,
                                      &out->got[i]);
                if (at)
                        memcpy(out->bytes + i * CS_BLOCKTEXT_BYTES, at, out->got[i]);
                else
                        out->got[i] = 0;
        }
        cs_view_deinit(&view);
        return CS_OK;
}

void cs_blocktext_deinit(struct cs_blocktext *text)
{
        free(text->bytes);
        free(text->got);
        *text = (struct cs_blocktext){ 0 };
}

static const uint8_t *block_at(const struct cs_blocktext *t, size_t i)
{
        return t->bytes + i * CS_BLOCKTEXT_BYTES;
}

/* The length of the text of a block there, or 0. */
static size_t run_at(const struct cs_blocktext *t, size_t i, uint32_t offset)
{
        if (offset >= t->got[i])
                return 0;
        size_t run = cs_text_run(block_at(t, i) + offset, t->got[i] - offset);
        return run >= TEXT_LEAST ? run : 0;
}

/* Does a template say something in words, or by what can be nothing else? */
static bool says_something(const char *text, size_t len)
{
        size_t letters = 0;
        for (size_t i = 0; i < len;) {
                enum cs_mask kind;
                size_t mask = text[i] == '<' ? cs_mask_length(text + i, len - i, &kind) : 0;
                if (mask && kind >= CS_MASK_UUID && kind <= CS_MASK_EMAIL)
                        return true;
                if (!mask && len - i >= 3 && memcmp(text + i, "<*>", 3) == 0)
                        mask = 3;
                letters += !mask && (cs_class[(uint8_t)text[i]] &
                                     (CS_CLASS_LOWER | CS_CLASS_UPPER | CS_CLASS_HIGH)) != 0;
                i += mask ? mask : 1;
        }
        return letters >= WORDS_LEAST;
}

static bool is_space(char c)
{
        return c == '\n' || c == '\r' || cs_class[(uint8_t)c] & CS_CLASS_BLANK;
}

/* Its first line, or as much of that as is shown. */
static const char *shown(struct cs_pool *pool, const char *text, size_t len, bool cut)
{
        size_t n = 0;
        for (; len && is_space(*text); len--)
                text++;
        while (n < len && n < SHOWN && text[n] != '\n' && text[n] != '\r')
                n++;
        if (n == len && !cut)
                return cs_pool_copy(pool, text, len);
        while (n < len && n && ((uint8_t)text[n] & 0xc0) == 0x80)
                n--;
        while (n && is_space(text[n - 1]))
                n--;
        return cs_pool_printf(pool, "%.*s…", (int)n, text);
}

/* What the texts of most blocks there have in common; NULL: nothing. */
static const char *common(const struct cs_blocktext *t, uint32_t offset, struct cs_pool *pool)
{
        struct cs_template masked[CS_BLOCKTEXT_SAMPLES];
        struct cs_template_count counts[CS_BLOCKTEXT_SAMPLES];
        uint32_t group_of[CS_BLOCKTEXT_SAMPLES];
        struct cs_template_groups *groups = NULL;
        const char *found = NULL;
        bool cut[CS_BLOCKTEXT_SAMPLES] = { false }; /* by group */
        size_t n = 0;
        for (size_t i = 0; i < t->n; i++) {
                size_t run = run_at(t, i, offset);
                if (!run)
                        continue;
                cs_template_mask(block_at(t, i) + offset, run, &masked[n]);
                counts[n] = (struct cs_template_count){ masked[n].text, (uint32_t)masked[n].len,
                                                        masked[n].cut || offset + run == t->got[i], 1 };
                n++;
        }
        if (!are_most(n, t->n) || cs_template_merge(counts, n, 1, group_of, &groups, NULL) != CS_OK)
                return NULL;
        for (size_t i = 0; i < n; i++)
                cut[group_of[i]] |= counts[i].cut;
        for (size_t i = 0; !found && i < cs_template_groups_count(groups); i++) {
                const struct cs_template_group *g = cs_template_groups_at(groups, i);
                if (are_most(g->count, t->n) && says_something(g->text, g->len))
                        found = shown(pool, g->text, g->len, cut[i]);
        }
        cs_template_groups_destroy(groups);
        return found;
}

const char *cs_blocktext_find(const struct cs_blocktext *t, uint64_t from, uint64_t to, struct cs_pool *pool,
                              uint32_t *offset)
{
        /* Where texts begin in any of them: behind a byte that may by chance look like one, they begin later in others. */
        uint8_t begins[CS_BLOCKTEXT_BYTES] = { 0 };
        uint32_t end = to < CS_BLOCKTEXT_BYTES ? (uint32_t)to : CS_BLOCKTEXT_BYTES;
        uint32_t first = from < end ? (uint32_t)from : end;
        for (size_t i = 0; i < t->n; i++)
                for (uint32_t at = first; at < end && at < t->got[i];) {
                        size_t run = cs_text_run(block_at(t, i) + at, t->got[i] - at);
                        if (run >= TEXT_LEAST)
                                begins[at]++;
                        at += (uint32_t)run + 1;
                }
        const char *text = NULL;
        for (uint32_t at = first, tries = 0; !text && at < end && tries < TRIES; at++) {
                if (begins[at] < SAMPLES_LEAST)
                        continue;
                text = common(t, at, pool);
                *offset = at;
                tries++;
        }
        return text;
}
