#!/bin/bash
# A process whose first thread has ended while others live (pthread_exit() in main): /proc says of its number what it says of a zombie. It is
# read like any other, also frozen, also watched, also when the first thread, or the one that it is read by, ends while it is read.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq

build_c ended -pthread <<'END_OF_C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ended early|late: the first thread ends at once, or at a line; with another line its successor does, which makes the blocks. */
enum { BLOCKS = 20000 };
static char *blocks[BLOCKS];

static void *last(void *none)
{
        for (;;)
                pause();
        return none;
}

static void *second(void *none)
{
        char line[8];
        for (int i = 0; i < BLOCKS; i++) {
                blocks[i] = malloc(64);
                snprintf(blocks[i], 64, "letter %d of the post", i);
        }
        pthread_t t;
        pthread_create(&t, NULL, last, NULL);
        puts("ready");
        fflush(stdout);
        if (!fgets(line, sizeof(line), stdin))
                return NULL;
        return none;
}

int main(int argc, char **argv)
{
        char line[8];
        pthread_t t;
        int late = argc > 1 && strcmp(argv[1], "late") == 0;
        if (late)
                flockfile(stdin); /* the first line is ours */
        pthread_create(&t, NULL, second, NULL);
        if (late && !fgets(line, sizeof(line), stdin))
                return 1;
        if (late)
                funlockfile(stdin);
        pthread_exit(NULL);
}
END_OF_C
# shellcheck disable=SC2016
count='([.clusters[] | select(.kind == "text" and .template.text == "letter <n> of the post") | .count] | add // 0)'
whole=".target.complete and $count == 20000"

start_program "$tmp/ended" early
wait_ready
first_ended() {
        grep -q '^State:.*Z' "/proc/$pid/status"
}
wait_until 20 first_ended || give_up "the first thread ends"
for how in "" --freeze; do
        # shellcheck disable=SC2086 # no option, or one
        scan_json "$tmp/whole.json" $how --live "$pid"
        jqe "$whole and .target.pid == $pid" "$tmp/whole.json"
        jqe '(.target.command | test("ended early$")) and (.target.exe | test("/ended$"))' "$tmp/whole.json"
done

# Watched from before its first thread ends, it stays the same process, of which something is resident.
stop_program "$pid"
start_program "$tmp/ended" late
wait_ready
"$CORESCAN" --json --live "$pid" --watch 0.2 --samples 8 >"$tmp/watch.json" 2>"$tmp/err" &
watch=$!
sleep 0.5
echo >"$program_dir/.in"
wait "$watch"
assert_eq "$?" 0 "it is watched"
first_ended
assert_eq "$?" 0 "its first thread has ended"
# Kinds are not listed with each sample where the machine is busy.
assert_eq "$(jq -s '[.[] | select(.type == "sample" and .resident > 1000000 and
        (.by_kind == null or (.by_kind | map(.bytes) | add) > 1000000))] | length' "$tmp/watch.json")" 8 "all samples"
assert_eq "$(jq -s -c 'last | [.watch.samples, .watch.execs, .watch.ended, .comparison.same_process]' "$tmp/watch.json")" '[8,0,"samples",true]' "one process"

took=$(date +%s%N)
scan_json "$tmp/whole.json" --live "$pid"
took=$((($(date +%s%N) - took) / 1000000))
stop_program "$pid"

# Threads that end while it is read.
said='' codes=''
rounds=20
for ((round = 0; round < rounds; round++)); do
        how=early
        [ $((round % 2)) -eq 0 ] || how=late
        start_program "$tmp/ended" $how
        wait_ready
        rc=0 ms=$((RANDOM % (took + 1)))
        "$CORESCAN" --json --live "$pid" >"$tmp/json" 2>"$tmp/err" &
        scanner=$!
        sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
        echo >"$program_dir/.in"
        wait "$scanner" || rc=$?
        codes+=" $rc"
        [ "$rc" -eq 0 ] && jq -e "$whole" "$tmp/json" >/dev/null ||
                said+="$how, after $ms ms: status $rc, $(jq -c ".target.complete, $count" "$tmp/json"), $(head -c 300 "$tmp/err")"$'\n'
        stop_program "$pid"
done
assert_eq "$said" "" "$rounds processes of which a thread ends while they are read"
