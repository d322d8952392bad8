#!/bin/bash
# --freeze: the process stands still while it is read, and goes on afterwards: at a normal end, and when corescan is interrupted or
# killed at any moment. One that was stopped before stays stopped. Signals that arrive meanwhile are not lost.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq

# Four threads that write all the time, and start others; a counter that is seen to move; a signal that is counted.
build_c busy -pthread <<'END'
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Atomic unsigned long turns, signals;
static char *blocks[4000];

static void on_signal(int number)
{
        (void)number;
        signals++;
}

static void *nothing(void *x)
{
        usleep(1000);
        return x;
}

static void *turn(void *x)
{
        for (;;) {
                unsigned long n = turns++;
                char **block = &blocks[(unsigned long)x * 1000 + n % 1000];
                free(*block);
                *block = memset(malloc(200), (int)n, 200);
                if (n % 5000 == 0) {
                        pthread_t t;
                        if (pthread_create(&t, NULL, nothing, NULL) == 0)
                                pthread_detach(t);
                }
        }
        return NULL;
}

int main(void)
{
        pthread_t t;
        signal(SIGUSR1, on_signal);
        for (unsigned long i = 0; i < 4; i++)
                pthread_create(&t, NULL, turn, (void *)i);
        puts("ready");
        fflush(stdout);
        for (;;) {
                usleep(20000);
                FILE *f = fopen("counts.new", "w");
                fprintf(f, "%lu %lu\n", turns, signals);
                fclose(f);
                rename("counts.new", "counts");
        }
}
END
start_program "$tmp/busy"
wait_ready
counts=$program_dir/counts

state() {
        awk '$1 == "State:" { print $2 }' "/proc/$pid/status"
}
traced() {
        cat /proc/"$pid"/task/*/status 2>/dev/null | awk '$1 == "TracerPid:" { sum += $2 } END { print sum + 0 }'
}
# The counter moves, nobody traces it and no thread is stopped.
goes_on() {
        local before after

        before=$(cut -d' ' -f1 "$counts")
        moved() {
                after=$(cut -d' ' -f1 "$counts")
                [ -n "$after" ] && [ "$after" != "$before" ]
        }
        if wait_until 10 moved && [ "$(traced)" = 0 ] && ! grep -qE '^State:\s+[Tt]' /proc/"$pid"/task/*/status; then
                ok "$1: the process goes on"
        else
                not_ok "$1: the process goes on" "turns $before to $after, tracer $(traced), state $(state)"
        fi
}

for _ in 1 2 3; do
        scan_json "$tmp/frozen.json" --freeze --live "$pid"
        jqe '.target.consistent and .target.complete and .target.threads >= 5' "$tmp/frozen.json"
        jqe 'all(.target.warnings[]; test("moved") | not)' "$tmp/frozen.json"
        goes_on "after a report"
done

# Signals that are sent while it is stopped arrive later.
before=$(cut -d' ' -f2 "$counts")
(for _ in 1 2 3 4 5 6 7 8 9 10; do
        kill -USR1 "$pid"
        sleep 0.02
done) &
sender=$!
assert_exit 0 "$CORESCAN" --freeze --live "$pid"
wait "$sender"
arrived() {
        [ "$(cut -d' ' -f2 "$counts")" -gt "$before" ]
}
wait_until 10 arrived
assert_eq "$?" 0 "signals arrive"
goes_on "after signals"

# Whatever ends corescan, at whatever moment.
for signal in KILL INT TERM; do
        for delay in 0 0.005 0.01 0.02 0.03 0.05 0.08 0.13; do
                "$CORESCAN" --freeze --live "$pid" >/dev/null 2>&1 &
                reader=$!
                sleep "$delay"
                kill -"$signal" "$reader" 2>/dev/null
                wait "$reader" 2>/dev/null
        done
        goes_on "after SIG$signal at eight moments"
done

kill -STOP "$pid"
stopped() {
        [ "$(state)" = T ]
}
wait_until 10 stopped || give_up "it stops"
assert_exit 0 "$CORESCAN" --freeze --live "$pid"
assert_eq "$(state)" T "a process that was stopped stays so"
kill -CONT "$pid"
goes_on "after SIGCONT"

# Somebody else's debugger.
if command -v gdb >/dev/null; then
        gdb -q -nx -p "$pid" --batch -ex 'shell touch attached' -ex 'shell sleep 3' >/dev/null 2>&1 &
        debugger=$!
        held() {
                [ "$(traced)" != 0 ]
        }
        wait_until 20 held
        assert_refused "debugger" --freeze --live "$pid"
        wait "$debugger"
        goes_on "after a debugger"
fi
assert_refused "--live" --freeze "$CORESCAN"
