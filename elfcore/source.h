/* SPDX-License-Identifier: Apache-2.0 */
/* Where bytes come from. A core file, a live process and a byte array in a test are three implementations; nothing above
 * can tell which it has. A hole is data: a short read means that the next byte is a gap, never zeros, never an error.
 * All calls are thread-safe. */
#ifndef CS_SOURCE_H
#define CS_SOURCE_H

#include "range.h"
#include "status.h"

#include <stdatomic.h>
#include <stdint.h>

/* Why a byte cannot be read. */
enum cs_gap {
        CS_GAP_UNMAPPED,   /* nothing is mapped there */
        CS_GAP_NOT_DUMPED, /* mapped, but whoever wrote the core left it out */
        CS_GAP_TRUNCATED,  /* the core ends before it */
        CS_GAP_ABSENT,     /* live: never touched or swapped out; reading would make the target grow */
        CS_GAP_PROTECTED,  /* PROT_NONE, or the kernel keeps it to itself */
        CS_GAP_GONE,       /* live: the mapping or the process went away meanwhile */
};

const char *cs_gap_name(enum cs_gap gap);

struct cs_source;

struct cs_source_ops {
        enum cs_status (*read)(struct cs_source *src, uint64_t addr, void *buf, size_t len, size_t *got,
                               struct cs_error *err);
        const uint8_t *(*borrow)(struct cs_source *src, uint64_t addr, size_t *len);
        void (*release)(struct cs_source *src, uint64_t addr, size_t len);
        /* NULL: as read, which ends at a gap */
        size_t (*gather)(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *buf, uint64_t *present);
        uint64_t (*next)(struct cs_source *src, uint64_t addr);
        uint64_t (*held)(struct cs_source *src, uint64_t addr); /* NULL: as next, but for zeros */
        enum cs_gap (*gap)(struct cs_source *src, uint64_t addr);
        void (*resident)(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *flags);
        uint64_t (*zeros)(struct cs_source *src, uint64_t addr);
        void (*close)(struct cs_source *src);
};

struct cs_source {
        const struct cs_source_ops *ops;
        _Atomic uint64_t bytes_read; /* through views; for the report */
        /* What was borrowed is not released: spares each pass but the first most of its time, and all of the target counts as resident in us.
         * The caller's, before anything is borrowed. */
        bool keeps;
        /* Who sees what views read ahead, as it was read (not what was borrowed), from the beginning of a page on where that can be; or NULL. The
         * caller's; only while one thread reads. */
        void (*tap)(void *context, uint64_t addr, const uint8_t *bytes, size_t len);
        void *tap_context;
};

/* Read up to len bytes at addr. A short *got means that the byte at addr + *got is a gap.
 * CS_ESYS or CS_EGONE means that the source itself failed; CS_ESTOPPED that nobody wants to know any more (pulse.h): then nothing is
 * lent either, and there is no next address. */
CS_CHECK enum cs_status cs_source_read(struct cs_source *src, uint64_t addr, void *buf, size_t len,
                                       size_t *got, struct cs_error *err);

/* The bytes at addr without a copy: at least one and at most *len, whose number is left in *len. NULL where this source
 * cannot lend them (use cs_source_read). Valid until the source is closed or the range is released. */
const uint8_t *cs_source_borrow(struct cs_source *src, uint64_t addr, size_t *len);

/* Reads what there is of up to CS_GATHER_PAGES pages from addr (page-aligned) on, each into its place in buf: bit i of *present says that the
 * i-th page was read, all of it. A live process is asked twice for all of them, and not three times for each where every other page is
 * absent. How many pages are answered; 0 where this source cannot, or the first page is nowhere (use cs_source_read). */
enum { CS_GATHER_PAGES = 64 };
size_t cs_source_gather(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *buf, uint64_t *present);

/* How many pages from `first` on, one behind the other, have their bits. */
static inline size_t cs_gather_run(uint64_t pages, size_t first)
{
        uint64_t others = ~(pages >> first);
        return others ? (size_t)__builtin_ctzll(others) : (size_t)CS_GATHER_PAGES;
}

/* Can it at all? Then views read ahead by it. */
static inline bool cs_source_gathers(const struct cs_source *src)
{
        return src->ops->gather;
}

/* A hint that borrowed bytes in this range are not needed for now: the resident set stays small, except where the source keeps. */
void cs_source_release(struct cs_source *src, uint64_t addr, size_t len);

/* The same for who goes through much, and has come to addr: of what lies behind, from *released on, once that is CS_RELEASE_BYTES or more. */
enum { CS_RELEASE_BYTES = 8 << 20 };
void cs_source_release_behind(struct cs_source *src, uint64_t *released, uint64_t addr);

/* The first address >= addr that can perhaps be read, or UINT64_MAX. */
uint64_t cs_source_next(struct cs_source *src, uint64_t addr);

/* Where to go on where the byte at addr cannot be read: behind its page, at the next address that perhaps can, or at `end` (or behind it). */
uint64_t cs_source_past_gap(struct cs_source *src, uint64_t addr, uint64_t end);

/* The first address >= addr whose page is perhaps not absent (cs_source_resident()), whether it can be read or not, or UINT64_MAX. */
uint64_t cs_source_held(struct cs_source *src, uint64_t addr);

/* Why the byte at addr cannot be read (asked after a short read). */
enum cs_gap cs_source_gap(struct cs_source *src, uint64_t addr);

/* Whether a page is memory that the target really uses. */
enum cs_page {
        CS_PAGE_ABSENT,
        CS_PAGE_RESIDENT, /* live: present; in a core: dumped and not all zero */
        CS_PAGE_SWAPPED,  /* live: swapped out */
};

/* flags[i] becomes a cs_page, for the i-th page from addr (page-aligned) on. At most CS_RESIDENT_PAGES at once. */
enum { CS_RESIDENT_PAGES = 1024 };
void cs_source_resident(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *flags);

/* How many bytes from addr on can be read and are known to be zero without reading them, or 0: holes of a sparse core, and
 * what was decompressed. Whoever looks for anything but zeros need not look there; views do not touch it either. */
uint64_t cs_source_zeros(struct cs_source *src, uint64_t addr);

/* The first address >= addr that can perhaps be read, and is not in pages that are known to be zero; or UINT64_MAX. */
uint64_t cs_source_next_data(struct cs_source *src, uint64_t addr);

/* Reads exactly len bytes; false where any of them is a gap or the source failed. For small structures. */
bool cs_source_exact(struct cs_source *src, uint64_t addr, void *buf, size_t len);
bool cs_source_u64(struct cs_source *src, uint64_t addr, uint64_t *value);

void cs_source_close(struct cs_source *src);
static inline void cs_source_closep(struct cs_source **src)
{
        cs_source_close(*src);
}

/* A byte array at an address, for tests and fuzzing: bytes are borrowed. NULL when our memory ran out. */
struct cs_source *cs_source_from_bytes(uint64_t addr, const void *bytes, size_t len);

/* Reading by one reader: keeps the span that the source lent last, and reads ahead into a buffer of its own where the source
 * cannot lend. One that hops about (samples) reads only what it is asked for, and borrows nothing: pages of a core that are
 * lent here and there would stay in our resident set. Caller storage, one per worker. */
struct cs_view {
        struct cs_source *src;
        const uint8_t *span; /* lent, or buf */
        uint64_t start;      /* address of span[0] */
        size_t len;
        uint8_t *buf; /* owned; NULL until a read needed it */
        /* What buf holds where it was gathered: so many pages from an address on, of which these are there. */
        uint64_t gathered, present;
        size_t pages;
        uint64_t bytes; /* read or lent so far */
        bool hops;
        size_t ahead; /* so much is read at once, or what is asked for, if it is more; 0: CS_VIEW_BYTES */
};

enum {
        CS_VIEW_BYTES =
                CS_GATHER_PAGES * CS_PAGE, /* read at once: larger reads of a live process are felt by it */
        CS_VIEW_LENT = 4 << 20,            /* lent at once */
};

void cs_view_init(struct cs_view *view, struct cs_source *src);
void cs_view_init_hopping(struct cs_view *view, struct cs_source *src);
void cs_view_deinit(struct cs_view *view);

/* The slow ways of cs_view_at() and cs_view_whole(). */
const uint8_t *cs_view_refill(struct cs_view *view, uint64_t addr, size_t want, size_t *got);
const uint8_t *cs_view_stitch(struct cs_view *view, uint64_t addr, size_t want, size_t *got);

/* Bytes at addr, valid until the next call on this view; up to `want`, *got of them. NULL and *got = 0 at a gap (or when
 * the source failed: a live process that went away reads as a gap from then on). Fewer than wanted may come before the
 * gap or the end of the span: ask again behind them. */
static inline const uint8_t *cs_view_at(struct cs_view *view, uint64_t addr, size_t want, size_t *got)
{
        uint64_t at = addr - view->start;
        if (at >= view->len)
                return cs_view_refill(view, addr, want, got);
        size_t left = view->len - (size_t)at;
        *got = left < want ? left : want;
        return view->span + at;
}

/* The same, but stitched: *got < want (want <= CS_VIEW_BYTES) only where a gap begins. */
static inline const uint8_t *cs_view_whole(struct cs_view *view, uint64_t addr, size_t want, size_t *got)
{
        const uint8_t *at = cs_view_at(view, addr, want, got);
        return *got < want ? cs_view_stitch(view, addr, want, got) : at;
}

/* As cs_source_next() and cs_source_past_gap(), without asking again what the view saw when it read ahead. */
uint64_t cs_view_next(const struct cs_view *view, uint64_t addr);
uint64_t cs_view_past_gap(const struct cs_view *view, uint64_t addr, uint64_t end);

/* The byte at addr is wanted soon, if the view has it. */
static inline void cs_view_ask(const struct cs_view *view, uint64_t addr)
{
        if (addr - view->start < view->len)
                __builtin_prefetch(view->span + (addr - view->start));
}

#endif
