#!/bin/bash
# --max-memory is kept, whatever the core: memory is sampled while corescan runs, its own, and with what of the core is mapped at
# once. A core of more than three times the limit is analysed to the end; with less and less memory more is given up, each time with a word, and what is told holds together.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq python3
if grep -q '^CS_SANITIZE:STRING=..*' "$BUILD_DIR/CMakeCache.txt"; then
        skip "sanitizers reserve terabytes: the kernel cannot keep a limit then"
fi
synth=$BUILD_DIR/tests/bench/synth

# Runs corescan: its JSON in the first argument's file, the MiB that it took, and those that were resident in it, beside it.
cat >"$tmp/taken.py" <<'PY'
import subprocess, sys, time
with open(sys.argv[1], 'wb') as out:
    child = subprocess.Popen(sys.argv[2:], stdout=out)
    most = {'RssAnon': 0, 'VmHWM': 0}
    while child.poll() is None:
        try:
            with open(f'/proc/{child.pid}/status') as f:
                for name, _, value in (line.partition(':') for line in f):
                    if name in most:
                        most[name] = max(most[name], int(value.split()[0]))
        except OSError:
            pass
        time.sleep(0.002)
with open(sys.argv[1] + '.taken', 'w') as f:
    print(*((kib + 1023) // 1024 for kib in most.values()), file=f)
sys.exit(child.returncode)
PY
kept() {
        local limit=$1 want=$2 taken resident

        shift 2
        assert_exit "$want" python3 "$tmp/taken.py" "$tmp/json" "$CORESCAN" --json --max-memory "${limit}M" "$@"
        read -r taken resident <"$tmp/json.taken"
        # A few pages of libraries' data and of stacks come on top.
        if [ "$taken" -le $((limit + 2)) ]; then
                ok "$limit MiB: $taken taken: $*"
        else
                not_ok "$limit MiB are kept: $*" "$taken MiB were taken"
        fi
        # The core is larger than the limit: of it, and of libraries, little is mapped at any time, however little that is.
        if [ "$resident" -le $((limit + ${margin:-32})) ]; then
                ok "$limit MiB: $resident resident: $*"
        else
                not_ok "little of the core is mapped at once: $*" "$resident MiB were resident"
        fi
}
says() {
        jqe '.target.warnings | any(test($what))' "$tmp/json" --arg what "$1"
}

# Blocks and other memory: more than 300 MiB, 100 of which are allowed.
"$synth" "$tmp/core" mib=220 stride=1 blocks=1100000 classes=300 modules=20 arenas=4 threads=10 || give_up "a core is made"
size=$(($(stat -c %s "$tmp/core") >> 20))
[ "$size" -ge 300 ] && ok "the core has $size MiB" || not_ok "the core is large enough" "$size MiB"
assert_exit 0 "$CORESCAN" --json --summary --leaks "$tmp/core"
cp "$out" "$tmp/whole"
kept 100 0 --summary --leaks "$tmp/core"
assert_schema "$tmp/json"
for part in '.memory' '[.heaps[] | {allocator, arenas}]' '.leaks.direct' '.leaks.indirect' '[.clusters[] | {what, count, bytes, unreferenced}]'; do
        assert_eq "$(jq -c "$part" "$tmp/json" | sha256sum)" "$(jq -c "$part" "$tmp/whole" | sha256sum)" "$part is as without a limit"
done
# These blocks take no more than 24 bytes each, which leaves some 13 MiB for what any core takes: nothing is given up.
kept 40 0 --summary --leaks "$tmp/core"
jqe '.target.warnings | any(test("given up")) | not' "$tmp/json"
for part in .memory .leaks.direct .leaks.indirect '[.clusters[] | {what, count, bytes, unreferenced}]'; do
        assert_eq "$(jq -c "$part" "$tmp/json" | sha256sum)" "$(jq -c "$part" "$tmp/whole" | sha256sum)" "$part is as without a limit"
done
kept 100 0 --strings "$tmp/core"
jqe '.target.complete and (.strings | length) > 5' "$tmp/json"
kept 100 0 -e 'user-[0-9]+7@' "$tmp/core"
jqe '.type == "summary" and .hits > 100 and .target.complete' <(tail -n 1 "$tmp/json")

# Less: relations are given up, and told so; what was asked for besides is there.
"$synth" "$tmp/more.core" mib=40 stride=1 blocks=2000000 classes=300 modules=20 arenas=4 threads=10 || give_up "a core of more blocks is made"
assert_exit 0 "$CORESCAN" --json --regions "$tmp/more.core"
cp "$out" "$tmp/regions"
kept 24 0 --summary --strings --regions "$tmp/more.core"
assert_schema "$tmp/json"
says "max-memory: there was not enough memory for .*, which was given up"
jqe '.target.complete == false and .verdict.kind == "unknown" and (.verdict.summary | test("max-memory"))' "$tmp/json"
jqe '(.strings | length) > 5 and (.heaps[0].arenas | length) == 5 and (.regions | length) > 50' "$tmp/json"
assert_eq "$(jq -c .memory "$tmp/json")" "$(jq -c .memory "$tmp/regions")" "memory adds up as ever"
rm -f "$tmp/more.core"
kept 24 3 --strict --summary "$tmp/core"
assert_exit 0 "$CORESCAN" --json --clusters -e 'user-[0-9]+7@' "$tmp/core"
cp "$out" "$tmp/hits"
kept 24 0 --clusters -e 'user-[0-9]+7@' "$tmp/core"
says "max-memory: there was not enough memory for .*, which was given up"
assert_eq "$(jq -c '[.hits[] | [.address, .rule, .block]]' "$tmp/json" | sha256sum)" \
        "$(jq -c '[.hits[] | [.address, .rule, .block]]' "$tmp/hits" | sha256sum)" "hits are told without their owners"
# Whatever is there first: a search takes the memory of clusters, owners and blocks where there is no other.
for limit in 26 28 30 32 32 32 34 36; do
        run "$CORESCAN" --json --max-memory ${limit}M -j 2 --clusters -e 'user-[0-9]+7@' "$tmp/core"
        assert_eq "$status $(jq -c '[.hits_found.count, (.hits | length)]' "$out")" \
                "0 $(jq -c '[.hits_found.count, (.hits | length)]' "$tmp/hits")" "$limit MiB: all hits are told"
done
run "$CORESCAN" --max-memory 24M --clusters --blocks "$tmp/blocks" "$tmp/core"
assert_file_contains "$out" "clusters: not known: not enough memory (--max-memory)"

# As little as may be.
for limit in 24 32 56 72; do
        kept $limit 0 --summary --leaks --strings "$tmp/core"
        assert_schema "$tmp/json"
done

# Small blocks alone, whose census takes more than is allowed.
"$synth" "$tmp/blocks.core" blocks=2000000 classes=50000 modules=20 || give_up "a core of blocks is made"
kept 24 0 --summary --heap "$tmp/blocks.core"
assert_schema "$tmp/json"
says "was given up"

# same_report LIMIT CORE: tables are full, and what is left out of them does not depend on who came by what.
same_report() {
        local jobs first=

        for jobs in 1 2 2 3; do
                run "$CORESCAN" --json --max-memory "$1" -j $jobs "$2"
                jqe '.target.warnings | any(test("a limit was reached")) and (any(test("given up")) | not)' "$out"
                jq 'del(.timing)' "$out" >"$tmp/report.$jobs"
                : "${first:=$jobs}"
                cmp -s "$tmp/report.$first" "$tmp/report.$jobs" && ok "$1: -j$jobs as -j$first" || not_ok "$1: -j$jobs as -j$first" \
                        "$(diff "$tmp/report.$first" "$tmp/report.$jobs" | head -n 10)"
        done
}
same_report 256M "$tmp/blocks.core" # kinds of references, and what words point to
build_c words -O1 <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* Texts of words that are all different, each twice, far from each other. */
int main(void)
{
        for (int round = 0; round < 2; round++)
                for (unsigned i = 0; i < 100000; i++) {
                        char *text = malloc(64), *at = text;
                        for (unsigned word = 0, n = i * 2654435761u; word < 4; word++, n = n * 1103515245u + 12345)
                                for (unsigned k = 0; k < 6; k++)
                                        *at++ = k == 5 ? ' ' : "abcdefghijklmnopqrstuvwxyz"[(n >> (5 * k)) % 26];
                        at[-1] = 0;
                }
        puts("ready");
        fflush(stdout);
        pause();
}
END
start_program "$tmp/words"
wait_ready
take_gcore "$pid" "$tmp/words.core"
stop_program "$pid"
same_report 128M "$tmp/words.core"
rm -f "$tmp/words.core"

# Nor is a search given up where its heaps are: hits are told without blocks.
"$synth" "$tmp/blocks.core" blocks=6000000 classes=500 modules=20 || give_up "a core of more blocks is made"
assert_exit 0 "$CORESCAN" --json -e 'user-[0-9]+7@' "$tmp/blocks.core"
jq -c 'select(.type == "hit") | [.address, .rule, .match]' "$out" >"$tmp/hits"
in_blocks=$(jq -c 'select(.block) | .block' "$out" | wc -l)
[ "$in_blocks" -gt 10000 ] && ok "$in_blocks hits lie in blocks" || not_ok "hits lie in blocks" "$in_blocks"
for jobs in 1 2; do
        margin=64 kept 24 0 -j $jobs -e 'user-[0-9]+7@' "$tmp/blocks.core"
        jqe '.type == "summary" and (.target.complete | not) and (.target.warnings | any(test("walking heaps, which was given up")))' \
                <(tail -n 1 "$tmp/json")
        assert_eq "$(jq -c 'select(.type == "hit") | [.address, .rule, .match]' "$tmp/json" | sha256sum)" \
                "$(sha256sum <"$tmp/hits")" "all hits are there, -j$jobs"
        assert_eq "$(jq -c 'select(.block) | .block' "$tmp/json" | wc -l)" 0 "blocks are not told"
done
# A report holds as many as there is room for, and counts the others.
for jobs in 1 2; do
        margin=64 kept 24 0 -j $jobs --summary -e 'user-[0-9]+7@' "$tmp/blocks.core"
        says "walking heaps, which was given up"
        says "more hits are not shown"
        jqe '(.hits | length) > 1000 and .hits_found.count == $all' "$tmp/json" --argjson all "$(wc -l <"$tmp/hits")"
done

# is_read ARG...: what corescan says of the program without a limit, to $tmp/whole. Where other processes cannot be read, that is said.
is_read() {
        run "$CORESCAN" --json "$@" --live "$pid"
        if [ "$status" -eq 2 ] && grep -q "not permitted" "$err"; then
                echo "# other processes cannot be read here: $(cat "$err")"
                return 1
        fi
        cp "$out" "$tmp/whole"
}

# As many mappings as a process may have: their tables take most of what is allowed. All regions are told and searched, or it is said.
build_c maps -O1 <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
enum { PAGES = 60000 };
int main(void)
{
        char *at = mmap(NULL, PAGES * 4096L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (long i = 0; i < PAGES; i++) {
                sprintf(at + i * 4096, "user-%ld@example.org", i);
                if (i % 2 && mprotect(at + i * 4096, 4096, PROT_READ) != 0)
                        break;
        }
        for (int i = 0; i < 20000; i++)
                sprintf(malloc(200), "block %d", i);
        puts("ready");
        fflush(stdout);
        pause();
}
END
start_program "$tmp/maps"
wait_ready
if is_read --regions -e 'user-[0-9]+7@'; then
        jqe '(.hits | length) > 2000 and (.regions | length) > 20000' "$tmp/whole"
        for limit in 24 25 26 27 28; do
                run "$CORESCAN" --json -j $((1 + limit % 2)) --max-memory ${limit}M --regions -e 'user-[0-9]+7@' --live "$pid"
                assert_eq "$status" "$(jq 'if .hits_found.count > 0 then 0 else 1 end' "$out")" "$limit MiB: an answer"
                assert_eq "$(jq -c '[.regions[] | select(.start | startswith("0x7")) | [.start, .end, .kind]]' "$out" | sha256sum)" \
                        "$(jq -c '[.regions[] | select(.start | startswith("0x7")) | [.start, .end, .kind]]' "$tmp/whole" | sha256sum)" \
                        "$limit MiB: all regions above the heap are told"
                jqe '.hits_found.count == ($whole[0] | .hits_found.count) or (.target.warnings | any(test("searching memory, which was given up")))' \
                        "$out" --slurpfile whole "$tmp/whole"
        done
fi
stop_program "$pid"

# Pages so far apart that there is no memory to tell of each what a pointer to it would mean: all else is told.
build_c apart -O1 <<'END'
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
enum { PAGES = 20000 };
static const long APART = 4L << 20;
int main(void)
{
        char *at = mmap(NULL, PAGES * APART, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        for (long i = 0; at != MAP_FAILED && i < PAGES; i++)
                if (mprotect(at + i * APART, 4096, PROT_READ | PROT_WRITE) == 0)
                        sprintf(at + i * APART, "user-%ld@example.org", i);
        puts("ready");
        fflush(stdout);
        pause();
}
END
start_program "$tmp/apart"
wait_ready
if is_read; then
        for view in --summary --regions --strings --leaks '--clusters -e user-[0-9]+7@' '-e user-[0-9]+7@'; do
                # shellcheck disable=SC2086 # words
                assert_exit 0 "$CORESCAN" --json --max-memory 40M $view --live "$pid"
                jq -s last "$out" >"$tmp/json" # of hits, the summary behind them
                says "reading symbols, which was given up"
        done
        jqe '.hits == 2000 - 1' "$tmp/json"
        assert_exit 0 "$CORESCAN" --json --max-memory 40M --strings --live "$pid"
        jqe '[.strings[] | .count] | add >= 20000' "$out"
        assert_exit 0 "$CORESCAN" --json --max-memory 40M --summary --live "$pid"
        assert_eq "$(jq -c .memory.resident "$out")" "$(jq -c .memory.resident "$tmp/whole")" "memory adds up as ever"
fi
stop_program "$pid"

# As many arenas: each has 64 MiB of addresses, of which it uses a few pages; what is known of the others takes nothing.
build_c arenas -O1 -pthread <<'END'
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
enum { THREADS = 2000, BLOCKS = 100 };
static void *make(void *barrier)
{
        for (unsigned i = 0; i < BLOCKS; i++)
                memset(malloc(1000), 'a', 1000);
        pthread_barrier_wait(barrier);
        pause();
        return NULL;
}
int main(void)
{
        pthread_attr_t small;
        pthread_barrier_t all;
        pthread_t thread;
        unsigned made = 0;
        pthread_attr_init(&small);
        pthread_attr_setstacksize(&small, 65536);
        mallopt(M_ARENA_MAX, THREADS);
        pthread_barrier_init(&all, NULL, THREADS + 1);
        while (made < THREADS && pthread_create(&thread, &small, make, &all) == 0)
                made++;
        if (made < THREADS)
                return 1;
        pthread_barrier_wait(&all);
        puts("ready");
        fflush(stdout);
        pause();
}
END
start_program "$tmp/arenas"
wait_ready
if is_read --heap; then
        jqe '[.heaps[].arenas[]] | length > 1900' "$tmp/whole"
        assert_exit 0 "$CORESCAN" --json --max-memory 32M --heap --live "$pid"
        jqe '.target.warnings | any(test("given up")) | not' "$out"
        assert_eq "$(jq -c '[.heaps[] | {allocator, arenas}]' "$out" | sha256sum)" "$(jq -c '[.heaps[] | {allocator, arenas}]' "$tmp/whole" | sha256sum)" \
                "32 MiB: the arenas are as without a limit"
        for limit in 24 28 32; do
                for view in --regions --strings --clusters --leaks; do
                        assert_exit 0 "$CORESCAN" --json --max-memory ${limit}M $view --live "$pid"
                done
                run "$CORESCAN" --max-memory ${limit}M -e 'no such text' --live "$pid"
                assert_eq "$status" 1 "$limit MiB: a search ends"
        done
fi
stop_program "$pid"

if command -v zstd >/dev/null; then
        zstd -q -1 "$tmp/core" -o "$tmp/core.zst"
        kept 100 0 --summary "$tmp/core.zst"
        assert_schema "$tmp/json"
        kept 24 0 --heap "$tmp/core.zst"
fi
