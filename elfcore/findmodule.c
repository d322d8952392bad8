/* SPDX-License-Identifier: Apache-2.0 */
#include "findmodule.h"

#include "cs_limits.h"
#include "elfmemory.h"
#include "linkmap.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A loaded object. */
struct object {
        uint64_t start; /* of its first segment, page-aligned */
        uint64_t end;   /* of its last, .bss included */
        uint64_t bias;
        uint64_t dynamic; /* target address of the dynamic section, or 0 */
        uint64_t debug;   /* DT_DEBUG, or 0 */
        uint64_t entry;
        const char *soname;
        const char *path;
        struct cs_elf_segment *segments; /* owned */
        size_t n;
};

struct search {
        const struct cs_module_search *in;
        struct cs_notes *notes;
        const char *program; /* path of the executable as it lies on the stack, or NULL */
        CS_VEC(struct object) objects;
        cs_link_vec links;
};

static void deinit(struct search *s)
{
        for (size_t i = 0; i < s->objects.n; i++)
                free(s->objects.at[i].segments);
        cs_vec_deinit(&s->objects);
        cs_vec_deinit(&s->links);
}

bool cs_findmodule_needed(const struct cs_notes *notes)
{
        if (!notes->files.n || notes->damaged)
                return true;
        for (size_t i = 0; i < notes->files.n; i++)
                if (cs_range_has(notes->files.at[i].range, notes->auxv.entry))
                        return false;
        return true;
}

/* ---- one object -------------------------------------------------------------------------------------------------- */

/* The extent of the object's segments once it is put at its bias; false where they do not fit into the address space. */
static bool find_extent(struct object *o)
{
        o->start = UINT64_MAX;
        for (size_t i = 0; i < o->n; i++) {
                const struct cs_elf_segment *s = &o->segments[i];
                struct cs_range r = { cs_page_down(o->bias + s->vaddr), o->bias + s->vaddr };
                if (s->type == PT_DYNAMIC)
                        o->dynamic = o->bias + s->vaddr;
                if (s->type != PT_LOAD || s->memsz == 0)
                        continue;
                if (s->filesz > s->memsz || s->memsz > UINT64_MAX - r.end)
                        return false;
                r.end += s->memsz;
                if (!cs_range_mappable(r))
                        return false;
                r.end = cs_page_up(r.end);
                if (r.start < o->start)
                        o->start = r.start;
                if (r.end > o->end)
                        o->end = r.end;
        }
        return o->start < o->end && o->end - o->start <= (uint64_t)CS_LIMIT_OBJECT_GIB << 30;
}

/* Where the object was put whose headers lie at addr: they are the beginning of its file. */
static bool find_bias(struct object *o, uint64_t addr)
{
        for (size_t i = 0; i < o->n; i++) {
                const struct cs_elf_segment *s = &o->segments[i];
                if (s->type != PT_LOAD || cs_page_down(s->offset) != 0 || s->filesz == 0)
                        continue;
                o->bias = addr - cs_page_down(s->vaddr);
                return true;
        }
        return false;
}

/* Is this how a loader maps an object, or did somebody read the file into one piece of memory? Then what is to be writable lies
 * in the same segment of the core as the headers. */
static bool in_pieces(const struct object *o, const struct cs_segment *headers)
{
        for (size_t i = 0; i < o->n; i++) {
                const struct cs_elf_segment *s = &o->segments[i];
                uint64_t at = cs_page_down(o->bias + s->vaddr);
                if (s->type == PT_LOAD && (s->flags & PF_W) && at != headers->range.start &&
                    cs_range_has(headers->range, at))
                        return false;
        }
        return true;
}

static const char *read_soname(const struct search *s, const struct cs_elfmemory *where,
                               const struct cs_elf_dynamic *dynamic)
{
        uint8_t *bytes;
        size_t got;
        const char *name = NULL;
        if (!dynamic->strtab || !dynamic->soname || dynamic->soname >= dynamic->strsz ||
            cs_elfmemory_bytes(where, dynamic->strtab + dynamic->soname, CS_LIMIT_NAME, &bytes, &got, NULL) !=
                    CS_OK)
                return NULL;
        size_t len = strnlen((const char *)bytes, got);
        if (len && len < got)
                name = cs_pool_copy(s->in->pool, bytes, len);
        free(bytes);
        return name;
}

/* Reads the dynamic section, if it can be read; false where what lies there is none, so that this is no loaded object. */
static bool read_dynamic(const struct search *s, struct object *o)
{
        struct cs_elfmemory where = { s->in->source, { o->start, o->end }, o->bias };
        struct cs_elf_dynamic dynamic;
        uint8_t *bytes;
        size_t got;
        uint64_t len = 0;
        for (size_t i = 0; i < o->n; i++)
                if (o->segments[i].type == PT_DYNAMIC)
                        len = o->segments[i].memsz;
        if (!o->dynamic || !cs_range_has(where.range, o->dynamic))
                return !o->dynamic && o->bias == 0; /* linked statically, to where it is */
        if (len > CS_LIMIT_DYNAMIC * sizeof(Elf64_Dyn))
                len = CS_LIMIT_DYNAMIC * sizeof(Elf64_Dyn);
        if (cs_elfmemory_bytes(&where, o->dynamic, len, &bytes, &got, NULL) != CS_OK)
                return false;
        /* Mapped, but not in the core: nothing speaks against it. */
        bool good = got < len && (s->in->core->headers_cut ||
                                  cs_source_gap(s->in->source, o->dynamic + got) != CS_GAP_UNMAPPED);
        if (cs_elf_dynamic_parse(bytes, got, &where, &dynamic, NULL) == CS_OK) {
                good |= dynamic.whole && dynamic.strtab && dynamic.symtab;
                o->debug = dynamic.debug;
                o->soname = read_soname(s, &where, &dynamic);
                cs_elf_dynamic_deinit(&dynamic);
        }
        free(bytes);
        return good;
}

/* The object whose headers lie at addr, in that segment of the core. *found: it is one. */
static enum cs_status look_at(struct search *s, uint64_t addr, const struct cs_segment *segment, bool *found,
                              struct cs_error *err)
{
        uint8_t raw[sizeof(Elf64_Ehdr)];
        Elf64_Ehdr header;
        *found = false;
        if (!cs_source_exact(s->in->source, addr, raw, SELFMAG) || memcmp(raw, ELFMAG, SELFMAG) != 0 ||
            !cs_source_exact(s->in->source, addr, raw, sizeof(raw)))
                return CS_OK;
        memcpy(&header, raw, sizeof(header));
        if ((header.e_type != ET_DYN && header.e_type != ET_EXEC) || header.e_machine != EM_X86_64)
                return CS_OK;
        struct object o = { .start = addr };
        struct cs_elfmemory where = { s->in->source, { addr, segment->range.end }, 0 };
        enum cs_status st = cs_elfmemory_segments(&where, &o.segments, &o.n, err);
        if (st != CS_OK)
                return st;
        *found = find_bias(&o, addr) && find_extent(&o) && o.start == addr && in_pieces(&o, segment) &&
                 read_dynamic(s, &o);
        o.entry = o.bias + header.e_entry;
        if (*found)
                st = cs_vec_push(&s->objects, o, err);
        if (!*found || st != CS_OK)
                free(o.segments);
        return st;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static enum cs_status scan(struct search *s, bool *skipped, struct cs_error *err)
{
        const struct cs_corefile *core = s->in->core;
        uint64_t pages = 0, behind = 0; /* the object found last */
        for (size_t i = 0; i < core->segments.n; i++) {
                const struct cs_segment *segment = &core->segments.at[i];
                uint64_t at = cs_page_up(segment->range.start), end = segment->range.start + segment->held;
                if (segment->perms & CS_PERM_WRITE && end > at && end - at > CS_PAGE)
                        end = at + CS_PAGE;
                for (at = at < behind ? behind : at; at < end;) {
                        bool found;
                        if (pages++ >= CS_LIMIT_SEARCH_PAGES || s->objects.n >= CS_LIMIT_LINKS) {
                                *skipped = true;
                                return CS_OK;
                        }
                        enum cs_status st = look_at(s, at, segment, &found, err);
                        if (st != CS_OK)
                                return st;
                        behind = found ? s->objects.at[s->objects.n - 1].end : at + CS_PAGE;
                        at = behind;
                }
        }
        return CS_OK;
}

static struct object *object_of(const struct search *s, uint64_t dynamic)
{
        for (size_t i = 0; dynamic && i < s->objects.n; i++)
                if (s->objects.at[i].dynamic == dynamic)
                        return &s->objects.at[i];
        return NULL;
}

/* An object of the loader's list whose headers the core does not hold: its file has them, if the dynamic section lies where
 * the file says. Whether it is the same build is left to whoever uses the file. */
static enum cs_status add_from_file(struct search *s, const struct cs_link *link, struct cs_error *err)
{
        struct cs_mapping mapping = { .path = link->name, .file_backed = true };
        struct object o = { .bias = link->bias, .path = link->name };
        cs_cleanup(cs_elffile_closep) struct cs_elffile *file = NULL;
        bool same, kept = false;
        enum cs_status st = CS_OK;
        int fd = -1;
        if (link->name[0] == '/' && s->in->open_file)
                fd = s->in->open_file(s->in->context, &mapping, &same);
        if (fd < 0)
                return CS_OK;
        if (cs_elffile_open(fd, &file, NULL) == CS_OK && (o.n = file->segments.n) > 0) {
                o.segments = calloc(o.n, sizeof(*o.segments));
                if (!o.segments)
                        st = cs_fail(err, CS_ENOMEM, "program headers");
                else
                        memcpy(o.segments, file->segments.at, o.n * sizeof(*o.segments));
        }
        if (st == CS_OK && o.n && find_extent(&o) && o.dynamic == link->dynamic) {
                st = cs_vec_push(&s->objects, o, err);
                kept = st == CS_OK;
        }
        if (!kept)
                free(o.segments);
        close(fd);
        return st;
}

static enum cs_status use_links(struct search *s, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; i < s->objects.n && !s->links.n && st == CS_OK; i++)
                st = cs_linkmap_read(s->in->source, s->objects.at[i].debug, s->in->pool, &s->links, err);
        for (size_t i = 0; i < s->links.n && st == CS_OK; i++) {
                const struct cs_link *link = &s->links.at[i];
                struct object *o = object_of(s, link->dynamic);
                if (o && link->name[0])
                        o->path = link->name;
                else if (!o)
                        st = add_from_file(s, link, err);
        }
        return st;
}

/* The kernel's own object has no file; it knows itself by its name (Linux arch/x86/entry/vdso/vdso.lds.S). */
static bool is_vdso(const struct object *o)
{
        return o->soname && strncmp(o->soname, "linux-vdso.so", strlen("linux-vdso.so")) == 0;
}

/* ---- into the notes ---------------------------------------------------------------------------------------------- */

/* The noted path of the file that begins at start. */
static const char *noted_path(const struct cs_notes *notes, uint64_t start)
{
        size_t lo = 0, hi = notes->files.n;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (notes->files.at[mid].range.start < start)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        bool there = lo < notes->files.n && notes->files.at[lo].range.start == start &&
                     notes->files.at[lo].file_offset == 0;
        return there ? notes->files.at[lo].path : NULL;
}

static const char *name_of(const struct search *s, const struct object *o)
{
        struct cs_range range = { o->start, o->end };
        const char *noted = noted_path(s->notes, o->start);
        if (noted && noted[0])
                return noted;
        if (o->path)
                return o->path;
        if (s->program && cs_range_has(range, s->notes->auxv.entry))
                return s->program;
        if (o->soname)
                return o->soname;
        return cs_pool_printf(s->in->pool, "object at 0x%" PRIx64, o->start);
}

static int by_start(const void *a, const void *b)
{
        const struct object *x = a, *y = b;
        return x->start < y->start ? -1 : x->start > y->start;
}

/* What was noted of memory where an object was found gives way to it. Both lists are sorted. */
static void drop_noted(struct search *s)
{
        size_t kept = 0, before = 0;
        uint64_t end = 0; /* of the objects that begin before the file's end */
        for (size_t i = 0; i < s->notes->files.n; i++) {
                const struct cs_note_file *file = &s->notes->files.at[i];
                for (; before < s->objects.n && s->objects.at[before].start < file->range.end; before++)
                        if (s->objects.at[before].end > end)
                                end = s->objects.at[before].end;
                if (end <= file->range.start)
                        s->notes->files.at[kept++] = *file;
        }
        s->notes->files.n = kept;
}

static enum cs_status add_files(struct search *s, const struct object *o, struct cs_error *err)
{
        uint64_t behind = 0;
        for (size_t i = 0; i < o->n; i++) {
                const struct cs_elf_segment *p = &o->segments[i];
                if (p->type != PT_LOAD || p->filesz == 0)
                        continue;
                struct cs_note_file file = { .path = o->path, .found = true };
                file.range.start = cs_page_down(o->bias + p->vaddr);
                file.range.end = cs_page_up(o->bias + p->vaddr + p->filesz);
                file.file_offset = cs_page_down(p->offset);
                if (file.range.start < behind) {
                        file.file_offset += behind - file.range.start;
                        file.range.start = behind;
                }
                if (file.range.start >= file.range.end)
                        continue;
                behind = file.range.end;
                enum cs_status st = cs_vec_push(&s->notes->files, file, err);
                if (st != CS_OK)
                        return st;
        }
        return CS_OK;
}

/* The kernel puts the first stack high; it is looked for from above. */
static void find_auxv(struct search *s)
{
        const struct cs_corefile *core = s->in->core;
        const char *command = NULL;
        for (size_t i = core->segments.n; i-- > 0;) {
                const struct cs_segment *segment = &core->segments.at[i];
                if (!(segment->perms & CS_PERM_WRITE) || segment->held < cs_range_size(segment->range) ||
                    !cs_auxv_find(s->in->source, segment->range, s->in->pool, &s->notes->auxv, &command,
                                  &s->program))
                        continue;
                if (!s->notes->command)
                        s->notes->command = command;
                s->notes->stack = segment->range;
                return;
        }
}

/* What AT_EXECFN points at. */
static const char *program_path(const struct search *s)
{
        char path[CS_LIMIT_NAME];
        size_t got, len;
        if (!s->notes->auxv.execfn ||
            cs_source_read(s->in->source, s->notes->auxv.execfn, path, sizeof(path), &got, NULL) != CS_OK)
                return NULL;
        len = strnlen(path, got);
        return len && len < got ? cs_pool_copy(s->in->pool, path, len) : NULL;
}

enum cs_status cs_findmodule(const struct cs_module_search *search, struct cs_notes *notes, size_t *found,
                             bool *skipped, struct cs_error *err)
{
        cs_cleanup(deinit) struct search s = { .in = search, .notes = notes };
        *found = 0;
        *skipped = false;
        if (!notes->auxv.entry)
                find_auxv(&s);
        else
                s.program = program_path(&s);
        enum cs_status st = scan(&s, skipped, err);
        if (st == CS_OK)
                st = use_links(&s, err);
        for (size_t i = 0; st == CS_OK && i < s.objects.n; i++) {
                struct object *o = &s.objects.at[i];
                if (is_vdso(o))
                        continue;
                o->path = name_of(&s, o);
                if (!o->path)
                        st = cs_fail(err, CS_ENOMEM, "names of modules");
        }
        if (st != CS_OK)
                return st;
        if (s.objects.n)
                qsort(s.objects.at, s.objects.n, sizeof(*s.objects.at), by_start);
        drop_noted(&s);
        for (size_t i = 0; st == CS_OK && i < s.objects.n; i++) {
                const struct object *o = &s.objects.at[i];
                if (is_vdso(o)) {
                        notes->auxv.vdso = o->start;
                        continue;
                }
                /* Only programs have a DT_DEBUG. */
                if (!notes->auxv.entry && o->debug && !o->soname)
                        notes->auxv.entry = o->entry;
                st = add_files(&s, o, err);
                ++*found;
        }
        return st;
}
