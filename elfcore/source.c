/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include "bytes.h"
#include "pulse.h"
#include "range.h"

#include <stdlib.h>

enum { BEAT_BYTES = 64 << 10 }; /* smaller reads are looked up here and there, and no progress */

const char *cs_gap_name(enum cs_gap gap)
{
        switch (gap) {
        case CS_GAP_UNMAPPED:
                return "not mapped";
        case CS_GAP_NOT_DUMPED:
                return "not dumped";
        case CS_GAP_TRUNCATED:
                return "beyond the end of the core";
        case CS_GAP_ABSENT:
                return "not in memory";
        case CS_GAP_PROTECTED:
                return "protected";
        case CS_GAP_GONE:
                return "gone";
        }
        return "?";
}

enum cs_status cs_source_read(struct cs_source *src, uint64_t addr, void *buf, size_t len, size_t *got,
                              struct cs_error *err)
{
        *got = 0;
        if (!cs_pulse_bytes(len >= BEAT_BYTES ? len : 0))
                return cs_fail(err, CS_ESTOPPED, "interrupted");
        return src->ops->read(src, addr, buf, len, got, err);
}

size_t cs_source_gather(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *buf, uint64_t *present)
{
        if (!cs_source_gathers(src) || !cs_pulse_bytes(pages * CS_PAGE))
                return 0;
        return src->ops->gather(src, addr, pages < CS_GATHER_PAGES ? pages : CS_GATHER_PAGES, buf, present);
}

const uint8_t *cs_source_borrow(struct cs_source *src, uint64_t addr, size_t *len)
{
        const uint8_t *at = src->ops->borrow && !cs_stop_asked() ? src->ops->borrow(src, addr, len) : NULL;
        if (at && *len >= BEAT_BYTES)
                (void)cs_pulse_bytes(*len);
        return at;
}

void cs_source_release(struct cs_source *src, uint64_t addr, size_t len)
{
        if (src->ops->release && !src->keeps)
                src->ops->release(src, addr, len);
}

void cs_source_release_behind(struct cs_source *src, uint64_t *released, uint64_t addr)
{
        if (addr - *released < CS_RELEASE_BYTES)
                return;
        cs_source_release(src, *released, (size_t)(addr - *released));
        *released = addr;
}

uint64_t cs_source_next(struct cs_source *src, uint64_t addr)
{
        return cs_stop_asked() ? UINT64_MAX : src->ops->next(src, addr);
}

uint64_t cs_source_past_gap(struct cs_source *src, uint64_t addr, uint64_t end)
{
        uint64_t next = cs_source_next(src, cs_page_down(addr) + CS_PAGE);
        return next > addr ? next : end;
}

uint64_t cs_source_held(struct cs_source *src, uint64_t addr)
{
        return src->ops->held ? src->ops->held(src, addr) : cs_source_next_data(src, addr);
}

enum cs_gap cs_source_gap(struct cs_source *src, uint64_t addr)
{
        return src->ops->gap(src, addr);
}

void cs_source_resident(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *flags)
{
        src->ops->resident(src, addr, pages, flags);
}

uint64_t cs_source_zeros(struct cs_source *src, uint64_t addr)
{
        return src->ops->zeros ? src->ops->zeros(src, addr) : 0;
}

uint64_t cs_source_next_data(struct cs_source *src, uint64_t addr)
{
        for (;;) {
                uint64_t next = cs_source_next(src, addr),
                         zeros = next < UINT64_MAX ? cs_source_zeros(src, next) : 0;
                if (zeros < CS_PAGE)
                        return next;
                addr = next + zeros;
        }
}

bool cs_source_exact(struct cs_source *src, uint64_t addr, void *buf, size_t len)
{
        size_t got;
        return cs_source_read(src, addr, buf, len, &got, NULL) == CS_OK && got == len;
}

bool cs_source_u64(struct cs_source *src, uint64_t addr, uint64_t *value)
{
        uint8_t raw[sizeof(*value)];
        if (!cs_source_exact(src, addr, raw, sizeof(raw)))
                return false;
        *value = cs_word(raw);
        return true;
}

void cs_source_close(struct cs_source *src)
{
        if (src)
                src->ops->close(src);
}

/* ---- a byte array ------------------------------------------------------------------------------------------------ */

struct bytes_source {
        struct cs_source base;
        struct cs_range range;
        const uint8_t *bytes;
};

static const uint8_t *bytes_borrow(struct cs_source *src, uint64_t addr, size_t *len)
{
        const struct bytes_source *b = (const struct bytes_source *)src;
        if (!cs_range_has(b->range, addr))
                return NULL;
        if (*len > b->range.end - addr)
                *len = (size_t)(b->range.end - addr);
        return b->bytes + (addr - b->range.start);
}

static enum cs_status bytes_read(struct cs_source *src, uint64_t addr, void *buf, size_t len, size_t *got,
                                 struct cs_error *err)
{
        (void)err;
        const uint8_t *at = bytes_borrow(src, addr, &len);
        *got = at ? len : 0;
        if (at)
                memcpy(buf, at, len);
        return CS_OK;
}

static uint64_t bytes_next(struct cs_source *src, uint64_t addr)
{
        const struct bytes_source *b = (const struct bytes_source *)src;
        if (addr < b->range.start)
                return b->range.start;
        return addr < b->range.end ? addr : UINT64_MAX;
}

static enum cs_gap bytes_gap(struct cs_source *src, uint64_t addr)
{
        (void)src;
        (void)addr;
        return CS_GAP_UNMAPPED;
}

static void bytes_resident(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *flags)
{
        const struct bytes_source *b = (const struct bytes_source *)src;
        for (size_t i = 0; i < pages; i++) {
                struct cs_range page = { addr + i * CS_PAGE, addr + (i + 1) * CS_PAGE };
                struct cs_range part = cs_range_cut(page, b->range);
                flags[i] = !cs_all_zero(b->bytes + (part.start - b->range.start), cs_range_size(part));
        }
}

static void bytes_close(struct cs_source *src)
{
        free(src);
}

static const struct cs_source_ops bytes_ops = {
        .read = bytes_read,
        .borrow = bytes_borrow,
        .next = bytes_next,
        .gap = bytes_gap,
        .resident = bytes_resident,
        .close = bytes_close,
};

struct cs_source *cs_source_from_bytes(uint64_t addr, const void *bytes, size_t len)
{
        struct bytes_source *b = calloc(1, sizeof(*b));
        if (!b || len > UINT64_MAX - addr) {
                free(b);
                return NULL;
        }
        b->base.ops = &bytes_ops;
        b->range = (struct cs_range){ addr, addr + len };
        b->bytes = bytes;
        return &b->base;
}

/* ---- views ------------------------------------------------------------------------------------------------------- */

void cs_view_init(struct cs_view *view, struct cs_source *src)
{
        *view = (struct cs_view){ .src = src };
}

void cs_view_deinit(struct cs_view *view)
{
        if (view->src)
                atomic_fetch_add_explicit(&view->src->bytes_read, view->bytes, memory_order_relaxed);
        free(view->buf);
        *view = (struct cs_view){ 0 };
}

void cs_view_init_hopping(struct cs_view *view, struct cs_source *src)
{
        *view = (struct cs_view){ .src = src, .hops = true };
}

/* Takes what the source lends at addr as the span; false where it lends nothing. */
static bool view_borrow(struct cs_view *view, uint64_t addr)
{
        static const uint8_t
                zeros[CS_VIEW_BYTES]; /* instead of a hole: its pages would have to be made first */
        size_t len = CS_VIEW_LENT;
        uint64_t known = view->hops ? 0 : cs_source_zeros(view->src, addr);
        if (known >= CS_PAGE) {
                view->span = zeros;
                view->start = addr;
                view->len = known < sizeof(zeros) ? (size_t)known : sizeof(zeros);
                return true;
        }
        const uint8_t *lent = view->hops ? NULL : cs_source_borrow(view->src, addr, &len);
        if (!lent)
                return false;
        view->span = lent;
        view->start = addr;
        view->len = len;
        view->bytes += len;
        return true;
}

/* Was the page of addr among those that were asked for when buf was gathered? Which of them. */
static bool view_asked(const struct cs_view *view, uint64_t addr, size_t *page)
{
        *page = (size_t)((addr - view->gathered) / CS_PAGE);
        return addr >= view->gathered && *page < view->pages;
}

/* Of what was gathered, the run of pages from that of addr on becomes the span; false at a gap, and where addr is not in it. */
static bool view_take_gathered(struct cs_view *view, uint64_t addr)
{
        size_t page;
        if (!view_asked(view, addr, &page) || !(view->present >> page & 1))
                return false;
        view->span = view->buf + page * CS_PAGE;
        view->start = view->gathered + page * CS_PAGE;
        view->len = cs_gather_run(view->present, page) * CS_PAGE;
        return true;
}

/* Was the byte at addr not there when it was gathered? */
static bool view_knows_gap(const struct cs_view *view, uint64_t addr)
{
        size_t page;
        return view_asked(view, addr, &page) && !(view->present >> page & 1);
}

/* Gathers pages into the view's own buffer, of which the first is that of addr; false where this source cannot. */
static bool view_gather(struct cs_view *view, uint64_t addr, size_t len)
{
        view->gathered = cs_page_down(addr);
        view->present = 0;
        view->pages = cs_source_gather(view->src, view->gathered, (len + CS_PAGE - 1) / CS_PAGE, view->buf,
                                       &view->present);
        for (uint64_t left = view->present; left; left &= left + (left & -left)) {
                view_take_gathered(view, view->gathered + (uint64_t)__builtin_ctzll(left) * CS_PAGE);
                view->bytes += view->len;
                if (view->src->tap)
                        view->src->tap(view->src->tap_context, view->start, view->span, view->len);
        }
        view->len = 0;
        return view->pages > 0;
}

/* Reads into the view's own buffer from addr on; false at a gap. Who taps sees whole pages: then all of the first one is read as well. */
static bool view_fill(struct cs_view *view, uint64_t addr, size_t want)
{
        size_t got = 0, ahead = view->hops ? 0 : view->ahead ? view->ahead : CS_VIEW_BYTES;
        bool pages = !view->hops && (view->src->tap || cs_source_gathers(view->src));
        size_t before = pages ? (size_t)(addr - cs_page_down(addr)) : 0;
        if (want <= CS_VIEW_BYTES && want > CS_VIEW_BYTES - before)
                before = 0, pages = !(addr & (CS_PAGE - 1)); /* what can be stitched comes as a whole */
        want = want < CS_VIEW_BYTES ? want : (size_t)CS_VIEW_BYTES;
        size_t len = before + want > ahead ? before + want : ahead;
        len = len < CS_VIEW_BYTES ? len : CS_VIEW_BYTES;
        view->len = view->pages = 0;
        if (!view->buf)
                view->buf = malloc(CS_VIEW_BYTES);
        if (view->buf && pages && view_gather(view, addr, len))
                return view_take_gathered(view, addr);
        if (!view->src->tap || view->hops) /* then only what is gathered begins with a page */
                len -= before, before = 0;
        if (!view->buf || cs_source_read(view->src, addr - before, view->buf, len, &got, NULL) != CS_OK)
                return false;
        view->span = view->buf;
        view->start = addr - before;
        view->len = got;
        view->bytes += got;
        if (view->src->tap && !view->hops)
                view->src->tap(view->src->tap_context, view->start, view->buf, got);
        return got > before;
}

/* What of the span lies from addr on, which is in it. */
static const uint8_t *view_from(const struct cs_view *view, uint64_t addr, size_t want, size_t *got)
{
        size_t at = (size_t)(addr - view->start), left = view->len - at;
        *got = left < want ? left : want;
        return view->span + at;
}

const uint8_t *cs_view_refill(struct cs_view *view, uint64_t addr, size_t want, size_t *got)
{
        *got = 0;
        if (!view_take_gathered(view, addr) &&
            (view_knows_gap(view, addr) || (!view_borrow(view, addr) && !view_fill(view, addr, want))))
                return NULL;
        return view_from(view, addr, want, got);
}

const uint8_t *cs_view_stitch(struct cs_view *view, uint64_t addr, size_t want, size_t *got)
{
        if (*got == 0 || want > CS_VIEW_BYTES || view_knows_gap(view, addr + *got))
                /* a gap there, or behind it; or more than can be stitched */
                return *got ? cs_view_at(view, addr, want, got) : NULL;
        /* The span ended early. What begins anew at addr may be long enough; else two pieces meet here, and only a copy
         * has the bytes of both. */
        *got = 0;
        if (!(view_borrow(view, addr) && view->len >= want) && !view_fill(view, addr, want))
                return NULL;
        return view_from(view, addr, want, got);
}

uint64_t cs_view_next(const struct cs_view *view, uint64_t addr)
{
        size_t page;
        if (view_asked(view, addr, &page) && !cs_stop_asked()) {
                uint64_t there = view->present >> page;
                if (there & 1)
                        return addr;
                if (there)
                        return view->gathered + (page + (size_t)__builtin_ctzll(there)) * CS_PAGE;
                addr = view->gathered + view->pages * CS_PAGE;
        }
        return cs_source_next(view->src, addr);
}

uint64_t cs_view_past_gap(const struct cs_view *view, uint64_t addr, uint64_t end)
{
        uint64_t next = cs_view_next(view, cs_page_down(addr) + CS_PAGE);
        return next > addr ? next : end;
}
