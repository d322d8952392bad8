/* SPDX-License-Identifier: Apache-2.0 */
/* leaktruth.c - a program which knows what it has lost.
 *
 *   leaktruth LOG [-w]      -w: say "ready" and wait at the end (for a core)
 *
 * Every block is written to LOG as  "state addr size scenario".
 *   live      a pointer to its start is in a root or in a live block
 *   interior  only pointers into its middle are left; still in use
 *   lost      no pointer to it is left anywhere
 *   indirect  only lost blocks point to it (members of lost cycles are "lost")
 *   hidden    in use, but the pointer is encoded, in the kernel or one past the end:
 *             no pointer scan can tell
 *   stale     lost, but a stale copy of the pointer is still lying about
 * The log is the only place which has all the addresses: it is a file, and what the
 * logging leaves on the stack is wiped before "ready".
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
static int logfd;

static NOINLINE void note(const char *state, const void *p, size_t n, const char *sc)
{
        char b[160];
        int k = snprintf(b, sizeof b, "%s\t%p\t%zu\t%s\n", state, p, n, sc);
        if (write(logfd, b, (size_t)k) != k)
                _exit(3);
        memset(b, 0, sizeof b);
        __asm__ volatile("" : : "r"(b) : "memory");
}

static NOINLINE void *blk(const char *state, size_t n, const char *sc)
{
        char *p = malloc(n);
        memset(p, 0x11, n);
        note(state, p, n, sc);
        return p;
}

static NOINLINE void wipe(void) /* what dead frames left on the stack */
{
        volatile char big[96 * 1024];
        for (size_t i = 0; i < sizeof big; i++)
                big[i] = 0;
}

struct node {
        struct node *next, *other;
        char pad[48];
};
/* volatile: a store to a variable that nobody reads must not be optimised away */
static void *volatile g_start, *volatile g_inside, *volatile g_tag;
static volatile uintptr_t g_xor, g_end, g_off;
static __thread void *volatile t_main;
char packed[64];
static void **g_region, **g_file, **g_shared;
static pthread_key_t key;
static int epfd;

static NOINLINE void sc_static(void)
{
        g_start = blk("live", 1001, "static");
}
static NOINLINE void sc_interior(void)
{
        g_inside = (char *)blk("interior", 1103, "interior") + 40;
}
static NOINLINE void sc_tagged(void)
{
        g_tag = (char *)blk("interior", 1205, "low-bit tag") + 1;
}
static NOINLINE void sc_xor(void)
{
        g_xor = (uintptr_t)blk("hidden", 1307, "xor") ^ 0x5555555555555555u;
}
static NOINLINE void sc_offset(void)
{
        g_off = (uintptr_t)blk("hidden", 1409, "self-relative offset") - (uintptr_t)&g_off;
}
static NOINLINE void sc_end(void)
{
        g_end = (uintptr_t)blk("hidden", 1520, "one past the end") + 1528;
}
static NOINLINE void sc_tls(void)
{
        t_main = blk("live", 1613, "tls");
}
static NOINLINE void sc_key(void)
{
        pthread_setspecific(key, blk("live", 1717, "pthread key"));
}
static NOINLINE void sc_unaligned(void)
{
        void *p = blk("live", 1819, "unaligned slot");
        memcpy(packed + 3, &p, sizeof p);
}
static NOINLINE void sc_region(void)
{
        g_region[100] = blk("live", 1907, "anonymous mmap");
}
static NOINLINE void sc_file(void)
{
        g_file[100] = blk("live", 2003, "private file mapping");
}
static NOINLINE void sc_shared(void)
{
        g_shared[100] = blk("live", 2111, "shared mapping");
}
static NOINLINE void sc_lost(void)
{
        for (int i = 0; i < 50; i++)
                blk("lost", 2213 + (size_t)i, "lost");
}
static NOINLINE void sc_lost_big(void)
{
        for (int i = 0; i < 3; i++)
                blk("lost", 300007 + (size_t)i * 5000, "lost, own mmap");
}
static NOINLINE void sc_lost_zero(void)
{
        for (int i = 0; i < 10; i++)
                note("lost", malloc(0), 0, "lost, size 0");
}

static NOINLINE void sc_epoll(void)
{
        int p[2];
        if (pipe(p))
                return;
        struct epoll_event e = { .events = EPOLLIN, .data.ptr = blk("hidden", 2399, "epoll data") };
        epoll_ctl(epfd, EPOLL_CTL_ADD, p[0], &e);
        memset(&e, 0, sizeof e);
        __asm__ volatile("" : : "r"(&e) : "memory");
}

static NOINLINE void sc_list(void) /* 1 lost head, 199 indirect */
{
        struct node *head = NULL;
        for (int i = 0; i < 200; i++) {
                struct node *n = calloc(1, sizeof *n);
                n->next = head;
                note(i == 199 ? "lost" : "indirect", n, sizeof *n, "lost list");
                head = n;
        }
        head = NULL;
        __asm__ volatile("" : : "r"(head));
}

static NOINLINE void sc_cycle(void)
{
        for (int k = 0; k < 20; k++) {
                struct node *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
                a->next = b, b->next = a, a->other = a;
                note("lost", a, sizeof *a, "lost cycle");
                note("lost", b, sizeof *b, "lost cycle");
        }
}

static NOINLINE void sc_tree(void) /* a lost parent with live children: only it is lost */
{
        struct node *p = calloc(1, sizeof *p);
        p->next = g_start, p->other = t_main;
        note("lost", p, sizeof *p, "lost, points to live");
}

static NOINLINE void sc_live_list(void)
{
        static struct node *volatile head;
        for (int i = 0; i < 200; i++) {
                struct node *n = calloc(1, sizeof *n);
                n->next = head;
                note("live", n, sizeof *n, "live list");
                head = n;
        }
}

static NOINLINE void sc_container_of(void) /* intrusive list: only links inside are pointed to */
{
        static char *volatile head;
        for (int i = 0; i < 100; i++) {
                char *p = calloc(1, 208);
                *(char **)(p + 160) = head;
                note("interior", p, 208, "container_of");
                head = p + 160;
        }
}

static NOINLINE void sc_realloc(void)
{
        char *p = malloc(30);
        for (size_t n = 60; n < 4000; n *= 2)
                p = realloc(p, n);
        memset(p, 0, 3840);
        note("lost", p, 3840, "lost after realloc");
        void *m = NULL;
        if (posix_memalign(&m, 256, 2500) == 0)
                memset(m, 0, 2500), note("lost", m, 2500, "lost memalign");
        m = NULL;
        __asm__ volatile("" : : "r"(&m) : "memory");
}

static NOINLINE void sc_libc(void) /* blocks which libc allocates for us */
{
        for (int i = 0; i < 5; i++) {
                char *s = strdup("a string that nobody will free, long enough to be seen");
                note("lost", s, strlen(s) + 1, "lost strdup");
        }
        FILE *f = fopen("/dev/null", "r"); /* libc's own list keeps FILE and buffer */
        (void)f;
        static FILE *volatile kept;
        kept = fopen("/dev/zero", "r");
        (void)!fgetc(kept);
}

static NOINLINE void sc_stale_free(void) /* the only copy is in a freed chunk */
{
        void **holder = calloc(1, 3000);
        for (int i = 20; i < 30; i++)
                holder[i] = blk("stale", 2503, "pointer in freed chunk");
        free(holder);
}

static NOINLINE void sc_stale_slack(void) /* ... in the unused tail of a live buffer */
{
        static char *volatile buf;
        void **tmp = malloc(2008);
        tmp[200] = blk("stale", 2607, "pointer in stale buffer tail");
        free(tmp);
        buf = malloc(2008); /* gets the same chunk, writes its start only */
        strcpy(buf, "only the beginning is used");
        note("live", buf, 2008, "stale buffer");
}

/* threads */
static pthread_barrier_t bar;
static volatile int stop_;
static __thread void *volatile t_own;
static pthread_mutex_t hold = PTHREAD_MUTEX_INITIALIZER;

static NOINLINE void thread_body(void)
{
        void *volatile on_stack = blk("live", 2711, "thread stack");
        t_own = blk("live", 2803, "thread tls");
        for (int i = 0; i < 20; i++)
                blk("lost", 2909, "lost in thread arena");
        wipe();
        pthread_barrier_wait(&bar);
        pthread_mutex_lock(&hold); /* blocks for good: main has it */
        stop_ = on_stack != NULL;
}

static void *thread_main(void *a)
{
        (void)a;
        thread_body();
        return NULL;
}

static NOINLINE void exit_body(void)
{
        t_own = blk("lost", 3001, "tls of a dead thread");
        for (int i = 0; i < 20; i++)
                blk("lost", 3109, "lost, thread gone");
        wipe();
}

static void *exit_main(void *a)
{
        (void)a;
        exit_body();
        return NULL;
}

static NOINLINE void sc_threads(void)
{
        pthread_t t;
        pthread_barrier_init(&bar, NULL, 2);
        pthread_mutex_lock(&hold);
        pthread_create(&t, NULL, thread_main, NULL);
        pthread_barrier_wait(&bar);
        pthread_create(&t, NULL, exit_main, NULL);
        pthread_join(t, NULL);
}

static NOINLINE void sc_library(void)
{
        void *h = dlopen("$ORIGIN/libleakfix.so", RTLD_NOW);
        if (!h) {
                fprintf(stderr, "%s\n", dlerror());
                _exit(4);
        }
        void *(*keep)(void) = (void *(*)(void))dlsym(h, "leakfix_keep");
        void *(*lose)(size_t) = (void *(*)(size_t))dlsym(h, "leakfix_lose");
        void *(*object)(void) = (void *(*)(void))dlsym(h, "leakfix_object");
        for (int i = 0; i < 40; i++)
                note("live", keep(), 80, "library: kept");
        for (int i = 0; i < 40; i++)
                note("lost", lose(3200 + (size_t)i), 3200 + (size_t)i, "library: lost");
        for (int i = 0; i < 40; i++)
                note("lost", object(), 120, "library: lost object");
}

static NOINLINE void run_all(void)
{
        sc_static();
        sc_interior();
        sc_tagged();
        sc_xor();
        sc_offset();
        sc_end();
        sc_tls();
        sc_key();
        sc_unaligned();
        sc_region();
        sc_file();
        sc_shared();
        sc_epoll();
        sc_lost();
        sc_lost_big();
        sc_lost_zero();
        sc_list();
        sc_cycle();
        sc_tree();
        sc_live_list();
        sc_container_of();
        sc_realloc();
        sc_libc();
        sc_threads();
        sc_library();
        sc_stale_free();
        sc_stale_slack();
}

int main(int argc, char **argv)
{
        if (argc < 2)
                return fprintf(stderr, "usage: leaktruth LOG [-w]\n"), 2;
        logfd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        pthread_key_create(&key, NULL);
        epfd = epoll_create1(0);
        g_region = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        char tmp[] = "/tmp/leaktruth.XXXXXX";
        int fd = mkstemp(tmp);
        if (fd < 0 || ftruncate(fd, 65536))
                return 3;
        g_file = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
        unlink(tmp);
        g_shared = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        run_all();
        wipe();
        static const char msg[] = "ready\n";
        (void)!write(1, msg, sizeof msg - 1);
        if (argc > 2)
                for (;;)
                        pause();
        exit(0);
}
