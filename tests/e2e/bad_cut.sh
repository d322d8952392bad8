#!/bin/bash
# A core that ends anywhere: either it is refused in one line, or what is there is told with a warning, "complete": false,
# and exit status 3 with --strict. Never a crash.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq gdb readelf

# cut_at N COPY: what is wrong with the answer to the first N bytes of the core; nothing when all is well. COPY is a copy of
# the core; N gets smaller from call to call.
cut_at() {
        local rc=0

        truncate -s "$1" "$2"
        timeout 60 "$CORESCAN" --json --top 1 "$2" >"$2.out" 2>"$2.err" || rc=$?
        case $rc in
        0)
                grep -q '"complete": *false' "$2.out" || echo "cut at $1: \"complete\" is not false"
                grep -q '^corescan: warning: .' "$2.err" || echo "cut at $1: no warning"
                ;;
        2)
                [ "$(wc -l <"$2.err")" -eq 1 ] && grep -q '^corescan: .' "$2.err" ||
                        echo "cut at $1: not one line: $(head -c 300 "$2.err")"
                [ ! -s "$2.out" ] || echo "cut at $1: refused, but there is output"
                ;;
        *) echo "cut at $1: exit status $rc: $(head -c 600 "$2.err")" ;;
        esac
        echo "$rc" >>"$2.codes"
}

# cut_everywhere CORE: at the points that are in the file CORE.all; $codes has the exit statuses that there were.
cut_everywhere() {
        local core=$1 n worker workers=() said

        sort -rnu "$core.all" >"$core.points"
        for worker in 0 1; do
                cp --sparse=always "$core" "$core.cut$worker"
                awk -v w="$worker" 'NR % 2 == w' "$core.points" | while read -r n; do
                        cut_at "$n" "$core.cut$worker"
                done >"$core.said$worker" &
                workers+=($!)
        done
        wait "${workers[@]}"
        said=$(cat "$core".said?)
        assert_eq "$said" "" "$(wc -l <"$core.points") cuts of ${core##*/}, each refused or told"
        assert_eq "$(cat "$core".cut?.codes | wc -l)" "$(wc -l <"$core.points")" "none is left out"
        codes=$(cat "$core".cut?.codes | sort | uniq -c | awk '{ printf "%s%s×%s", sep, $2, $1; sep = " " }')
        rm -f "$core".cut? "$core".cut?.codes
        echo "# exit statuses: $codes"
}

# The smallest process there is has the smallest core: header, notes and a few pages.
build_c smallest -static -nostdlib -nostartfiles -O1 -fno-stack-protector <<'END'
static long call(long number, long a, long b, long c)
{
        long result;
        __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
        return result;
}
void _start(void)
{
        call(1, 1, (long)"ready\n", 6);
        for (;;)
                call(34, 0, 0, 0); /* pause */
}
END
start_program "$tmp/smallest"
wait_ready
take_gcore "$pid" "$tmp/small"
assert_exit 0 "$CORESCAN" --json --strict "$tmp/small"
jqe '.target.complete and .heaps == [] and .clusters == []' "$out"
size=$(stat -c %s "$tmp/small")
echo "# the small core has $size bytes"
# Every byte of the headers, and every fifth of what follows: notes.
headers=$(readelf -hW "$tmp/small" | awk -F: '/Number of program headers/ { n = $2 } END { print 64 + 56 * n }')
{
        seq 0 "$headers"
        seq "$headers" 5 2047
} >"$tmp/small.all"
cut_everywhere "$tmp/small"

# A core with modules, threads' notes and a heap: at the beginning, the middle and the end of every segment and of the notes,
# as many as there are, and at places that have no meaning.
copy_program shop "$tmp/shop"
start_program "$tmp/shop/shop" --truth "$tmp/truth" --leaked 300 --live 20
wait_ready
take_gcore "$pid" "$tmp/large"
stop_program "$pid"
assert_exit 0 "$CORESCAN" --json --strict "$tmp/large"
size=$(stat -c %s "$tmp/large")
# What is left out at the end may be gdb's section headers and their names, which say nothing about memory.
last=$(readelf -lW "$tmp/large" | awk '$1 == "LOAD" || $1 == "NOTE" { print $2, $5 }' |
        while read -r offset length; do echo $((offset + length)); done | sort -n | tail -n 1)
{
        readelf -lW "$tmp/large" | awk '($1 == "LOAD" || $1 == "NOTE") && $5 != "0x000000" { print $1, $2, $5 }' |
                while read -r type offset length; do
                        echo $((offset + length / 2))
                        if [ "$type" = NOTE ]; then
                                for part in 1 2 3 4 5 6 7 8 9 10 11; do
                                        echo $((offset + length * part / 12 + part % 4))
                                done
                        fi
                done | shuf -n 30 --random-source="$tmp/shop/shop"
        readelf -lW "$tmp/large" | awk '$1 == "NOTE" { print $2, $5 }' | while read -r offset length; do
                for part in 1 2 3 4 5 6 7; do echo $((offset + length * part / 8 + part)); done
        done
        seq $((last / 9)) $((last / 9)) $((last - 1))
        echo $((last - 1))
        echo $((last - 4096))
} >"$tmp/large.all"
cut_everywhere "$tmp/large"
assert_contains "$codes" "0×" "some cuts leave something to tell"

# Cut in the middle, most of what is there is told: a partial answer is still an answer.
truncate -s $((last * 2 / 3)) "$tmp/large"
assert_exit 0 "$CORESCAN" --json "$tmp/large"
jqe '.target.complete == false and (.target.warnings | length) > 0' "$out"
assert_schema "$out"
assert_file_contains "$err" "corescan: warning: " "a warning"
assert_exit 3 "$CORESCAN" --strict "$tmp/large"
