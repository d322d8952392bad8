/* SPDX-License-Identifier: Apache-2.0 */
/* Which pages are memory that the target really uses. Each is looked at once: all of them by all workers at first, or where somebody asks
 * for them. */
#ifndef CS_RESIDENCY_H
#define CS_RESIDENCY_H

#include "image.h"

struct cs_residency;

/* Pages that are looked at in one go, while others wait who ask for them as well. */
enum { CS_RESIDENCY_PAGES = 256 };

/* The image is borrowed. Where the end is asked for meanwhile (pulse.h), pages that were not looked at are taken as not resident. */
CS_CHECK enum cs_status cs_residency_create(const struct cs_image *image, unsigned workers,
                                            struct cs_residency **out, struct cs_error *err);
/* The same, but that no page is looked at yet: of a stretch that is asked for all are, by who asks. For a core that is read once anyway: what
 * was looked at is near then. */
CS_CHECK enum cs_status cs_residency_begin(const struct cs_image *image, struct cs_residency **out,
                                           struct cs_error *err);

/* Looks at the range's pages for who reads them next, and lets go of them himself. Thread-safe. */
void cs_residency_see(const struct cs_residency *residency, struct cs_range range);

/* Looks at all that nobody has asked for yet; others may ask meanwhile. CS_ESTOPPED: pages that were not looked at then (pulse.h) are taken as
 * not resident. */
CS_CHECK enum cs_status cs_residency_complete(const struct cs_residency *residency, unsigned workers,
                                              struct cs_error *err);

void cs_residency_destroy(struct cs_residency *residency);
static inline void cs_residency_destroyp(struct cs_residency **residency)
{
        cs_residency_destroy(*residency);
}

/* Resident bytes of a range: for each resident page the part that lies in the range. Thread-safe. */
uint64_t cs_residency_bytes(const struct cs_residency *residency, struct cs_range range);

/* The same of the pages that are swapped out: 0 in a core. */
uint64_t cs_residency_swapped(const struct cs_residency *residency, struct cs_range range);

/* The address of the resident page of the range (in one mapping) before which *nth others lie in it; UINT64_MAX where there are not so
 * many, and then *nth is lowered by how many there are. Thread-safe. */
uint64_t cs_residency_page(const struct cs_residency *residency, struct cs_range range, uint64_t *nth);

/* As cs_residency_bytes() for many small ranges, mostly in ascending order: what was learned of a stretch serves all ranges in it. Caller
 * storage, one per thread: `{ .residency = … }`. */
struct cs_residency_walk {
        const struct cs_residency *residency;
        struct cs_range known; /* all of it is resident, or nothing */
        bool resident;
        struct cs_range mixed; /* neither, as a whole */
};

uint64_t cs_residency_walk_on(struct cs_residency_walk *walk, struct cs_range range);

static inline uint64_t cs_residency_walk_bytes(struct cs_residency_walk *walk, struct cs_range range)
{
        if (range.start < walk->known.start || range.end > walk->known.end)
                return cs_residency_walk_on(walk, range);
        return walk->resident ? cs_range_size(range) : 0;
}

/* Readable mappings too large to be looked at page by page (CS_LIMIT_MAPPING_PAGES): taken as not resident. */
size_t cs_residency_skipped(const struct cs_residency *residency);

#endif
