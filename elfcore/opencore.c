/* SPDX-License-Identifier: Apache-2.0 */
/* From a core file to an image. */
#include "corefile.h"
#include "corename.h"
#include "findmodule.h"
#include "module.h"
#include "notes.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static enum cs_status open_file(struct cs_image *image, const char *path, struct cs_error *err)
{
        struct stat status;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return cs_fail_sys(err, errno, "cannot be opened");
        if (fstat(fd, &status) != 0) {
                int number = errno;
                close(fd);
                return cs_fail_sys(err, number, "cannot be examined");
        }
        if (!S_ISREG(status.st_mode) || status.st_size == 0) {
                close(fd);
                if (S_ISDIR(status.st_mode))
                        return cs_fail(err, CS_EFORMAT, "is a directory; give the core file itself");
                if (!S_ISREG(status.st_mode))
                        return cs_fail(err, CS_EFORMAT, "not a regular file; write the core to a file first");
                return cs_fail(err, CS_EFORMAT, "the file is empty");
        }
        image->file_len = (size_t)status.st_size;
        image->file_fd = fd;
        image->has_file = true;
        return CS_OK;
}

static enum cs_status map_bytes(struct cs_image *image, int fd, size_t len, struct cs_error *err)
{
        void *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
                return cs_fail_sys(err, errno, "cannot be mapped");
        image->file_bytes = bytes;
        image->bytes_len = len;
        /* What is in the target's memory should not come into a core of ours. */
        (void)madvise(bytes, len, MADV_DONTDUMP);
        return CS_OK;
}

/* The headers and the source of a core in memory or on disk, compressed or not. */
static enum cs_status open_bytes(struct cs_image *image, const struct cs_image_options *options,
                                 struct cs_corefile *core, struct cs_error *err)
{
        enum cs_packing packing = cs_packing_of(image->file_fd);
        struct cs_store_options how = { .max_memory = options->max_memory, .temp_dir = options->temp_dir };
        enum cs_status st = CS_OK;
        if (packing != CS_PACKED_NOT &&
            (st = cs_store_create(image->file_fd, packing, &how, &image->store, err)) != CS_OK)
                return st;
        int fd = image->store ? cs_store_file(image->store) : image->file_fd;
        size_t len = image->store ? (size_t)cs_store_size(image->store) : image->file_len;
        if (image->store && len == 0)
                return cs_fail(err, CS_EFORMAT, "%s data without any content%s%s", cs_packing_name(packing),
                               cs_store_damage(image->store) ? ": it " : "",
                               cs_store_damage(image->store) ? cs_store_damage(image->store) : "");
        if (fd >= 0) {
                if ((st = map_bytes(image, fd, len, err)) != CS_OK ||
                    (st = cs_corefile_parse(image->file_bytes, len, core, err)) != CS_OK ||
                    (st = cs_core_source_create(image->file_bytes, len, core, &image->source, err)) != CS_OK)
                        return st;
                cs_core_source_read_from(image->source, fd);
                return CS_OK;
        }
        size_t head_len;
        const uint8_t *head = cs_store_head(image->store, &head_len);
        Elf64_Shdr section;
        uint64_t at = cs_corefile_section(head, head_len);
        bool there = at && cs_store_read(image->store, at, &section, sizeof(section)) == sizeof(section);
        st = cs_corefile_parse_head(head, head_len, len, there ? &section : NULL, core, err);
        return st == CS_OK ? cs_core_source_create_stored(image->store, core, &image->source, err) : st;
}

/* A mapping of [range) for one segment (or for none) and one noted file (or none). */
static enum cs_status add_mapping(struct cs_image *image, struct cs_range range, struct cs_range stack,
                                  const struct cs_segment *segment, const struct cs_note_file *file,
                                  struct cs_error *err)
{
        struct cs_mapping m = { .range = range, .module = CS_NO_MODULE, .perms = CS_PERM_READ };
        if (segment) {
                m.perms = segment->perms;
                m.dumped = range.start - segment->range.start < segment->held;
        }
        if (file && file->path[0]) {
                m.path = file->path;
                m.file_offset = file->file_offset + (range.start - file->range.start);
                /* "/SYSV…", "/dev/zero", "/memfd:…" are names of shared memory, not files that could be opened. */
                m.file_backed = file->path[0] == '/' || file->found;
        } else if (cs_range_has(stack, range.start)) {
                m.path = "[stack]";
        }
        return cs_vec_push(&image->mappings, m, err);
}

/* Segments and noted files, two sorted lists of ranges, cut at each other's edges. gcore leaves out the segments of clean
 * file mappings; the note has them all the same. */
static enum cs_status merge_mappings(struct cs_image *image, const struct cs_corefile *core,
                                     const struct cs_notes *notes, struct cs_error *err)
{
        size_t s = 0, f = 0;
        uint64_t at = 0;
        while (s < core->segments.n || f < notes->files.n) {
                const struct cs_segment *segment = s < core->segments.n ? &core->segments.at[s] : NULL;
                const struct cs_note_file *file = f < notes->files.n ? &notes->files.at[f] : NULL;
                if (segment && segment->range.end <= at) {
                        s++;
                        continue;
                }
                if (file && file->range.end <= at) {
                        f++;
                        continue;
                }
                uint64_t s_start = segment && segment->range.start > at ? segment->range.start : at;
                uint64_t f_start = file && file->range.start > at ? file->range.start : at;
                bool in_segment = segment && (!file || s_start <= f_start);
                bool in_file = file && (!segment || f_start <= s_start);
                struct cs_range r = { in_segment ? s_start : f_start, UINT64_MAX };
                if (in_segment)
                        r.end = segment->range.end;
                if (in_file && file->range.end < r.end)
                        r.end = file->range.end;
                if (segment && !in_segment && s_start < r.end)
                        r.end = s_start;
                if (file && !in_file && f_start < r.end)
                        r.end = f_start;
                enum cs_status st = add_mapping(image, r, notes->stack, in_segment ? segment : NULL,
                                                in_file ? file : NULL, err);
                if (st != CS_OK)
                        return st;
                at = r.end;
        }
        return CS_OK;
}

/* Opens path as a process would whose root directory is the sysroot: "/lib -> /usr/lib" stays inside. Before Linux 5.6 there
 * is no openat2(), and links are followed from our own root. */
static int open_below(const char *root, const char *path, uint64_t flags)
{
        char full[PATH_MAX];
        struct open_how how = { .flags = flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        int top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (top < 0)
                return -1;
        int fd = (int)syscall(SYS_openat2, top, path, &how, sizeof(how));
        bool unknown = fd < 0 && errno == ENOSYS;
        close(top);
        int n = unknown ? snprintf(full, sizeof(full), "%s%s", root, path) : -1;
        return n >= 0 && (size_t)n < sizeof(full) ? open(full, (int)flags) : fd;
}

/* Files under the sysroot, or where the target saw them. */
static int open_on_disk(void *context, const struct cs_mapping *mapping, bool *same)
{
        const struct cs_image_options *options = context;
        const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
        struct stat status;
        *same = false;
        /* What is known by its own name only may be anywhere. */
        if (mapping->path[0] != '/')
                return -1;
        int fd = options->sysroot ? open_below(options->sysroot, mapping->path, (uint64_t)flags)
                                  : open(mapping->path, flags);
        if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
                close(fd);
                return -1;
        }
        return fd;
}

typedef CS_VEC(struct cs_file_part) file_part_vec;

static void free_parts(file_part_vec *parts)
{
        cs_vec_deinit(parts);
}

/* What the core left out of a module's clean mappings is in the module's file, if that is the same build. */
static enum cs_status add_module_files(struct cs_image *image, struct cs_error *err)
{
        cs_cleanup(free_parts) file_part_vec parts = { 0 };
        for (size_t i = 0; i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                if (m->module == CS_NO_MODULE || !m->file_backed)
                        continue;
                const struct cs_module *module = &image->modules.at[m->module];
                const struct cs_file_part part = { m->range, m->file_offset, module->fd };
                if (module->file != CS_FILE_MATCHES)
                        continue;
                enum cs_status st = cs_vec_push(&parts, part, err);
                if (st != CS_OK)
                        return st;
        }
        return cs_core_source_add_files(image->source, parts.at, parts.n, err);
}

static void freep(void *at)
{
        free(*(void **)at);
}

static enum cs_status read_notes(struct cs_image *image, const struct cs_corefile *core,
                                 struct cs_notes *notes, struct cs_error *err)
{
        for (size_t i = 0; i < core->notes.n; i++) {
                struct cs_range r = core->notes.at[i];
                size_t len = (size_t)cs_range_size(r);
                cs_cleanup(freep) void *copy = NULL;
                if (!image->file_bytes) {
                        if (!(copy = malloc(len + 1)))
                                return cs_fail(err, CS_ENOMEM, "notes");
                        len = cs_store_read(image->store, r.start, copy, len);
                }
                enum cs_status st = cs_notes_parse(copy ? copy : (const uint8_t *)image->file_bytes + r.start,
                                                   len, &image->pool, notes, err);
                if (st != CS_OK)
                        return st;
        }
        cs_notes_tidy(notes);
        return CS_OK;
}

/* Modules that the notes do not name, or lie about, by what memory says. */
static enum cs_status find_modules(struct cs_image *image, const struct cs_image_options *options,
                                   const struct cs_corefile *core, struct cs_notes *notes,
                                   struct cs_error *err)
{
        const struct cs_module_search search = { image->source, &image->pool, core, open_on_disk,
                                                 (void *)(uintptr_t)options };
        bool skipped = false, unnamed = !notes->files.n;
        size_t found = 0;
        enum cs_status st =
                cs_findmodule_needed(notes) ? cs_findmodule(&search, notes, &found, &skipped, err) : CS_OK;
        if (st != CS_OK)
                return st;
        cs_notes_tidy(notes);
        if (skipped)
                cs_image_warn(image, "not all of the core's memory was searched for modules: it is too much");
        if (found && unnamed)
                cs_image_warn(image, "the core names no mapped files: %zu modules were found in its memory",
                              found);
        else if (unnamed)
                cs_image_warn(image, "the core names no mapped files: modules are unknown");
        return CS_OK;
}

static enum cs_status use_notes(struct cs_image *image, const struct cs_notes *notes, struct cs_error *err)
{
        image->pid = notes->pid ? notes->pid : notes->threads.n ? notes->threads.at[0].tid : 0;
        image->command = notes->command;
        const char *command;
        pid_t pid;
        if (!image->pid && cs_corename_parse(image->path, &image->pool, &command, &pid)) {
                image->pid = pid;
                image->command = image->command ? image->command : command;
        }
        image->at_random = notes->auxv.random;
        image->at_entry = notes->auxv.entry;
        image->at_vdso = notes->auxv.vdso;
        for (size_t i = 0; i < notes->threads.n; i++) {
                enum cs_status st = cs_vec_push(&image->threads, notes->threads.at[i], err);
                if (st != CS_OK)
                        return st;
        }
        return CS_OK;
}

static void warn_about_damage(struct cs_image *image, const struct cs_corefile *core,
                              const struct cs_notes *notes)
{
        image->complete = !core->missing && !core->headers_cut && !core->overlaps && !notes->damaged;
        if (image->store && cs_store_damage(image->store)) {
                image->complete = false;
                cs_image_warn(image, "the compressed core %s: its first %" PRIu64 " bytes are read",
                              cs_store_damage(image->store), cs_store_size(image->store));
        }
        if (core->counted)
                cs_image_warn(image, "the number of segments was lost with the core's end; it was told from "
                                     "where their bytes begin");
        if (core->missing)
                cs_image_warn(image,
                              "the core is truncated: %" PRIu64
                              " bytes that its headers promise are missing; "
                              "what follows describes the rest",
                              core->missing);
        if (core->headers_cut)
                cs_image_warn(image,
                              "the core is cut inside its program headers: most of its memory is missing");
        if (core->overlaps)
                cs_image_warn(image, "%zu segments of the core lie upon others and are ignored",
                              core->overlaps);
        if (notes->damaged)
                cs_image_warn(image, "the core's notes are damaged: threads or file names may be missing");
        if (!core->notes.n)
                cs_image_warn(image, "the core has no notes: registers and stacks of threads are unknown");
        else if (!notes->threads.n)
                cs_image_warn(image, "the core names no threads: registers and stacks are unknown");
}

static void set_exe(struct cs_image *image)
{
        for (size_t i = 0; i < image->modules.n; i++)
                if (image->modules.at[i].main)
                        image->exe = image->modules.at[i].path;
}

enum cs_status cs_image_open_core(const char *path, const struct cs_image_options *options,
                                  struct cs_image **out, struct cs_error *err)
{
        cs_cleanup(cs_image_closep) struct cs_image *image = calloc(1, sizeof(*image));
        if (!image)
                return cs_fail(err, CS_ENOMEM, "image");
        image->kind = CS_IMAGE_CORE;
        image->path = cs_pool_copy(&image->pool, path, strlen(path));
        if (!image->path)
                return cs_fail(err, CS_ENOMEM, "path");
        enum cs_status st = open_file(image, path, err);
        if (st != CS_OK)
                return st;
        cs_cleanup(cs_corefile_deinit) struct cs_corefile core = { 0 };
        cs_cleanup(cs_notes_deinit) struct cs_notes notes = { 0 };
        if ((st = open_bytes(image, options, &core, err)) != CS_OK ||
            (st = read_notes(image, &core, &notes, err)) != CS_OK)
                return st;
        if (core.segments.n == 0 && !core.missing)
                return cs_fail(err, CS_EFORMAT, "a core without memory: it has no segments%s",
                               core.headers_cut ? " left, it is cut inside its headers" : "");
        warn_about_damage(image, &core, &notes);
        if ((st = find_modules(image, options, &core, &notes, err)) != CS_OK ||
            (st = use_notes(image, &notes, err)) != CS_OK ||
            (st = merge_mappings(image, &core, &notes, err)) != CS_OK ||
            (st = cs_modules_find(image, open_on_disk, (void *)(uintptr_t)options, err)) != CS_OK ||
            (st = add_module_files(image, err)) != CS_OK)
                return st;
        set_exe(image);
        *out = cs_take(image);
        return CS_OK;
}
