#!/bin/bash
# Node with objects, long strings, large arrays, buffers and many functions that get hot: V8's heap, its code included, is told from
# malloc's, and is nobody's leak.
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
const functions = [];
for (let i = 0; i < 2000; i++)
        functions.push(new Function('a', `let s = ${i}; for (let k = 0; k < 60; k++) s += a * k % ${i + 3}; return s;`));
for (let i = 0; i < 100; i++)
        for (const f of functions)
                f(i);
globalThis.kept = [kept, large, buffers, functions];
for (let i = 0; i < 1e6; i++)
        ({ garbage: i });
setTimeout(() => {
        const code = require('v8').getHeapSpaceStatistics().find((s) => s.space_name === 'code_space').space_size;
        require('fs').writeFileSync(process.argv[2], JSON.stringify({ heapTotal: process.memoryUsage().heapTotal, code }));
        console.log('ready');
}, 300);
setInterval(() => {}, 100000);
END
start_program node "$tmp/fill.js" "$tmp/usage"
wait_ready
total=$(jq .heapTotal "$tmp/usage")
code=$(jq .code "$tmp/usage")

check() {
        check_explained "$1" 990
        check_allocator "$1" glibc
        check_sound "$1"
        # Ten buffers of 1 MiB lie on malloc.
        jqe '[.memory.by_kind[] | select(.kind == "malloc-used")][0].resident > 10000000' "$1"
        local found
        found=$(jq '[.memory.by_kind[] | select(.kind == "v8-heap")][0].bytes' "$1")
        echo "# heapTotal $total, v8-heap $found"
        # heapTotal leaves out the read-only pages of the snapshot, and the page without access in each chunk of code.
        if [ "$found" -ge $((total * 98 / 100)) ] && [ "$found" -le $((total * 102 / 100 + (1 << 20))) ]; then
                ok "V8 says $total bytes, $found were found"
        else
                not_ok "V8 says $total bytes" "$found were found"
        fi
        # More than a chunk, or this tests nothing; what lies around the code are headers and pages without access.
        jqe '$said > 1000000 and ([.regions[] | select(.kind == "v8-heap" and (.perms | test("x"))) | .bytes] | add
                | . >= $said * 0.9 and . <= $said)' "$1" --argjson said "$code"
}
scan_json "$tmp/live.json" --live "$pid" --summary --regions
check "$tmp/live.json"
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/core.json" --summary --regions "$tmp/core"
check "$tmp/core.json"
