/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include "freeze.h"

#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

size_t cs_image_mapping_behind(const struct cs_image *image, uint64_t addr)
{
        size_t lo = 0, hi = image->mappings.n;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (image->mappings.at[mid].range.end <= addr)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo;
}

const struct cs_mapping *cs_image_mapping_at(const struct cs_image *image, uint64_t addr)
{
        size_t i = cs_image_mapping_behind(image, addr);
        if (i == image->mappings.n || addr < image->mappings.at[i].range.start)
                return NULL;
        return &image->mappings.at[i];
}

const struct cs_module *cs_image_module_at(const struct cs_image *image, uint64_t addr)
{
        const struct cs_mapping *m = cs_image_mapping_at(image, addr);
        return m && m->module != CS_NO_MODULE ? &image->modules.at[m->module] : NULL;
}

void cs_image_warn(struct cs_image *image, const char *format, ...)
{
        char text[1024];
        va_list args;
        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        const char *copy = cs_pool_printf(&image->pool, "%s", text);
        /* A warning that cannot be kept for want of memory is the smaller loss. */
        if (copy && cs_vec_push(&image->warnings, copy, NULL) != CS_OK)
                return;
}

void cs_image_thaw(struct cs_image *image)
{
        cs_freeze_thaw(image->freeze);
        image->freeze = NULL;
}

void cs_image_close(struct cs_image *image)
{
        if (!image)
                return;
        cs_image_thaw(image);
        cs_source_close(image->source);
        for (size_t i = 0; i < image->modules.n; i++)
                if (image->modules.at[i].fd >= 0)
                        close(image->modules.at[i].fd);
        if (image->file_bytes)
                munmap(image->file_bytes, image->bytes_len);
        if (image->has_file)
                close(image->file_fd);
        cs_store_destroy(image->store);
        cs_vec_deinit(&image->mappings);
        cs_vec_deinit(&image->modules);
        cs_vec_deinit(&image->threads);
        cs_vec_deinit(&image->warnings);
        cs_pool_deinit(&image->pool);
        free(image);
}
