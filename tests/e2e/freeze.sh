#!/bin/bash
# --freeze: the process stands still while it is read, and goes on afterwards: at a normal end, after an error, and when corescan is
# interrupted or killed at any moment. One that was stopped before stays stopped. Signals that arrive meanwhile are not lost.
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
static pthread_attr_t detached;

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
                        /* Not by pthread_detach: it looks at a thread that may be gone by then (glibc bug 19951). */
                        pthread_t t;
                        pthread_create(&t, &detached, nothing, NULL);
                }
        }
        return NULL;
}

int main(void)
{
        pthread_t t;
        signal(SIGUSR1, on_signal);
        pthread_attr_init(&detached);
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
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
        if wait_until 10 moved && [ "$(traced)" = 0 ] && ! grep -qsE '^State:\s+[Tt]' /proc/"$pid"/task/*/status; then
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

# Errors, and nobody who reads what it prints.
assert_exit 2 "$CORESCAN" --freeze --live "$pid" --cluster c999999
goes_on "after an error"
"$CORESCAN" --freeze --live "$pid" --json 2>/dev/null | true
goes_on "after a closed pipe"

# How long an undisturbed look takes, in milliseconds: the moments are spread over that and a little more.
took=$(date +%s%N)
assert_exit 0 "$CORESCAN" --freeze --live "$pid"
took=$((($(date +%s%N) - took) / 1000000))
echo "# an undisturbed look takes $took ms"
# ended_by SIGNAL: ends a look at a moment that nobody chose.
ended_by() {
        local reader ms=$((RANDOM % (took + took / 4 + 1)))

        # What runs in the background ignores Ctrl-C, if nothing is done about it.
        env --default-signal=INT "$CORESCAN" --freeze --live "$pid" >/dev/null 2>&1 &
        reader=$!
        sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
        kill -"$1" "$reader" 2>/dev/null
        # bash tells of a job that was killed.
        { wait "$reader"; } 2>/dev/null
        # How many looks were really cut short, and not over before.
        [ $? -gt 128 ] && cut=$((cut + 1))
        moments+=" $ms"
}
for signal in KILL INT TERM; do
        rounds=8 cut=0 moments=
        [ "$signal" = KILL ] && rounds=30
        # Until some were cut short: how long a look takes changes with what else the machine does.
        for ((round = 0; round < rounds || (cut < 3 && round < 100); round++)); do
                ended_by "$signal"
                # Nobody lets it go on but the kernel, and that at once.
                if [ "$(traced)" != 0 ] || grep -qsE '^State:\s+[Tt]' /proc/"$pid"/task/*/status; then
                        not_ok "SIG$signal after${moments##* } ms: the process goes on" "$(state), tracer $(traced)"
                fi
        done
        goes_on "after SIG$signal at $round moments"
        echo "# SIG$signal: $cut of $round looks were cut short, after ms:$moments"
        assert_eq "$((cut >= 3))" 1 "SIG$signal: enough of them were"
done

# One that was stopped before: all its threads stay so, however corescan ends.
all_stopped() {
        ! grep -hsE '^State:' /proc/"$pid"/task/*/status | grep -qvE '^State:\s+T'
}
kill -STOP "$pid"
wait_until 10 all_stopped || give_up "it stops"
assert_exit 0 "$CORESCAN" --freeze --live "$pid"
wait_until 10 all_stopped
assert_eq "$?$(state)$(traced)" 0T0 "a process that was stopped stays so"
cut=0 moments=
for ((round = 0; round < 15; round++)); do
        ended_by KILL
        wait_until 10 all_stopped || not_ok "stopped, SIGKILL after${moments##* } ms: it stays so" "$(state)"
done
assert_eq "$(state)$(traced)" T0 "a process that was stopped stays so after 15 times SIGKILL"
echo "# stopped: $cut of 15 looks were cut short"
kill -CONT "$pid"
goes_on "after SIGCONT"

# What the user asks for while it is frozen happens afterwards: to stop.
held() {
        [ "$(traced)" != 0 ]
}
stop_while_frozen() {
        local reader seen=1

        "$CORESCAN" --freeze --live "$pid" >/dev/null 2>&1 &
        reader=$!
        while [ -d "/proc/$reader/fd" ] && ! held; do
                :
        done
        held && kill -STOP "$pid" && held && seen=0
        wait "$reader"
        [ "$seen" -eq 0 ] || kill -CONT "$pid"
        return "$seen"
}
tries=0
until stop_while_frozen || [ $((tries += 1)) -ge 20 ]; do :; done
assert_eq "$((tries < 20))" 1 "a SIGSTOP came while it was frozen"
wait_until 10 all_stopped
assert_eq "$?$(traced)" 00 "it stops it afterwards"
kill -CONT "$pid"
goes_on "after a SIGSTOP and SIGCONT"

# Somebody else's debugger.
if command -v gdb >/dev/null; then
        gdb -q -nx -p "$pid" --batch -ex 'shell touch attached' -ex 'shell sleep 3' >/dev/null 2>&1 &
        debugger=$!
        wait_until 20 held
        assert_refused "debugger" --freeze --live "$pid"
        wait "$debugger"
        goes_on "after a debugger"
fi
assert_refused "--live" --freeze "$CORESCAN"
