#!/bin/bash
# Standard output and files: full, closed, a reader that goes away; files appear whole or not at all; signals.
. "$SOURCE_DIR/tests/testlib.sh" || exit 1

assert_exit 2 bash -c '"$CORESCAN" --help >/dev/full'
assert_eq "$(cat "$err")" "corescan: standard output: No space left on device" "a full disk is told"
assert_exit 2 bash -c '"$CORESCAN" --version >&-'
assert_contains "$(cat "$err")" "corescan: standard output: " "a closed standard output is told"
assert_exit 0 bash -c 'set -o pipefail; "$CORESCAN" --help | true'
assert_eq "$(cat "$err")" "" "a reader that goes away is no failure"

# Where it cannot be written is told before anything is read.
assert_exit 2 "$CORESCAN" -o "$tmp/nowhere/out" /nonexistent
assert_eq "$(cat "$err")" "corescan: $tmp/nowhere/out: cannot be written: No such file or directory"
assert_exit 2 "$CORESCAN" --blocks "$tmp" /nonexistent
assert_eq "$(cat "$err")" "corescan: $tmp: cannot be written: Is a directory"

# A failure leaves nothing, and leaves what was there.
mkdir "$tmp/dir"
echo before >"$tmp/dir/out"
assert_exit 2 "$CORESCAN" -o "$tmp/dir/out" --blocks "$tmp/dir/blocks" /nonexistent
assert_eq "$(ls -A "$tmp/dir")" out "no file is left behind"
assert_eq "$(cat "$tmp/dir/out")" before "the old file is untouched"

# ended_by SIGNAL: while it waits for the reader of a pipe, with an unfinished file beside it.
ended_by() {
        local signal=$1 pid

        rm -rf "$tmp/dir"
        mkdir "$tmp/dir"
        mkfifo "$tmp/pipe-$signal"
        # Background jobs of scripts ignore SIGINT; this one must not.
        env --default-signal="$signal" "$CORESCAN" -o "$tmp/dir/out" --blocks "$tmp/pipe-$signal" /nonexistent 2>"$err" &
        pid=$!
        for _ in {1..200}; do
                [ -n "$(ls -A "$tmp/dir")" ] && break
                sleep 0.05
        done
        assert_contains "$(ls -A "$tmp/dir")" .out. "the file is written aside"
        assert_eq "$(stat -c %a "$tmp/dir"/.out.*)" 600 "for its owner only"
        sleep 0.2
        kill -s "$signal" "$pid"
        status=0
        wait "$pid" || status=$?
        assert_eq "$(ls -A "$tmp/dir")" "" "$signal: the unfinished file is gone"
}
ended_by INT
assert_eq "$status" 130 "INT: exit status"
ended_by TERM
assert_eq "$status" 143 "TERM: exit status"
ended_by HUP
assert_eq "$status" 129 "HUP: exit status"
