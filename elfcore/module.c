/* SPDX-License-Identifier: Apache-2.0 */
#include "module.h"

#include "elffile.h"
#include "notes.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        HEADERS_MAX = 256,    /* program headers of a real module: about a dozen */
        NOTES_MAX = 64 << 10, /* bytes of a PT_NOTE that are searched for the build-id */
        NAMES_IN_WARNING = 5,
};

bool cs_module_is_runtime(const char *name)
{
        static const char *const stems[] = {
                "libc.so.", "libc-2.",      "ld-linux", "ld-2.",  "libstdc++.so", "libgcc_s",
                "libm.so.", "libm-2.",      "ld-musl",  "libdl.", "libpthread.",  "librt.",
                "libdl-2.", "libpthread-2", "librt-2.", "libc++", "linux-vdso",   "[vdso]",
        };
        for (size_t i = 0; i < sizeof(stems) / sizeof(stems[0]); i++)
                if (strncmp(name, stems[i], strlen(stems[i])) == 0)
                        return true;
        return false;
}

struct headers {
        Elf64_Ehdr eh;
        Elf64_Phdr ph[HEADERS_MAX];
        size_t n;
};

static bool headers_ok(const Elf64_Ehdr *eh)
{
        return memcmp(eh->e_ident, ELFMAG, SELFMAG) == 0 && eh->e_ident[EI_CLASS] == ELFCLASS64 &&
               eh->e_ident[EI_DATA] == ELFDATA2LSB && (eh->e_type == ET_DYN || eh->e_type == ET_EXEC) &&
               eh->e_phentsize == sizeof(Elf64_Phdr) && eh->e_phnum && eh->e_phnum <= HEADERS_MAX;
}

/* The ELF and program headers at the start of a mapping, from the target's memory. */
static bool headers_in_memory(const struct cs_image *image, uint64_t start, struct headers *h)
{
        if (!cs_source_exact(image->source, start, &h->eh, sizeof(h->eh)) || !headers_ok(&h->eh) ||
            h->eh.e_phoff > UINT64_MAX - start)
                return false;
        h->n = h->eh.e_phnum;
        return cs_source_exact(image->source, start + h->eh.e_phoff, h->ph, h->n * sizeof(h->ph[0]));
}

/* The same from the file. */
static bool headers_in_file(int fd, struct headers *h)
{
        if (fd < 0 || pread(fd, &h->eh, sizeof(h->eh), 0) != (ssize_t)sizeof(h->eh) || !headers_ok(&h->eh) ||
            h->eh.e_phoff > INT64_MAX)
                return false;
        h->n = h->eh.e_phnum;
        size_t bytes = h->n * sizeof(h->ph[0]);
        return pread(fd, h->ph, bytes, (off_t)h->eh.e_phoff) == (ssize_t)bytes;
}

static void free_headers(struct headers **h)
{
        free(*h);
}

/* Where the object was put: from the segment that the first mapping shows. */
static bool find_bias(const struct headers *h, const struct cs_mapping *first, uint64_t *bias)
{
        for (size_t i = 0; i < h->n; i++) {
                const Elf64_Phdr *ph = &h->ph[i];
                uint64_t file_start = cs_page_down(ph->p_offset);
                if (ph->p_type != PT_LOAD || first->file_offset < file_start ||
                    first->file_offset - file_start >= cs_page_up(ph->p_filesz + (ph->p_offset - file_start)))
                        continue;
                *bias = first->range.start - (first->file_offset - file_start) - cs_page_down(ph->p_vaddr);
                return true;
        }
        return false;
}

static void read_build_id(const struct cs_image *image, const struct headers *h, struct cs_module *module)
{
        for (size_t i = 0; i < h->n && !module->build_id_len; i++) {
                const Elf64_Phdr *ph = &h->ph[i];
                if (ph->p_type != PT_NOTE || ph->p_memsz == 0 || ph->p_memsz > NOTES_MAX)
                        continue;
                uint8_t *bytes = malloc(ph->p_memsz);
                const uint8_t *id;
                if (bytes && cs_source_exact(image->source, module->bias + ph->p_vaddr, bytes, ph->p_memsz)) {
                        size_t len = cs_notes_build_id(bytes, ph->p_memsz, &id);
                        if (len) {
                                memcpy(module->build_id, id, len);
                                module->build_id_len = (uint32_t)len;
                        }
                }
                free(bytes);
        }
}

/* `same`: the file is known to be the one that is mapped. */
static void compare_file(struct cs_module *module, bool same)
{
        cs_cleanup(cs_elffile_closep) struct cs_elffile *file = NULL;
        uint8_t id[CS_BUILD_ID_MAX];
        module->file = CS_FILE_DIFFERS;
        if (cs_elffile_open(module->fd, &file, NULL) == CS_OK) {
                size_t len = cs_elffile_build_id(file, id);
                if (same && len && !module->build_id_len) {
                        memcpy(module->build_id, id, len);
                        module->build_id_len = (uint32_t)len;
                }
                if (same || (len && len == module->build_id_len && memcmp(id, module->build_id, len) == 0))
                        module->file = CS_FILE_MATCHES;
                else if (!len || !module->build_id_len)
                        module->file = CS_FILE_UNPROVEN;
        }
        if (module->file == CS_FILE_DIFFERS) {
                close(module->fd);
                module->fd = -1;
        }
}

/* A mapping of the same file, or the anonymous hole between two of them, continues a module. */
static size_t group_end(const struct cs_image *image, size_t first)
{
        const struct cs_mapping *m = image->mappings.at;
        size_t last = first;
        for (size_t i = first + 1; i < image->mappings.n; i++) {
                if (m[i].path && strcmp(m[i].path, m[first].path) == 0) {
                        if (m[i].file_offset == 0 && m[first].file_offset == 0)
                                break; /* mapped a second time */
                        last = i;
                } else if (m[i].path || m[i].range.start != m[i - 1].range.end) {
                        break;
                }
        }
        return last + 1;
}

static bool any_code(const struct cs_image *image, size_t first, size_t end)
{
        for (size_t i = first; i < end; i++)
                if (image->mappings.at[i].perms & CS_PERM_EXEC)
                        return true;
        return false;
}

/* Are these mappings how a loader maps an object, rather than somebody reading the file as data? */
static bool looks_loaded(const struct cs_image *image, size_t first, size_t end)
{
        size_t own = 0;
        for (size_t i = first; i < end; i++)
                own += image->mappings.at[i].path != NULL;
        return own > 1 || any_code(image, first, end);
}

/* A mapping in which a .bss ends; what lies behind that is one of its own. */
struct split {
        size_t mapping;
        uint64_t end; /* that it had */
};

struct finder {
        struct cs_image *image;
        cs_module_open_fn open_file;
        void *context;
        CS_VEC(const char *) beginnings; /* paths of files whose beginning is mapped, sorted */
        CS_VEC(struct split) splits;     /* by mapping */
};

static void finder_deinit(struct finder *f)
{
        cs_vec_deinit(&f->beginnings);
        cs_vec_deinit(&f->splits);
}

/* Marks the module's mappings and its .bss, which is anonymous memory up to the end of its last segment. */
static enum cs_status claim_mappings(struct finder *f, size_t first, size_t *end, struct cs_module *module,
                                     uint64_t memory_end, struct cs_error *err)
{
        struct cs_image *image = f->image;
        int32_t index = (int32_t)image->modules.n;
        for (size_t i = first; i < *end; i++)
                image->mappings.at[i].module = index;
        module->range = (struct cs_range){ image->mappings.at[first].range.start,
                                           image->mappings.at[*end - 1].range.end };
        /* .bss continues the segment of .data; what lies behind code is somebody else's. */
        bool data = image->mappings.at[*end - 1].perms & CS_PERM_WRITE;
        for (size_t i = *end; data && i < image->mappings.n && module->range.end < memory_end; i++) {
                struct cs_mapping *m = &image->mappings.at[i];
                if (m->range.start != module->range.end || m->file_backed || (m->path && m->path[0] == '['))
                        break;
                if (m->range.end > memory_end) {
                        struct split split = { i, m->range.end };
                        enum cs_status st = cs_vec_push(&f->splits, split, err);
                        if (st != CS_OK)
                                return st;
                        m->range.end = memory_end;
                }
                m->module = index;
                module->range.end = m->range.end;
                *end = i + 1;
        }
        return CS_OK;
}

/* A mapping for which the core has no segment has no permissions either: the program headers tell them. */
static void learn_perms(struct cs_image *image, size_t first, size_t end, const struct headers *h)
{
        for (size_t i = first; i < end; i++) {
                struct cs_mapping *m = &image->mappings.at[i];
                for (size_t k = 0; k < h->n && !m->dumped && m->file_backed; k++) {
                        const Elf64_Phdr *ph = &h->ph[k];
                        if (ph->p_type == PT_LOAD && m->file_offset >= cs_page_down(ph->p_offset) &&
                            m->file_offset - cs_page_down(ph->p_offset) < ph->p_filesz)
                                m->perms |= (ph->p_flags & PF_X ? CS_PERM_EXEC : 0u) |
                                            (ph->p_flags & PF_W ? CS_PERM_WRITE : 0u);
                }
        }
}

static enum cs_status add_module(struct finder *f, size_t first, size_t *end, struct cs_error *err)
{
        struct cs_image *image = f->image;
        const struct cs_mapping *m = &image->mappings.at[first];
        struct cs_module module = { .path = m->path, .fd = -1, .file = CS_FILE_MISSING };
        cs_cleanup(free_headers) struct headers *h = calloc(1, sizeof(*h));
        uint64_t memory_end = 0;
        bool same = false;
        if (!h)
                return cs_fail(err, CS_ENOMEM, "module headers");
        const char *slash = strrchr(m->path, '/');
        module.name = slash ? slash + 1 : m->path;
        module.runtime = cs_module_is_runtime(module.name);
        if (m->file_backed)
                module.fd = f->open_file(f->context, m, &same);
        bool known = m->file_offset == 0 && headers_in_memory(image, m->range.start, h);
        if (!known && !headers_in_file(module.fd, h))
                h->n = 0;
        if (find_bias(h, m, &module.bias)) {
                for (size_t i = 0; i < h->n; i++) {
                        uint64_t top = module.bias + h->ph[i].p_vaddr + h->ph[i].p_memsz;
                        if (h->ph[i].p_type == PT_LOAD && top > memory_end)
                                memory_end = top;
                        if (h->ph[i].p_type == PT_DYNAMIC)
                                module.dynamic = module.bias + h->ph[i].p_vaddr;
                }
                if (known)
                        read_build_id(image, h, &module);
        } else {
                module.bias = m->range.start - m->file_offset;
        }
        if (module.fd >= 0)
                compare_file(&module, same);
        /* Not ELF: where its beginning can be read it says so (code that a runtime made, in a memfd); else data that somebody
         * mapped has no file on this machine, and no code. */
        uint32_t magic;
        bool seen =
                m->file_offset == 0 && cs_source_exact(image->source, m->range.start, &magic, sizeof(magic));
        if (h->n == 0 && m->file_backed &&
            (seen || (!any_code(image, first, *end) && module.fd < 0 && m->dumped))) {
                if (module.fd >= 0)
                        close(module.fd);
                return CS_OK;
        }
        learn_perms(image, first, *end, h);
        enum cs_status st = claim_mappings(f, first, end, &module, cs_page_up(memory_end), err);
        if (st == CS_OK)
                st = cs_vec_push(&image->modules, module, err);
        if (st != CS_OK && module.fd >= 0)
                close(module.fd);
        return st;
}

/* "a.so, b.so and 3 more" of the modules in that state, or NULL where there is none. */
static const char *names_of(struct cs_image *image, enum cs_module_file state)
{
        char text[512];
        size_t used = 0, count = 0;
        for (size_t i = 0; i < image->modules.n; i++) {
                const struct cs_module *m = &image->modules.at[i];
                if (m->file != state || m->path[0] == '[')
                        continue;
                if (count++ < NAMES_IN_WARNING && used < sizeof(text)) {
                        int n = snprintf(text + used, sizeof(text) - used, "%s%.60s", used ? ", " : "",
                                         m->name);
                        used += n > 0 ? (size_t)n : 0;
                }
        }
        if (!count)
                return NULL;
        if (count > NAMES_IN_WARNING)
                return cs_pool_printf(&image->pool, "%.400s and %zu more", text, count - NAMES_IN_WARNING);
        return cs_pool_copy(&image->pool, text, strnlen(text, sizeof(text)));
}

static void warn_about_files(struct cs_image *image)
{
        const char *missing = names_of(image, CS_FILE_MISSING);
        const char *differs = names_of(image, CS_FILE_DIFFERS);
        const char *unproven = names_of(image, CS_FILE_UNPROVEN);
        if (missing)
                cs_image_warn(image,
                              "files of modules are not on this machine: %s: their symbols are unknown",
                              missing);
        if (differs)
                cs_image_warn(image,
                              "files on this machine are other builds than those in the target: %s: not used",
                              differs);
        if (unproven)
                cs_image_warn(
                        image,
                        "no build-id shows that these files are the same as in the target: %s: used for "
                        "names only",
                        unproven);
}

/* The auxiliary vector may lie: where memory can be read it has to be an ELF object. */
static bool is_vdso(const struct cs_image *image, const struct cs_mapping *m)
{
        uint8_t magic[SELFMAG];
        return image->at_vdso && m->range.start == image->at_vdso &&
               (!cs_source_exact(image->source, m->range.start, magic, sizeof(magic)) ||
                memcmp(magic, ELFMAG, sizeof(magic)) == 0);
}

static int by_text(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum cs_status find_beginnings(struct finder *f, struct cs_error *err)
{
        for (size_t i = 0; i < f->image->mappings.n; i++) {
                const struct cs_mapping *m = &f->image->mappings.at[i];
                enum cs_status st = CS_OK;
                if (m->file_backed && m->file_offset == 0)
                        st = cs_vec_push(&f->beginnings, m->path, err);
                if (st != CS_OK)
                        return st;
        }
        if (f->beginnings.n)
                qsort(f->beginnings.at, f->beginnings.n, sizeof(*f->beginnings.at), by_text);
        return CS_OK;
}

/* Is the file's beginning mapped elsewhere? Then a piece without it is that module's code or data at a second place (runtimes
 * move their code to huge pages), not another module. */
static bool is_second_piece(const struct finder *f, const struct cs_mapping *m)
{
        return m->file_offset != 0 && f->beginnings.n &&
               bsearch(&m->path, f->beginnings.at, f->beginnings.n, sizeof(*f->beginnings.at), by_text);
}

/* Makes mappings of what lies behind the ends of .bss. */
static enum cs_status split_mappings(struct finder *f, struct cs_error *err)
{
        cs_mapping_vec *all = &f->image->mappings;
        size_t from = all->n, more = f->splits.n;
        enum cs_status st = cs_vec_reserve(all, more, err);
        if (st != CS_OK)
                return st;
        all->n += more;
        while (more > 0) {
                struct split split = f->splits.at[more - 1];
                memmove(&all->at[split.mapping + 1 + more], &all->at[split.mapping + 1],
                        (from - split.mapping - 1) * sizeof(*all->at));
                from = split.mapping + 1;
                struct cs_mapping *rest = &all->at[split.mapping + more--];
                *rest = all->at[split.mapping];
                rest->range = (struct cs_range){ rest->range.end, split.end };
                rest->module = CS_NO_MODULE;
        }
        return CS_OK;
}

static enum cs_status find(struct finder *f, struct cs_error *err)
{
        struct cs_image *image = f->image;
        for (size_t i = 0; i < image->mappings.n;) {
                struct cs_mapping *m = &image->mappings.at[i];
                bool vdso = is_vdso(image, m);
                size_t end = i + 1;
                if (vdso && !m->path)
                        m->path = "[vdso]";
                if (m->file_backed)
                        end = group_end(image, i);
                if (vdso || (m->file_backed && looks_loaded(image, i, end) && !is_second_piece(f, m))) {
                        enum cs_status st = add_module(f, i, &end, err);
                        if (st != CS_OK)
                                return st;
                }
                i = end;
        }
        return split_mappings(f, err);
}

enum cs_status cs_modules_find(struct cs_image *image, cs_module_open_fn open_file, void *context,
                               struct cs_error *err)
{
        cs_cleanup(finder_deinit) struct finder f = { .image = image,
                                                      .open_file = open_file,
                                                      .context = context };
        enum cs_status st = find_beginnings(&f, err);
        if (st == CS_OK)
                st = find(&f, err);
        if (st != CS_OK)
                return st;
        for (size_t i = 0; i < image->modules.n; i++)
                if (cs_range_has(image->modules.at[i].range, image->at_entry))
                        image->modules.at[i].main = true;
        warn_about_files(image);
        return CS_OK;
}
