/* SPDX-License-Identifier: Apache-2.0 */
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum {
        STACKS_MAX = 1 << 17,   /* of one list: it may be a ring that never comes back to its head */
        PTHREAD_MAX = 1 << 20,  /* sizeof(struct pthread) that can be believed; 2304 on glibc 2.36 */
        STORAGE_MAX = 16 << 20, /* a larger mapping is not only thread-local storage */
        LIST_BYTES = 16,        /* list_t: next, prev (glibc, include/list_t.h) */
        LISTS = 3,              /* used, user, cache (glibc 2.34, sysdeps/generic/ldsodefs.h) */
        LIST_USED = 0,
        LIST_USER = 1, /* memory of the program's own: where it begins is not known */
        LIST_CACHE = 2,
};

/* What glibc tells debuggers of its struct pthread (nptl_db/structs.def); offsets. */
struct pthread_layout {
        uint64_t start_routine, tid, list, size;
        uint64_t dtv;   /* UINT64_MAX: not known */
        uint64_t lists; /* address of the first of the lists of stacks; 0: not known */
};

struct finder {
        const struct cs_image *image;
        struct cs_symbols *symbols;
        struct cs_pool *pool;
        cs_stack_vec *out;
        struct pthread_layout layout;
        bool described; /* layout is known */
};

static const char main_stack[] = "main stack";

static bool starts_with(const char *text, const char *start)
{
        return text && strncmp(text, start, strlen(start)) == 0;
}

/* A descriptor is {bits, count, offset} (nptl_db/db_info.c). */
static bool descriptor(struct finder *f, size_t module, const char *name, uint64_t *offset)
{
        struct cs_symbol s;
        uint32_t words[3];
        if (!cs_symbols_named(f->symbols, module, name, &s) ||
            !cs_source_exact(f->image->source, s.addr, words, sizeof(words)) || words[2] >= PTHREAD_MAX)
                return false;
        *offset = words[2];
        return true;
}

static bool pthread_size(struct finder *f, size_t module, uint64_t *size)
{
        struct cs_symbol s;
        uint32_t word;
        if (!cs_symbols_named(f->symbols, module, "_thread_db_sizeof_pthread", &s) ||
            !cs_source_exact(f->image->source, s.addr, &word, sizeof(word)) || word < LIST_BYTES ||
            word > PTHREAD_MAX)
                return false;
        *size = word;
        return true;
}

static void find_layout(struct finder *f)
{
        struct pthread_layout *l = &f->layout;
        uint64_t used = UINT64_MAX;
        for (size_t i = 0; i < f->image->modules.n && !f->described; i++) {
                const struct cs_module *m = &f->image->modules.at[i];
                if (!m->main && !starts_with(m->name, "libc.") && !starts_with(m->name, "libc-") &&
                    !starts_with(m->name, "libpthread"))
                        continue;
                f->described = pthread_size(f, i, &l->size) &&
                               descriptor(f, i, "_thread_db_pthread_start_routine", &l->start_routine) &&
                               descriptor(f, i, "_thread_db_pthread_tid", &l->tid) &&
                               descriptor(f, i, "_thread_db_pthread_list", &l->list) &&
                               l->start_routine <= l->size - 8 && l->tid <= l->size - 4 &&
                               l->list <= l->size - LIST_BYTES;
                if (!f->described || !descriptor(f, i, "_thread_db_rtld_global__dl_stack_used", &used))
                        used = UINT64_MAX;
                if (!f->described || !descriptor(f, i, "_thread_db_pthread_dtvp", &l->dtv) ||
                    l->dtv > l->size - 8)
                        l->dtv = UINT64_MAX;
        }
        struct cs_symbol global;
        for (size_t i = 0; f->described && used != UINT64_MAX && i < f->image->modules.n; i++)
                if (starts_with(f->image->modules.at[i].name, "ld-") &&
                    cs_symbols_named(f->symbols, i, "_rtld_global", &global))
                        l->lists = global.addr + used;
}

/* The anonymous mapping that can be somebody's stack. */
static const struct cs_mapping *stack_mapping(const struct finder *f, uint64_t addr)
{
        const struct cs_mapping *m = cs_image_mapping_at(f->image, addr);
        if (!m || m->module != CS_NO_MODULE || m->file_backed || !(m->perms & CS_PERM_WRITE) ||
            m->perms & CS_PERM_SHARED)
                return NULL;
        return m;
}

/* " (libfoo.so: run)", or "" */
static const char *routine_text(struct finder *f, uint64_t routine, int32_t *module)
{
        const struct cs_module *m = routine ? cs_image_module_at(f->image, routine) : NULL;
        struct cs_symbol s;
        *module = CS_NO_MODULE;
        if (!m)
                return "";
        *module = (int32_t)(m - f->image->modules.at);
        if (!cs_symbols_at(f->symbols, (size_t)*module, routine, &s)) {
                const char *text = cs_symbols_describe(f->symbols, f->pool, routine);
                return text ? cs_pool_printf(f->pool, " (%s)", text) : NULL;
        }
        const char *name = cs_demangle(f->pool, s.name, false);
        return name ? cs_pool_printf(f->pool, " (%s: %s)", m->name, name) : NULL;
}

static enum cs_status add(struct finder *f, struct cs_range range, const char *name, uint64_t routine,
                          struct cs_error *err)
{
        struct cs_stack stack = { .range = range };
        const char *code = routine_text(f, routine, &stack.module);
        stack.detail = code ? cs_pool_printf(f->pool, "%s%s", name, code) : NULL;
        /* Below the main stack the kernel keeps a gap that is not mapped. */
        bool grows = strcmp(name, main_stack) == 0;
        stack.guard = grows ? NULL : cs_pool_printf(f->pool, "guard of %s", name);
        if (!stack.detail || (!grows && !stack.guard))
                return cs_fail(err, CS_ENOMEM, "stacks");
        return cs_vec_push(f->out, stack, err);
}

/* The number by which the outside knows the thread that calls itself `tid`, in a pid namespace of its own perhaps. */
static pid_t outer_tid(const struct finder *f, uint64_t pthread, pid_t tid)
{
        for (size_t i = 0; i < f->image->threads.n; i++) {
                const struct cs_thread *t = &f->image->threads.at[i];
                if (t->fs_base ? t->fs_base == pthread : t->own_tid == tid)
                        return t->tid;
        }
        return tid;
}

/* Pages below the range that nobody may write: it begins where it seems to. */
static bool guarded(const struct finder *f, struct cs_range range)
{
        const struct cs_mapping *m = range.start ? cs_image_mapping_at(f->image, range.start - 1) : NULL;
        return m && m->range.end == range.start && m->module == CS_NO_MODULE && !m->file_backed &&
               !(m->perms & CS_PERM_WRITE);
}

/* The stack of a thread that ended. In the cache, libc comes back for the thread's dtv alone, which the next thread inherits
 * (glibc, nptl/allocatestack.c, get_cached_stack); while nobody has joined it, for its result, whose place in struct pthread
 * is not told. */
static enum cs_status add_ended(struct finder *f, struct cs_range range, uint64_t pthread, unsigned list,
                                struct cs_error *err)
{
        enum cs_status st = add(f, range, "cached stack of an ended thread", 0, err);
        if (st != CS_OK || list == LIST_USER || !guarded(f, range))
                return st;
        struct cs_stack *stack = &f->out->at[f->out->n - 1];
        stack->ended = true;
        stack->kept = (struct cs_range){ pthread, pthread + f->layout.size };
        if (list == LIST_CACHE && f->layout.dtv != UINT64_MAX)
                stack->kept = (struct cs_range){ pthread + f->layout.dtv, pthread + f->layout.dtv + 8 };
        return CS_OK;
}

/* The thread whose struct pthread is there; glibc puts it at the upper end of the stack that it maps. */
static enum cs_status add_pthread(struct finder *f, uint64_t pthread, unsigned list, struct cs_error *err)
{
        const struct pthread_layout *l = &f->layout;
        const struct cs_mapping *m = stack_mapping(f, pthread);
        int32_t tid = 0;
        uint64_t routine = 0;
        if (!m || !cs_range_holds(m->range, pthread, l->size) ||
            !cs_source_exact(f->image->source, pthread + l->tid, &tid, sizeof(tid)) ||
            !cs_source_exact(f->image->source, pthread + l->start_routine, &routine, sizeof(routine)))
                return CS_OK;
        uint64_t end = cs_page_up(pthread + l->size);
        struct cs_range range = cs_range_cut((struct cs_range){ m->range.start, end }, m->range);
        if (list == LIST_CACHE || tid <= 0)
                return add_ended(f, range, pthread, list, err);
        tid = outer_tid(f, pthread, tid);
        if (tid == f->image->pid || list != LIST_USED) {
                if (tid != f->image->pid || cs_range_size(m->range) > STORAGE_MAX ||
                    starts_with(m->path, "["))
                        return CS_OK;
                struct cs_stack storage = { .range = m->range,
                                            .module = CS_NO_MODULE,
                                            .detail = "thread-local storage of the main thread",
                                            .storage = true };
                return cs_vec_push(f->out, storage, err);
        }
        const char *name = cs_pool_printf(f->pool, "stack of thread %d", (int)tid);
        return name ? add(f, range, name, routine, err) : cs_fail(err, CS_ENOMEM, "stacks");
}

/* The struct pthread behind the one whose place in its list is *at (the list's head at first), or 0 at the end. */
static uint64_t next_pthread(const struct finder *f, uint64_t head, uint64_t *at)
{
        uint64_t next, back;
        if (!cs_source_u64(f->image->source, *at, &next) || next == head ||
            !cs_source_u64(f->image->source, next + 8, &back) || back != *at || next <= f->layout.list)
                return 0;
        *at = next;
        return next - f->layout.list;
}

static enum cs_status walk_list(struct finder *f, uint64_t head, unsigned list, struct cs_error *err)
{
        uint64_t at = head, pthread;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < STACKS_MAX && (pthread = next_pthread(f, head, &at)); i++)
                st = add_pthread(f, pthread, list, err);
        return st;
}

void cs_threads_locate(struct cs_image *image, struct cs_symbols *symbols)
{
        struct finder f = { .image = image, .symbols = symbols };
        if (image->kind != CS_IMAGE_LIVE)
                return;
        find_layout(&f);
        for (unsigned list = 0; f.layout.lists && list < LIST_CACHE; list++) {
                uint64_t head = f.layout.lists + (uint64_t)list * LIST_BYTES, at = head, pthread;
                int32_t tid;
                for (size_t i = 0; i < STACKS_MAX && (pthread = next_pthread(&f, head, &at)); i++) {
                        if (!cs_source_exact(image->source, pthread + f.layout.tid, &tid, sizeof(tid)))
                                continue;
                        for (size_t t = 0; t < image->threads.n; t++)
                                if (!image->threads.at[t].fs_base && image->threads.at[t].own_tid == tid)
                                        image->threads.at[t].fs_base = pthread;
                }
        }
}

static bool known(const struct finder *f, size_t n, uint64_t addr)
{
        size_t lo = 0, hi = n;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (f->out->at[mid].range.start <= addr)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo && cs_range_has(f->out->at[lo - 1].range, addr);
}

static enum cs_status add_by_pointer(struct finder *f, const struct cs_thread *t, struct cs_error *err)
{
        const struct cs_mapping *m = t->sp ? stack_mapping(f, t->sp) : NULL;
        if (!m)
                return CS_OK;
        struct cs_range range = m->range;
        uint64_t routine = 0;
        if (f->described && t->fs_base > t->sp && cs_range_holds(m->range, t->fs_base, f->layout.size)) {
                range.end = cs_page_up(t->fs_base + f->layout.size);
                if (!cs_source_u64(f->image->source, t->fs_base + f->layout.start_routine, &routine))
                        routine = 0;
        }
        if (t->tid == f->image->pid || starts_with(m->path, "[stack"))
                return add(f, cs_range_cut(range, m->range), main_stack, 0, err);
        const char *name = cs_pool_printf(f->pool, "stack of thread %d", (int)t->tid);
        return name ? add(f, cs_range_cut(range, m->range), name, routine, err)
                    : cs_fail(err, CS_ENOMEM, "stacks");
}

static int by_end(const void *a, const void *b)
{
        const struct cs_stack *x = a, *y = b;
        if (x->range.end != y->range.end)
                return x->range.end < y->range.end ? -1 : 1;
        return x->range.start < y->range.start ? -1 : x->range.start > y->range.start;
}

/* Stacks of one mapping (they have no guard pages) end where the next one begins. */
static void disjoin(cs_stack_vec *stacks)
{
        size_t kept = 0;
        uint64_t end = 0;
        if (stacks->n)
                qsort(stacks->at, stacks->n, sizeof(*stacks->at), by_end);
        for (size_t i = 0; i < stacks->n; i++) {
                struct cs_stack s = stacks->at[i];
                if (s.range.start < end) {
                        s.range.start = end;
                        s.guard = NULL;
                }
                if (s.range.start >= s.range.end)
                        continue;
                end = s.range.end;
                stacks->at[kept++] = s;
        }
        stacks->n = kept;
}

enum cs_status cs_stacks_find(const struct cs_image *image, struct cs_symbols *symbols, struct cs_pool *pool,
                              cs_stack_vec *out, struct cs_error *err)
{
        struct finder f = { .image = image, .symbols = symbols, .pool = pool, .out = out };
        enum cs_status st = CS_OK;
        find_layout(&f);
        for (unsigned i = 0; st == CS_OK && f.layout.lists && i < LISTS; i++)
                st = walk_list(&f, f.layout.lists + (uint64_t)i * LIST_BYTES, i, err);
        disjoin(out);
        size_t listed = out->n;
        for (size_t i = 0; st == CS_OK && i < image->threads.n; i++)
                if (!known(&f, listed, image->threads.at[i].sp))
                        st = add_by_pointer(&f, &image->threads.at[i], err);
        /* A thread whose stack pointer is not known (live, running): the kernel names the main one's mapping. */
        for (size_t i = 0; st == CS_OK && i < image->mappings.n; i++)
                if (starts_with(image->mappings.at[i].path, "[stack"))
                        st = add(&f, image->mappings.at[i].range, main_stack, 0, err);
        disjoin(out);
        return st;
}
