#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a program under the recorder, stops it at a chosen moment, and keeps its core together with the truth about its heap.
#
#       capture.sh -o DIR -R TOOLS [options] -- PROGRAM [ARG...]
#
#       -R DIR          where alloctrace.so and atdump lie
#       -r REGEX        ready once the program's output matches (grep -E)
#       -f FILE         ready once FILE exists
#       -t SECS         wait so many seconds more after that (default 1)
#       -T SECS         give up waiting for -r or -f after so long (default 120)
#       -i FILE         feed FILE to standard input, which then stays open (default: open and empty)
#       -c REGEX        capture the newest descendant whose command line matches
#       -k CMD          shell command to run just before the capture; $PID is the target
#       -e VAR=VALUE    environment of the program
#       -p              plain: without the recorder, and so without the truth
#
# DIR then holds core, maps, cmdline, out.log and gcore.log, and what annotate.py makes of the recorder's table: truth.tsv
# and stacks.tsv (see tests/accuracy/README.md).
set -u
accuracy=$(cd "$(dirname "$0")/.." && pwd)
dir= tools= regex= file= secs=1 limit=120 stdin= child= command= plain=
variables=()

usage() {
        sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2
        exit 2
}

while getopts o:R:r:f:t:T:i:c:k:e:p option; do
        case $option in
        o) dir=$OPTARG ;;
        R) tools=$OPTARG ;;
        r) regex=$OPTARG ;;
        f) file=$OPTARG ;;
        t) secs=$OPTARG ;;
        T) limit=$OPTARG ;;
        i) stdin=$OPTARG ;;
        c) child=$OPTARG ;;
        k) command=$OPTARG ;;
        e) variables+=("$OPTARG") ;;
        p) plain=1 ;;
        *) usage ;;
        esac
done
shift $((OPTIND - 1))
[ -n "$dir" ] && [ -n "$tools" ] && [ $# -gt 0 ] || usage
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
tools=$(cd "$tools" && pwd)
rm -f "$dir"/{core,truth.tsv,stacks.tsv,modules.raw.tsv,truth.raw.tsv,stacks.raw.tsv,maps,out.log,in.fifo,pid}
[ -n "$plain" ] || variables+=("LD_PRELOAD=$tools/alloctrace.so")

descendants() {
        local child

        for child in $(ps -o pid= --ppid "$1"); do
                echo "$child"
                descendants "$child"
        done
}

top=
feeder=
# Only what was started here: the tree below the program, and what else is in its session.
finish() {
        local pids

        trap - EXIT
        if [ -n "$top" ]; then
                pids=$(descendants "$top"; ps -o pid= -s "$top")
                # shellcheck disable=SC2086 # one word each
                kill -KILL "$top" $pids 2>/dev/null
        fi
        [ -z "$feeder" ] || kill "$feeder" 2>/dev/null
        rm -f "$dir/in.fifo" "$dir/pid"
        wait 2>/dev/null
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
        echo "capture: $*" | tr '\n' ' ' >&2
        echo >&2
        exit 1
}

mkfifo "$dir/in.fifo"
exec 9<>"$dir/in.fifo"
(
        exec 9>&-
        echo "$BASHPID" >"$dir/pid"
        exec env "${variables[@]}" setsid "$@" <"$dir/in.fifo" >"$dir/out.log" 2>&1
) &
while [ ! -s "$dir/pid" ]; do sleep 0.05; done
top=$(cat "$dir/pid")
disown "$top" 2>/dev/null
if [ -n "$stdin" ]; then
        cat "$stdin" >&9 &
        feeder=$!
fi

ready() {
        { [ -z "$regex" ] || grep -qaE "$regex" "$dir/out.log"; } && { [ -z "$file" ] || [ -e "$file" ]; }
}

deadline=$((SECONDS + limit))
until ready; do
        kill -0 "$top" 2>/dev/null || fail "the program ended early: $(tail -n 3 "$dir/out.log")"
        [ "$SECONDS" -lt "$deadline" ] || fail "not ready after $limit s"
        sleep 0.1
done
sleep "$secs"

PID=$top
if [ -n "$child" ]; then
        PID=
        for p in $(descendants "$top"); do
                tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null | grep -qE "$child" && PID=$p
        done
        [ -n "$PID" ] || fail "no descendant matches $child"
fi
export PID
[ -z "$command" ] || bash -c "$command"
kill -STOP "$PID" 2>/dev/null || fail "the target has gone: $(tail -n 3 "$dir/out.log")"
for ((i = 0; i < 100; i++)); do
        grep -q '^State:.[tT]' "/proc/$PID/status" && break
        sleep 0.05
done
cat "/proc/$PID/maps" >"$dir/maps"
tr '\0' ' ' <"/proc/$PID/cmdline" >"$dir/cmdline"
[ -n "$plain" ] || "$tools/atdump" "$PID" "$dir" || fail "no table of process $PID"
timeout 300 gdb -nx -batch -iex 'set auto-solib-add off' -iex 'set debuginfod enabled off' \
        -p "$PID" -ex "gcore $dir/core" </dev/null >"$dir/gcore.log" 2>&1
[ -s "$dir/core" ] || fail "gcore: $(tail -n 3 "$dir/gcore.log")"
fallocate --dig-holes "$dir/core" 2>/dev/null
finish
[ -n "$plain" ] || python3 "$accuracy/truth/annotate.py" "$dir"
