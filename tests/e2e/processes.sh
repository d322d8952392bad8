#!/bin/bash
# Processes as they come: small ones, interpreters, a static program, one that the loader was called by hand for. Each gets
# an answer whose memory adds up, and the census of glibc's blocks works wherever glibc's malloc is.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq

look() { # what
        local name=${1// /-}

        scan_json "$tmp/$name.json" --live "$pid"
        jqe '.target.kind == "live" and .target.pid == $pid and .memory.resident > 0' "$tmp/$name.json" --argjson pid "$pid"
        # Within a page table's worth of what the kernel says; a process that sleeps does not change.
        jqe '(.memory.resident / 1024 - $kb) as $d | $d > -400 and $d < 400' "$tmp/$name.json" \
                --argjson kb "$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status")"
        jqe '.verdict.kind != "leak"' "$tmp/$name.json"
        assert_eq "$(cat "$tmp/$name.json.err")" "" "$1: no warnings"
}

# The process sleeps: whatever it prints and loads, it has done.
settle() {
        is_asleep() {
                [[ $(sed 's/.*) //' "/proc/$pid/stat") == S* ]] && { [ -s "$program_dir/.out" ] || is_sleep; }
        }
        # It prints nothing.
        is_sleep() {
                [ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = "sleep 1000 " ]
        }
        wait_until 30 is_asleep || give_up "$1 starts" "$(cat "$program_dir/.err")"
}

start_program sleep 1000
settle sleep
sleep 0.5
look sleep
jqe '[.heaps[] | select(.allocator == "glibc")] | length == 1 and .[0].walked' "$tmp/sleep.json"

# shellcheck disable=SC2016 # for that bash
start_program bash -c 'for ((i = 0; i < 2000; i++)); do a[i]="entry number $i of a list"; done; echo up; read -r x'
settle bash
look bash
jqe 'any(.clusters[]; .kind == "text" and .count >= 2000 and .template.text == "entry number <n> of a list")' \
        "$tmp/bash.json"

if command -v python3 >/dev/null; then
        start_program python3 -c 'import sys; a = [bytes(str(i), "ascii") * 300 for i in range(3000)]
print("up", flush=True); sys.stdin.read()'
        settle python3
        look python3
fi

program='
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
char *blocks[1000];
int main(void)
{
        for (int i = 0; i < 1000; i++) {
                blocks[i] = malloc(100);
                snprintf(blocks[i], 100, "block number %d of the lot", i);
        }
        puts("up");
        fflush(stdout);
        return getchar();
}'

check_lot() { # name
        jqe '[.heaps[] | select(.allocator == "glibc" and .walked)] | length == 1' "$tmp/$1.json"
        jqe '[.clusters[] | select(.kind == "text" and .template.text == "block number <n> of the lot")] | length == 1
                and .[0].count == 1000 and .[0].unreferenced == 0' "$tmp/$1.json"
}

build_c lot <<<"$program"
start_program "$tmp/lot"
settle lot
look lot
check_lot lot
# A static array of the program holds them: they are the program's.
jqe 'any(.clusters[]; .count == 1000 and .library == "lot" and .evidence[0].kind == "static-root"
        and .evidence[0].symbol == "blocks")' "$tmp/lot.json"

# Pages of files that a process has not touched for long are not mapped in any more: the first page of each module, which has
# its build-id, for one. The files are the same, and nothing is lost.
build_c aged <<<"#define _GNU_SOURCE
#include <link.h>
#include <stdio.h>
#include <sys/mman.h>
static int drop(struct dl_phdr_info *info, size_t size, void *unused)
{
        (void)size;
        (void)unused;
        madvise((void *)((unsigned long)info->dlpi_phdr & ~4095ul), 4096, MADV_DONTNEED);
        return 0;
}
#define getchar() (dl_iterate_phdr(drop, 0), getchar())
$program"
start_program "$tmp/aged"
settle aged
look aged
check_lot aged
jqe 'any(.clusters[]; .count == 1000 and .library == "aged" and .evidence[0].symbol == "blocks")' "$tmp/aged.json"

if echo 'int main(void) { return 0; }' | "$CC" -x c -static -o "$tmp/probe" - 2>/dev/null; then
        build_c static-lot -static <<<"$program"
        start_program "$tmp/static-lot"
        settle static-lot
        look static-lot
        check_lot static-lot
        build_c static-pie-lot -static-pie -fPIE <<<"$program"
        start_program "$tmp/static-pie-lot"
        settle static-pie-lot
        look static-pie-lot
        check_lot static-pie-lot
fi

# The executable that the kernel knows is the loader then.
loader=$(readelf -lW "$tmp/lot" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
libraries=$(ldd "$tmp/lot" | sed -n 's/.*libc\.so\.6 => \(.*\)\/libc.*/\1/p')
start_program "$loader" --library-path "$libraries" "$tmp/lot"
settle by-loader
look by-loader
check_lot by-loader
jqe 'any(.clusters[]; .count == 1000 and .library == "lot")' "$tmp/by-loader.json"
