#!/bin/bash
# An Erlang node with a table, processes with heaps of their own, binaries and literals: its carriers are told by allocator, as
# large as the node itself says, and are neither malloc's nor a leak.
. "$SOURCE_DIR/tests/real/_real.sh" || exit 1
need_command erl gdb jq

# What the node says of its carriers from mmap, "ALLOCATOR BYTES" a line.
cat >"$tmp/fill.erl" <<'END'
-module(fill).
-export([start/1]).

start([File]) ->
        Table = ets:new(cursors, [public]),
        [ets:insert(Table, {I, lists:duplicate(20, I), <<"row of a table">>}) || I <- lists:seq(1, 50000)],
        Binaries = [binary:copy(<<I:32>>, 30000) || I <- lists:seq(1, 100)],
        [spawn(fun() -> L = lists:seq(1, 3000), receive stop -> L end end) || _ <- lists:seq(1, 300)],
        persistent_term:put(kept, {Table, Binaries, lists:seq(1, 20000)}),
        erlang:garbage_collect(),
        timer:sleep(500),
        Sizes = [[atom_to_list(A), " ", integer_to_list(mseg(A)), "\n"] ||
                A <- [ets_alloc, ll_alloc]],
        ok = file:write_file(File, Sizes),
        io:format("ready~n"),
        receive stop -> ok end.

mseg(A) ->
        lists:sum([sum(Info) || {instance, _, Info} <- erlang:system_info({allocator, A})]).

sum(Info) ->
        lists:sum([element(2, T) || {Kind, List} <- Info, Kind =:= mbcs orelse Kind =:= sbcs,
                T <- List, element(1, T) =:= mseg_alloc_carriers_size]) +
        %% Carriers that are in nobody's hands for the moment.
        lists:sum([element(2, T) || {mbcs_pool, List} <- Info, T <- List, element(1, T) =:= carriers_size]).
END
(cd "$tmp" && erlc fill.erl) || give_up "the Erlang program compiles"
start_program erl -noshell -pa "$tmp" -run fill start "$tmp/sizes"
wait_ready
jq -n --rawfile lines "$tmp/sizes" '$lines | split("\n") | map(select(length > 0) | split(" ") | {(.[0]): .[1] | tonumber}) | add' \
        >"$tmp/sizes.json"

check() {
        check_explained "$1" 900
        check_allocator "$1" glibc
        check_sound "$1"
        jqe '.verdict.kind == "managed-heap"' "$1"
        local name said found json=$1

        shift
        for name; do
                said=$(jq --arg name "$name" '.[$name]' "$tmp/sizes.json")
                found=$(jq --arg name "$name" '[.regions[] | select(.detail == "carrier of \($name)") | .bytes] | add // 0' "$json")
                # These two are at rest; processes and binaries are not.
                if [ "$said" -gt 0 ] && [ "$found" -ge $((said * 9 / 10)) ] && [ "$found" -le $((said * 11 / 10)) ]; then
                        ok "$name has $said bytes from mmap, $found were found"
                else
                        not_ok "$name has $said bytes from mmap" "$found were found"
                fi
        done
}
scan_json "$tmp/live.json" --summary --regions --live "$pid"
check "$tmp/live.json" ets_alloc ll_alloc
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/core.json" --summary --regions "$tmp/core"
check "$tmp/core.json" ets_alloc ll_alloc
