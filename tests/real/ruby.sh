#!/bin/bash
# Ruby with objects, strings on malloc, threads and garbage, its heap compacted: its own pages are its own, to the page, and nobody leaked them.
. "$SOURCE_DIR/tests/real/_real.sh" || exit 1
need_command ruby gdb jq

cat >"$tmp/fill.rb" <<'END'
Account = Struct.new(:name, :orders)
$kept = (1..60_000).map { |i| Account.new("customer number #{i} with a name that needs a buffer", [i, i + 1, i + 2, i.to_s]) }
$index = $kept.to_h { |a| [a.name, a] }
$threads = 4.times.map { |t| Thread.new { mine = (1..5_000).map { |i| "#{t}-#{i}" * 20 }; sleep; mine } }
200_000.times { |i| "garbage #{i}" }
sleep 0.05 until $threads.all?(&:stop?)
GC.compact
File.write(ARGV[0], GC.stat.to_a.map { |k, v| "#{k} #{v}" }.join("\n"))
puts "ready"
$stdout.flush
sleep
END
start_program ruby "$tmp/fill.rb" "$tmp/stat"
wait_ready
if awk '$1 == "compact_count" && $2 > 0 { found = 1 } END { exit !found }' "$tmp/stat"; then
        ok "the heap was compacted"
else
        not_ok "the heap was compacted" "$(cat "$tmp/stat")"
fi
pages=$(awk '$1 == "heap_allocated_pages" { print $2 }' "$tmp/stat")

check() {
        check_explained "$1" 950
        check_allocator "$1" glibc
        check_sound "$1"
        jqe '.verdict.kind == "managed-heap"' "$1"
        jqe '[.memory.by_kind[] | select(.kind == "ruby-heap")][0].resident > 5000000' "$1"
        # 60,000 names of more than 40 bytes, 20,000 strings of more than 60.
        jqe '[.memory.by_kind[] | select(.kind == "malloc-used")][0].resident > 4000000' "$1"
}
scan_json "$tmp/live.json" --live "$pid"
check "$tmp/live.json"
# Neighbours are one region or several; what counts are their bytes. Pages are 16 or 64 KiB.
assert_exit 0 "$CORESCAN" --json --regions --live "$pid"
bytes=$(jq '[.regions[] | select(.kind == "ruby-heap" and (.detail | startswith("ruby heap page"))) | .bytes] | add' "$out")
found=$((bytes / 16384))
echo "# GC.stat: $pages pages; found: $bytes bytes, of 16 KiB $found"
if [ "$found" -eq "$pages" ] || [ "$found" -eq $((4 * pages)) ]; then
        ok "Ruby has $pages pages, and as many were found"
else
        not_ok "Ruby has $pages pages" "$found were found"
fi
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/core.json" "$tmp/core"
check "$tmp/core.json"
