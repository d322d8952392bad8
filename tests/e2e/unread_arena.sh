#!/bin/bash
# A core without the first page of a thread's arena, or of one of its heaps: all blocks in other pages are listed, and what is missing is said.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq

build_c arenas -O1 -pthread <<'END'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
enum { THREADS = 5, LEFT_OUT = 2, HEAP = 64 << 20 };
static pthread_barrier_t turn;
static FILE *truth;
static unsigned heaps;
static void *make(void *which)
{
        uintptr_t heap = 0, hole = 0;
        for (unsigned i = 0, seen = 0; seen <= heaps && i < 2000000; i++) {
                char *block = malloc(seen ? 200 + i % 7 * 100 : 1000);
                memset(block, 'a', 100);
                fprintf(truth, "0x%lx\n", (unsigned long)(uintptr_t)block);
                if (((uintptr_t)block & -(uintptr_t)HEAP) != heap) {
                        heap = (uintptr_t)block & -(uintptr_t)HEAP;
                        if ((intptr_t)which == LEFT_OUT && seen++ == heaps / 2)
                                hole = heap;
                }
                if (i == 5000 && (heaps == 0 || (intptr_t)which != LEFT_OUT))
                        break;
        }
        if (hole) {
                if (madvise((void *)hole, 4096, MADV_DONTDUMP) != 0)
                        exit(1);
                fprintf(truth, "hole 0x%lx\n", (unsigned long)hole);
        }
        fflush(truth);
        pthread_barrier_wait(&turn);
        pause();
        return NULL;
}
/* arenas TRUTH HEAPS: the arena in question has so many heaps behind its first one; the page is that of the one in the middle. */
int main(int argc, char **argv)
{
        pthread_t thread;
        if (argc != 3 || !(truth = fopen(argv[1], "w")))
                return 2;
        heaps = (unsigned)atoi(argv[2]);
        pthread_barrier_init(&turn, NULL, 2);
        for (intptr_t i = 0; i < THREADS; i++) {
                pthread_create(&thread, NULL, make, (void *)i);
                pthread_barrier_wait(&turn);
        }
        puts("ready");
        fflush(stdout);
        pause();
}
END

# What is written of each block that does not begin in the page; a header may end there, so that the one behind it is not asked for.
expect_blocks() {
        local hole
        hole=$(sed -n 's/^hole //p' "$tmp/truth")
        scan_json "$tmp/$1.json" --heap --blocks "$tmp/$1.tsv" "$tmp/$1.core"
        cut -f1 "$tmp/$1.tsv" | sort > "$tmp/listed"
        grep -v hole "$tmp/truth" | while read -r block; do
                [ $((block - hole)) -ge 0 ] && [ $((block - hole)) -le $((4096 + 1200)) ] || echo "$block"
        done | sort > "$tmp/expected"
        assert_eq "$(comm -13 "$tmp/listed" "$tmp/expected" | wc -l)" 0 "$1: blocks that are not listed, of $(wc -l < "$tmp/expected")"
        jqe '[.heaps[].corrupt[].address] == [$hole]' "$tmp/$1.json" --arg hole "$hole"
        jqe '.heaps[0].arenas | length == 6' "$tmp/$1.json"
        grep -q "could not be read" "$err" || not_ok "$1: nothing is said of it" "$(cat "$err")"
}

for heaps in 0 2; do
        start_program "$tmp/arenas" "$tmp/truth" $heaps
        wait_ready
        take_gcore "$pid" "$tmp/gcore$heaps.core"
        stop_program "$pid"
        expect_blocks gcore$heaps
        rm -f "$tmp/gcore$heaps.core"
done
