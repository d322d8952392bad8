#!/bin/bash
# redis-server on jemalloc: not glibc's, so the allocator is named, and what it holds is explained by its own records.
. "$SOURCE_DIR/tests/real/_real.sh" || exit 1
need_command gdb jq redis-cli
server=$(command -v redis-server || command -v redis-check-rdb) || skip "redis-server is not installed"
ldd "$server" | grep -q jemalloc || skip "this redis-server does not use jemalloc"

# By the name it is run as, redis-check-rdb is the server.
ln -s "$(readlink -f "$server")" "$tmp/redis-server"
start_program "$tmp/redis-server" --port 0 --unixsocket "$tmp/socket" --save '' --appendonly no
ask() {
        redis-cli -s "$tmp/socket" "$@" 2>/dev/null
}
is_up() {
        ask ping | grep -q PONG
}
wait_until 30 is_up || give_up "redis-server starts" "$(cat "$program_dir/.out" "$program_dir/.err")"
assert_eq "$(ask eval "for i = 1, 200000 do
        redis.call('set', 'session:' .. i, string.rep('user ' .. i .. ' ', 1 + i % 20))
end for i = 1, 200000, 3 do redis.call('del', 'session:' .. i) end return redis.call('dbsize')" 0)" 133333 "the keys"
allocated=$(ask info memory | tr -d '\r' | awk -F: '$1 == "allocator_allocated" { print $2 }')
echo "# jemalloc itself counts $allocated bytes allocated"

check() {
        check_explained "$1" 900
        check_allocator "$1" jemalloc
        check_sound "$1"
        # What threads keep in their caches is in use to jemalloc's slabs, and not to its own sum.
        jqe '.heaps[] | select(.allocator == "jemalloc") | .measured and .arenas[0].used.bytes >= $own and
                .arenas[0].used.bytes <= 1.05 * $own + 4000000' "$1" --argjson own "$allocated"
}
scan_json "$tmp/live.json" --live "$pid"
check "$tmp/live.json"
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/core.json" "$tmp/core"
check "$tmp/core.json"
