#!/bin/bash
# Every region of a real process with threads: they add up, are disjoint, and say whose they are; live, from gcore and from the
# kernel's core.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq

build_c threads -pthread <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_barrier_t barrier;

static void *ends(void *none)
{
        return none;
}

void *lingers(void *none)
{
        void *blocks[100];
        for (int i = 0; i < 100; i++)
                blocks[i] = memset(malloc(5000), 1, 5000);
        for (int i = 0; i < 100; i += 2)
                free(blocks[i]);
        pthread_barrier_wait(&barrier);
        for (;;)
                pause();
        return none;
}

int main(void)
{
        pthread_t thread;
        pthread_barrier_init(&barrier, NULL, 4);
        for (int i = 0; i < 3; i++)
                pthread_create(&thread, NULL, lingers, NULL);
        pthread_barrier_wait(&barrier);
        pthread_create(&thread, NULL, ends, NULL);
        pthread_join(thread, NULL);
        memset(malloc(3 << 20), 1, 1 << 20);
        puts("ready");
        fflush(stdout);
        for (;;)
                pause();
}
END

# regions_hold WHAT ARG...
regions_hold() {
        local what=$1 json=$tmp/regions.json

        shift
        "$CORESCAN" --json --regions "$@" >"$json" 2>"$tmp/err" || {
                not_ok "$what: is read"
                return
        }
        holds "$what: regions add up to what is mapped" '([.regions[].bytes] | add) == .memory.mapped'
        holds "$what: regions add up to what is resident" '([.regions[].resident] | add) == .memory.resident'
        holds "$what: kinds add up to what is mapped" '([.memory.by_kind[].bytes] | add) == .memory.mapped'
        holds "$what: kinds add up to what is resident" '([.memory.by_kind[].resident] | add) == .memory.resident'
        holds "$what: no kind has more resident than it has" 'all(.memory.by_kind[]; .resident <= .bytes)'
        holds "$what: three stacks by their start routine" \
                '[.regions[] | select(.kind == "stack" and .owner == "threads" and (.detail | test("lingers")))] | length == 3'
        holds "$what: their guards" \
                '[.regions[] | select(.kind == "reserved" and (.detail // "" | test("^guard of stack of thread")))] | length == 3'
        holds "$what: a block of its own" 'any(.regions[]; .detail // "" | test("^mmapped block, 31"))'
        holds "$what: what arenas reserve" \
                '[.regions[] | select(.kind == "reserved" and (.detail // "" | test("^reservation of arena")))] | length >= 3'
        holds "$what: explained" '.memory.unexplained <= 65536'
        # Each of the four threads that are there has an arena, and is named with it. (The kernel numbers none twice.)
        "$CORESCAN" --json --heap "$@" 2>/dev/null | jq -r '.heaps[0].arenas[].threads[]' | sort >"$tmp/named"
        assert_eq "$(cat "$tmp/named")" "$tids" "$what: arenas are told with their threads"
}

holds() {
        if jq -e "$2" "$tmp/regions.json" >/dev/null; then
                ok "$1"
        else
                not_ok "$1"
        fi
}

start_program "$tmp/threads"
wait_ready || give_up "the program is ready"
tids=$(printf '%s\n' /proc/"$pid"/task/* | sed 's|.*/||' | sort)
regions_hold live --live "$pid"
# Sums of the kernel's own; its [vsyscall] is in no smaps_rollup.
size=$(awk '/^Size:/ { sum += $2 } END { print sum * 1024 }' "/proc/$pid/smaps")
holds "live: as much is mapped as smaps says" "(.memory.mapped - $size) == 0"
take_gcore "$pid" "$tmp/core"
regions_hold gcore "$tmp/core"
obstacle=$(kernel_core_obstacle)
[ -z "$obstacle" ] || skip "$obstacle"
take_kernel_core "$pid" "$tmp/kernel"
regions_hold kernel "$tmp/kernel"
