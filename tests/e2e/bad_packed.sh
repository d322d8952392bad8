#!/bin/bash
# Compressed cores that end early, that do not fit, or that are bombs: a bounded time and memory, and what was not read is said.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq gdb zstd lz4 python3

copy_program shop "$tmp/shop"
start_program "$tmp/shop/shop" --truth "$tmp/truth" --leaked 3000 --live 20
wait_ready
take_gcore "$pid" "$tmp/core"
stop_program "$pid"
zstd -q "$tmp/core" -o "$tmp/core.zst"
lz4 -q "$tmp/core" "$tmp/core.lz4"

# Cut anywhere, behind the first block or in it: refused in one line, or told with a warning.
for file in core.zst core.lz4; do
        size=$(stat -c %s "$tmp/$file")
        for cut in 1 4 5 6 7 8 9 12 20 100 1000 5000 $((size / 10)) $((size / 3)) $((size / 2)) $((size - 20)) $((size - 5)) $((size - 1)); do
                head -c "$cut" "$tmp/$file" >"$tmp/cut"
                run "$CORESCAN" --json --top 1 "$tmp/cut"
                case $status in
                0)
                        grep -q '"complete": *false' "$out" && grep -q '^corescan: warning: the compressed core ends early' "$err" &&
                                ok "$file cut at $cut: told" && continue
                        # What lies behind the last promised byte is of no use; nobody misses it.
                        [ "$cut" -ge $((size - 20)) ] && ! grep -q . "$err" && ok "$file cut at $cut: nothing is missing" && continue
                        ;;
                2) [ "$(wc -l <"$err")" -eq 1 ] && [ ! -s "$out" ] && ok "$file cut at $cut: refused" && continue ;;
                esac
                not_ok "$file cut at $cut" "status $status; $(cat "$err")"
        done
        head -c $((size / 2)) "$tmp/$file" >"$tmp/cut"
        assert_exit 3 "$CORESCAN" --strict "$tmp/cut"
        jqe '.target.complete == false' <(exec "$CORESCAN" --json "$tmp/cut" 2>/dev/null)
done

# More than may be kept: the first part of it, with the way out.
assert_exit 3 "$CORESCAN" --strict --json --max-memory 256K "$tmp/core.zst"
jqe '.target.complete == false and (.target.warnings | any(test("takes more than 0.25 MiB of memory") and test("--max-memory") and test("--temp-dir")))' "$out"
assert_exit 0 "$CORESCAN" --strict --json --max-memory 256K --temp-dir "$tmp" "$tmp/core.zst"
assert_eq "$(find "$tmp" -maxdepth 1 -type f ! -name '.*' -newer "$err" | wc -l)" 0 "nothing is left behind"
assert_refused "--temp-dir $tmp/nowhere: no temporary file" --temp-dir "$tmp/nowhere" "$tmp/core.zst"
assert_refused "--temp-dir $tmp/core: no temporary file" --temp-dir "$tmp/core" "$tmp/core.zst"
assert_refused "--max-memory none: not a size" --max-memory none "$tmp/core.zst"
if [ "$(id -u)" -eq 0 ] && mkdir "$tmp/small" && mount -t tmpfs -o size=1m none "$tmp/small" 2>/dev/null; then
        defer umount "$tmp/small"
        assert_refused "--temp-dir: No space left on device" --temp-dir "$tmp/small" "$tmp/core.zst"
else
        echo "# no full disk: nothing can be mounted here"
fi

# Bombs: a core of one segment whose bytes are all alike, 4 KiB of which take 4 bytes. Frames may follow each other, so a
# few kilobytes can promise anything.
python3 - "$tmp" <<'PY'
import struct, subprocess, sys
folder = sys.argv[1]
def pack(data):
    return subprocess.run(['zstd', '-q', '-c'], input=data, stdout=subprocess.PIPE, check=True).stdout
def bomb(name, promised, byte, mebibytes):
    ident = b'\x7fELF\x02\x01\x01' + bytes(9)
    header = ident + struct.pack('<HHIQQQIHHHHHH', 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    load = struct.pack('<IIQQQQQQ', 1, 6, 4096, 0x10000000, 0, promised, promised, 4096)
    frame = pack(bytes([byte]) * (64 << 20))
    with open(f'{folder}/{name}', 'wb') as out:
        out.write(pack((header + load).ljust(4096, b'\0')))
        for _ in range(mebibytes // 64):
            out.write(frame)
bomb('ones.zst', 2 << 30, 1, 2048)           # all there; 1 : 10,000
bomb('zeros.zst', 200 << 30, 0, 200 << 10)   # 1 : 30,000
bomb('promise.zst', 200 << 40, 0, 1024)      # much more promised than there
PY
for name in ones zeros promise; do
        echo "# $name.zst has $(stat -c %s "$tmp/$name.zst") bytes"
        SECONDS=0
        run timeout 120 "$CORESCAN" --json --summary --max-memory 64M "$tmp/$name.zst"
        assert_eq "$status" 0 "$name: an answer"
        echo "# after $SECONDS s"
        jqe '.timing.peak_memory < 400 * 1048576' "$out"
        cp "$out" "$tmp/$name.json"
        cp "$err" "$tmp/$name.err"
done
jqe '.target.complete and .memory.resident == 2147483648' "$tmp/ones.json"
jqe '.target.complete == false and .memory.resident == 0' "$tmp/zeros.json"
assert_file_contains "$tmp/zeros.err" "the compressed core unpacks to more than 25 GiB and 4096 times its size" "what was not read is said"
jqe '.target.complete == false' "$tmp/promise.json"
assert_file_contains "$tmp/promise.err" "the core is truncated" "what is not there is said"
