#!/bin/bash
# Pages that are mapped and are no memory of the process: the kernel's page of zeros, which is left where somebody read what was never
# touched; guards; and what is swapped out, which is not read and said to be missing. Memory without access is memory all the same.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq python3

build_c pages <<'END'
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BYTES = 64 << 20, TOUCHED = 8 << 20, LOCKED = 3 << 20, GUARDS = 1 << 20 };

int main(void)
{
        char *first, *p = first = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(p, 1, TOUCHED);
        printf("%p\n", (void *)p);
        p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(p, 1, LOCKED);
        mprotect(p, BYTES, PROT_NONE);
        printf("%lx\n", (long)p);
        p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        madvise(p, GUARDS, 102 /* MADV_GUARD_INSTALL */);
        puts("ready");
        fflush(stdout);
        char line[8];
        while (fgets(line, sizeof(line), stdin)) {
                madvise(first, TOUCHED, 21 /* MADV_PAGEOUT */);
                puts("paged out");
                fflush(stdout);
        }
        return 0;
}
END
start_program "$tmp/pages"
wait_ready
at=$(head -n 1 "$program_dir/.out")

rss() {
        awk '/^Rss:/ { print $2 * 1024 }' "/proc/$pid/smaps_rollup"
}
scan_json "$tmp/before.json" --summary --regions --live "$pid"
assert_eq "$(jq .memory.resident "$tmp/before.json")" "$(rss)" "resident is what the kernel says"
jqe '.target.complete and .target.consistent and .target.changed == 0 and .target.sampled_pages > 400' "$tmp/before.json"
jqe '.memory.swapped == 0 and ([.regions[].swapped] | add) == 0' "$tmp/before.json"
# What was never touched: 56 MiB, 61 MiB, and 64 MiB with guards.
jqe '.memory.absent > 181 * 1048576 and .memory.absent < 200 * 1048576' "$tmp/before.json"
locked=$(sed -n 2p "$program_dir/.out")
jqe 'any(.regions[]; .start == "0x" + $at and .perms == "---p" and .resident == 3 * 1048576)' "$tmp/before.json" --arg at "$locked"
assert_exit 0 "$CORESCAN" --summary --regions --live "$pid"
assert_file_contains "$out" "not in memory: 0 B swapped out" "the text says so, too"

python3 - "$pid" "$at" <<'END'
import sys
memory = open("/proc/%s/mem" % sys.argv[1], "rb", 0)
memory.seek(int(sys.argv[2], 16))
left = 64 << 20
while left:
    left -= len(memory.read(min(left, 1 << 20)))
END
if [ "$(uname -r | awk -F. '{ print ($1 > 6 || ($1 == 6 && $2 >= 7)) }')" = 1 ]; then
        scan_json "$tmp/read.json" --live "$pid"
        assert_eq "$(jq .memory.resident "$tmp/read.json")" "$(rss)" "resident is what the kernel says, after somebody read all"
else
        echo "# Linux before 6.7 does not tell the page of zeros: not tested"
fi

if [ "$(wc -l </proc/swaps)" -gt 1 ]; then
        echo >"$program_dir/.in"
        paged_out() {
                grep -q "paged out" "$program_dir/.out" && grep -q '^VmSwap:.* [1-9][0-9]* kB\|^VmSwap:[^0]*[1-9]' "/proc/$pid/status"
        }
        if wait_until 10 paged_out; then
                swap=$(awk '/^VmSwap:/ { print $2 * 1024 }' "/proc/$pid/status")
                scan_json "$tmp/swapped.json" --summary --regions --live "$pid"
                jqe '(.target.complete | not) and any(.target.warnings[]; test("^[0-9.]+ MiB are swapped out"))' "$tmp/swapped.json"
                jqe '.memory.swapped == $swap and ([.regions[].swapped] | add) == $swap' "$tmp/swapped.json" --argjson swap "$swap"
                assert_eq "$(jq .memory.resident "$tmp/swapped.json")" "$(rss)" "resident is what the kernel says"
                assert_eq "$(awk '/^VmSwap:/ { print $2 * 1024 }' "/proc/$pid/status")" "$swap" "nothing was brought in"
        fi
else
        echo "# no swap on this machine: pages that are swapped out are not tested"
fi
