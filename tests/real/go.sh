#!/bin/bash
# A program of Go's that keeps a document in memory (gron reads all of its input before it says anything): its arenas are Go's, not
# malloc's, and nobody's leak.
. "$SOURCE_DIR/tests/real/_real.sh" || exit 1
need_command gdb jq python3
gron=$(find_program gron /usr/bin/gron) || skip "gron is not installed"

# Its standard input never ends.
start_program "$gron"
python3 -c 'import json
print("[" + ",\n".join(json.dumps({"id": i, "name": "customer %d" % i, "tags": [i, i + 1]}) for i in range(200000)))' >"$program_dir/.in"
has_all() {
        # What is in the pipe is read by and by.
        local before

        before=$(awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status")
        sleep 0.5
        [ "$before" -gt 20000 ] && [ "$(awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status")" = "$before" ]
}
wait_until 30 has_all || give_up "gron reads its input" "$(cat "$program_dir/.err")"

check() {
        check_explained "$1" 980
        check_sound "$1"
        jqe '.verdict.kind == "managed-heap"' "$1"
        # 13 MB of text at least.
        jqe '[.memory.by_kind[] | select(.kind == "go-heap")][0].resident > 13000000' "$1"
        # What the runtime knows of 13 MB of small objects is some hundred KB.
        jqe '[.regions[] | select(.detail // "" | startswith("Go'"'"'s record")) | .resident] | add > 100000' "$1"
        jqe 'all(.memory.by_kind[]; .kind != "malloc-used" or .resident < 1000000)' "$1"
}
scan_json "$tmp/live.json" --live "$pid" --summary --regions
check "$tmp/live.json"
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/core.json" --summary --regions "$tmp/core"
check "$tmp/core.json"
