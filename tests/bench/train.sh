#!/usr/bin/env bash
# What a build with CS_PROFILE=record learns from: the questions that people ask, of a process full of texts and of a server of many objects,
# both of our own. `./dev build` runs it with $CORESCAN; the programs come from $BUILD_DIR. A fraction of it, as a test: $SMALLER.
set -eu
. "$SOURCE_DIR/tests/bench/_core.sh"
bin=$BUILD_DIR/tests/bench
dir=$BUILD_DIR/training
rm -rf "$dir"
mkdir -p "$dir"

# ask QUESTIONS CMD...: while CMD, which says when it is ready, rests.
ask() {
        local questions=$1 pid question status

        shift
        rm -f "$dir/ready"
        "$@" >"$dir/ready" &
        pid=$!
        trap 'kill "$pid" 2>/dev/null' EXIT
        bench_ready "$dir/ready" "$pid" || exit 1
        while read -r question; do
                status=0
                # shellcheck disable=SC2086
                "$CORESCAN" $question --live "$pid" </dev/null >"$dir/answer" 2>"$dir/complaint" || status=$?
                [ "$status" -le 1 ] || {
                        cat "$dir/complaint" >&2
                        exit 1
                }
        done <<<"$questions"
        kill "$pid"
        wait "$pid" 2>/dev/null || true
        trap - EXIT
}

ask '--strings
-j1 --strings
--clusters
--rules builtin:secrets --rules builtin:pii
-e AKIA[A-Z2-7]{16} -e [a-z0-9.-]+@[a-z0-9]+[.]org' "$bin/mixed" $((256 / ${SMALLER:-1}))
ask '--summary
-j1 --summary
--heap
--leaks
--clusters --strings' "$bin/server" $((300000 / ${SMALLER:-1})) $((128 / ${SMALLER:-1}))
