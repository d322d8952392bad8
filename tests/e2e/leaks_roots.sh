#!/bin/bash
# Every kind of memory that can hold the only pointer to a block holds it, from a core and live; what threads that ended left
# behind, freed memory and what lies below the stack pointer do not. Blocks in malloc's caches and bins are no leaks.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq

"$CC" -shared -fPIC -x c -o "$tmp/libstore.so" - <<'END' || give_up "libstore.so compiles"
_Thread_local void *volatile loaded_later[4096];
void store(void *p) { loaded_later[2000] = p; }
END
build_c roots -pthread -ldl <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
static int truth;
static pthread_barrier_t barrier;
static void *volatile data = (void *)1, *volatile bss, *volatile interior;
static _Thread_local void *volatile storage;
static struct { char c; void *p; } __attribute__((packed)) packed = { 1, 0 };
static pthread_key_t key;
static void (*store)(void *);

static NOINLINE void *block(const char *state, const char *what)
{
        static size_t size = 3000;
        char line[128];
        size += 16;
        void *p = calloc(1, size);
        int len = snprintf(line, sizeof(line), "%p\t%s\t%s\n", p, state, what);
        if (write(truth, line, (size_t)len) != len)
                _exit(3);
        explicit_bzero(line, sizeof(line));
        return p;
}

static NOINLINE void wipe(void)
{
        char below[128 << 10];
        explicit_bzero(below, sizeof(below));
}

static void **map(int flags, int fd)
{
        return mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, flags, fd, 0);
}

static NOINLINE void hold(const char *dir)
{
        char path[4096];
        data = block("-", "initialised data");
        bss = block("-", ".bss");
        storage = block("-", "thread-local storage of the main thread");
        pthread_setspecific(key, block("-", "a key of the main thread"));
        store(block("-", "thread-local storage of a library loaded later, main thread"));
        packed.p = block("possible", "unaligned data");
        map(MAP_PRIVATE | MAP_ANONYMOUS, -1)[100] = block("-", "anonymous mapping");
        map(MAP_SHARED | MAP_ANONYMOUS, -1)[100] = block("-", "shared mapping");
        void **frozen = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
        frozen[100] = block("-", "mapping made read-only");
        mprotect(frozen, 1 << 16, PROT_READ);
        snprintf(path, sizeof(path), "%s/file", dir);
        int fd = open(path, O_RDWR | O_CREAT, 0600);
        if (fd < 0 || ftruncate(fd, 1 << 16))
                _exit(3);
        map(MAP_PRIVATE, fd)[100] = block("-", "private file mapping");
        close(fd);
        void **inside = block("-", "a block in another (the outer)");
        interior = (char *)inside + 700;
        inside[80] = block("-", "a block in another");
}

/* What is called lost. */
static NOINLINE void lose(void)
{
        void **freed = malloc(50000);
        freed[3000] = block("direct", "freed chunk");
        free(freed);
        void *small = malloc(40), *volatile large = malloc(5000), *volatile apart = malloc(100);
        free(small); /* a thread cache */
        free(large); /* the unsorted bin */
        (void)apart;
        free(apart); /* another cached one */
        (void)!block("direct", "nobody");
}

static NOINLINE void left_below(void)
{
        void *volatile local[64];
        local[3] = block("direct", "below the stack pointer");
        (void)local;
}

static NOINLINE void thread_holds(void)
{
        storage = block("-", "thread-local storage of a thread");
        pthread_setspecific(key, block("-", "a key of a thread"));
        store(block("-", "thread-local storage of a library loaded later, a thread"));
}

static void *stays(void *unused)
{
        void *volatile local = block("-", "stack of a thread");
        thread_holds();
        wipe();
        pthread_barrier_wait(&barrier);
        for (;;)
                pause();
        return local ? unused : NULL;
}

static NOINLINE void ending_holds(void)
{
        storage = block("direct", "thread-local storage of a thread that ended");
        store(block("-", "thread-local storage of a library loaded later, a thread that ended: libc will free it"));
}

static void *ends(void *unused)
{
        ending_holds();
        return unused;
}

/* In a register that calls preserve, and nowhere else. */
static void *registers(void *unused)
{
        void *volatile p = block("register", "register");
        wipe();
        pthread_barrier_wait(&barrier);
        __asm__ volatile("movq %0, %%rbx; movq $0, %0; 1: movl $34, %%eax; syscall; jmp 1b" : "+m"(p) : : "rax", "rbx", "rcx", "r11", "memory");
        return unused;
}

static void *returns(void *unused)
{
        (void)unused;
        return block("-", "what a thread returned that nobody has joined");
}

int main(int argc, char **argv)
{
        pthread_t a, b, c, d;
        if (argc != 4)
                return 2;
        truth = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
        void *library = dlopen(argv[3], RTLD_NOW);
        store = library ? (void (*)(void *))dlsym(library, "store") : NULL;
        if (truth < 0 || !store || pthread_key_create(&key, NULL) || pthread_barrier_init(&barrier, NULL, 2))
                return 2;
        hold(argv[2]);
        pthread_create(&a, NULL, stays, NULL);
        pthread_barrier_wait(&barrier);
        pthread_create(&d, NULL, registers, NULL);
        pthread_barrier_wait(&barrier);
        pthread_create(&b, NULL, returns, NULL);
        pthread_create(&c, NULL, ends, NULL);
        pthread_join(c, NULL);
        lose();
        wipe();
        void *volatile local = block("-", "stack of the main thread");
        left_below();
        write(1, "ready\n", 6);
        for (;;)
                pause();
        return local ? 0 : 1;
}
END
start_program "$tmp/roots" "$tmp/truth" "$tmp" "$tmp/libstore.so"
wait_ready
sleep 0.3

check() { # name, ARG...
        local name=$1 address want what

        shift
        scan_json "$tmp/$name.json" --leaks --top 0 --blocks "$tmp/$name.tsv" "$@"
        while IFS=$'\t' read -r address want what; do
                # Without a stop the kernel tells the stack pointer alone.
                if [ "$want" = register ]; then
                        [ "$name" = live ] && continue
                        want=-
                fi
                assert_eq "$(awk -F '\t' -v a="$address" '$1 == a { print $6 }' "$tmp/$name.tsv")" "$want" "$name: $what: $want"
        done <"$tmp/truth"
        # Nothing else is lost: no cached block, nothing of libc's.
        assert_eq "$(awk -F '\t' 'FNR == NR { known[$1]; next } $6 != "-" && !($1 in known)' "$tmp/truth" "$tmp/$name.tsv")" "" \
                "$name: nothing else is lost"
        jqe '.leaks.stale.count >= 2' "$tmp/$name.json"
}
check live --live "$pid"
take_gcore "$pid" "$tmp/core"
check gcore "$tmp/core"
if [ -z "$(kernel_core_obstacle)" ]; then
        take_kernel_core "$pid" "$tmp/kernel"
        check kernel "$tmp/kernel"
fi
