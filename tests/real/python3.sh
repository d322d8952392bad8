#!/bin/bash
# Debian's Python with objects of many sizes, a JSON document and an SQLite database in memory: its arenas are its own,
# as many as it says, in whole.
. "$SOURCE_DIR/tests/real/_real.sh" || exit 1
need_command gdb jq
python=$(find_program python3 /usr/bin/python3) || skip "python3 is not installed"
[ -x /usr/bin/python3 ] && python=/usr/bin/python3

cat >"$tmp/fill.py" <<'END'
import gc, json, sqlite3, sys, threading
class Order:
    def __init__(self, n):
        self.n, self.lines, self.note = n, [n] * (n % 7), "order number %d of the day" % n
kept = [Order(n) for n in range(60000)]
text = json.dumps([{"id": i, "tags": ["a%d" % i, "b"]} for i in range(20000)])
document = json.loads(text)
base = sqlite3.connect(":memory:")
base.execute("create table t(a, b)")
base.executemany("insert into t values(?, ?)", ((i, "row %d" % i) for i in range(20000)))
garbage = [str(i) * 9 for i in range(100000)]
del garbage
gc.collect()
threads = [threading.Thread(target=threading.Event().wait, daemon=True) for _ in range(3)]
for t in threads:
    t.start()
sys._debugmallocstats()
print("ready", flush=True)
threading.Event().wait()
END
start_program "$python" "$tmp/fill.py"
wait_ready

# "29 arenas * 1048576 bytes/arena  =  30,408,704": what it had just before it got ready.
arenas=$(awk '/arenas \* .* bytes\/arena/ { gsub(",", "", $NF); print $NF }' "$program_dir/.err")

check() {
        local found


        check_explained "$1" 950
        check_allocator "$1" glibc
        check_sound "$1"
        jqe '[.memory.by_kind[] | select(.kind == "python-heap")][0].resident > 15000000' "$1"
        jqe '.verdict.kind == "managed-heap"' "$1"
        found=$(jq '[.regions[] | select(.kind == "python-heap" and .detail == "pymalloc arena") | .bytes] | add // 0' "$1")
        assert_eq "$found" "$arenas" "Python has $arenas bytes of arenas, and so many were found"
        jqe '[.regions[] | select(.kind == "python-heap" and .detail != "pymalloc arena")] == []' "$1"
}
scan_json "$tmp/live.json" --summary --regions --live "$pid"
check "$tmp/live.json"
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/core.json" --summary --regions "$tmp/core"
check "$tmp/core.json"
