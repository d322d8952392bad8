/* SPDX-License-Identifier: Apache-2.0 */
/* Separate debug files: found on this machine, believed only by build-id. Nothing is fetched. Main thread only. */
#ifndef CS_DEBUGFILE_H
#define CS_DEBUGFILE_H

#include "elffile.h"

struct cs_debugfile {
        int fd;
        struct cs_elffile *elf;
};

/* Looks for the debug file of a module: DIR/.build-id/xx/yyyy.debug, then by the name that the module's own file (or NULL)
 * keeps in .gnu_debuglink: next to it, in .debug there, in DIR there. DIR is options->debug_dir, else SYSROOT/usr/lib/debug.
 * False: none there, or none with the module's build-id. */
bool cs_debugfile_find(const struct cs_image_options *options, const struct cs_module *module,
                       const struct cs_elffile *own, struct cs_debugfile *out);
void cs_debugfile_close(struct cs_debugfile *debug);

#endif
