#!/bin/bash
# --watch: a process that leaks, one that rests, one that ends, one that becomes another program; Ctrl-C, a terminal, and a long watch.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq python3

build_c leaks -O0 <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static double seconds(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
/* leaks [SECONDS [EXEC]]: by the clock, so that a busy machine does not change the shape. */
int main(int argc, char **argv)
{
        double begun = seconds(), most = argc > 1 ? atof(argv[1]) : 1e9;
        unsigned lost = 0;
        puts("ready");
        fflush(stdout);
        for (double now = 0; now < most; now = seconds() - begun) {
                for (; lost < now * 1000; lost++) {
                        unsigned *block = malloc(3000);
                        for (unsigned j = 0; j < 750; j++)
                                block[j] = lost * 2654435761u + j * 40503u;
                }
                struct timespec nap = { 0, 10000000 };
                nanosleep(&nap, NULL);
        }
        if (argc > 2 && strcmp(argv[2], "again") == 0)
                execv("/proc/self/exe", argv);
        else if (argc > 2)
                execl("/bin/sleep", "sleep", argv[2], NULL);
        return 0;
}
END

start_program "$tmp/leaks"
wait_ready
run "$CORESCAN" --live "$pid" --json
[ "$status" -eq 2 ] && grep -q "not permitted" "$err" && skip "other processes cannot be read here: $(cat "$err")"

# What grows: an object a sample, and a summary with all that a comparison has.
assert_exit 4 "$CORESCAN" --live "$pid" --watch 0.2 --samples 30 --json --fail-on leak,growth --prometheus "$tmp/watch.prom"
cp "$out" "$tmp/lines"
assert_eq "$(wc -l <"$tmp/lines")" 31 "a line a sample, and a summary"
head -n 30 "$tmp/lines" >"$tmp/samples"
# What the light samples have by the list of mappings is all that is mapped, and the heap is what grows.
assert_eq "$(jq -s '[.[] | select(.by_kind)] | length >= 2 and all(.[]; ([.by_kind[].bytes] | add) - .mapped | fabs < 1048576)
        and (last.by_kind[0].bytes - first.by_kind[0].bytes) > 1000000 and first.by_kind[0].kind == "heap"' "$tmp/samples")" true "kinds"
tail -n 1 "$tmp/lines" >"$tmp/summary"
assert_eq "$(jq -s '[.[].sample_seconds] | sort | .[length / 2 | floor] | . > 0 and . < 0.05' "$tmp/samples")" true "half of the samples take less than 50 ms"
assert_eq "$(jq -s 'all(.[]; .type == "sample" and .resident >= .anonymous and .anonymous > 0 and .run == 0)
        and .[0].looked and .[29].anonymous > .[0].anonymous + 2000000 and ([.[].time_ms] | . == sort)' "$tmp/samples")" true "the samples"
jqe '.type == "summary" and .schema == 1 and .watch.samples == 30 and .watch.looks >= 2 and .watch.ended == "samples"' "$tmp/summary"
jqe '.watch | .shape == "linear" and .grows and .per_second > 500000 and .per_second < 6000000' "$tmp/summary"
jqe '.watch.forecast | .seconds > 0 and .room > 0 and (.limit | length) > 3' "$tmp/summary"
jqe '.clusters[0] | .growth.count > 500 and .growth.resident > 1000000 and .library == "leaks"' "$tmp/summary"
jqe '(.snapshots | length) <= .watch.looks + .watch.brief_looks and (.snapshots | length) >= 2 and .comparison.same_process and .comparison.seconds > 0' "$tmp/summary"
assert_exit 0 python3 "$SOURCE_DIR/tests/cli/metrics.py" "$tmp/watch.prom"

# Who collects metrics does not wait for the end: after each whole look there are others.
"$CORESCAN" --live "$pid" --watch 0.2 --samples 50 --json --prometheus "$tmp/often.prom" >"$tmp/often.lines" 2>"$tmp/often.err" &
watcher=$!
defer stop_program $watcher
is_newer() {
        [ -s "$tmp/often.prom" ] && [ "$(stat -c %i "$tmp/often.prom")" != "$1" ]
}
wait_until 30 is_newer none
assert_exit 0 python3 "$SOURCE_DIR/tests/cli/metrics.py" "$tmp/often.prom"
ln "$tmp/often.prom" "$tmp/first.prom" # so that its inode is not used again
wait_until 30 is_newer "$(stat -c %i "$tmp/first.prom")"
assert_exit 0 python3 "$SOURCE_DIR/tests/cli/metrics.py" "$tmp/often.prom"
wait $watcher || not_ok "the watch: $(cat "$tmp/often.err")"
assert_exit 0 python3 "$SOURCE_DIR/tests/cli/metrics.py" "$tmp/often.prom"
assert_eq "$(find "$tmp" -name '*often.prom*' | wc -l)" 1 "nothing is left aside"

# The clock of the day is put back while it is watched: times go on, for they are counted from the beginning.
if ! grep -q '^CS_SANITIZE:STRING=..*' "$BUILD_DIR/CMakeCache.txt"; then
        cat >"$tmp/step.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
/* The second time that anybody asks for it, it is an hour less. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
        static int (*real)(clockid_t, struct timespec *);
        static int asked;
        if (!real)
                real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
        int failed = real(clock, now);
        if (clock == CLOCK_REALTIME && asked++) {
                now->tv_sec -= 3600;
                close(open(getenv("STEPPED"), O_WRONLY | O_CREAT, 0600));
        }
        return failed;
}
time_t time(time_t *at)
{
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        if (at)
                *at = now.tv_sec;
        return now.tv_sec;
}
END
        cc -shared -fPIC -o "$tmp/step.so" "$tmp/step.c" -ldl || not_ok "no library to put the clock back"
        assert_exit 0 env LD_PRELOAD="$tmp/step.so" STEPPED="$tmp/stepped" "$CORESCAN" --live "$pid" --watch 0.2 --samples 16 --json
        [ -e "$tmp/stepped" ] || not_ok "nobody asked for the time while the clock was put back"
        head -n 16 "$out" >"$tmp/samples"
        assert_eq "$(jq -s '([.[].time_ms] | . == sort) and last.time_ms - first.time_ms < 60000 and last.time_ms - first.time_ms >= 2900' \
                "$tmp/samples")" true "the times of the samples"
        tail -n 1 "$out" >"$tmp/summary"
        jqe '.watch.grows and .watch.per_second > 500000 and .comparison.seconds > 0 and .comparison.seconds < 60' "$tmp/summary"
fi

# For people: a line a sample where it is no terminal.
assert_exit 0 "$CORESCAN" --live "$pid" --watch 0.2 --samples 8
assert_eq "$(grep -c '^[0-9:]*Z  resident ' "$out")" 8 "8 lines"
assert_file_contains "$out" "Watched"
assert_file_contains "$out" "8 samples"
assert_file_contains "$out" "Clusters that grew"
assert_eq "$(tr -d '\n' <"$out" | tr -cd '[:cntrl:]' | wc -c)" 0 "no control characters"

# On a terminal the view is drawn over itself, and gone in the end. Ctrl-C ends with the summary.
cat >"$tmp/terminal.py" <<'PY'
import os, pty, signal, sys, time
out = b''
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM='xterm', LC_ALL='C.UTF-8')
    os.execv(sys.argv[1], sys.argv[1:])
end, asked = time.monotonic() + 60, False
while time.monotonic() < end:
    try:
        piece = os.read(fd, 65536)
    except OSError:
        break
    if not piece:
        break
    out += piece
    if not asked and b'linear' in out and out.count(b'\x1b[J') > 8:
        asked = time.monotonic()
        os.kill(pid, signal.SIGINT)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
text = out.decode()
live, summary = text[:text.rfind('\x1b[J')], text[text.rfind('\x1b[J'):]
print(status, asked and 1, live.count('\x1b[J') > 3, '▁' in live and '█' in live, 'linear' in live, 'Snapshots' in live,
      'Snapshots' in summary, 'Watched' in summary, 'used up in' in summary)
PY
assert_eq "$(python3 "$tmp/terminal.py" "$CORESCAN" --live "$pid" --watch 0.2)" "0 1 True True True False True True True" \
        "status, was interrupted; live: redrawn, a sparkline, the shape, no summary; at the end: the summary"
stop_program "$pid"

# What rests: nobody calls it a leak, and it is looked at twice at most. Memory does not grow with the samples.
start_resting
rests=$pid
assert_exit 0 "$CORESCAN" --live $rests --watch 0.1 --samples 20 --json --fail-on leak,growth
tail -n 1 "$out" >"$tmp/summary"
jqe '.watch | .shape == "none" and .grows == false and .per_second == 0 and .forecast == null and .looks <= 2' "$tmp/summary"
cat >"$tmp/memory.py" <<'PY'
import resource, subprocess, sys
def peak(n):
    # In a process of its own, for the peak is that of all children.
    code = ('import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True);'
            'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)')
    return int(subprocess.run([sys.executable, '-c', code, *sys.argv[1:], '--samples', str(n)], stdout=subprocess.PIPE, check=True).stdout)
few, many = peak(20), peak(2000)
print('yes' if many < few + 2048 else f'{few} KiB, then {many} KiB')
PY
grep -q '^CS_SANITIZE:STRING=..*' "$BUILD_DIR/CMakeCache.txt" ||
        assert_eq "$(python3 "$tmp/memory.py" "$CORESCAN" --live $rests --watch 0.001 --json)" yes "2,000 samples take no more memory than 20"

# What ends meanwhile: told is what was seen.
start_program "$tmp/leaks" 3
wait_ready
assert_exit 0 "$CORESCAN" --live "$pid" --watch 0.1 --json
assert_file_contains "$err" "the process ended"
tail -n 1 "$out" >"$tmp/summary"
jqe '.type == "summary" and .watch.ended == "gone" and .watch.samples > 3 and .watch.forecast == null' "$tmp/summary"
assert_exit 2 "$CORESCAN" --live 2147483647 --watch 1
assert_one_line "$err" "no such process"

# What becomes another program meanwhile is another run: what that one did is told, and said.
start_program "$tmp/leaks" 2 60
wait_ready
assert_exit 0 "$CORESCAN" --live "$pid" --watch 0.1 --samples 60 --json --fail-on leak,growth
grep -q "executed another program" "$err" || not_ok "nobody says that it executed another program: $(cat "$err")"
head -n -1 "$out" >"$tmp/samples"
assert_eq "$(jq -s '[.[].run] | . == sort and first == 0 and last == 1' "$tmp/samples")" true "the run changes once"
tail -n 1 "$out" >"$tmp/summary"
jqe '.watch.ended == "samples" and .watch.samples == 60 and .watch.execs == 1 and .watch.since_seconds > 1' "$tmp/summary"
jqe '.watch | (.shape == "none" or .shape == "plateau") and .grows == false and .per_second == 0' "$tmp/summary"
jqe '.comparison.same_program and .comparison.same_process and .target.command == "sleep 60"' "$tmp/summary"
jqe '[.target.warnings[] | select(test("executed another program, .* the one before: linear"))] | length == 1' "$tmp/summary"
stop_program "$pid"

# And the other way round: it rested, and its successor leaks.
start_program sh -c "echo ready; sleep 1.5; exec $tmp/leaks"
wait_ready
assert_exit 4 "$CORESCAN" --live "$pid" --watch 0.1 --samples 60 --json --fail-on leak,growth
tail -n 1 "$out" >"$tmp/summary"
jqe '.watch | .execs == 1 and .shape == "linear" and .per_second > 500000 and .per_second < 6000000' "$tmp/summary"
jqe '.target.command | test("leaks$")' "$tmp/summary"
stop_program "$pid"

# Again and again, in the midst of looks, too: it is watched on.
start_program "$tmp/leaks" 0.3 again
wait_ready
assert_exit 0 "$CORESCAN" --live "$pid" --watch 0.05 --samples 80 --json
tail -n 1 "$out" >"$tmp/summary"
jqe '.watch | .ended == "samples" and .samples == 80 and .execs >= 3 and .since_seconds > 1' "$tmp/summary"
assert_file_contains "$err" "and others before"
stop_program "$pid"
