#!/bin/bash
# An Erlang node with a table, processes with heaps of their own, literals, and more large binaries than its allocator asks mmap
# for: its carriers are told by allocator, as large as the node itself says, and are neither malloc's nor a leak. Once more with
# a super carrier, in which all that mmap is asked for lies.
. "$SOURCE_DIR/tests/real/_real.sh" || exit 1
need_command erl gdb jq

# What the node says of its carriers, "ALLOCATOR BYTES" a line; "mapped": what it has from the kernel by its own count, segments
# included that it keeps for the next carrier; "lent": carriers from malloc.
cat >"$tmp/fill.erl" <<'END'
-module(fill).
-export([start/1]).

start([File]) ->
        Table = ets:new(cursors, [public]),
        [ets:insert(Table, {I, lists:duplicate(20, I), <<"row of a table">>}) || I <- lists:seq(1, 50000)],
        Binaries = [binary:copy(<<I:32>>, 30000) || I <- lists:seq(1, 100)],
        Large = [binary:copy(<<I:32>>, 150000) || I <- lists:seq(1, 320)],
        [spawn(fun() -> L = lists:seq(1, 3000), receive stop -> L end end) || _ <- lists:seq(1, 300)],
        persistent_term:put(kept, {Table, Binaries, Large, lists:seq(1, 20000)}),
        erlang:garbage_collect(),
        %% Code that is loaded once all was said would take more.
        ok = file:write_file(File, measure()),
        io:format("filled~n"),
        ok = file:write_file(File, settled(measure(), 30)),
        io:format("ready~n"),
        receive stop -> ok end.

%% What is kept for the next carrier is given back by and by.
settled(Last, 0) -> Last;
settled(Last, Left) ->
        timer:sleep(1200),
        case measure() of
                Last -> Last;
                New -> settled(New, Left - 1)
        end.

measure() ->
        All = [{A, carriers(A, mseg_alloc_carriers_size), carriers(A, sys_alloc_carriers_size)} ||
                A <- erlang:system_info(alloc_util_allocators)],
        [line("mapped", lists:sum([mapped(M) || M <- erlang:system_info({allocator, erts_mmap})])),
         line("lent", lists:sum([S || {_, _, S} <- All])) |
         [line(atom_to_list(A), M + S) || {A, M, S} <- All]].

line(Name, Bytes) -> [Name, " ", integer_to_list(Bytes), "\n"].

carriers(A, Which) ->
        Instances = [Info || {instance, _, Info} <- erlang:system_info({allocator, A})],
        lists:sum([Size || Info <- Instances, {Kind, List} <- Info, Kind =:= mbcs orelse Kind =:= sbcs,
                {W, Size} <- [{element(1, T), element(2, T)} || T <- List], W =:= Which]) +
        %% Carriers that are in nobody's hands for the moment.
        lists:sum([element(2, T) || Which =:= mseg_alloc_carriers_size, Info <- Instances,
                {mbcs_pool, List} <- Info, T <- List, element(1, T) =:= carriers_size]).

mapped({_, Info}) ->
        Super = case lists:keyfind(supercarrier, 1, Info) of
                {supercarrier, [{sizes, Sizes} | _]} ->
                        proplists:get_value(used_sa, Sizes) + proplists:get_value(used_sua, Sizes);
                false -> 0
        end,
        case lists:keyfind(os, 1, Info) of
                {os, [{sizes, Os} | _]} -> Super + proplists:get_value(used, Os);
                false -> Super
        end.
END
(cd "$tmp" && erlc fill.erl) || give_up "the Erlang program compiles"

# compare WHAT SAID FOUND MOST: at least what was said, and at most MOST thousandths of it.
compare() {
        if [ "$2" -gt 0 ] && [ "$3" -ge "$2" ] && [ $((1000 * $3)) -le $(($4 * $2)) ]; then
                ok "$1: $2 bytes, $3 were found"
        else
                not_ok "$1: $2 bytes" "$3 were found"
        fi
}

said() {
        awk -v name="$1" '$1 == name { print $2 }' "$tmp/sizes"
}

# The carriers are all there, and nothing that was given back is one of them; it is kept for the next one, and counts as the node's.
# The node goes on: what it says with may take one more for binaries.
check() {
        local name found

        check_explained "$1" 900
        check_allocator "$1" glibc
        check_sound "$1"
        jqe '.verdict.kind == "managed-heap"' "$1"
        for name in ets_alloc ll_alloc literal_alloc std_alloc driver_alloc binary_alloc; do
                found=$(jq --arg name "$name" '[.regions[] | select(.detail == "carrier of \($name)") | .bytes] | add // 0' "$1")
                case $name in
                binary_alloc) compare "$name" "$(said "$name")" "$found" 1010 ;;
                *) compare "$name" "$(said "$name")" "$found" 1000 ;;
                esac
        done
        found=$(jq '[.regions[] | select(.kind == "beam-carrier") | .bytes] | add // 0' "$1")
        compare "all carriers" $(($(said mapped) + $(said lent))) "$found" 1050
}

look() {
        start_program erl "$@" -noshell -pa "$tmp" -run fill start "$tmp/sizes"
        wait_ready
        if [ "$(said lent)" -gt 30000000 ]; then
                ok "$(said lent) bytes of its carriers are from malloc"
        else
                not_ok "carriers are from malloc too" "$(cat "$tmp/sizes")"
        fi
}

look
scan_json "$tmp/live.json" --summary --regions --live "$pid"
check "$tmp/live.json"
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/core.json" --summary --regions "$tmp/core"
check "$tmp/core.json"
stop_program "$pid"

look +MMscs 512
scan_json "$tmp/super.json" --summary --regions --live "$pid"
check "$tmp/super.json"
