#!/bin/bash
# The main job, from a gcore core of the leaking server with its extension stripped: class, counts, texts, library,
# verdict and census are as the server itself knows them.
. "$SOURCE_DIR/tests/e2e/_eventmachine.sh" || exit 1

serve "$tmp/leak" --mode leak --variant stripped --requests 20000 --core gcore
scan stripped "$tmp/leak/core"
assert_leak_found stripped "$tmp/leak"
jqe '.target.sha256 == $sum' "$tmp/stripped.json" --arg sum "$(sha256sum <"$tmp/leak/core" | cut -d ' ' -f 1)"
jqe '.target | .kind == "core" and .path == $path
        and .pid == $pid and .complete and .consistent and (.exe | test("/ruby"))' "$tmp/stripped.json" \
        --argjson pid "$(cat "$tmp/leak/pid")" --arg path "$tmp/leak/core"
assert_eq "$(cat "$tmp/stripped.json.err")" "" "no warnings"

# For people, and for the exit status of a script: the class, its number, the library and how sure we are stand together.
assert_exit 4 "$CORESCAN" --clusters --fail-on leak "$tmp/leak/core"
assert_eq "$(grep -cE "^ *c1 .* 20,000 .* (9[5-9]|>99) %.* $library" "$out")" 1 "--clusters has the first one's number and library"
assert_eq "$(grep -A1 "^ *c1 .* 20,000 " "$out" | grep -c "$class")" 1 "and its name with it"
assert_exit 0 "$CORESCAN" --libraries --json --fail-on growth,healthy "$tmp/leak/core"
jqe '.libraries[0].library == $library and has("clusters") == false' "$out" --arg library "$library"
