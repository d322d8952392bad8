#!/bin/bash
# Processes whose heaps grow all the time, by the break, in arenas of threads, and by ever new arenas: every look finds blocks, more than
# the one before, and calls nothing damaged. They are never stopped.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq

build_c growing -O1 -pthread <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
enum { BURST = 10, MOST = 600 << 20 };
static void *grow(void *by_the_break)
{
        size_t made = 0;
        while (made < MOST) {
                for (unsigned i = 0; i < BURST; i++) {
                        size_t size = 200 + 150 * i;
                        char *block = malloc(size);
                        memset(block, 'a' + (int)(i % 26), size);
                        made += size;
                }
                nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
        }
        return by_the_break;
}
/* growing THREADS: none: by the break. */
int main(int argc, char **argv)
{
        pthread_t thread;
        puts("ready");
        fflush(stdout);
        for (int i = argc > 1 ? atoi(argv[1]) : 0; i > 0; i--)
                pthread_create(&thread, NULL, grow, NULL);
        if (argc == 1)
                grow(NULL);
        for (;;)
                nanosleep(&(struct timespec){ 1, 0 }, NULL);
}
END

# $1: looks; the target is $pid.
look_often() {
        local before=0 i used
        for ((i = 0; i < $1; i++)); do
                scan_json "$tmp/look.json" --heap --live "$pid"
                used=$(jq '[.heaps[].arenas[].used.count] | add' "$tmp/look.json")
                [ "$used" -gt "$before" ] || not_ok "look $i: $used blocks, after $before"
                jqe '[.heaps[].corrupt[]] == []' "$tmp/look.json"
                before=$used
        done
        assert_eq "$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status" | tr RS 11)" 1 "the target runs"
}

start_program "$tmp/growing"
wait_ready
run "$CORESCAN" --live "$pid" --json
[ "$status" -eq 2 ] && grep -q "not permitted" "$err" && skip "other processes cannot be read here: $(cat "$err")"
look_often 20
stop_program "$pid"

start_program "$tmp/growing" 3
wait_ready
look_often 10
assert_eq "$(jq '[.heaps[].arenas[]] | length' "$tmp/look.json")" 4 "arenas"
stop_program "$pid"

# Each new arena is the first that the main one leads to: the others lie behind it.
build_c threads -O1 -pthread <<'END'
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
enum { THREADS = 3000, BLOCKS = 100 };
static void *make(void *unused)
{
        for (unsigned i = 0; i < BLOCKS; i++) {
                char *block = malloc(1000);
                memset(block, 'a', 1000);
        }
        pause();
        return unused;
}
int main(void)
{
        pthread_attr_t small;
        pthread_t thread;
        pthread_attr_init(&small);
        pthread_attr_setstacksize(&small, 65536);
        mallopt(M_ARENA_MAX, THREADS);
        puts("ready");
        fflush(stdout);
        for (unsigned i = 0; i < THREADS && pthread_create(&thread, &small, make, NULL) == 0; i++)
                nanosleep(&(struct timespec){ 0, 3000000 }, NULL);
        pause();
}
END
start_program "$tmp/threads"
wait_ready
before=0 grew=0
for i in 1 2 3 4 5 6 7 8 9 10; do
        scan_json "$tmp/look.json" --heap --live "$pid"
        used=$(jq '[.heaps[].arenas[].used.count] | add // 0' "$tmp/look.json")
        [ "$used" -ge "$before" ] && [ "$used" -gt 0 ] || not_ok "look $i: $used blocks, after $before"
        jqe '[.heaps[].corrupt[]] == []' "$tmp/look.json"
        grew=$((grew + (used > before)))
        before=$used
done
[ $grew -ge 2 ] || not_ok "it did not grow while it was looked at"
