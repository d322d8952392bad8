/* SPDX-License-Identifier: Apache-2.0 */
#include "debugfile.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DEBUGLINK_MAX = 4096 }; /* a file name and a CRC */

/* Opens path if it is a debug file of that build. O_NONBLOCK: what lies there may be a FIFO. */
static bool open_matching(const char *path, const struct cs_module *module, struct cs_debugfile *out)
{
        uint8_t id[CS_BUILD_ID_MAX];
        struct cs_debugfile debug = { .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) };
        if (debug.fd < 0)
                return false;
        if (cs_elffile_open(debug.fd, &debug.elf, NULL) == CS_OK &&
            cs_elffile_build_id(debug.elf, id) == module->build_id_len &&
            memcmp(id, module->build_id, module->build_id_len) == 0) {
                *out = debug;
                return true;
        }
        cs_debugfile_close(&debug);
        return false;
}

static bool try_path(const struct cs_module *module, struct cs_debugfile *out, const char *format, ...)
        CS_PRINTF(3, 4);

static bool try_path(const struct cs_module *module, struct cs_debugfile *out, const char *format, ...)
{
        char path[PATH_MAX];
        va_list args;
        va_start(args, format);
        int len = vsnprintf(path, sizeof(path), format, args);
        va_end(args);
        return len > 0 && (size_t)len < sizeof(path) && open_matching(path, module, out);
}

static bool by_build_id(const char *root, const char *dir, const struct cs_module *module,
                        struct cs_debugfile *out)
{
        char hex[2 * CS_BUILD_ID_MAX + 1] = "";
        for (uint32_t i = 0; i < module->build_id_len; i++)
                (void)snprintf(hex + 2 * i, 3, "%02x", module->build_id[i]);
        return module->build_id_len > 1 &&
               try_path(module, out, "%s%s/.build-id/%.2s/%s.debug", root, dir, hex, hex + 2);
}

static bool by_debuglink(const char *root, const char *debug_root, const char *dir,
                         const struct cs_module *module, const struct cs_elffile *own,
                         struct cs_debugfile *out)
{
        const struct cs_elf_section *link = cs_elffile_section(own, SHT_PROGBITS, ".gnu_debuglink");
        const char *slash = strrchr(module->path, '/');
        uint8_t *bytes;
        size_t len;
        if (!link || !slash || slash - module->path >= PATH_MAX ||
            cs_elffile_bytes(own, link, DEBUGLINK_MAX, &bytes, &len, NULL) != CS_OK)
                return false;
        const char *name = (const char *)bytes;
        int folder = (int)(slash - module->path);
        bool found = *name && !strchr(name, '/') && strcmp(name, "..") != 0 &&
                     (try_path(module, out, "%s%.*s/%s", root, folder, module->path, name) ||
                      try_path(module, out, "%s%.*s/.debug/%s", root, folder, module->path, name) ||
                      try_path(module, out, "%s%s%.*s/%s", debug_root, dir, folder, module->path, name));
        free(bytes);
        return found;
}

bool cs_debugfile_find(const struct cs_image_options *options, const struct cs_module *module,
                       const struct cs_elffile *own, struct cs_debugfile *out)
{
        const char *root = options->sysroot ? options->sysroot : "";
        const char *dir = options->debug_dir ? options->debug_dir : "/usr/lib/debug";
        /* A folder that was named is meant as it was named; the usual one belongs to the system that is looked at. */
        const char *debug_root = options->debug_dir ? "" : root;
        if (module->build_id_len == 0)
                return false;
        return by_build_id(debug_root, dir, module, out) ||
               (own && by_debuglink(root, debug_root, dir, module, own, out));
}

void cs_debugfile_close(struct cs_debugfile *debug)
{
        cs_elffile_close(debug->elf);
        if (debug->fd >= 0)
                close(debug->fd);
        *debug = (struct cs_debugfile){ .fd = -1 };
}
