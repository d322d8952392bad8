#!/bin/bash
# A core answers the same whether it is packed or not, in memory or in a directory; packed and cut it says so.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb
need_command zstd
need_command lz4

# What must be the same: all but the file itself, its time, and the time taken.
same() {
        jq -S 'del(.target.path, .target.sha256, .target.time_ms, .timing, .timings, .scan)' "$1"
}

start_resting
take_gcore "$pid" "$tmp/core"
kill "$pid"
zstd -q "$tmp/core" -o "$tmp/core.zst"
lz4 -q "$tmp/core" "$tmp/packed-without-a-name"
scan_json "$tmp/plain.json" "$tmp/core"
same "$tmp/plain.json" >"$tmp/want"
for file in core.zst packed-without-a-name; do
        for how in "" "--temp-dir $tmp"; do
                # shellcheck disable=SC2086
                scan_json "$tmp/packed.json" $how "$tmp/$file"
                assert_eq "$(same "$tmp/packed.json")" "$(cat "$tmp/want")" "$file $how: the same answer"
                assert_eq "$(jq -r .target.sha256 "$tmp/packed.json")" \
                        "$(sha256sum <"$tmp/$file" | cut -d' ' -f1)" "the digest is the file's as it lies on disk"
        done
done
head -c "$(($(stat -c %s "$tmp/core.zst") / 2))" "$tmp/core.zst" >"$tmp/cut"
run "$CORESCAN" --json "$tmp/cut"
assert_contains "$(cat "$out" "$err")" "the compressed core ends early" "a packed core that is cut says so"
