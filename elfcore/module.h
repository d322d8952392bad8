/* SPDX-License-Identifier: Apache-2.0 */
/* Which mappings are loaded ELF objects, where they were put, and whether their files on disk are the same ones. Works on
 * an image that is still being opened; main thread only. */
#ifndef CS_MODULE_H
#define CS_MODULE_H

#include "image.h"

/* Opens the file on disk that a mapping shows: the fd, or -1. *same: it is known to be the very file that is mapped, so that
 * no build-id has to prove it. */
typedef int (*cs_module_open_fn)(void *context, const struct cs_mapping *mapping, bool *same);

/* Groups image->mappings (sorted) by file into image->modules, sets mapping.module for them and for their .bss tails
 * (splitting a mapping where the tail ends inside it), reads bias, dynamic section and build-id from the target's memory
 * (else from the file), and compares the file's build-id. Adds warnings for what is missing or differs. */
CS_CHECK enum cs_status cs_modules_find(struct cs_image *image, cs_module_open_fn open_file, void *context,
                                        struct cs_error *err);

/* libc, the loader, the C++ and compiler runtimes, by file name. */
bool cs_module_is_runtime(const char *name);

#endif
