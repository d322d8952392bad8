#!/bin/bash
# The main job on the running server, which must not notice: it is never stopped, no page of it becomes resident that was
# not, it takes no major fault, and it serves afterwards.
. "$SOURCE_DIR/tests/e2e/_eventmachine.sh" || exit 1

serve "$tmp/leak" --mode leak --variant stripped --requests 20000 --core none --keep
pid=$(cat "$tmp/leak/pid")
port=$(sed -n 's/^port //p' "$tmp/leak/server.log")

of_status() {
        awk -v name="$1:" '$1 == name { print $2 }' "/proc/$pid/status"
}
major_faults() {
        sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 10
}
# Every state that the process is seen in, until the file "over" appears. T and t are stopped ones.
watch() {
        while [ ! -e "$tmp/over" ]; do
                sed -n -e 's/^State:[[:space:]]*\(.\).*/\1/p' -e 's/^TracerPid:[[:space:]]*/tracer /p' "/proc/$pid/status"
        done | sort -u >"$tmp/states"
}

rss=$(of_status VmRSS)
tables=$(of_status VmPTE)
faults=$(major_faults)
watch &
watcher=$!
scan live --live "$pid"
touch "$tmp/over"
wait "$watcher"
assert_eq "$(grep -c '^[Tt]$' "$tmp/states")" 0 "the process is never seen stopped"
assert_eq "$(grep '^tracer' "$tmp/states")" "tracer 0" "nobody traces it"
grown=$(($(of_status VmRSS) - rss))
assert_eq "$((grown <= 512))" 1 "its resident memory does not grow ($grown kB)"
# A page that is read for the first time needs a page table, even when the kernel lends it the zero page.
grown=$(($(of_status VmPTE) - tables))
assert_eq "$((grown <= 64))" 1 "its page tables do not grow ($grown kB)"
assert_eq "$(major_faults)" "$faults" "it takes no major fault"

assert_leak_found live "$tmp/leak"
jqe '.target | .kind == "live" and .pid == $pid and .complete' "$tmp/live.json" --argjson pid "$pid"

# Resident is what the kernel says: within 2 % of VmRSS.
jqe '.memory.resident / 1024 / $kb | . > 0.98 and . < 1.02' "$tmp/live.json" --argjson kb "$(of_status VmRSS)"

run timeout 60 ruby "$SOURCE_DIR/fixtures/eventmachine/load.rb" --port "$port" --requests 50 --concurrency 4
assert_eq "$status" 0 "the server goes on serving"
