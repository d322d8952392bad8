/* SPDX-License-Identifier: Apache-2.0 */
/* alloctrace.so: preloaded into a program, it notes every live block and leaves the heap as it is.
 *
 * Each allocation function forwards to glibc's own with the same arguments (through the __libc_* aliases, so that no dlsym() is
 * needed), and notes in a table outside of the heap: the size, the direct caller, and up to ATR_FRAMES return addresses. See
 * alloctrace.h for the table, and atdump.c for who reads it.
 *
 * The unwinder is libgcc's, linked in statically, so that a recorded C program does not get libgcc_s.so among its modules. It
 * works on .eh_frame through _dl_find_object(), and does not allocate. */
#include "alloctrace.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#define EXPORT __attribute__((visibility("default"), noinline))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void *__libc_valloc(size_t);
extern void *__libc_pvalloc(size_t);
extern void __libc_free(void *);

static struct at_header *hdr;
static _Atomic uint32_t *dir_, *hash_;
static struct at_stack *stacks;
static struct at_module *mods;
static char *leaves;
static _Atomic int state; /* 0 new, 1 starting, 2 on, 3 off */
static uint64_t t0;
static __thread int busy __attribute__((tls_model("initial-exec")));

static uint64_t now_ms(void)
{
        struct timespec ts;
        clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
        return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t page_up(uint64_t x)
{
        return (x + 4095) & ~4095ULL;
}

static void at_init(void)
{
        int expect = 0;
        if (!atomic_compare_exchange_strong(&state, &expect, 1))
                return;
        int saved = errno, fd = memfd_create("alloctrace", MFD_CLOEXEC);
        void *p = MAP_FAILED;
        if (fd >= 0 && ftruncate(fd, (off_t)ATR_SIZE) == 0)
                p = mmap((void *)ATR_BASE, ATR_SIZE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED_NOREPLACE, fd, 0);
        if (fd >= 0)
                close(fd);
        if (p != (void *)ATR_BASE) {
                static const char msg[] = "alloctrace: cannot map the table\n";
                if (p != MAP_FAILED)
                        munmap(p, ATR_SIZE);
                syscall(SYS_write, 2, msg, sizeof msg - 1);
                errno = saved;
                atomic_store(&state, 3);
                return;
        }
        madvise(p, ATR_SIZE, MADV_DONTDUMP);
        madvise(p, ATR_SIZE, MADV_NOHUGEPAGE);
        struct at_header *h = hdr = p;
        uint64_t off = 4096;
        h->dir_off = off;
        off += page_up(ATR_DIR_ENTRIES * sizeof(uint32_t));
        h->hash_off = off;
        off += page_up(ATR_STACK_HASH * sizeof(uint32_t));
        h->stack_off = off;
        off += page_up(ATR_STACK_MAX * sizeof(struct at_stack));
        h->mod_off = off;
        off += page_up(ATR_MOD_MAX * sizeof(struct at_module));
        h->leaf_off = (off + ATR_REGION - 1) & ~(ATR_REGION - 1);
        h->nstack = h->nmod = h->nleaf = 1;
        h->pid = (uint64_t)getpid();
        dir_ = (void *)(ATR_BASE + h->dir_off);
        hash_ = (void *)(ATR_BASE + h->hash_off);
        stacks = (void *)(ATR_BASE + h->stack_off);
        mods = (void *)(ATR_BASE + h->mod_off);
        leaves = (char *)(ATR_BASE + h->leaf_off);
        t0 = now_ms();
        h->magic = ATR_MAGIC;
        errno = saved;
        atomic_store(&state, 2);
}

/* ---- modules ---------------------------------------------------------- */

static uint16_t module_of(uint64_t pc)
{
        struct dl_find_object o;
        if (_dl_find_object((void *)(pc - 1), &o) != 0)
                return 0; /* JIT code or the like */
        uint64_t start = (uint64_t)o.dlfo_map_start, end = (uint64_t)o.dlfo_map_end;
        const char *name = o.dlfo_link_map->l_name;
        char exe[ATR_PATH_MAX];
        if (!name || !*name) {
                ssize_t k = readlink("/proc/self/exe", exe, sizeof exe - 1);
                exe[k > 0 ? k : 0] = 0;
                name = exe;
        }
        size_t len = strlen(name);
        if (len >= ATR_PATH_MAX) { /* keep the tail: the base name counts */
                name += len - (ATR_PATH_MAX - 1);
                len = ATR_PATH_MAX - 1;
        }
        _Atomic uint32_t *nmod = (_Atomic uint32_t *)&hdr->nmod;
        uint32_t n = atomic_load(nmod);
        for (uint32_t i = 1; i < n && i < ATR_MOD_MAX; i++)
                if (mods[i].start == start && mods[i].end == end && strcmp(mods[i].path, name) == 0)
                        return (uint16_t)i;
        n = atomic_fetch_add(nmod, 1); /* a race only makes a duplicate */
        if (n >= ATR_MOD_MAX)
                return 0;
        memcpy(mods[n].path, name, len + 1);
        mods[n].bias = o.dlfo_link_map->l_addr;
        mods[n].start = start;
        mods[n].end = end;
        return (uint16_t)n;
}

/* ---- stacks ----------------------------------------------------------- */

struct walk {
        uint64_t pc[ATR_FRAMES];
        unsigned n;
        uint64_t first;
};

static _Unwind_Reason_Code walk_cb(struct _Unwind_Context *c, void *arg)
{
        struct walk *w = arg;
        uint64_t ip = _Unwind_GetIP(c);
        if (w->n == 0 && ip != w->first)
                return _URC_NO_REASON; /* still inside the shim */
        if (ip == 0)
                return _URC_END_OF_STACK;
        w->pc[w->n++] = ip;
        return w->n < ATR_FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static uint32_t stack_id(uint64_t caller)
{
        struct walk w;
        w.n = 0;
        w.first = caller;
        _Unwind_Backtrace(walk_cb, &w);
        if (w.n == 0) {
                w.pc[0] = caller;
                w.n = 1;
        }
        uint32_t gen = *(volatile uint32_t *)&hdr->gen;
        uint64_t h = 1469598103934665603ULL + gen;
        for (unsigned i = 0; i < w.n; i++) {
                h = (h ^ w.pc[i]) * 0x9E3779B97F4A7C15ULL;
                h ^= h >> 29;
        }
        uint32_t mine = 0;
        for (uint32_t i = 0; i < 4096; i++) {
                _Atomic uint32_t *slot = &hash_[(h + i) & (ATR_STACK_HASH - 1)];
                uint32_t id = atomic_load_explicit(slot, memory_order_acquire);
                if (id == 0) {
                        if (mine == 0) {
                                mine = atomic_fetch_add((_Atomic uint32_t *)&hdr->nstack, 1);
                                if (mine >= ATR_STACK_MAX) {
                                        atomic_store((_Atomic uint32_t *)&hdr->nstack, ATR_STACK_MAX);
                                        return ATR_STACK_MAX - 1; /* overflow bucket */
                                }
                                struct at_stack *s = &stacks[mine];
                                s->gen = gen;
                                for (unsigned k = 0; k < w.n; k++) {
                                        s->pc[k] = w.pc[k];
                                        s->mod[k] = module_of(w.pc[k]);
                                }
                                s->n = w.n;
                        }
                        if (atomic_compare_exchange_strong_explicit(slot, &id, mine, memory_order_release,
                                                                    memory_order_acquire))
                                return mine;
                }
                struct at_stack *s = &stacks[id];
                if (s->n == w.n && s->gen == gen && memcmp(s->pc, w.pc, w.n * sizeof w.pc[0]) == 0)
                        return id;
        }
        return ATR_STACK_MAX - 1;
}

/* ---- live blocks ------------------------------------------------------ */

static struct at_slot *slot_of(uint64_t addr, int create)
{
        uint64_t r = addr >> ATR_REGION_SHIFT;
        if (unlikely(r >= ATR_DIR_ENTRIES))
                return NULL;
        uint32_t leaf = atomic_load_explicit(&dir_[r], memory_order_acquire);
        if (unlikely(leaf == 0)) {
                if (!create)
                        return NULL;
                uint32_t fresh = atomic_fetch_add((_Atomic uint32_t *)&hdr->nleaf, 1);
                uint64_t bytes = ATR_LEAF_SLOTS * sizeof(struct at_slot);
                if (hdr->leaf_off + (fresh + 1ULL) * bytes > ATR_SIZE)
                        return NULL;
                if (atomic_compare_exchange_strong(&dir_[r], &leaf, fresh))
                        leaf = fresh; /* else another thread won */
        }
        struct at_slot *base = (void *)(leaves + (uint64_t)leaf * ATR_LEAF_SLOTS * sizeof(struct at_slot));
        return base + ((addr & (ATR_REGION - 1)) >> 4);
}

static int on(void)
{
        if (unlikely(atomic_load_explicit(&state, memory_order_relaxed) != 2)) {
                at_init();
                return atomic_load(&state) == 2;
        }
        return 1;
}

static void note(void *p, size_t size, void *caller)
{
        if (!p || !on() || busy)
                return;
        busy = 1;
        int saved = errno;
        struct at_slot *s = slot_of((uint64_t)p, 1);
        if (s) {
                s->size = size;
                s->ms = (uint32_t)(now_ms() - t0);
                s->stack = stack_id((uint64_t)caller);
        } else {
                hdr->lost++;
        }
        hdr->nalloc++;
        errno = saved;
        busy = 0;
}

static struct at_slot forget(void *p)
{
        struct at_slot old = { 0, 0, 0 }, *s;
        if (p && on() && (s = slot_of((uint64_t)p, 0))) {
                old = *s;
                s->stack = 0;
                hdr->nfree++;
        }
        return old;
}

/* ---- the interposed functions ---------------------------------------- */

#define CALLER __builtin_return_address(0)

EXPORT void *malloc(size_t n)
{
        void *p = __libc_malloc(n);
        note(p, n, CALLER);
        return p;
}

EXPORT void *calloc(size_t n, size_t m)
{
        void *p = __libc_calloc(n, m);
        note(p, n * m, CALLER);
        return p;
}

static inline __attribute__((always_inline)) void *do_realloc(void *old, size_t n, void *caller)
{
        struct at_slot was = forget(old);
        void *p = __libc_realloc(old, n);
        if (p) {
                note(p, n, caller);
        } else if (n != 0 && was.stack) { /* failed: the old block lives on */
                struct at_slot *s = slot_of((uint64_t)old, 1);
                if (s)
                        *s = was;
        }
        return p;
}

EXPORT void *realloc(void *old, size_t n)
{
        return do_realloc(old, n, CALLER);
}

EXPORT void *reallocarray(void *old, size_t n, size_t m)
{
        size_t bytes;
        if (__builtin_mul_overflow(n, m, &bytes)) {
                errno = ENOMEM;
                return NULL;
        }
        return do_realloc(old, bytes, CALLER);
}

EXPORT void free(void *p)
{
        if (p)
                forget(p);
        __libc_free(p);
}

EXPORT void *memalign(size_t a, size_t n)
{
        void *p = __libc_memalign(a, n);
        note(p, n, CALLER);
        return p;
}

EXPORT void *aligned_alloc(size_t a, size_t n)
{
        void *p = __libc_memalign(a, n);
        note(p, n, CALLER);
        return p;
}

EXPORT int posix_memalign(void **out, size_t a, size_t n)
{
        if (a % sizeof(void *) || a == 0 || (a & (a - 1)))
                return EINVAL;
        int saved = errno;
        void *p = __libc_memalign(a, n);
        errno = saved;
        if (!p)
                return ENOMEM;
        note(p, n, CALLER);
        *out = p;
        return 0;
}

EXPORT void *valloc(size_t n)
{
        void *p = __libc_valloc(n);
        note(p, n, CALLER);
        return p;
}

EXPORT void *pvalloc(size_t n)
{
        void *p = __libc_pvalloc(n);
        note(p, n, CALLER);
        return p;
}

/* A later library may be mapped where this one was: equal addresses in two
 * stacks are then not the same stack any more. */
EXPORT int dlclose(void *h)
{
        static int (*real)(void *);
        if (!real)
                real = (int (*)(void *))dlsym(RTLD_NEXT, "dlclose");
        int r = real(h);
        if (on())
                hdr->gen++;
        return r;
}
