/* SPDX-License-Identifier: Apache-2.0 */
#include "leftovers.h"

#include "cs_limits.h"

#include <string.h>

/* What _dl_new_object (glibc, elf/dl-object.c, 2.17 to 2.43) puts into one block: struct link_map (1,100 to 1,200 bytes), one
 * pointer, a struct libname_list, and the name that was asked for. The block's first words are written over when it is freed, and
 * more of them when a part of it is used again; so it is known by its end: libname_list's `name` points right behind it, and its
 * `dont_free` is 1. Before it, link_map has l_info, addresses of entries of the dynamic section, and l_map_start with l_map_end,
 * wherever a version has them. */
enum {
        LIBNAME_BYTES = 24, /* name, next, dont_free: the name follows */
        DONT_FREE_AT = 16,
        MAP_BYTES = 1280,
        NAME_BYTES = 512,
        INFO_LEAST =
                4, /* DT_STRTAB, DT_SYMTAB, a hash table, DT_SONAME or DT_NEEDED: every library has these */
        PART_LEAST = 4, /* characters of a cut name by which it can be completed */
};

/* How much of the text can be part of a file's name. */
static size_t name_length(const char *text, size_t most)
{
        size_t n = 0;
        while (n < most && (unsigned char)text[n] > ' ' && (unsigned char)text[n] < 0x7f)
                n++;
        return n;
}

/* How many words lead into the range. */
static unsigned leads_into(const uint8_t *bytes, size_t len, struct cs_range range)
{
        unsigned n = 0;
        for (size_t at = 0; at + 8 <= len; at += 8)
                n += cs_range_has(range, cs_word(bytes + at));
        return n;
}

/* l_map_start and l_map_end: side by side, the first at the start of a page, and around what l_info leads to. */
static bool read_range(const uint8_t *bytes, size_t len, struct cs_range *out)
{
        for (size_t at = 0; at + 16 <= len; at += 8) {
                struct cs_range r = { cs_word(bytes + at), cs_word(bytes + at + 8) };
                if (!r.start || r.start % CS_PAGE || r.start >= r.end || r.end >> 47 ||
                    r.end - r.start > (uint64_t)CS_LIMIT_OBJECT_GIB << 30 ||
                    leads_into(bytes, at, r) < INFO_LEAST)
                        continue;
                *out = r;
                return true;
        }
        return false;
}

bool cs_leftover_parse(const uint8_t *bytes, size_t before, size_t len, uint64_t addr,
                       struct cs_leftover_facts *out)
{
        if (before > len || len - before <= LIBNAME_BYTES ||
            cs_word(bytes + before) != addr + LIBNAME_BYTES || cs_word(bytes + before + DONT_FREE_AT) != 1 ||
            !read_range(bytes, before, &out->range))
                return false;
        const char *name = (const char *)bytes + before + LIBNAME_BYTES;
        size_t most = len - before - LIBNAME_BYTES, n = name_length(name, most), at = n;
        while (at && name[at - 1] != '/')
                at--;
        out->name = name + at;
        out->len = n - at;
        /* The last eight bytes of a block belong to the block behind it while it is free. */
        out->whole = n < most && !name[n];
        return n > 0 && (out->len > 0 || !out->whole);
}

struct search {
        struct cs_view view;  /* goes through */
        struct cs_view looks; /* at what is found */
        cs_leftover_vec *out;
        uint64_t bytes;
        bool names; /* the second time: of those found only parts of the names are known */
        struct cs_error *err;
};

static enum cs_status look(struct search *s, uint64_t addr)
{
        struct cs_leftover_facts facts;
        size_t before = addr > MAP_BYTES ? MAP_BYTES : 0, got;
        /* What is before it may not be there any more. */
        const uint8_t *bytes =
                cs_view_whole(&s->looks, addr - before, before + LIBNAME_BYTES + NAME_BYTES, &got);
        if (!bytes || !cs_leftover_parse(bytes, before, got, addr, &facts) || s->out->n >= CS_LIMIT_LINKS)
                return CS_OK;
        struct cs_leftover left = { .range = facts.range,
                                    .name = strndup(facts.name, facts.len),
                                    .whole = facts.whole };
        if (!left.name)
                return cs_fail(s->err, CS_ENOMEM, "names");
        enum cs_status st = cs_vec_push(s->out, left, s->err);
        if (st != CS_OK)
                free(left.name);
        return st;
}

/* A longer name among the bytes that begins with the part, and is that of a library; *n its length. */
static const char *longer_name(const uint8_t *bytes, size_t len, const char *part, size_t *n)
{
        size_t known = strlen(part);
        const uint8_t *end = bytes + len, *at = bytes;
        while ((at = memmem(at, (size_t)(end - at), part, known))) {
                *n = name_length((const char *)at, (size_t)(end - at));
                if (at + *n < end && !at[*n] && *n > known && !memchr(at, '/', *n) &&
                    memmem(at, *n, ".so", 3))
                        return (const char *)at;
                at += known;
        }
        return NULL;
}

/* The loader has a library's name in several blocks: what was cut in one may be whole in another. */
static enum cs_status complete(struct search *s, const uint8_t *bytes, size_t len)
{
        for (size_t i = 0; i < s->out->n; i++) {
                struct cs_leftover *left = &s->out->at[i];
                size_t n;
                const char *longer = left->whole || strlen(left->name) < PART_LEAST
                                             ? NULL
                                             : longer_name(bytes, len, left->name, &n);
                char *name = longer ? strndup(longer, n) : NULL;
                if (longer && !name)
                        return cs_fail(s->err, CS_ENOMEM, "names");
                if (!longer)
                        continue;
                free(left->name);
                left->name = name;
                left->whole = true;
        }
        return CS_OK;
}

/* What of a range was read. */
static enum cs_status look_through(struct search *s, const uint8_t *bytes, size_t len, uint64_t addr)
{
        enum cs_status st = CS_OK;
        if (s->names)
                return complete(s, bytes, len);
        for (size_t i = -addr % 8; st == CS_OK && i + 8 <= len; i += 8)
                if (cs_word(bytes + i) == addr + i + LIBNAME_BYTES)
                        st = look(s, addr + i);
        return st;
}

static enum cs_status search_range(struct search *s, struct cs_range range)
{
        enum cs_status st = CS_OK;
        for (uint64_t at = range.start; st == CS_OK && at < range.end && s->bytes < CS_LIMIT_LEFT_BYTES;) {
                size_t got, want = range.end - at < CS_VIEW_BYTES ? (size_t)(range.end - at) : CS_VIEW_BYTES;
                uint64_t zeros = cs_source_zeros(s->view.src, at) & ~(uint64_t)(CS_PAGE - 1);
                const uint8_t *bytes = zeros ? NULL : cs_view_whole(&s->view, at, want, &got);
                if (!bytes || got < 8) {
                        uint64_t next =
                                zeros ? at + zeros : cs_view_next(&s->view, cs_page_down(at) + CS_PAGE);
                        at = next > at ? next : range.end;
                        continue;
                }
                st = look_through(s, bytes, got, at);
                s->bytes += got;
                at += got & ~(size_t)7;
        }
        return st;
}

static enum cs_status search_all(struct search *s, const struct cs_blocks *blocks)
{
        struct cs_block_cursor cursor = cs_blocks_all(blocks);
        struct cs_block_group group;
        uint64_t released = 0, seen = 0;
        enum cs_status st = CS_OK;
        s->bytes = 0;
        while (st == CS_OK && cs_blocks_next_group(&cursor, &group)) {
                if (group.state != CS_BLOCK_FREE && group.state != CS_BLOCK_TOP &&
                    group.state != CS_BLOCK_CACHED)
                        continue;
                cs_source_release_behind(s->view.src, &released, group.range.start);
                st = search_range(s, group.range);
                seen = group.range.end;
        }
        cs_source_release(s->view.src, released, (size_t)(seen - released));
        return st;
}

enum cs_status cs_leftovers_find(const struct cs_image *image, const struct cs_blocks *blocks,
                                 cs_leftover_vec *out, bool *limited, struct cs_error *err)
{
        struct search s = { .out = out, .err = err };
        cs_view_init(&s.view, image->source);
        cs_view_init_hopping(&s.looks, image->source);
        enum cs_status st = search_all(&s, blocks);
        *limited |= s.bytes >= CS_LIMIT_LEFT_BYTES;
        for (size_t i = 0; i < out->n; i++)
                s.names |= !out->at[i].whole;
        if (st == CS_OK && s.names)
                st = search_all(&s, blocks);
        cs_view_deinit(&s.view);
        cs_view_deinit(&s.looks);
        return st;
}

void cs_leftovers_deinit(cs_leftover_vec *left)
{
        for (size_t i = 0; i < left->n; i++)
                free(left->at[i].name);
        cs_vec_deinit(left);
}

const struct cs_leftover *cs_leftover_at(const cs_leftover_vec *left, uint64_t addr)
{
        for (size_t i = 0; i < left->n; i++)
                if (cs_range_has(left->at[i].range, addr))
                        return &left->at[i];
        return NULL;
}
