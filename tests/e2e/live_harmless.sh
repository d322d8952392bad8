#!/bin/bash
# What reading does to a live process: nothing. Its memory does not grow, no page is brought in, it is neither stopped nor traced,
# and how long its busy loop takes is in the noise of doing so without us.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq

# 400 MiB of which a quarter is touched; a file mapped and not read; a thread that times itself: faults in a page, writes a block.
build_c target -pthread -O1 <<'END'
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES = 200000 };
static double took[SAMPLES];
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

/* Times page faults until the phase is over; prints median and 99th percentile in microseconds. */
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
                took[n++] = now() - start;
                if (n % 64 == 0)
                        usleep(100);
        }
        qsort(took, n, sizeof(*took), by_time);
        printf("%d %.2f %.2f\n", n, took[n / 2], took[n - n / 100 - 1]);
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
truncate -s 16M "$tmp/file"
start_program "$tmp/target" "$tmp/file"
wait_ready

memory() {
        awk '/^(VmRSS|VmSwap|VmPTE|RssAnon|RssFile|VmHWM):/ { print $1, $2 }' "/proc/$pid/status"
        awk '/^(Rss|Pss_Anon|Referenced):/ { print $1, $2 }' "/proc/$pid/smaps_rollup" | grep -v Referenced
        # minor and major faults
        cut -d')' -f2 "/proc/$pid/stat" | awk '{ print "minflt", $8; print "majflt", $10 }'
}
# Samples the state while corescan runs.
watch_state() {
        local worst=ok

        while [ ! -e "$tmp/done" ]; do
                awk '$1 == "State:" && $2 ~ /[Tt]/ { print "stopped" } $1 == "TracerPid:" && $2 != 0 { print "traced" }' \
                        /proc/"$pid"/task/*/status 2>/dev/null
                sleep 0.005
        done >"$tmp/states"
        [ -s "$tmp/states" ] && worst=$(sort -u "$tmp/states" | tr '\n' ' ')
        echo "$worst" >"$tmp/worst"
}
before=$(memory)
watch_state &
watcher=$!
for _ in 1 2 3; do
        scan_json "$tmp/live.json" --summary --regions --heap --live "$pid"
done
touch "$tmp/done"
wait "$watcher"
assert_eq "$(memory)" "$before" "memory, page tables and faults are as before"
assert_eq "$(cat "$tmp/worst")" ok "it was never stopped nor traced"
# What pagemap calls present is what the kernel counts.
rss=$(awk '/^Rss:/ { print $2 * 1024 }' "/proc/$pid/smaps_rollup")
found=$(jq .memory.resident "$tmp/live.json")
echo "# Rss $rss, found $found"
if [ "$found" -ge $((rss - 65536)) ] && [ "$found" -le $((rss + 65536)) ]; then
        ok "resident is what the kernel says, but for 64 KiB"
else
        not_ok "resident is what the kernel says" "Rss $rss, found $found"
fi

# The busy loop, in turn alone and while it is read; medians over three turns each.
lines() {
        grep -c . "$program_dir/.out"
}
# turn FILE CMD...: the figures of the loop while CMD runs again and again for two seconds.
turn() {
        local file=$1 end seen

        shift
        seen=$(lines)
        echo >"$program_dir/.in"
        more() {
                [ "$(lines)" -gt "$seen" ]
        }
        [ "$started" = 1 ] && wait_until 30 more
        end=$((SECONDS + 2))
        while [ "$SECONDS" -lt "$end" ]; do
                "$@" >/dev/null 2>&1
        done
        seen=$(lines)
        echo >"$program_dir/.in"
        wait_until 30 more
        tail -n 1 "$program_dir/.out" >>"$file"
}
started=0
echo >"$program_dir/.in" # busy from here on
sleep 0.2
started=1
for _ in 1 2 3; do
        turn "$tmp/alone" sleep 0.2
        turn "$tmp/read" nice -n 19 "$CORESCAN" -j1 --heap --live "$pid"
done
median() {
        sort -n -k"$2" "$1" | awk -v k="$2" '{ v[NR] = $k } END { print v[int((NR + 1) / 2)] }'
}
p50=$(median "$tmp/alone" 2) p99=$(median "$tmp/alone" 3)
read50=$(median "$tmp/read" 2) read99=$(median "$tmp/read" 3)
echo "# page faults of the target, microseconds: alone median $p50, 99th percentile $p99; while read $read50, $read99"
# Twice its own, and 100 microseconds of what a shared machine does.
if awk -v a="$p99" -v r="$read99" 'BEGIN { exit !(r <= 2 * a + 100) }'; then
        ok "its page faults take as long as without us"
else
        not_ok "its page faults take as long as without us" "alone $p99, while read $read99"
fi
