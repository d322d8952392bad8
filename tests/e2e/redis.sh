#!/bin/bash
# A stripped, unrelated program with another allocator (Debian's redis-server, jemalloc): an honest answer, from a core and
# live. Its blocks are counted but not compared; so nothing is said about whose they are, and it is said that nothing is.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq redis-cli
server=$(command -v redis-server || command -v redis-check-rdb) || skip "redis-server is not installed"
ldd "$server" | grep -q jemalloc || skip "this redis-server does not use jemalloc"

# By the name it is run as, redis-check-rdb is the server.
ln -s "$(readlink -f "$server")" "$tmp/redis-server"
start_program "$tmp/redis-server" --port 0 --unixsocket "$tmp/socket" --save '' --appendonly no
is_up() {
        redis-cli -s "$tmp/socket" ping 2>/dev/null | grep -q PONG
}
wait_until 30 is_up || give_up "redis-server starts" "$(cat "$program_dir/.out" "$program_dir/.err")"
keys=$(redis-cli -s "$tmp/socket" eval "for i = 1, 20000 do
        redis.call('set', 'session:' .. i, 'user ' .. i .. ' of the shop, last seen on page /cart/' .. i * 7)
end return redis.call('dbsize')" 0)
assert_eq "$keys" 20000 "the server holds 20000 keys"

check() { # json
        jqe '[.heaps[] | select(.allocator == "jemalloc")] | length == 1 and .[0].walked == false
                and .[0].measured and .[0].arenas[0].used.count > 40000 and (.[0].library | startswith("libjemalloc.so"))' "$1"
        jqe 'all(.heaps[]; .allocator == "jemalloc" or .allocator == "glibc")' "$1"
        jqe '.verdict | .kind == "unknown" and .cluster == null and .library == null and (.reasons | length) > 0' "$1"
        jqe 'any(.target.warnings[]; test("jemalloc"))' "$1"
        # 20,000 values of 50 bytes and more.
        jqe '[.memory.by_kind[] | select(.kind == "malloc-used")][0].resident > 2000000' "$1"
        # glibc's own malloc hardly has anything in this process: no cluster is made of what is not known.
        jqe '([.clusters[].bytes] | add // 0) < 200000' "$1"
        assert_file_contains "$1.err" "corescan: warning: " "the warning stands on standard error"
        assert_file_contains "$1.err" jemalloc "and names the allocator"
}

scan_json "$tmp/live.json" --live "$pid"
check "$tmp/live.json"
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/core.json" "$tmp/core"
check "$tmp/core.json"
is_up
assert_eq "$?" 0 "the server goes on serving"

assert_exit 0 "$CORESCAN" "$tmp/core"
assert_eq "$(head -n 1 "$out")" UNKNOWN "the summary begins with what is not known"
assert_exit 4 "$CORESCAN" --fail-on unknown "$tmp/core"
