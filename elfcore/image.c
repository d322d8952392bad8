/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include "freeze.h"

#include "store.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

size_t cs_image_mapping_behind(const struct cs_image *image, uint64_t addr)
{
        return cs_first_behind(image->mappings.at, image->mappings.n, range.end, addr);
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

enum { LET_GO_BYTES = 64 << 20 };

static enum cs_status let_go(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        const struct cs_image *image = context;
        size_t at = unit * LET_GO_BYTES, left = image->bytes_len - at;
        (void)worker;
        (void)err;
        (void)madvise((uint8_t *)image->file_bytes + at, left < LET_GO_BYTES ? left : LET_GO_BYTES,
                      MADV_DONTNEED);
        return CS_OK;
}

void cs_image_let_go(struct cs_image *image, unsigned workers)
{
        struct cs_error ignored;
        if (image->file_bytes && !image->store)
                (void)!cs_work_run(workers, (image->bytes_len + LET_GO_BYTES - 1) / LET_GO_BYTES, let_go,
                                   image, &ignored);
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
