#!/usr/bin/env bash
# --heap: its sums are malloc's own (mallinfo2), and what it says that malloc_trim(0) would give back is what goes when the
# program calls it.
. "$SOURCE_DIR/tests/e2e/_lib.sh"
need_command jq
negative=$BUILD_DIR/fixtures/fixture-negative

resident() {
        awk '/^RssAnon/ { print $2 * 1024 }' "/proc/$pid/status"
}

is_trimmed() {
        grep -qx trimmed "$program_dir/.out"
}

examine() {
        local f=$tmp/heap.json before after said_free said_mapped trim

        start_program "$negative" "$1" --seed "$2"
        wait_ready
        read -r _ said_free _ said_mapped <"$program_dir/.out"
        assert_exit 0 "$CORESCAN" --heap --json --live "$pid"
        cp "$out" "$f"
        jqe 'has("memory") and has("heaps") and (has("clusters") | not or .clusters == [])' "$f"
        # fordblks: bins, fastbins and top; the thread caches are in use for malloc. What the fixture has in its fastbins is
        # next to nothing.
        jqe '.heaps[0] | ([.arenas[] | .free.bytes + .top] | add) - $n | fabs < 1024' "$f" --argjson n "$said_free"
        jqe '.heaps[0].mmapped.bytes == $n' "$f" --argjson n "$said_mapped"
        jqe '.heaps[0] | ([.free_runs[].bytes] | add) == ([.arenas[] | .free.bytes + .top] | add)' "$f"
        jqe '.heaps[0] | .largest_free | length > 0 and map(.bytes) == (map(.bytes) | sort | reverse)' "$f"
        jqe '.heaps[0].arenas | all(.[]; .trimmable_resident <= .free.resident + .top_resident)' "$f"
        trim=$(jq '[.heaps[0].arenas[].trimmable_resident] | add' "$f")
        assert_exit 0 "$CORESCAN" --heap --live "$pid"
        assert_file_contains "$out" 'malloc_trim(0) would give back'
        before=$(resident)
        echo t >"$program_dir/.in"
        wait_until 60 is_trimmed || give_up "$1 is trimmed"
        after=$(resident)
        # RssAnon lags behind by up to 64 pages a thread, and top is cut back to a page boundary of its own.
        if ((before - after - trim < 2097152 && trim - before + after < 2097152)); then
                ok "$1: malloc_trim(0) gave back $((before - after)) bytes, foretold: $trim"
        else
                not_ok "$1: malloc_trim(0) gave back $((before - after)) bytes, foretold: $trim"
        fi
        stop_program "$pid"
}

examine burst 1
examine burst 2
examine fragmentation 3
examine arenas 4
examine cache 5
