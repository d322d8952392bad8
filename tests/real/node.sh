#!/bin/bash
# Node with objects, long strings, large arrays and buffers: V8's heap is told from malloc's, and is nobody's leak.
. "$SOURCE_DIR/tests/real/_real.sh" || exit 1
need_command node gdb jq

cat >"$tmp/fill.js" <<'END'
const kept = [], large = [], buffers = [];
for (let i = 0; i < 100000; i++)
        kept.push({ id: i, name: 'customer ' + i, tags: [i, i + 1], at: new Date(i) });
for (let i = 0; i < 10; i++) {
        large.push(new Array(200000).fill(i + 0.5));
        buffers.push(Buffer.alloc(1 << 20, i));
}
globalThis.kept = [kept, large, buffers];
for (let i = 0; i < 1e6; i++)
        ({ garbage: i });
setTimeout(() => {
        require('fs').writeFileSync(process.argv[2], JSON.stringify(process.memoryUsage()));
        console.log('ready');
}, 300);
setInterval(() => {}, 100000);
END
start_program node "$tmp/fill.js" "$tmp/usage"
wait_ready
total=$(jq .heapTotal "$tmp/usage")

check() {
        check_explained "$1" 900
        check_allocator "$1" glibc
        check_sound "$1"
        # Ten buffers of 1 MiB lie on malloc.
        jqe '[.memory.by_kind[] | select(.kind == "malloc-used")][0].resident > 10000000' "$1"
        local found
        found=$(jq '[.memory.by_kind[] | select(.kind == "v8-heap")][0].bytes' "$1")
        echo "# heapTotal $total, v8-heap $found"
        # heapTotal leaves out the code range's reserve and the read-only pages of the snapshot.
        if [ "$found" -ge $((total * 95 / 100)) ] && [ "$found" -le $((total * 130 / 100 + (8 << 20))) ]; then
                ok "V8 says $total bytes, $found were found"
        else
                not_ok "V8 says $total bytes" "$found were found"
        fi
}
scan_json "$tmp/live.json" --live "$pid"
check "$tmp/live.json"
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/core.json" "$tmp/core"
check "$tmp/core.json"
