#!/bin/bash
# --prometheus: metrics that Prometheus reads, of one report and of several, bounded in number, put in place as a whole.
. "$SOURCE_DIR/tests/testlib.sh" || exit 1
need_command python3 jq

# assert_metrics FILE: it is read without complaint; $tmp/samples has its samples.
assert_metrics() {
        assert_exit 0 python3 "$SOURCE_DIR/tests/cli/metrics.py" "$1"
        cp -- "$out" "$tmp/samples"
        if command -v promtool >/dev/null; then
                assert_exit 0 promtool check metrics <"$1"
        fi
}
sample() { # a regex of one sample's name and labels
        grep -E "^$1 " "$tmp/samples" | sed 's/.* //'
}

# First, that the reader sees what is wrong.
bad() {
        printf "$1" >"$tmp/bad.prom"
        assert_exit 1 python3 "$SOURCE_DIR/tests/cli/metrics.py" "$tmp/bad.prom"
        assert_file_contains "$err" "$2"
}
bad '# HELP a b\n# TYPE a gauge\na{x="1"} 1\na{x="1"} 2\n' "twice"
bad '# HELP a b\n# TYPE a gauge\na{x="1} 1\n' "no label"
bad '# HELP a b\n# TYPE a gauge\na{x="\\x"} 1\n' "no label"
bad '# HELP a b\n# TYPE a gauge\na 1,5\n' "no number"
bad '# HELP a b\n# TYPE a gauge\na 1' "has no end"
bad 'a 1\n' "apart"
bad '# HELP a b\n# TYPE a gauge\n' "has no sample"

report() { # NAME PID TIME_MS COUNT: a saved report with hostile names, and two clusters with one signature
        jq -n --argjson pid "$2" --argjson time "$3" --argjson n "$4" '{
                schema: 1, target: {kind: "live", pid: $pid, exe: "/opt/a \"b\\\u001b[31m/s\u202e\"x\\y", time_ms: $time},
                memory: {mapped: 9000000, resident: ($n * 100 + 4096), anonymous: ($n * 100), unexplained: 0,
                         by_kind: [{kind: "malloc-used", bytes: 9000000, resident: ($n * 100), regions: 1}]},
                verdict: {kind: "healthy", confidence: 0.5, summary: "s"},
                clusters: ([range(2000) | {id: "c\(. + 1)", kind: "object", what: "K\(. % 1999)\n\"\\", count: ($n / 100 + .), bytes: ($n + .),
                                           resident: ($n + .), library: "lib\(. % 3).so", signature: "ab"}]),
                libraries: [range(3) | {library: "lib\(.).so", build_id: "aa", count: 1, bytes: $n, resident: $n}]}' >"$tmp/$1"
}
report old.json 7 1000000 100000
report new.json 7 1060500 50000000

assert_exit 0 "$CORESCAN" --prometheus "$tmp/growth.prom" "$tmp/old.json" "$tmp/new.json"
assert_metrics "$tmp/growth.prom"
assert_eq "$(grep -c '^corescan_cluster_growth_bytes{' "$tmp/samples")" 1 "clusters with one signature are one"
assert_eq "$(sample 'corescan_growth_seconds.*')" 60.5 "seconds"
assert_eq "$(sample 'corescan_memory_anonymous_growth_bytes.*')" 4990000000 "growth of memory"
assert_eq "$(sample 'corescan_verdict\{.*verdict=growth\}')" 1 "the verdict"
assert_eq "$(grep -c '^corescan_verdict{.* 0$' "$tmp/samples")" 7 "and not the others"
assert_eq "$(sample 'corescan_library_growth_bytes\{.*library=lib1.so.*')" 49900000 "growth of a library"
assert_eq "$(sample 'corescan_library_growth_bytes_per_second\{.*library=lib1.so.*')" 824793.388 "and its rate"
assert_eq "$(stat -c %a "$tmp/growth.prom")" 644 "others may read it"
assert_eq "$(find "$tmp" -name '.growth.prom*')" "" "nothing is left beside it"
(
        umask 077
        "$CORESCAN" --prometheus "$tmp/private.prom" -o /dev/null "$tmp/old.json" "$tmp/new.json" 2>/dev/null
)
assert_eq "$(stat -c %a "$tmp/private.prom")" 600 "unless the umask says otherwise"

# A bound on their number, whatever is asked for.
jq '.clusters |= map(.signature = .id)' "$tmp/old.json" >"$tmp/old2.json"
jq '.clusters |= map(.signature = .id)' "$tmp/new.json" >"$tmp/new2.json"
assert_exit 0 "$CORESCAN" --prometheus "$tmp/all.prom" --top 0 -o /dev/null "$tmp/old2.json" "$tmp/new2.json"
assert_metrics "$tmp/all.prom"
assert_eq "$(grep -c '^corescan_cluster_growth_bytes{' "$tmp/samples")" 1000 "no more than 1,000"
assert_exit 0 "$CORESCAN" --prometheus "$tmp/all.prom" -o /dev/null "$tmp/old2.json" "$tmp/new2.json"
assert_metrics "$tmp/all.prom"
assert_eq "$(grep -c '^corescan_cluster_growth_bytes{' "$tmp/samples")" 10 "10 without --top"
assert_exit 0 "$CORESCAN" --prometheus "$tmp/all.prom" --top 3 -o /dev/null "$tmp/old2.json" "$tmp/new2.json"
assert_metrics "$tmp/all.prom"
assert_eq "$(grep -c '^corescan_cluster_growth_bytes{' "$tmp/samples")" 3 "as many as --top says"

# What cannot be read leaves what is there alone.
assert_exit 2 "$CORESCAN" --prometheus "$tmp/growth.prom" "$tmp/old.json" /nonexistent
assert_eq "$(find "$tmp" -name '.growth.prom*')" "" "nothing is left beside it"
assert_metrics "$tmp/growth.prom"

# Of a process; the report itself as always, and views that need no clusters.
start_resting
run "$CORESCAN" --live $pid --json
[ "$status" -eq 2 ] && grep -q "not permitted" "$err" && skip "other processes cannot be read here: $(cat "$err")"
assert_exit 0 "$CORESCAN" --live $pid --heap --json --prometheus "$tmp/live.prom"
cp "$out" "$tmp/json"
jqe 'has("heaps") and (has("clusters") | not)' "$tmp/json"
assert_metrics "$tmp/live.prom"
assert_eq "$(sample "corescan_memory_resident_bytes\{exe=sleep,pid=$pid\}")" "$(jq .memory.resident "$tmp/json")" "resident memory as in the report"
assert_eq "$(sample 'corescan_memory_kind_resident_bytes\{.*kind=malloc-used.*')" \
        "$(jq '.memory.by_kind[] | select(.kind == "malloc-used").resident' "$tmp/json")" "a kind as in the report"
assert_eq "$(grep -c '^corescan_cluster_blocks{' "$tmp/samples")" 10 "clusters"
assert_eq "$(grep -c '^corescan_leaked_bytes{' "$tmp/samples")" 3 "what is lost"
