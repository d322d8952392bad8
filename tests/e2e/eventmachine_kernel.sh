#!/bin/bash
# The main job, from the core that the kernel writes: file-backed pages are not in it and come from the files.
. "$SOURCE_DIR/tests/e2e/_eventmachine.sh" || exit 1

serve "$tmp/leak" --mode leak --variant stripped --requests 20000 --core kernel
scan kernel "$tmp/leak/core"
assert_leak_found kernel "$tmp/leak"
jqe '.target | .complete and .consistent' "$tmp/kernel.json"
assert_eq "$(cat "$tmp/kernel.json.err")" "" "no warnings"
