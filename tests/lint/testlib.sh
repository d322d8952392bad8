#!/bin/bash
# What the shell tests stand upon can fail, and ends nobody else's processes.
. "$SOURCE_DIR/tests/testlib.sh" || exit 1

# $1: exit status; $2: a test's script
assert_script() {
        printf '%s\n' ". \"$SOURCE_DIR/tests/testlib.sh\" || exit 1" "$2" >"$tmp/script.sh"
        assert_exit "$1" bash "$tmp/script.sh"
}

assert_script 0 "assert_eq 1 1"
assert_script 1 "assert_eq 1 2"
assert_script 1 ":"
assert_script 77 "need_command no-such-command"
assert_script 1 "false || no_such_assertion; assert_eq 1 1"
assert_file_contains "$out" no_such_assertion
# shellcheck disable=SC2016 # the script's
assert_script 1 'assert_eq 1 "$(no_such_assertion; echo 1)"'

# A process of this test, of whose number another test believes that it is its own's.
start_resting
assert_script 0 "defer stop_program $pid; assert_eq 1 1"
assert_script 0 "stop_program $pid; assert_eq 1 1"
kill -0 "$pid" && ok "it still runs" || not_ok "it still runs"
stop_program "$pid"
kill -0 "$pid" 2>/dev/null && not_ok "it is ended" || ok "it is ended"
stop_program "$pid"
