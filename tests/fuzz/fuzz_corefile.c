/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of a core, and reading through them at every edge that they name. */
#include "corefile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILE_BYTES = 8192, EDGES = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_segments(const struct cs_corefile *core, size_t size)
{
        uint64_t last = 0;
        for (size_t i = 0; i < core->segments.n; i++) {
                const struct cs_segment *s = &core->segments.at[i];
                if (s->range.start < last || s->range.end <= s->range.start || s->held > s->promised ||
                    s->promised > cs_range_size(s->range) ||
                    (s->held && (s->file_offset > size || s->held > size - s->file_offset)))
                        abort();
                last = s->range.end;
        }
        for (size_t i = 0; i < core->notes.n; i++)
                if (core->notes.at[i].start > core->notes.at[i].end || core->notes.at[i].end > size)
                        abort();
}

/* What each way of reading promises about one address. */
static void read_at(struct cs_source *src, uint64_t addr)
{
        uint8_t buf[100];
        size_t got, len = sizeof(buf);
        if (cs_source_read(src, addr, buf, sizeof(buf), &got, NULL) != CS_OK || got > sizeof(buf))
                abort();
        const uint8_t *lent = cs_source_borrow(src, addr, &len);
        if (lent && (len == 0 || len > sizeof(buf) || got < len || memcmp(lent, buf, len) != 0))
                abort();
        uint64_t next = cs_source_next(src, addr);
        if (next < addr || (got && next != addr))
                abort();
        if (!got && cs_source_gap(src, addr) == CS_GAP_GONE)
                abort();
}

static void read_all(struct cs_source *src, const struct cs_corefile *core)
{
        struct cs_view view;
        cs_view_init(&view, src);
        for (size_t i = 0; i < core->segments.n && i < EDGES; i++) {
                struct cs_range r = core->segments.at[i].range;
                uint64_t edges[] = { r.start - 1, r.start, r.start + 1, r.end - 1, r.end };
                for (size_t k = 0; k < sizeof(edges) / sizeof(edges[0]); k++) {
                        size_t got;
                        uint8_t flags[4];
                        read_at(src, edges[k]);
                        const uint8_t *at = cs_view_whole(&view, edges[k], 64, &got);
                        if (!at != !got || got > 64)
                                abort();
                        cs_source_resident(src, cs_page_down(edges[k]), sizeof(flags), flags);
                        cs_source_release(src, edges[k], 64);
                }
        }
        cs_view_deinit(&view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static int fd = -1;
        struct cs_corefile core = { 0 };
        struct cs_source *src;
        if (fd < 0 && ((fd = memfd_create("module", MFD_CLOEXEC)) < 0 || ftruncate(fd, FILE_BYTES) != 0))
                abort();
        /* Pages of their own: the source lets go of those that nobody needs, and what mmap gave may be let go of. */
        uint8_t *bytes = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (bytes == MAP_FAILED)
                abort();
        memcpy(bytes, data, size);
        if (cs_corefile_parse(data, size, &core, NULL) == CS_OK) {
                check_segments(&core, size);
                if (cs_core_source_create(data, size, &core, &src, NULL) != CS_OK)
                        abort();
                cs_source_close(src);
                if (cs_core_source_create(bytes, size, &core, &src, NULL) != CS_OK)
                        abort();
                /* A file for a stretch that begins before the first segment and ends in the last. */
                if (core.segments.n) {
                        struct cs_range r = core.segments.at[0].range;
                        r.start -= r.start > CS_PAGE ? CS_PAGE : 0;
                        r.end = core.segments.at[core.segments.n - 1].range.end;
                        struct cs_range first = { r.start, r.start + cs_range_size(r) / 3 };
                        struct cs_file_part parts[] = { { first, 0, fd }, { { first.end, r.end }, 5, fd } };
                        if (cs_core_source_add_files(src, parts, 2, NULL) != CS_OK)
                                abort();
                }
                read_all(src, &core);
                cs_source_close(src);
        }
        munmap(bytes, size + 1);
        cs_corefile_deinit(&core);
        return 0;
}
