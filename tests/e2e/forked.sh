#!/bin/bash
# A forked server: parent and child share a beginning, and each goes on alone. The kernel does not join what the child's heap
# gains with what it inherited, nor what an madvise set apart, so one heap is several segments. And what gdb writes of
# reserved memory is no memory.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq gdb

build_c server -O1 <<'END'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MANY = 4000, INHERITED = 1000, PARENT = 1400, CHILD = 1800, RESERVED = 256 << 20 };

/* Blocks in a list, so that none is lost. */
static void **fill(void **list, size_t each)
{
        for (int i = 0; i < MANY; i++) {
                void **block = malloc(each);
                if (!block)
                        _exit(1);
                memset(block, 'x', each);
                *block = list;
                list = block;
        }
        return list;
}

static void **volatile kept;

int main(void)
{
        char *reserved = mmap(NULL, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (reserved == MAP_FAILED || mprotect(reserved, 8192, PROT_READ | PROT_WRITE) != 0)
                return 1;
        memset(reserved, 1, 8192);
        kept = fill(NULL, INHERITED);
        /* In the middle of the heap a stretch with other advice: a mapping of its own. */
        uintptr_t middle = ((uintptr_t)kept - (uintptr_t)(MANY / 2) * INHERITED) & ~(uintptr_t)4095;
        if (madvise((void *)middle, 16 << 12, MADV_SEQUENTIAL) != 0)
                return 1;
        pid_t child = fork();
        kept = fill(kept, child ? PARENT : CHILD);
        if (child == 0)
                for (;;)
                        pause();
        sleep(1);
        printf("child %d\nready\n", (int)child);
        fflush(stdout);
        for (;;)
                pause();
}
END
start_program "$tmp/server"
wait_ready
child=$(awk '$1 == "child" { print $2 }' "$program_dir/.out")
defer kill -KILL "$child"
pieces=$(grep -c '\[heap\]' "/proc/$child/maps")
echo "# the child's heap lies in $pieces mappings"
[ "$pieces" -gt 2 ] && ok "one heap, several mappings" || not_ok "one heap, several mappings" "$(cat "/proc/$child/maps")"

told() { # json own other
        for size in 1000 "$2"; do
                jqe 'any(.clusters[]; .count >= 3999 and .count <= 4000 and .block_size.min >= $size and .block_size.max < $size + 16)' "$1" \
                        --argjson size "$size"
        done
        jqe 'all(.clusters[]; .block_size.max < $size or .block_size.min > $size + 16)' "$1" --argjson size "$3"
        jqe '[.heaps[] | select(.allocator == "glibc")] | length == 1' "$1"
        jqe '.heaps[0].arenas | length == 1 and .[0].used.count >= 8000 and .[0].used.count < 8100' "$1"
        jqe '.heaps[0].corrupt == []' "$1"
        jqe 'all(.clusters[]; .unreferenced <= 1)' "$1"
        # A quarter of a gigabyte is set aside: whoever writes it down, nobody used it.
        jqe '[.regions[] | select(.kind == "reserved" and .bytes >= 200000000)] | length == 1 and .[0].resident == 0' "$1"
        jqe '.memory.resident < 40000000' "$1"
}

for which in parent child; do
        [ "$which" = parent ] && target=$pid own=1400 other=1800
        [ "$which" = child ] && target=$child own=1800 other=1400
        take_gcore "$target" "$tmp/core"
        ls -ls "$tmp/core" | awk '{ print "# gdb writes " $6 " bytes, " $1 * 1024 " of them on disk" }'
        scan_json "$tmp/$which.json" --summary --regions --heap --top 0 "$tmp/core"
        told "$tmp/$which.json" "$own" "$other"
        scan_json "$tmp/$which.live.json" --summary --regions --heap --top 0 --live "$target"
        told "$tmp/$which.live.json" "$own" "$other"
done
obstacle=$(kernel_core_obstacle)
if [ -z "$obstacle" ]; then
        rm -f "$tmp/core"
        take_kernel_core "$pid" "$tmp/core"
        scan_json "$tmp/kernel.json" --summary --regions --heap --top 0 "$tmp/core"
        told "$tmp/kernel.json" 1400 1800
else
        echo "# no core of the kernel: $obstacle"
fi
