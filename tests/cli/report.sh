#!/bin/bash
# A real report, of a running process: views, JSON, files, exit statuses, colour, progress.
. "$SOURCE_DIR/tests/testlib.sh" || exit 1
need_command jq

start_resting
run "$CORESCAN" --live $pid --json
[ "$status" -eq 2 ] && grep -q "not permitted" "$err" && skip "other processes cannot be read here: $(cat "$err")"
assert_exit 0 "$CORESCAN" --live $pid --json
cp "$out" "$tmp/json"
jqe '.schema == 1 and .target.kind == "live" and .target.pid == $pid' "$tmp/json" --argjson pid $pid
assert_eq "$(jq -r 'keys_unsorted | join(" ")' "$tmp/json")" \
        "schema version target memory heaps verdict clusters libraries left_out timing" "keys in the usual order"
jqe '.target.command == "sleep 1000"' "$tmp/json"
jqe '([.memory.by_kind[].bytes] | add) == .memory.mapped' "$tmp/json"
jqe '([.memory.by_kind[].resident] | add) == .memory.resident' "$tmp/json"
jqe '(.clusters | length) > 0 and all(.clusters[]; .state.in_use + .state.free == .count)' "$tmp/json"
assert_exit 0 "$CORESCAN" --live $pid --libraries --json
jqe 'has("libraries") and (has("clusters") or has("memory") | not)' "$out"
assert_exit 0 "$CORESCAN" --live $pid --clusters --json --top 1
jqe '(.clusters | length) == 1 and .left_out.clusters.count > 0' "$out"
assert_exit 0 "$CORESCAN" --live $pid --clusters --json --top 0
jqe '.left_out.clusters.count == 0' "$out"

# Text: no control characters where it is not asked for, colour where it is.
assert_exit 0 "$CORESCAN" --live $pid
assert_file_contains "$out" "sleep 1000"
assert_file_contains "$out" "next: corescan --cluster "
assert_eq "$(tr -d '\n' <"$out" | tr -cd '[:cntrl:]' | wc -c)" 0 "no control characters"
assert_exit 0 "$CORESCAN" --live $pid --color=always
assert_file_contains "$out" $'\033[1'
assert_exit 0 "$CORESCAN" --live $pid --color=always --json
assert_file_lacks "$out" $'\033' "JSON has no colour"
LC_ALL=C assert_exit 0 "$CORESCAN" --live $pid --clusters
assert_eq "$(LC_ALL=C tr -d '\n -~' <"$out" | wc -c)" 0 "only ASCII where the locale has no more"
assert_exit 0 "$CORESCAN" --live $pid --progress=always
assert_file_contains "$err" $'\033[K' "progress where it is asked for"
assert_exit 0 "$CORESCAN" --live $pid
assert_file_lacks "$err" $'\033[K' "no progress otherwise"
assert_exit 0 "$CORESCAN" --live $pid --cluster c1
assert_eq "$(head -c 4 "$out")" "c1  " "one cluster in full"
assert_exit 2 "$CORESCAN" --live $pid --cluster c4000000000
assert_contains "$(cat "$err")" "corescan: --cluster c4000000000: no such cluster; they are c1 to c"

# Files.
mkdir "$tmp/dir"
assert_exit 0 "$CORESCAN" --live $pid -o "$tmp/dir/out" --blocks "$tmp/dir/blocks"
assert_eq "$(wc -c <"$out")" 0 "nothing on standard output"
assert_file_contains "$tmp/dir/out" "sleep 1000"
assert_eq "$(ls -A "$tmp/dir" | tr '\n' ' ')" "blocks out " "nothing beside the files"
assert_eq "$(stat -c %a "$tmp/dir/out" "$tmp/dir/blocks" | tr '\n' ' ')" "600 600 " "for their owner only"
assert_eq "$(grep -cvP '^0x[0-9a-f]+\t\d+\t[^\t]+\t[0-9.]+\tc\d+\t(-|direct|indirect|possible)$' "$tmp/dir/blocks")" 0 \
        "every line is a block"
assert_exit 0 bash -c '"$CORESCAN" --live '$pid' -o - --blocks >(cat >'"$tmp"'/piped) && wait $!'
assert_file_contains "$out" "sleep 1000"
assert_exit 2 "$CORESCAN" --live $pid -o /dev/full
assert_eq "$(tail -n 1 "$err")" "corescan: /dev/full: cannot be written: No space left on device"

# Exit statuses.
verdict=$(jq -r .verdict.kind "$tmp/json")
assert_exit 4 "$CORESCAN" --live $pid --fail-on "$verdict"
other=growth
[ "$verdict" = growth ] && other=leak
assert_exit 0 "$CORESCAN" --live $pid --fail-on $other
want=0
jq -e .target.complete "$tmp/json" >/dev/null || want=3
assert_exit $want "$CORESCAN" --live $pid --strict
