#!/bin/bash
# The leaking server under load: watched while it works, and as three cores; the same leak, growth and owner both ways. And the fixed one,
# watched under the same load: nothing grows that lasts.
. "$SOURCE_DIR/tests/e2e/_eventmachine.sh" || exit 1

# $1: the server's folder; requests until it is ended. Few at once, so that they come evenly.
load() {
        local port seed=100

        port=$(sed -n 's/^port \([0-9]*\)$/\1/p' "$1/server.log" | tail -n 1)
        while ruby "$SOURCE_DIR/fixtures/eventmachine/load.rb" --port "$port" --requests 150 --concurrency 4 --seed $((seed++)) >/dev/null 2>&1; do
                sleep 0.1
        done
}

# $1: the server's folder; $2: name; the summary to $tmp/$2.json
watch_under_load() {
        local loader

        load "$1" &
        loader=$!
        defer stop_program $loader
        run "$CORESCAN" --live "$(cat "$1/pid")" --watch 0.25 --samples 60 --json
        kill $loader
        wait $loader 2>/dev/null
        tail -n 1 "$out" >"$tmp/$2.json"
        echo "# $2: $(jq -c '[.watch | .shape, .grows, .per_second, .looks, .brief_looks], [.verdict | .kind, .summary]' "$tmp/$2.json" | tr '\n' ' ')"
        echo "# $2: $(head -n -1 "$out" | jq -sc '[.[].anonymous / 1048576 | floor]')"
        jqe '.type == "summary" and .watch.ended == "samples"' "$tmp/$2.json"
}

serve "$tmp/leak" --mode leak --requests 3000 --keep --core none
pid=$(cat "$tmp/leak/pid")
run "$CORESCAN" --live "$pid" --json
[ "$status" -eq 2 ] && grep -q "not permitted" "$err" && skip "other processes cannot be read here: $(cat "$err")"
take_gcore "$pid" "$tmp/one"
watch_under_load "$tmp/leak" live
take_gcore "$pid" "$tmp/two"
load "$tmp/leak" &
loader=$!
defer stop_program $loader
sleep 3
kill $loader
take_gcore "$pid" "$tmp/three"
_end_server "$tmp/leak"

leaks='(.verdict | .kind == "leak" and .library == "eventmachine_httpserver.so") and
        (.clusters[0] | .what == "RubyHttpConnection_t" and .library == "eventmachine_httpserver.so" and .growth.count > 200)'
jqe "$leaks"' and .watch.grows and .watch.per_second > 0 and .watch.forecast.seconds > 0' "$tmp/live.json"
assert_exit 0 "$CORESCAN" --json "$tmp/one" "$tmp/two" "$tmp/three"
cp "$out" "$tmp/cores.json"
jqe "$leaks"' and .comparison.same_process and (.snapshots | length) == 3' "$tmp/cores.json"
jqe '.clusters[0].growth.series | .[0] < .[1] and .[1] < .[2]' "$tmp/cores.json"
assert_eq "$(jq -r '.clusters[0].signature' "$tmp/live.json")" "$(jq -r '.clusters[0].signature' "$tmp/cores.json")" \
        "one signature, live and in cores"

serve "$tmp/fixed" --mode fixed --requests 3000 --keep --core none
watch_under_load "$tmp/fixed" fixed
_end_server "$tmp/fixed"
jqe '.verdict.kind != "leak"' "$tmp/fixed.json"
jqe 'all(.clusters[]; .what != "RubyHttpConnection_t" or .growth.count < 100)' "$tmp/fixed.json"
