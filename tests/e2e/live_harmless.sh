#!/bin/bash
# What reading does to a live process: nothing. Its memory does not grow, no page is brought in, it is neither stopped nor traced,
# and how long its busy loop takes is in the noise of doing so without us.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq

# 400 MiB of which a quarter is touched; a file mapped and not read; a thread that times itself: faults pages in, and maps and unmaps,
# which waits for the lock that whoever reads the address space takes.
build_c target -pthread -O1 <<'END'
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES = 1000000 };
static double faults[SAMPLES], maps[SAMPLES];
static volatile int phase;

static double now(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1e6 + t.tv_nsec * 1e-3;
}

static int by_time(const void *a, const void *b)
{
        return *(double *)a < *(double *)b ? -1 : *(double *)a > *(double *)b;
}

static void print(double *times, int n)
{
        qsort(times, n, sizeof(*times), by_time);
        printf("%d %.2f %.2f ", n, times[n / 2], times[n - n / 100 - 1]);
}

/* Times both until the phase is over; prints for each its number, median and 99th percentile in microseconds. */
static void measure(void)
{
        static char *area;
        int n = 0, before = phase;
        if (!area)
                area = mmap(NULL, 4096 * 256, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        while (phase == before && n < SAMPLES) {
                char *page = area + n % 256 * 4096;
                if (n % 256 == 0)
                        madvise(area, 4096 * 256, MADV_DONTNEED);
                double start = now();
                page[0] = 1;
                faults[n] = now() - start;
                start = now();
                munmap(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 65536);
                maps[n++] = now() - start;
                if (n % 64 == 0)
                        usleep(500);
        }
        while (phase == before)
                usleep(1000);
        print(faults, n);
        print(maps, n);
        puts("");
        fflush(stdout);
}

static void *timer(void *none)
{
        for (;;)
                measure();
        return none;
}

int main(int argc, char **argv)
{
        pthread_t t;
        char *large = mmap(NULL, 400 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        for (size_t i = 0; i < 100 << 20; i += 4096)
                large[i * 4] = 1;
        for (int i = 0; i < 200000; i++)
                *(char *)malloc(100) = 1;
        int fd = open(argv[argc - 1], O_RDONLY);
        if (mmap(NULL, 16 << 20, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED)
                return 1;
        puts("ready");
        fflush(stdout);
        char word[8];
        /* Still until it is told to be busy: then its memory can be compared. */
        if (!fgets(word, sizeof(word), stdin) || pthread_create(&t, NULL, timer, NULL) != 0)
                return 1;
        while (fgets(word, sizeof(word), stdin))
                phase++;
        return 0;
}
END
# What must be done to read that memory, and nothing else: every fourth page of the 400 MiB, 16 of them by one call. What a lock that is
# waited for costs is the machine's: this tells it.
build_c plain -O1 <<'END'
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

int main(int argc, char **argv)
{
        static char name[64], line[512], buffer[16][4096];
        unsigned long start = 0, end = 0;
        int pid = atoi(argv[argc - 1]);
        snprintf(name, sizeof(name), "/proc/%d/maps", pid);
        FILE *maps = fopen(name, "r");
        while (maps && fgets(line, sizeof(line), maps) && end - start < 400ul << 20)
                if (sscanf(line, "%lx-%lx", &start, &end) != 2)
                        return 1;
        if (end - start < 400ul << 20)
                return 1;
        for (unsigned long at = start; at + 262144 <= end; at += 262144) {
                struct iovec local[16], remote[16];
                for (int i = 0; i < 16; i++) {
                        local[i] = (struct iovec){ buffer[i], sizeof(buffer[i]) };
                        remote[i] = (struct iovec){ (char *)at + i * 16384, sizeof(buffer[i]) };
                }
                if (process_vm_readv(pid, local, 16, remote, 16, 0) <= 0)
                        return 1;
        }
        return 0;
}
END
truncate -s 16M "$tmp/file"
start_program "$tmp/target" "$tmp/file"
wait_ready

memory() {
        awk '/^(VmRSS|VmSwap|VmPTE|RssAnon|RssFile|VmHWM):/ { print $1, $2 }' "/proc/$pid/status"
        awk '/^(Rss|Pss_Anon|Referenced):/ { print $1, $2 }' "/proc/$pid/smaps_rollup" | grep -v Referenced
        # minor and major faults
        cut -d')' -f2 "/proc/$pid/stat" | awk '{ print "minflt", $8; print "majflt", $10 }'
}
# Samples the state of all threads until the file is there.
watch_state() { # file
        while [ ! -e "$1.done" ]; do
                awk '$1 == "State:" && $2 ~ /[Tt]/ { print "stopped" } $1 == "TracerPid:" && $2 != 0 { print "traced" }' \
                        /proc/"$pid"/task/*/status 2>/dev/null
                echo looked
                sleep 0.005
        done >"$1"
}
# What it saw, besides how often it looked.
seen() { # file
        grep -vx looked "$1" | sort -u | tr '\n' ' '
}
watched() { # file, CMD...
        local file=$1 watcher

        shift
        watch_state "$file" &
        watcher=$!
        "$@"
        touch "$file.done"
        wait "$watcher"
        echo "# looked at its state $(grep -cx looked "$file") times"
}
before=$(memory)
scan_three_times() {
        for _ in 1 2 3; do
                scan_json "$tmp/live.json" --summary --regions --heap --live "$pid"
        done
}
watched "$tmp/still" scan_three_times
assert_eq "$(memory)" "$before" "memory, page tables and faults are as before"
assert_eq "$(seen "$tmp/still")" "" "it was never stopped nor traced"
# The watch sees what it looks for.
freeze_often() {
        for _ in 1 2 3 4 5; do
                assert_exit 0 "$CORESCAN" --freeze --live "$pid"
        done
}
watched "$tmp/frozen" freeze_often
assert_eq "$(seen "$tmp/frozen")" "stopped traced " "with --freeze it is"

# What pagemap calls present is what the kernel counts.
rss=$(awk '/^Rss:/ { print $2 * 1024 }' "/proc/$pid/smaps_rollup")
found=$(jq .memory.resident "$tmp/live.json")
echo "# Rss $rss, found $found"
if [ "$found" -ge $((rss - 65536)) ] && [ "$found" -le $((rss + 65536)) ]; then
        ok "resident is what the kernel says, but for 64 KiB"
else
        not_ok "resident is what the kernel says" "Rss $rss, found $found"
fi

# The busy loop, in turn alone and while it is read. Medians over the turns: this machine has other work, too.
turns=5
lines() {
        grep -c . "$program_dir/.out"
}
more() {
        [ "$(lines)" -gt "$lines_seen" ]
}
# The loop goes on to its next phase, and prints the figures of the one that ends.
next_phase() {
        lines_seen=$(lines)
        echo >"$program_dir/.in"
        wait_until 30 more
}
# turn FILE CMD...: the figures of the loop while CMD runs again and again for two seconds.
turn() {
        local file=$1 end

        shift
        next_phase
        end=$((SECONDS + 2))
        while [ "$SECONDS" -lt "$end" ]; do
                "$@" >>"$tmp/log" 2>>"$tmp/warnings" || echo "failed" >>"$tmp/failed"
        done
        next_phase
        tail -n 1 "$program_dir/.out" >>"$file"
}
faults_of() {
        cut -d')' -f2 "/proc/$pid/stat" | awk '{ print "major faults", $10 }'
}
# Not with nice(1): whoever loses the processor while the kernel holds the target's lock for it keeps the target waiting.
all_turns() {
        rm -f "$tmp/alone" "$tmp/read" "$tmp/plainly"
        for ((i = 0; i < turns; i++)); do
                turn "$tmp/alone" sleep 0.2
                turn "$tmp/read" "$CORESCAN" -j1 --json --live "$pid"
                turn "$tmp/plainly" "$tmp/plain" "$pid"
        done
}
echo >"$program_dir/.in" # busy from here on
sleep 0.2
before=$(faults_of)
median() {
        sort -n -k"$2" "$1" | awk -v k="$2" '{ v[NR] = $k } END { print v[int((NR + 1) / 2)] }'
}
# Once more as long and 20 microseconds; or no longer than beside who only reads, and half as long again. Said of each measurement.
alike() { # what, column of the median
        local p50 p99 read50 read99 plain50 plain99

        p50=$(median "$tmp/alone" "$2") p99=$(median "$tmp/alone" "$(($2 + 1))")
        read50=$(median "$tmp/read" "$2") read99=$(median "$tmp/read" "$(($2 + 1))")
        plain50=$(median "$tmp/plainly" "$2") plain99=$(median "$tmp/plainly" "$(($2 + 1))")
        echo "# $1 of the target, microseconds: alone median $p50, 99th percentile $p99; while read $read50, $read99;" \
                "beside a plain reader $plain50, $plain99"
        awk -v a="$p50" -v r="$read50" -v b="$p99" -v s="$read99" -v p="$plain99" \
                'BEGIN { exit !(r <= 2 * a + 2 && (s <= 2 * b + 20 || s <= 1.5 * p)) }'
}
# Other work on the machine makes one measurement worthless, harm all of them.
for _ in 1 2 3; do
        watched "$tmp/busy" all_turns
        rm "$tmp/busy.done"
        watches=${watches:-}$(seen "$tmp/busy")
        faults=1 mappings=1
        alike "page faults" 2 || faults=0
        alike mappings 5 || mappings=0
        [ "$faults$mappings" = 11 ] && break
done
assert_eq "$faults" 1 "its page faults take as long as without us"
assert_eq "$mappings" 1 "mapping memory takes as long as without us, or as beside who only reads"
assert_eq "$watches" "" "a busy one was never stopped nor traced"
assert_eq "$(faults_of)" "$before" "a busy one had no major faults"
assert_eq "$(cat "$tmp/failed" 2>/dev/null)" "" "all reports were made"
echo "# $(jq -rs '[.[].timing.bytes_read] | "\(length) reports, \(add / length / 1048576 | floor) MiB read for each"' "$tmp/log")"
