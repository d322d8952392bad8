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

# Linked into a program of which nothing but the code is left, it is told by its records alone.
archive=$(library libjemalloc.a)
if [ -n "$archive" ]; then
        build_c linked -O1 -pthread -x none "$archive" -lstdc++ -lm -ldl <"$SOURCE_DIR/fixtures/holder/holder.c"
        strip "$tmp/linked"
        examine jemalloc "$tmp/linked"
else
        echo "# jemalloc inside of a program is not tested: libjemalloc.a is not installed"
fi

# Programs of musl's: with its loader, and without any library.
if command -v musl-gcc >/dev/null; then
        for how in -pie -static; do
                CC=musl-gcc build_c "musl$how" -O1 -pthread "$how" <"$SOURCE_DIR/fixtures/holder/holder.c"
                strip "$tmp/musl$how"
                examine musl "$tmp/musl$how"
        done
else
        echo "# musl is not tested: musl-gcc is not installed"
fi
[ "$tested" -gt 0 ] || skip "none of the allocators is installed"

# A program that asks the kernel for its memory: that nobody manages it is said, not guessed.
build_c alone -O1 -static -nostdlib -fno-stack-protector -fno-builtin <<'EOF'
static long call(long n, long a, long b, long c, long d, long e, long f)
{
        register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
        __asm__ volatile("syscall" : "+a"(n) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
        return n;
}
void _start(void)
{
        volatile char *memory = (char *)call(9, 0, 20 << 20, 3, 0x22, -1, 0); /* mmap */
        for (long i = 0; i < 20 << 20; i += 64)
                memory[i] = 1;
        call(1, 1, (long)"ready\n", 6, 0, 0, 0); /* write */
        for (;;)
                call(34, 0, 0, 0, 0, 0, 0); /* pause */
}
EOF
check_alone() {
        jqe '.heaps == [] and .verdict.kind == "unknown" and (.verdict.summary | test("no allocator"))' "$1"
        jqe '.memory | .unexplained >= 20 * 1048576' "$1"
        assert_file_contains "$1.err" "no allocator was recognised"
}
start_program "$tmp/alone"
wait_ready
scan_json "$tmp/alone.json" --live "$pid"
check_alone "$tmp/alone.json"
assert_exit 0 "$CORESCAN" --heap --live "$pid"
assert_file_contains "$out" "no allocator"
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/alone-core.json" "$tmp/core"
check_alone "$tmp/alone-core.json"
