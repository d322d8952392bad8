/* SPDX-License-Identifier: Apache-2.0 */
#include "scan_window.h"

#include "bytes.h"
#include "cs_limits.h"

#include <stdlib.h>

enum {
        BEFORE = CS_LIMIT_CONTEXT_BYTES,
        BEHIND = CS_LIMIT_MATCH_BYTES + CS_LIMIT_CONTEXT_BYTES,
        STRIDE = 64 * CS_PAGE,
        PEEK = 64,
};

void cs_scan_reader_deinit(struct cs_scan_reader *r)
{
        free(r->buf);
        r->buf = NULL;
        cs_view_deinit(&r->view);
}

/* The view of what is gathered, or NULL: the source does not gather. */
static struct cs_view *view_of(struct cs_scan_reader *r)
{
        if (!cs_source_gathers(r->source))
                return NULL;
        if (!r->view.src)
                cs_view_init(&r->view, r->source);
        return &r->view;
}

static uint64_t next_of(struct cs_scan_reader *r, uint64_t addr)
{
        const struct cs_view *view = view_of(r);
        return view ? cs_view_next(view, addr) : cs_source_next(r->source, addr);
}

/* Reads up to len bytes, in pieces that a live process does not feel; fewer come before a gap, or where the source failed. */
static size_t read_some(struct cs_scan_reader *r, uint64_t addr, uint8_t *to, size_t len)
{
        struct cs_view *view = view_of(r);
        size_t done = 0;
        while (view && done < len) {
                size_t got;
                const uint8_t *at = cs_view_at(view, addr + done, len - done, &got);
                if (!at)
                        return done;
                memcpy(to + done, at, got);
                done += got;
        }
        while (done < len) {
                size_t piece = len - done < CS_VIEW_BYTES ? len - done : CS_VIEW_BYTES, got = 0;
                if (cs_source_read(r->source, addr + done, to + done, piece, &got, NULL) != CS_OK)
                        break;
                done += got;
                atomic_fetch_add_explicit(&r->source->bytes_read, got, memory_order_relaxed);
                if (got < piece)
                        break;
        }
        return done;
}

/* Can the byte at addr be read? The bytes are needed anyway. */
static bool readable(struct cs_scan_reader *r, uint64_t addr)
{
        uint8_t byte;
        size_t lent = 1;
        return cs_source_borrow(r->source, addr, &lent) || read_some(r, addr, &byte, 1);
}

/* Where in [from, at) the bytes begin that lead to `at` without a gap. */
static uint64_t contiguous_from(struct cs_scan_reader *r, uint64_t from, uint64_t at)
{
        uint8_t bytes[BEFORE];
        while (from < at) {
                size_t want = (size_t)(at - from), lent = want;
                if (cs_source_borrow(r->source, from, &lent) && lent == want)
                        return from;
                size_t got = read_some(r, from, bytes, want);
                if (got == want)
                        return from;
                uint64_t next = next_of(r, from + got + 1);
                from = next > at ? at : next > from + got + 1 ? next : from + got + 1;
        }
        return at;
}

/* Bytes from addr on, up to len: lent where the source lends all of them, else copied. */
static const uint8_t *get(struct cs_scan_reader *r, uint64_t addr, size_t len, size_t *got,
                          struct cs_error *err)
{
        size_t lent = len;
        const uint8_t *bytes = cs_source_borrow(r->source, addr, &lent);
        *got = lent;
        if (bytes && lent >= len) {
                atomic_fetch_add_explicit(&r->source->bytes_read, len, memory_order_relaxed);
                *got = len;
                return bytes;
        }
        if (!r->buf && !(r->buf = malloc(BEFORE + r->own + BEHIND))) {
                (void)cs_fail(err, CS_ENOMEM, "window of %lu bytes", (unsigned long)r->own);
                return NULL;
        }
        *got = read_some(r, addr, r->buf, len);
        return r->buf;
}

/* Is there something right here? Then nobody need ask for pages. False: that is not known. */
static bool holds_something(struct cs_scan_reader *r, uint64_t at)
{
        size_t len = PEEK;
        const uint8_t *bytes = cs_source_borrow(r->source, at, &len);
        return bytes && !cs_all_zero(bytes, len < PEEK ? len : PEEK);
}

/* The first address from `at` on, before `end`, that is worth looking at; `end`: none. */
static uint64_t worth(struct cs_scan_reader *r, uint64_t at, uint64_t end)
{
        for (;;) {
                uint64_t next = next_of(r, at);
                if (next >= end)
                        return end;
                if (next > at)
                        at = next;
                if (!r->skips_zeros || holds_something(r, at))
                        return at;
                /* By strides, as long as there is nothing in them; then page by page. */
                uint64_t page = cs_page_down(at), stride = STRIDE;
                uint64_t zeros = cs_source_zeros(r->source, at);
                struct cs_range rest = { at, end - page < stride ? end : page + stride };
                if (cs_residency_walk_bytes(&r->residency, rest)) {
                        rest.end = end - page < CS_PAGE ? end : page + CS_PAGE;
                        if (zeros < rest.end - at && cs_residency_walk_bytes(&r->residency, rest))
                                return at;
                }
                if (zeros > rest.end - at)
                        rest.end = zeros < end - at ? at + zeros : end;
                at = rest.end;
                if (at >= end)
                        return end;
        }
}

enum cs_status cs_scan_next(struct cs_scan_reader *r, uint64_t *at, uint64_t end, struct cs_window *out,
                            bool *found, struct cs_error *err)
{
        *found = false;
        while (*at < end) {
                uint64_t start = worth(r, *at, end);
                if (start >= end) {
                        *at = end;
                        break;
                }
                uint64_t own_end = end - start < r->own ? end : start + r->own;
                uint64_t to = r->bounds.end - own_end < BEHIND ? r->bounds.end : own_end + BEHIND;
                uint64_t from = start - r->bounds.start < BEFORE ? r->bounds.start : start - BEFORE;
                from = contiguous_from(r, from, start);
                size_t want = (size_t)(to - from), got = 0;
                const uint8_t *bytes = get(r, from, want, &got, err);
                if (!bytes)
                        return CS_ENOMEM;
                if (got <= start - from) {
                        /* It cannot be read, or not any more: go on behind the page. */
                        *at = cs_page_down(start) + CS_PAGE;
                        continue;
                }
                if (own_end - from > got)
                        own_end = from + got;
                *out = (struct cs_window){ .bytes = bytes,
                                           .len = got,
                                           .address = from,
                                           .own_start = (size_t)(start - from),
                                           .own_end = (size_t)(own_end - from),
                                           .begins = start - from < BEFORE,
                                           .ends = got < want || (to == r->bounds.end) || !readable(r, to) };
                *at = own_end;
                *found = true;
                return CS_OK;
        }
        return CS_OK;
}
