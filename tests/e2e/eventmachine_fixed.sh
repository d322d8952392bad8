#!/bin/bash
# The server that deletes its connections: the same load, and nothing is called a leak, neither in a core nor live.
. "$SOURCE_DIR/tests/e2e/_eventmachine.sh" || exit 1

serve "$tmp/fixed" --mode fixed --variant stripped --requests 20000 --core gcore --keep
pid=$(cat "$tmp/fixed/pid")
scan core "$tmp/fixed/core"
assert_no_leak core "$tmp/fixed" "$tmp/fixed/core"
scan live --live "$pid"
assert_no_leak live "$tmp/fixed" --live "$pid"
