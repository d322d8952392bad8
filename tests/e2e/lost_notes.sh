#!/bin/bash
# gdb writes a core's notes last, so whoever cuts it loses them: threads, modules and their names. What is left is found in
# memory: by the loader's list, or by each object's own name. And notes that lie do not hide it.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq gdb readelf python3

copy_program shop "$tmp/shop"
start_program "$tmp/shop/shop" --truth "$tmp/truth" --leaked 300 --live 20
wait_ready
take_gcore "$pid" "$tmp/core"
awk '{ print $1, $6 }' "/proc/$pid/maps" >"$tmp/maps"
stop_program "$pid"

# Where the core holds the end of the last mapping of that name.
end_of() {
        local range offset

        range=$(awk -v name="$1" '$2 ~ name { r = $1 } END { print r }' "$tmp/maps")
        offset=$(offset_of "$tmp/core" "0x${range%-*}")
        [ -n "$offset" ] || give_up "the core holds the last mapping of $1"
        echo $((offset + 0x${range#*-} - 0x${range%-*}))
}

sliders() { # json confidence
        jqe '.clusters[0] | .count == 320 and .library == "libwidget.so" and .unreferenced == 300
                and .evidence[0].module == "libwidget.so"' "$1"
        jqe '.target.complete == false and (.target.warnings | any(test("found in its memory")))' "$1"
        jqe 'any(.heaps[]; .allocator == "glibc" and (.arenas[0].used.count > 600))' "$1"
}

notes=$(readelf -lW "$tmp/core" | awk '$1 == "NOTE" { print $2 }')
[ -n "$notes" ] || give_up "gdb's core has notes"
# In the middle of the notes, before them, and before what little lies between stack and notes: all modules, as loaded.
for cut in $((notes + 100)) $((notes)) "$(end_of '^.stack.$')"; do
        cp "$tmp/core" "$tmp/cut"
        truncate -s "$cut" "$tmp/cut"
        scan_json "$tmp/cut.json" --summary --regions "$tmp/cut"
        sliders "$tmp/cut.json"
        jqe '.target.exe == $exe and (.target.command | startswith($exe + " --truth "))' "$tmp/cut.json" --arg exe "$tmp/shop/shop"
        jqe 'any(.regions[]; .path == $path) and any(.regions[]; .kind == "stack") and any(.regions[]; .kind == "vdso")' \
                "$tmp/cut.json" --arg path "$tmp/shop/libwidget.so"
        jqe '[.regions[] | select(.kind | startswith("module-")) | .owner] | unique | length == 4' "$tmp/cut.json"
        # Nothing of this machine's files is used that is not the same build.
        jqe '.libraries[] | select(.library == "libwidget.so") | .build_id == $id' "$tmp/cut.json" \
                --arg id "$(readelf -n "$tmp/shop/libwidget.so" | awk '/Build ID/ { print $3 }')"
done

# systemd's names say whose it was.
cp "$tmp/cut" "$tmp/core.shop\\x2e1.0.6e1f0a2b3c4d5e6f708192a3b4c5d6e7.4711.1696324543000000"
scan_json "$tmp/named.json" "$tmp/core.shop\\x2e1.0.6e1f0a2b3c4d5e6f708192a3b4c5d6e7.4711.1696324543000000"
jqe '.target.pid == 4711' "$tmp/named.json"

# Without the stack nobody knows how the program is called; the loader knows its libraries.
cp "$tmp/core" "$tmp/cut"
truncate -s "$(end_of '/ld-linux-x86-64.so.2$')" "$tmp/cut"
scan_json "$tmp/cut.json" --summary --regions "$tmp/cut"
sliders "$tmp/cut.json"
jqe '.target.exe | startswith("object at 0x")' "$tmp/cut.json"
jqe 'any(.regions[]; .path == $path)' "$tmp/cut.json" --arg path "$tmp/shop/libwidget.so"

# Without the loader's data they are known by the names that they have for themselves.
truncate -s $(($(end_of '/libwidget.so$') + 0)) "$tmp/cut"
scan_json "$tmp/cut.json" --summary --regions "$tmp/cut"
sliders "$tmp/cut.json"
jqe 'any(.regions[]; .path == "libwidget.so") and any(.regions[]; .path == "libc.so.6")' "$tmp/cut.json"

# On another machine: no file at hand at all; then below another root; then another build there.
cp "$tmp/core" "$tmp/cut"
truncate -s $((notes)) "$tmp/cut"
mv "$tmp/shop" "$tmp/away"
scan_json "$tmp/gone.json" --sysroot "$tmp/nowhere" "$tmp/cut"
sliders "$tmp/gone.json"
jqe 'any(.target.warnings[]; test("not on this machine") and test("libwidget.so"))' "$tmp/gone.json"
mkdir -p "$tmp/root$tmp"
cp -r "$tmp/away" "$tmp/root$tmp/shop"
scan_json "$tmp/root.json" --sysroot "$tmp/root" "$tmp/cut"
sliders "$tmp/root.json"
assert_file_lacks "$tmp/root.json.err" libwidget.so "--sysroot: the library is found there"
cp "$tmp/away/shop" "$tmp/root$tmp/shop/libwidget.so"
scan_json "$tmp/other.json" --sysroot "$tmp/root" "$tmp/cut"
sliders "$tmp/other.json"
jqe 'any(.target.warnings[]; test("other builds") and test("libwidget.so"))' "$tmp/other.json"

# Names out of a debug file, if it is of that build: the library that ran was stripped.
id=$(readelf -n "$tmp/away/libwidget.so" | awk '/Build ID/ { print $3 }')
mkdir -p "$tmp/debug/.build-id/${id:0:2}"
jqe 'all(.clusters[]; .what | test("slider_ops") | not)' "$tmp/gone.json"
cp "$BUILD_DIR/fixtures/objects/libwidget.so" "$tmp/debug/.build-id/${id:0:2}/${id:2}.debug"
scan_json "$tmp/debug.json" --sysroot "$tmp/nowhere" --debug-dir "$tmp/debug" "$tmp/cut"
jqe '.clusters[0].what | test("slider_ops")' "$tmp/debug.json"
cp "$BUILD_DIR/fixtures/objects/shop" "$tmp/debug/.build-id/${id:0:2}/${id:2}.debug"
scan_json "$tmp/debug.json" --sysroot "$tmp/nowhere" --debug-dir "$tmp/debug" "$tmp/cut"
jqe 'all(.clusters[]; .what | test("slider_ops") | not)' "$tmp/debug.json"

# Notes that lie: NT_FILE with a count beyond all, with ranges upon each other, across everything, and where nothing is.
lie() { # what
        cp "$tmp/core" "$tmp/lie"
        python3 - "$tmp/lie" "$1" "$notes" <<'PY'
import struct, sys
name, what, notes = sys.argv[1], sys.argv[2], int(sys.argv[3], 0)
data = bytearray(open(name, "rb").read())
at = notes
while True:
    namesz, descsz, kind = struct.unpack_from("<III", data, at)
    desc = at + 12 + (namesz + 3) // 4 * 4
    if kind == 0x46494c45:
        break
    at = desc + (descsz + 3) // 4 * 4
count = struct.unpack_from("<Q", data, desc)[0]
for i in range(count):
    entry = desc + 16 + 24 * i
    start, end, page = struct.unpack_from("<QQQ", data, entry)
    if what == "overlap":
        start, end = start - 0x3000, end + 0x5000
    elif what == "nowhere":
        start, end = 0x10000 * (i + 1), 0x10000 * (i + 1) + 0x1000
    elif what == "across":
        start, end = 0x1000 * (i + 1), 0x7ffffffff000
    elif what == "backwards":
        start, end = end, start
    elif what == "beyond":
        start, end = 0xffffffffffff0000, 0xffffffffffffffff
    elif what == "offsets":
        page = 0xffffffffffffffff
    struct.pack_into("<QQQ", data, entry, start, end, page)
if what == "count":
    struct.pack_into("<Q", data, desc, 0x0fffffffffffffff)
elif what == "size":
    struct.pack_into("<I", data, at + 4, 0xfffffff0)
open(name, "wb").write(data)
PY
}
mv "$tmp/away" "$tmp/shop"
for what in count size overlap nowhere across backwards beyond offsets; do
        lie "$what"
        scan_json "$tmp/lie.json" "$tmp/lie"
        jqe '.clusters[0] | .count == 320 and .library == "libwidget.so" and .unreferenced == 300' "$tmp/lie.json"
        jqe '.memory.mapped < 1073741824' "$tmp/lie.json"
done
