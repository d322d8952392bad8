#!/bin/bash
# Growth between cores and saved reports of one program: the same process, started anew with other addresses, with another
# version of its library, and what is no such pair.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq

# A library that makes objects, each with its table, and texts; of version 2 the tables have moved, and the file's name is
# another.
build_library() { # version, folder
        mkdir -p "$tmp/$2"
        build_c "$2/libgrow.so.1.$1" -shared -fPIC -O0 -DVERSION="$1" -Wl,-soname,libgrow.so.1 <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct table { const char *name; void (*run)(void); };
static void run(void) { puts("run"); }
#if VERSION > 0
const struct table more[VERSION * 7] = { { "more", run } };
#endif
/* Without names in the symbol table: only their places tell one from the other. */
static const struct table kept_table = { NULL, run }, lost_table = { NULL, run };
struct object { const struct table *table; char bytes[200]; };
static struct object *kept[100000];
static unsigned n;
void grow_kept(void)
{
        struct object *o = malloc(sizeof(*o));
        memset(o->bytes, 7, sizeof(o->bytes));
        o->table = &kept_table;
        kept[n++] = o;
}
void grow_lost(void)
{
        struct object *o = malloc(sizeof(*o) + 100);
        memset(o->bytes, 9, sizeof(o->bytes));
        o->table = &lost_table;
}
void grow_text(unsigned i)
{
        char *text = malloc(120);
        snprintf(text, 120, "GET /orders/%u/items?session=%08x&currency=EUR HTTP/1.1 accept: application/json", i, i * 2654435761u);
        kept[n++] = (struct object *)text;
}
END
        ln -sf "libgrow.so.1.$1" "$tmp/$2/libgrow.so.1"
}
build_library 0 v1
build_library 1 v2
strip --strip-all "$tmp"/v1/libgrow.so.1.0 "$tmp"/v2/libgrow.so.1.1
build_c grower -O1 "-Wl,$tmp/v1/libgrow.so.1" <<'END'
#include <stdio.h>
void grow_kept(void), grow_lost(void), grow_text(unsigned);
int main(void)
{
        unsigned kept, lost, text;
        setvbuf(stdout, NULL, _IOLBF, 0);
        puts("ready");
        while (scanf("%u %u %u", &kept, &lost, &text) == 3) {
                while (kept-- > 0)
                        grow_kept();
                while (lost-- > 0)
                        grow_lost();
                for (unsigned i = 0; i < text; i++)
                        grow_text(i);
                puts("grown");
        }
}
END

start_grower() { # folder of the library
        start_program env LD_LIBRARY_PATH="$tmp/$1" "$tmp/grower"
        wait_ready
        grown=0
}
has_grown() {
        [ "$(grep -c grown "$program_dir/.out")" -ge "$grown" ]
}
grow() { # kept, lost, texts
        grown=$((grown + 1))
        echo "$*" >"$program_dir/.in"
        wait_until 30 has_grown || give_up "the program grows"
}
# Only the program's own clusters: malloc's and stdio's are nobody's business here.
compare() { # FILE ARG...
        local file=$1

        shift
        assert_exit 0 "$CORESCAN" --json "$@"
        cp -- "$out" "$file"
        cp -- "$err" "$file.err"
        assert_eq "$(jq -r 'keys_unsorted | join(" ")' "$file")" \
                "schema version target snapshots comparison memory verdict clusters libraries left_out" "keys in the usual order"
}
assert_grew() { # FILE LIBRARY JOINED KEPT LOST TEXTS
        jqe '[.clusters[] | select(.library == $library and .kind == "object") | .growth | select(.count > 0) | .count] | sort == ([$kept, $lost] | sort)' \
                "$1" --arg library "$2" --argjson kept "$4" --argjson lost "$5"
        jqe '[.clusters[] | select(.library == $library and .kind == "object" and .growth.count > 100) | .growth.joined] | unique == [$joined]' \
                "$1" --arg library "$2" --arg joined "$3"
        jqe '[.clusters[] | select(.kind == "text" and (.template.text | startswith("GET /orders/"))) | .growth.count] == [$texts]' "$1" --argjson texts "$6"
        jqe '(.clusters[0].growth.count) == ([$lost, $kept] | max) and .clusters[0].growth.resident > 0' "$1" --argjson kept "$4" --argjson lost "$5"
        jqe '[.libraries[] | select(.library == $library).growth.count] == [$all]' "$1" --arg library "$2" --argjson all "$(($4 + $5 + $6))"
}

start_grower v1
first=$pid
grow 1000 2000 500
take_gcore "$pid" "$tmp/one"
assert_exit 0 "$CORESCAN" --json "$tmp/one"
cp "$out" "$tmp/one.json"
sleep 1.1
grow 500 4000 300
take_gcore "$pid" "$tmp/two"
touch -d "$(date -d "$(stat -c %y "$tmp/one") + 100 seconds" --iso-8601=ns)" "$tmp/two"
assert_exit 0 "$CORESCAN" --json --top 0 "$tmp/two"
cp "$out" "$tmp/two.json"

# The same process.
compare "$tmp/same" "$tmp/one" "$tmp/two"
assert_grew "$tmp/same" libgrow.so.1.0 signature 500 4000 300
assert_eq "$(cat "$tmp/same.err")" "" "no warnings"
jqe '.comparison == {same_program: true, same_process: true, seconds: 100}' "$tmp/same"
jqe '.clusters[0].growth | .state == "grew" and (.per_second - .resident / 100 | fabs) < 1 and .series[1] - .series[0] == .resident' "$tmp/same"
jqe '.verdict | .kind == "leak" and .library == "libgrow.so.1.0"' "$tmp/same"
jqe '(.snapshots | length) == 2 and .snapshots[0].pid == $pid and all(.snapshots[]; .report | not)' "$tmp/same" --argjson pid "$first"
jqe '([.memory.by_kind[].growth.resident] | add) == .memory.growth.resident' "$tmp/same"
jqe '.memory.growth.resident == .snapshots[1].resident - .snapshots[0].resident' "$tmp/same"

# Saved reports, and a mix: the same rows.
for pair in "one.json two.json" "one two.json" "one.json two"; do
        read -r a b <<<"$pair"
        compare "$tmp/mixed" "$tmp/$a" "$tmp/$b"
        assert_grew "$tmp/mixed" libgrow.so.1.0 signature 500 4000 300
done

# Started anew: everything lies elsewhere.
stop_program "$first"
start_grower v1
grow 3000 9000 1000
take_gcore "$pid" "$tmp/anew"
stop_program "$pid"
compare "$tmp/restarted" "$tmp/one" "$tmp/anew"
assert_grew "$tmp/restarted" libgrow.so.1.0 signature 2000 7000 500
assert_file_contains "$tmp/restarted.err" "the process was started anew"
jqe '.comparison.same_process == false and all(.clusters[].growth; .per_second == 0)' "$tmp/restarted"
[ "$(cat /proc/sys/kernel/randomize_va_space)" = 0 ] ||
        jqe '.snapshots[0].process != .snapshots[1].process' "$tmp/restarted"

# With the next version of the library: by name, and it says so.
start_grower v2
grow 1500 2500 700
take_gcore "$pid" "$tmp/next"
stop_program "$pid"
compare "$tmp/upgraded" "$tmp/one" "$tmp/next"
assert_grew "$tmp/upgraded" libgrow.so.1.1 name 500 500 200
assert_file_contains "$tmp/upgraded.err" "libgrow.so.1.1 took the place of libgrow.so.1.0"
jqe '[.libraries[] | select(.upgraded) | [.library, .library_before]] == [["libgrow.so.1.1", "libgrow.so.1.0"]]' "$tmp/upgraded"

# Three: what was first, and what is last.
compare "$tmp/three" "$tmp/one" "$tmp/two" "$tmp/anew"
jqe '(.clusters[0].growth | .count == 7000 and (.series | length) == 3)' "$tmp/three"

# What is no such pair is said.
sleep_program() {
        start_program sleep 1000
        sleep 0.3
        take_gcore "$pid" "$tmp/other"
        stop_program "$pid"
}
sleep_program
compare "$tmp/different" "$tmp/one" "$tmp/other"
assert_file_contains "$tmp/different.err" "these are different programs"
jqe '.clusters == [] and .libraries == [] and (.memory.by_kind | length) > 3 and .verdict.kind == "unknown"' "$tmp/different"
compare "$tmp/backwards" "$tmp/two" "$tmp/one"
assert_file_contains "$tmp/backwards.err" "one is older than"
jqe '.comparison.seconds == null and [.clusters[] | select(.kind == "object" and .growth.count < -100).growth.count] == [-4000, -500]' \
        "$tmp/backwards"
compare "$tmp/twice" "$tmp/one" "$tmp/one"
assert_file_contains "$tmp/twice.err" "are the same snapshot"
jqe 'all(.clusters[].growth; .state == "same" and .resident == 0)' "$tmp/twice"
jq 'del(.schema, .left_out, .target.time_ms, .target.process) | .clusters |= map(del(.signature))' "$tmp/one.json" >"$tmp/older.json"
compare "$tmp/older" "$tmp/older.json" "$tmp/two"
assert_grew "$tmp/older" libgrow.so.1.0 name 500 4000 300
assert_file_contains "$tmp/older.err" "of an older schema"
assert_file_contains "$tmp/older.err" "has no signatures"

# For people, for scripts, and the same bytes whatever the number of threads.
assert_exit 4 "$CORESCAN" --fail-on leak "$tmp/one" "$tmp/two"
assert_file_contains "$out" "LEAK"
assert_file_contains "$out" "+4,000"
assert_exit 4 "$CORESCAN" --fail-on leak,growth "$tmp/one.json" "$tmp/two.json"
assert_exit 0 "$CORESCAN" --fail-on leak,growth "$tmp/one.json" "$tmp/other"
for jobs in 1 4; do
        assert_exit 0 "$CORESCAN" --json -j $jobs "$tmp/one" "$tmp/two"
        cp "$out" "$tmp/j$jobs"
done
assert_eq "$(cmp "$tmp/j1" "$tmp/j4" 2>&1)" "" "the same bytes with -j1 and -j4"
assert_exit 0 "$CORESCAN" --clusters --top 1 --library 'libgrow*' "$tmp/one" "$tmp/two"
assert_eq "$(grep -c "libgrow.so.1.0 (" "$out")" 1 "one row of that library"
assert_file_lacks "$out" "Snapshots"

# A live process, looked at again and again: the shape.
start_grower v1
files=()
for i in 1 2 3 4 5 6 7; do
        grow 300 900 10
        run "$CORESCAN" --live "$pid" --json
        [ "$status" -eq 2 ] && grep -q "not permitted" "$err" && break
        cp "$out" "$tmp/live$i.json"
        files+=("$tmp/live$i.json")
        sleep 1
done
if [ "${#files[@]}" -eq 7 ]; then
        compare "$tmp/shape" "${files[@]}"
        jqe '.clusters[0].growth | .count == 5400 and .shape == "linear" and .grows and .per_second > 0 and .confidence > 0.5' "$tmp/shape"
        jqe '.verdict.kind == "leak"' "$tmp/shape"
fi
