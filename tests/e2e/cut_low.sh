#!/bin/bash
# systemd-coredump keeps the first 2 GiB of a core, and the libraries lie highest: what is lost first is libc's data, and with it
# main_arena. The heaps below are told all the same, chunk by chunk, and the answer says what it does not know.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq gdb

build_c server -O1 -pthread <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { THREADS = 3, MANY = 2000 };

static void **volatile kept[THREADS + 1];
static pthread_barrier_t done;

static void fill(long slot)
{
        void **list = NULL;
        for (int i = 0; i < MANY; i++) {
                void **block = malloc(200 + 100 * (size_t)slot);
                if (!block)
                        _exit(1);
                memset(block, 'x', 200);
                *block = list;
                list = block;
                /* Some are given back: to the thread's cache, to fastbins, to bins. */
                free(malloc(16 + (size_t)i % 2000));
        }
        kept[slot] = list;
}

static void *run(void *slot)
{
        fill((long)slot);
        pthread_barrier_wait(&done);
        for (;;)
                pause();
        return NULL;
}

int main(void)
{
        pthread_t thread;
        /* Reserved before the arenas are made, it lies above them, and below the libraries. One page of it is used. */
        void *large = mmap(NULL, 3UL << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (large == MAP_FAILED || pthread_barrier_init(&done, NULL, THREADS + 1) != 0)
                return 1;
        memset(large, 1, 1);
        fill(0);
        for (long i = 1; i <= THREADS; i++)
                if (pthread_create(&thread, NULL, run, (void *)i) != 0)
                        return 1;
        pthread_barrier_wait(&done);
        puts("ready");
        fflush(stdout);
        for (;;)
                pause();
}
END

# The arenas' figures, whatever their order; what fastbins and thread caches hold is left out where $2 says so.
arenas() {
        jq -c '[.heaps[] | select(.allocator == "glibc") | .arenas[] |
                {main, n: (.used.count + .cached.count), bytes: (.used.bytes + .cached.bytes), free: .free, top}] | sort_by(.main, .n, .top)' "$1"
}

obstacle=$(kernel_core_obstacle)
if [ -z "$obstacle" ]; then
        start_program "$tmp/server"
        wait_ready
        take_kernel_core "$pid" "$tmp/core"
        [ "$(stat -c %s "$tmp/core")" -gt 3221225472 ] || give_up "the core is larger than 3 GiB"
        scan_json "$tmp/whole.json" --summary --heap --top 0 "$tmp/core"
        jqe '.heaps[0].arenas | length == 4' "$tmp/whole.json"
        truncate -s 2G "$tmp/core"
        scan_json "$tmp/cut.json" --summary --heap --regions --top 0 "$tmp/core"
        jqe '.target.complete == false and .target.threads == 4' "$tmp/cut.json"
        jqe '.target.warnings | any(test("main arena lies beyond the end of the core")) and any(test("truncated: [0-9]+ bytes"))' "$tmp/cut.json"
        assert_eq "$(arenas "$tmp/cut.json")" "$(arenas "$tmp/whole.json")" "every chunk of the four arenas is told as in the whole core"
        jqe '.heaps[0].corrupt == []' "$tmp/cut.json"
        assert_eq "$(jq '[.clusters[].count] | add' "$tmp/cut.json")" "$(jq '[.clusters[].count] | add' "$tmp/whole.json")" \
                "as many blocks in clusters"
        rm -f "$tmp/core"
else
        echo "# no core of the kernel: $obstacle"
fi

# gdb's core of one thread, cut before libc's data; and in the middle of the heap.
copy_program shop "$tmp/shop"
start_program "$tmp/shop/shop" --truth "$tmp/truth" --leaked 3000 --live 20
wait_ready
take_gcore "$pid" "$tmp/core"
heap=$(awk '$6 == "[heap]" { print $1; exit }' "/proc/$pid/maps")
stop_program "$pid"
start=$(offset_of "$tmp/core" "0x${heap%-*}")
size=$((0x${heap#*-} - 0x${heap%-*}))
scan_json "$tmp/whole.json" --summary --heap "$tmp/core"
truncate -s $((start + size)) "$tmp/core"
scan_json "$tmp/cut.json" --summary --heap "$tmp/core"
assert_eq "$(arenas "$tmp/cut.json")" "$(arenas "$tmp/whole.json")" "the heap is told as in the whole core"
jqe '.clusters[0].count >= 3020 and .clusters[0].unreferenced == 3000 and .verdict.kind == "unknown"' "$tmp/cut.json"
truncate -s $((start + size / 2 + 40)) "$tmp/core"
scan_json "$tmp/half.json" --summary --heap "$tmp/core"
jqe '.heaps[0].arenas[0].used | .bytes > $size / 2 - 10000 and .bytes <= $size / 2 + 6000' "$tmp/half.json" --argjson size "$size"
jqe '.target.complete == false and .clusters[0].count > 1400' "$tmp/half.json"
echo "# of $size bytes: $(jq -c '.heaps[0].arenas[0]' "$tmp/half.json")"
