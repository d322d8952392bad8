#!/bin/bash
# Programs on other allocators than glibc's: each is named, and what it says that it holds is what the program knows that it
# holds, live and in a core; what threads keep in their caches is not in use. The allocators are Debian's own libraries.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq
holder=$BUILD_DIR/fixtures/fixture-holder
tested=0

library() { # file name: prints where it is
        find /usr/lib/*-linux-gnu /usr/lib /usr/local/lib -maxdepth 1 -name "$1" 2>/dev/null | head -n 1
}

# The allocator that is measured: glibc's, which is asked for nothing, is found as well. Blocks of other makers than the program
# (the C library's, for threads and streams) are few.
check() { # file, allocator
        local filter

        # shellcheck disable=SC2016 # jq's
        filter='.heaps[] | select(.allocator == $name) | .measured and
                (.arenas[0].used.count / $count - 1 | fabs < 0.05) and (.arenas[0].used.bytes / $bytes - 1 | fabs < 0.05)'
        jq -r --arg name "$2" '"# \(.heaps[] | select(.allocator == $name) | .arenas[0] | [.used, .cached, .free, .overhead] |
                map("\(.count) of \(.bytes)") | join(", "))", "# \(.memory | del(.by_kind))"' "$1"
        jqe "$filter" "$1" --arg name "$2" --argjson count "$count" --argjson bytes "$bytes"
        jqe '.memory | .unexplained * 10 <= .anonymous' "$1"
        jqe '.verdict.kind != "leak"' "$1"
}

examine() { # allocator, command...
        local name=$1

        shift
        start_program "$@"
        wait_ready
        read -r count bytes <"$program_dir/.out"
        echo "# $*: holds $count blocks, $bytes bytes"
        scan_json "$tmp/live.json" --live "$pid"
        check "$tmp/live.json" "$name"
        take_gcore "$pid" "$tmp/core"
        stop_program "$pid"
        scan_json "$tmp/core.json" "$tmp/core"
        check "$tmp/core.json" "$name"
        rm -f "$tmp/core"
        tested=$((tested + 1))
}

with_library() { # allocator, file name
        local path

        path=$(library "$2")
        if [ -n "$path" ]; then
                examine "$1" env LD_PRELOAD="$path" "$holder"
        else
                echo "# $1 is not tested: $2 is not installed"
        fi
}

with_library jemalloc libjemalloc.so.2
with_library tcmalloc libtcmalloc_minimal.so.4
with_library tcmalloc libtcmalloc.so.4
with_library mimalloc libmimalloc.so.2.0
[ "$tested" -gt 0 ] || skip "none of the allocators is installed"
