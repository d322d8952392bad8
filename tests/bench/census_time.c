/* SPDX-License-Identifier: Apache-2.0 */
/* How long the census of a core takes by itself: finding the heaps, walking them, and sealing the blocks, on one thread; no
 * start of the program, no residency, no report. CPU time, of the kernel too. `census_time CORE [RUNS]` prints one line per run. Who comes first to
 * the pages of a core faults them in: that is measured alone, before the walk, by a byte of each page. Then they are there, unless the core
 * is large for this machine. */
#include "cs_limits.h"
#include "heaps.h"
#include "ourmemory.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
        struct timespec t;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* others on the machine do not count */
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* One byte of every `step` of the range, by lent spans that are released behind it, as the walker gets at them. */
static double page_in(const struct cs_image *image, struct cs_range r, uint64_t step)
{
        unsigned sum = 0;
        double start = now();
        for (uint64_t p = r.start; p < r.end;) {
                size_t len = r.end - p < CS_VIEW_LENT ? (size_t)(r.end - p) : CS_VIEW_LENT;
                const uint8_t *at = cs_source_borrow(image->source, p, &len);
                if (!at)
                        break;
                for (size_t off = 0; off < len; off += step)
                        sum += at[off];
                cs_source_release(image->source, p, len);
                p += len;
        }
        __asm__ volatile("" ::"r"(sum));
        return now() - start;
}

static int once(const char *path)
{
        struct cs_image_options options = { 0 };
        struct cs_error err = { 0 };
        struct cs_image *image = NULL;
        struct cs_symbols *symbols = NULL;
        struct cs_space *space = NULL;
        struct cs_heaps heaps = { 0 };
        struct cs_claims claims = { 0 };
        if (cs_image_open_core(path, &options, &image, &err) != CS_OK ||
            cs_symbols_create(image, &options, &symbols, &err) != CS_OK ||
            cs_space_create(image, symbols, &space, &err) != CS_OK) {
                fprintf(stderr, "%s: %s\n", path, err.text);
                return 1;
        }
        double pages = 0;
        heaps.blocks.clustered_most =
                CS_LIMIT_RELATED_BLOCKS; /* as where nobody asks for more than the census */
        image->source->keeps = image->file_len <= cs_ourmemory_half();
        for (size_t k = 0; k < image->mappings.n; k++)
                if (image->mappings.at[k].perms & CS_PERM_WRITE)
                        pages += page_in(image, image->mappings.at[k].range, CS_PAGE);
        double start = now();
        if (cs_heaps_find(image, symbols, space, &claims, &heaps, &err) != CS_OK) {
                fprintf(stderr, "%s: %s\n", path, err.text);
                return 1;
        }
        double census = now() - start;
        uint64_t heap = 0, n = 0;
        struct cs_block_cursor cursor = cs_blocks_all(&heaps.blocks);
        struct cs_block b;
        uint32_t i;
        start = now();
        while (cs_blocks_next(&cursor, &b, &i))
                n++;
        double loop = now() - start, lines = 0;
        for (size_t k = 0; k < heaps.blocks.ranges.n; k++) {
                heap += cs_range_size(heaps.blocks.ranges.at[k].range);
                lines += page_in(image, heaps.blocks.ranges.at[k].range, 64);
        }
        printf("%llu chunks in %.2f GB: census %.3f s, %.2f ns per chunk; before it page-in %.3f s, %.2f ns; "
               "a byte of each cache line alone %.2f ns; "
               "a loop over the blocks %.2f ns\n",
               (unsigned long long)n, (double)heap * 1e-9, census, census / (double)n * 1e9, pages,
               pages / (double)n * 1e9, lines / (double)n * 1e9, loop / (double)n * 1e9);
        cs_heaps_deinit(&heaps);
        cs_claims_deinit(&claims);
        cs_space_destroy(space);
        cs_symbols_destroy(symbols);
        cs_image_close(image);
        return 0;
}

int main(int argc, char **argv)
{
        int runs = argc > 2 ? atoi(argv[2]) : 5;
        if (argc < 2)
                return 2;
        while (runs-- > 0)
                if (once(argv[1]) != 0)
                        return 1;
        return 0;
}
