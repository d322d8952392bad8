/* SPDX-License-Identifier: Apache-2.0 */
#include "java_tables.h"

#include "bytes.h"
#include "marks.h"

enum {
        DATA_MAX = 8 << 20,  /* of libjvm's variables; it has less than one MiB */
        HEAP_OBJECT = 2048,  /* bytes of the collector's object; G1's has some 1,100 in 17 */
        OBJECT = 512,        /* of what they point at */
        SPACE_SPREAD = 256,  /* farthest that the fields of one space may lie apart; 17: 56 bytes */
        FOUND_MAX = 1 << 12, /* spaces and tables; a virtual machine has some ten */
};

/* Heap bytes per byte of a table of G1's (OpenJDK 9 to 21, src/hotspot/share/gc/): 512 of cards, of their counts and of offsets
 * into blocks (shared/cardTable.hpp, g1/g1CardCounts.hpp, g1/g1BlockOffsetTable.hpp), 64 of bitmaps (shared/markBitMap.hpp). */
static const uint64_t ratios[] = { 512, 64 };
enum { RATIOS = sizeof(ratios) / sizeof(ratios[0]) };

struct search {
        const struct cs_java *java;
        struct cs_claims *claims;
        size_t found;
};

static enum cs_status claim(struct search *s, uint64_t start, uint64_t end, const char *detail,
                            struct cs_error *err)
{
        const struct cs_mapping *m = cs_image_mapping_at(s->java->in->image, start);
        /* Few mappings make up a space: those that do not begin in one are no spaces. */
        if (start >= end || !m || s->found == FOUND_MAX)
                return CS_OK;
        s->found++;
        return cs_java_claim(s->java, (struct cs_range){ start, end }, CS_KIND_MODULE_DATA, detail, s->claims,
                             err);
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

/* Are the fields from one to another of the object at `at` ascending addresses, of which the first, `low` and `high` begin pages?
 * The fields' order is that of cs_java_field. */
static bool ascending(const struct search *s, const uint8_t *at, size_t len, enum cs_java_field from,
                      enum cs_java_field to)
{
        uint64_t before = 0;
        if (!cs_java_has(s->java, from, to))
                return false;
        for (enum cs_java_field f = from; f <= to; f++) {
                uint64_t offset = s->java->at[f];
                if (offset > SPACE_SPREAD || len < 8 || offset > len - 8)
                        return false;
                uint64_t value = cs_word(at + offset);
                if (value % CS_PAGE || !value || value < before)
                        return false;
                before = value;
        }
        return true;
}

static uint64_t field(const struct search *s, const uint8_t *at, enum cs_java_field f)
{
        return cs_word(at + s->java->at[f]);
}

/* share/memory/virtualspace.hpp: what is committed grows upwards from the lower boundary, in three parts by page size. */
static bool virtual_space(const struct search *s, const uint8_t *at, size_t len, struct cs_range *range)
{
        if (!ascending(s, at, len, CS_JAVA_SPACE_LOW_BOUNDARY, CS_JAVA_SPACE_HIGH_BOUNDARY))
                return false;
        *range = (struct cs_range){ field(s, at, CS_JAVA_SPACE_LOW), field(s, at, CS_JAVA_SPACE_HIGH) };
        return range->start == field(s, at, CS_JAVA_SPACE_LOW_BOUNDARY) && range->start < range->end &&
               cs_marks_plain_at(s->java->in->image, range->start);
}

/* share/gc/parallel/psVirtualspace.hpp: the same with one part. */
static bool ps_space(const struct search *s, const uint8_t *at, size_t len, struct cs_range *range)
{
        if (!ascending(s, at, len, CS_JAVA_PS_RESERVED_LOW, CS_JAVA_PS_RESERVED_HIGH))
                return false;
        *range = (struct cs_range){ field(s, at, CS_JAVA_PS_LOW), field(s, at, CS_JAVA_PS_HIGH) };
        return range->start == field(s, at, CS_JAVA_PS_RESERVED_LOW) && range->start < range->end &&
               cs_marks_plain_at(s->java->in->image, range->start);
}

/* share/gc/g1/g1PageBasedVirtualSpace.hpp, 9 to 21: the boundaries, the bytes of the last page that is not whole, the size of
 * pages. Which of it is committed its bitmap knows, and so do the mappings; as another mark its size is one that tables have. */
static bool g1_space(const struct search *s, const uint8_t *at, size_t len, struct cs_range *range)
{
        if (len < 32)
                return false;
        uint64_t start = cs_word(at), end = cs_word(at + 8), tail = cs_word(at + 16), page = cs_word(at + 24);
        if (!start || start % CS_PAGE || end <= start || page < CS_PAGE || page & (page - 1) || tail >= page)
                return false;
        *range = (struct cs_range){ start, end };
        for (size_t i = 0; i < RATIOS; i++)
                if (end - start == cs_page_up(cs_range_size(s->java->heap) / ratios[i]))
                        return cs_image_mapping_at(s->java->in->image, start) != NULL;
        return false;
}

/* ---- where they are looked for ----------------------------------------------------------------------------------- */

static enum cs_status look(struct search *s, const uint8_t *bytes, size_t len, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i + 8 <= len; i += 8) {
                struct cs_range range;
                if (virtual_space(s, bytes + i, len - i, &range) || ps_space(s, bytes + i, len - i, &range))
                        st = claim(s, range.start, range.end, "table of the virtual machine", err);
                else if (g1_space(s, bytes + i, len - i, &range))
                        st = claim(s, range.start, range.end, "table of the java heap", err);
        }
        return st;
}

/* May a word point at an object of the virtual machine's? Those lie on malloc; *m is the mapping that the last one was in. */
static bool is_object(const struct search *s, uint64_t word, const struct cs_mapping **m)
{
        if (!word || word % 8 || cs_range_has(s->java->heap, word))
                return false;
        if (!*m || !cs_range_has((*m)->range, word))
                *m = cs_image_mapping_at(s->java->in->image, word);
        return *m && (*m)->perms & CS_PERM_WRITE && (*m)->module == CS_NO_MODULE && !(*m)->file_backed;
}

/* The bytes themselves, and what they point at, so many steps away. */
static enum cs_status look_from(struct search *s, const uint8_t *bytes, size_t len, unsigned steps,
                                struct cs_error *err)
{
        enum cs_status st = look(s, bytes, len, err);
        const struct cs_mapping *m = NULL;
        for (size_t i = 0; steps && st == CS_OK && i + 8 <= len; i += 8) {
                uint8_t object[OBJECT];
                size_t got;
                uint64_t word = cs_word(bytes + i);
                if (!is_object(s, word, &m) || cs_source_read(s->java->in->image->source, word, object,
                                                              sizeof(object), &got, NULL) != CS_OK)
                        continue;
                st = look_from(s, object, got, steps - 1, err);
        }
        return st;
}

static enum cs_status look_in_data(struct search *s, struct cs_error *err)
{
        const struct cs_image *image = s->java->in->image;
        enum cs_status st = CS_OK;
        uint64_t left = DATA_MAX;
        struct cs_view view;
        cs_view_init(&view, image->source);
        for (size_t i = 0; st == CS_OK && i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                if (m->module != s->java->module || !(m->perms & CS_PERM_WRITE))
                        continue;
                for (uint64_t at = m->range.start; st == CS_OK && at < m->range.end && left;) {
                        uint64_t want = m->range.end - at < left ? m->range.end - at : left;
                        size_t got;
                        const uint8_t *bytes =
                                cs_view_at(&view, at, want < CS_VIEW_BYTES ? want : CS_VIEW_BYTES, &got);
                        st = bytes ? look_from(s, bytes, got, 1, err) : CS_OK;
                        got = bytes && got >= CS_PAGE ? got & ~(size_t)(CS_PAGE - 1) : CS_PAGE;
                        left -= got < left ? got : left;
                        at += got;
                }
        }
        cs_view_deinit(&view);
        return st;
}

static enum cs_status claim_cards(struct search *s, struct cs_error *err)
{
        const struct cs_java *j = s->java;
        uint64_t barriers, table, cards, size;
        struct cs_range of;
        /* Of a collector without cards that is another kind of object: it does not speak of the heap. */
        if (!cs_java_has(j, CS_JAVA_BARRIERS, CS_JAVA_CARDS_SIZE) ||
            !cs_java_word(j, CS_JAVA_BARRIERS, 0, &barriers) ||
            !cs_java_word(j, CS_JAVA_CARD_TABLE, barriers, &table) ||
            !cs_java_region(j, table + j->at[CS_JAVA_CARDS_OF], &of) || of.start != j->heap.start ||
            of.end != j->heap.end || of.start == of.end || !cs_java_word(j, CS_JAVA_CARDS, table, &cards) ||
            !cs_java_word(j, CS_JAVA_CARDS_SIZE, table, &size) || cards % CS_PAGE ||
            size > cs_range_size(of) || size > UINT64_MAX - cards)
                return CS_OK;
        return claim(s, cards, cards + cs_page_up(size), "card table", err);
}

enum cs_status cs_java_tables(const struct cs_java *java, struct cs_claims *claims, struct cs_error *err)
{
        struct search s = { .java = java, .claims = claims };
        uint8_t object[HEAP_OBJECT];
        uint64_t heap;
        size_t got;
        enum cs_status st = claim_cards(&s, err);
        if (st == CS_OK)
                st = look_in_data(&s, err);
        if (st == CS_OK && cs_java_word(java, CS_JAVA_HEAP, 0, &heap) && heap &&
            cs_source_read(java->in->image->source, heap, object, sizeof(object), &got, NULL) == CS_OK)
                st = look_from(&s, object, got, 2, err);
        return st;
}
