#!/bin/bash
# --strings on a million texts of 200 known templates, that stand in memory in every way; in a core and live. Every template with more than a
# thousandth of the bytes is found, with its count, and no two are one.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1

need_command gdb jq

# What becomes of the messages of fixtures/texts; %0 is the part that speaks.
cat >"$tmp/messages" <<'END'
%0: request <n> was answered within <n> ms
<time> %0 accepted a connection from <ip> port <n>
[%0] user <*> has signed in, session <uuid>
%0 cannot open /srv/<*>/<*>: no such file (error <n>)
%0/<n>: token <b64> expired, mail goes to <email>
level=info action=%0 job=<n> state=finished took=<n>s
{"type":"%0","event":"retry","id":"<uuid>","attempt":<n>}
%0> checksum of block <hex> differs; it is read again from <ip>
The %0 has <n> of <n> places left for <*> and will wait
%0 wrote <n> bytes to /srv/<*>/<*> in <n> pieces, digest <hex>
END
parts='["kernel","gateway","mailer","indexer","billing","session","storage","network","crawler","planner","router","archive","monitor",
        "printer","encoder","payment","ledger","replica","watcher","uploader"]'

# check_truth REPORT: each line of the truth beside what was found; prints what is not as it should be.
check_truth() {
        jq -nr --rawfile truth "$tmp/truth" --rawfile messages "$tmp/messages" --argjson parts "$parts" --slurpfile report "$1" '
                ($messages | split("\n")) as $messages
                | [$truth | split("\n")[] | select(test("\t")) | split("\t")
                        | {part: $parts[.[0] | tonumber], message: $messages[.[1] | tonumber], count: (.[2] | tonumber),
                           bytes: (.[3] | tonumber), encoding: .[4]}
                        | .text = (.message | sub("%0"; .part; "g")) | select(.count > 0)]
                | map(.text = (.part as $part | .message | split("%0") | join($part))) as $truth
                | ($truth | map(.bytes) | add) as $all
                | (reduce $report[0].strings[] as $s ({}; .[$s.encoding + " " + ($s.template.text // "")] += [$s])) as $found
                | $truth[]
                | select(.bytes * 1000 > $all)
                | . as $t
                | ($found[.encoding + " " + .text] // []) as $rows
                | if ($rows | length) != 1 then "\($rows | length) rows of \(.encoding) \(.text), of which there are \(.count)"
                  elif $rows[0].count > .count or $rows[0].bytes > .bytes then "too many of \(.text): \($rows[0].count) of \(.count)"
                  elif $rows[0].count + $rows[0].missing.count < .count or $rows[0].bytes + $rows[0].missing.bytes < .bytes
                  then "too few of \(.text): \($rows[0].count) of \(.count)"
                  else empty end'
}

count=${TEXTS:-1000000}
start_program "$BUILD_DIR/fixtures/fixture-texts" "$count"
wait_ready
cp "$program_dir/.out" "$tmp/truth"
take_gcore "$pid" "$tmp/core"

scan_json "$tmp/core.json" --summary --strings --top 0 "$tmp/core"
assert_eq "$(check_truth "$tmp/core.json" | head -5)" "" "core: each template is there once, with its count"
jqe '.strings_found | .dropped.count == 0 and .error_bytes == 0 and .count >= $n and .count < $n + 1000' "$tmp/core.json" --argjson n "$count"
jqe '([.strings[].count] | add) == .strings_found.count and ([.strings[].bytes] | add) == .strings_found.bytes' "$tmp/core.json"
jqe '.strings == (.strings | sort_by(-.bytes))' "$tmp/core.json"
# Five of the seven ways of ASCII are blocks in use of the program itself; UTF-16 lies in mappings.
jqe '[.strings[:20][] | select(.encoding == "ascii")] | length > 5 and all(.[]; .in_use / .count > 0.65 and .in_use / .count < 0.78 and .library == "fixture-texts")' \
        "$tmp/core.json"
jqe '[.strings[] | select(.encoding == "utf-16le" and .count * 3000 > $n)] | length > 50 and all(.[]; .in_use == 0 and .region == "anonymous" and .cluster == null)' \
        "$tmp/core.json" --argjson n "$count"

# Pages are looked at as they are read then: nothing else changes.
assert_exit 0 "$CORESCAN" --regions --json "$tmp/core"
jq '.memory, .regions' "$out" >"$tmp/alone"
assert_exit 0 "$CORESCAN" --regions --strings --json "$tmp/core"
assert_eq "$(jq '.memory, .regions' "$out")" "$(<"$tmp/alone")" "with texts or without: the same sums of memory"

assert_exit 0 "$CORESCAN" --strings --top 0 -j 1 --json "$tmp/core"
jq 'del(.timing, .strings_found.seconds)' "$out" >"$tmp/one"
assert_exit 0 "$CORESCAN" --strings --top 0 -j 7 --json "$tmp/core"
jq 'del(.timing, .strings_found.seconds)' "$out" >"$tmp/seven"
cmp -s "$tmp/one" "$tmp/seven" && ok "the same for any number of workers" || not_ok "the same for any number of workers" "$(diff "$tmp/one" "$tmp/seven" | head -5)"

scan_json "$tmp/live.json" --summary --strings --top 0 --live "$pid"
assert_eq "$(check_truth "$tmp/live.json" | head -5)" "" "live: each template is there once, with its count"
