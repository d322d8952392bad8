#!/bin/bash
# A process that executes another program while it is read, at random moments, where both lie at the same addresses: the answer is about
# one of them, or partial and said to be so, or exit status 2 with one line. Never the one's mappings with the other's bytes. It goes on
# in any case, also when it had several threads, of which some were just being stopped for --freeze.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq setarch
setarch -R true 2>/dev/null || skip "addresses cannot be made the same here"

build_c program -pthread <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS = 20000 };
static char *blocks[BLOCKS];
static char **arguments;

static void *sleep_on(void *none)
{
        pause();
        return none;
}

/* Not the first thread: the one that executes takes its place. */
static void *execute(void *none)
{
        char line[8];
        if (fgets(line, sizeof(line), stdin))
                execl(arguments[0], arguments[0], "second", NULL);
        return none;
}

int main(int argc, char **argv)
{
        const char *format = argc > 1 ? "page %d of a newspaper" : "entry %d of the ledger";
        pthread_t t;
        arguments = argv;
        for (int i = 0; i < BLOCKS; i++) {
                blocks[i] = malloc(64);
                snprintf(blocks[i], 64, format, i);
        }
        for (int i = 0; i < 6; i++)
                pthread_create(&t, NULL, argc > 1 || i != 3 ? sleep_on : execute, NULL);
        puts(argc > 1 ? "second" : "ready");
        fflush(stdout);
        for (;;)
                pause();
}
END
first='entry <n> of the ledger'
second='page <n> of a newspaper'

start_program setarch -R "$tmp/program"
wait_ready
before=$(date +%s%N)
scan_json "$tmp/whole.json" --live "$pid"
took=$((($(date +%s%N) - before) / 1000000))
# shellcheck disable=SC2016
count='[.clusters[] | select(.kind == "text" and .template.text == $text) | .count] | add // 0'
jqe "(.target.complete) and ($count) == 20000" "$tmp/whole.json" --arg text "$first"
stop_program "$pid"
echo "# an undisturbed look takes $took ms"

count_of() {
        jq --arg text "$1" "$count" "$tmp/json"
}
judge() { # exit status
        local a b bad complete

        if [ "$1" -eq 2 ]; then
                [ "$(wc -l <"$tmp/err")" -eq 1 ] && grep -q '^corescan: --live .' "$tmp/err" || echo "not one line: $(head -c 300 "$tmp/err")"
                return
        fi
        [ "$1" -eq 0 ] || {
                echo "exit status $1: $(head -c 600 "$tmp/err")"
                return
        }
        bad=$(jq -r -f "$e2e/schema.jq" "$tmp/json" 2>&1)
        [ -z "$bad" ] || echo "$bad"
        a=$(count_of "$first") b=$(count_of "$second") complete=$(jq .target.complete "$tmp/json")
        [ "$a" -eq 0 ] || [ "$b" -eq 0 ] || echo "$a of the first, $b of the second"
        case $complete in
        # The second may have been caught before it had made all of its blocks.
        true)
                jq -e '.target.command | test(" second$")' "$tmp/json" >/dev/null && [ "$a" -eq 0 ] || [ "$a" -eq 20000 ] ||
                        echo "$a of the first, $b of the second, but complete"
                ;;
        *) grep -q '^corescan: warning: .' "$tmp/err" || echo "partial without a warning" ;;
        esac
        [ "$complete" = true ] && whole=$((whole + 1)) || partial=$((partial + 1))
}

went_on() {
        grep -qx second "$program_dir/.out" && ! grep -qsE '^State:\s+[TtZ]' /proc/"$pid"/task/*/status
}
try() { # ms, corescan's options
        local scanner rc=0 ms=$1

        shift
        start_program setarch -R "$tmp/program"
        wait_ready
        timeout 60 "$CORESCAN" --json "$@" --live "$pid" >"$tmp/json" 2>"$tmp/err" &
        scanner=$!
        sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
        echo >"$program_dir/.in"
        wait "$scanner" || rc=$?
        codes+=" $rc"
        judge "$rc" >"$tmp/said"
        [ ! -s "$tmp/said" ] || said+="$* after $ms ms: $(cat "$tmp/said")"$'\n'
        wait_until 20 went_on || said+="$* after $ms ms: the second program does not run"$'\n'
        stop_program "$pid"
}
for how in "" --freeze; do
        said='' codes='' whole=0 partial=0
        rounds=24
        for ((round = 0; round < rounds; round++)); do
                # shellcheck disable=SC2086 # no option, or one
                try $((RANDOM % (took + 1))) $how
        done
        assert_eq "$said" "" "$rounds processes that execute another program while they are read${how:+, with $how}"
        echo "# ${how:-as usual}: $whole whole, $partial partial; exit statuses:$codes"
done

# One that does nothing else: while it executes a program it waits for its traced threads to end, and whoever seizes another one waits for
# it.
build_c again -pthread <<'END_OF_C'
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static char **arguments;

static void *sleep_on(void *none)
{
        pause();
        return none;
}

static void *execute(void *none)
{
        execv("/proc/self/exe", arguments);
        return none;
}

int main(int argc, char **argv)
{
        pthread_t t;
        int turns = open("turns", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (turns < 0 || write(turns, "x", 1) != 1)
                return 1;
        arguments = argv;
        if (argc > 1) { /* the first time */
                argv[1] = NULL;
                puts("ready");
                fflush(stdout);
        }
        for (int i = 0; i < 300; i++)
                pthread_create(&t, NULL, i < 299 ? sleep_on : execute, NULL);
        pause();
}
END_OF_C
start_program "$tmp/again" first
wait_ready
said='' codes=''
for ((round = 0; round < 30; round++)); do
        rc=0
        timeout -s KILL 60 "$CORESCAN" --json --freeze --live "$pid" >"$tmp/json" 2>"$tmp/err" || rc=$?
        codes+=" $rc"
        case $rc in
        0) said+=$(jq -r -f "$e2e/schema.jq" "$tmp/json" 2>&1) ;;
        2) [ "$(wc -l <"$tmp/err")" -eq 1 ] || said+="not one line: $(head -c 300 "$tmp/err")" ;;
        *) said+="exit status $rc: $(head -c 300 "$tmp/err")" ;;
        esac
done
assert_eq "$said" "" "30 looks with --freeze at one that executes itself all the time"
echo "# exit statuses:$codes"
before=$(stat -c %s "$program_dir/turns")
turned() {
        [ "$(stat -c %s "$program_dir/turns")" -gt "$before" ]
}
wait_until 20 turned
assert_eq "$?" 0 "it goes on after them"
