#!/bin/bash
# Pages that are mapped and are no memory of the process: the kernel's page of zeros, which is left where somebody read what was never
# touched; and what is swapped out, which is not read and said to be missing.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq python3

build_c pages <<'END'
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BYTES = 64 << 20, TOUCHED = 8 << 20 };

int main(void)
{
        char *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(p, 1, TOUCHED);
        printf("%p\n", (void *)p);
        puts("ready");
        fflush(stdout);
        char line[8];
        while (fgets(line, sizeof(line), stdin)) {
                madvise(p, TOUCHED, 21 /* MADV_PAGEOUT */);
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
scan_json "$tmp/before.json" --live "$pid"
assert_eq "$(jq .memory.resident "$tmp/before.json")" "$(rss)" "resident is what the kernel says"
jqe '.target.complete' "$tmp/before.json"

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
                scan_json "$tmp/swapped.json" --live "$pid"
                jqe '(.target.complete | not) and any(.target.warnings[]; test("^[0-9.]+ MiB are swapped out"))' "$tmp/swapped.json"
                jqe '.memory.resident < 8000000' "$tmp/swapped.json"
                assert_eq "$(awk '/^VmSwap:/ { print $2 * 1024 }' "/proc/$pid/status")" "$swap" "nothing was brought in"
        fi
else
        echo "# no swap on this machine: pages that are swapped out are not tested"
fi
