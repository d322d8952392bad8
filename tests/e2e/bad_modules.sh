#!/bin/bash
# A core whose modules are not on this machine, or are another build there: the objects are found all the same, from what the
# core itself holds; a warning names the files, and nothing is taken from a file that is not the one.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq gdb

home=$tmp/home
copy_program shop "$home"
start_program "$home/shop" --truth "$tmp/truth"
wait_ready
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/all.json" "$tmp/core"
assert_eq "$(cat "$tmp/all.json.err")" "" "with all files there is no warning"
build_id=$(jq -r '.libraries[] | select(.library == "libwidget.so") | .build_id' "$tmp/all.json")
assert_contains "$(readelf -n "$home/libwidget.so")" "${build_id:-none}" "the library's build-id is in the report"

# The sliders: as many as there are, told by their method table.
sliders() { # json
        jqe '.clusters[0] | .count == 5100 and .library == "libwidget.so" and .unreferenced == 5000
                and .evidence[0].offset == 8 and .evidence[0].module == "libwidget.so"' "$1"
        jqe '.verdict | .kind == "leak" and .library == "libwidget.so"' "$1"
        jqe '[.clusters[] | select(.kind == "text" and .count == 5100 and .library == "libwidget.so")] | length == 1' "$1"
        # The build-id is in the core, in the first page of the module.
        jqe '.libraries[0].build_id == $id' "$1" --arg id "$build_id"
}

# Live, with the files gone: a process keeps what it has mapped.
mv "$home" "$home.away"
scan_json "$tmp/live.json" --live "$pid"
sliders "$tmp/live.json"
stop_program "$pid"

scan_json "$tmp/gone.json" "$tmp/core"
sliders "$tmp/gone.json"
assert_file_contains "$tmp/gone.json.err" libwidget.so "a warning names the library"
assert_file_contains "$tmp/gone.json.err" shop "and the program"
jqe 'any(.target.warnings[]; test("libwidget.so"))' "$tmp/gone.json"

# Found again below another root.
mkdir -p "$tmp/root$(dirname "$home")"
cp -r "$home.away" "$tmp/root$home"
scan_json "$tmp/sysroot.json" --sysroot "$tmp/root" "$tmp/core"
sliders "$tmp/sysroot.json"
assert_file_lacks "$tmp/sysroot.json.err" libwidget.so "--sysroot: the library is found there"
mv "$tmp/root$home" "$tmp/root/moved"
ln -s /moved "$tmp/root$home"
scan_json "$tmp/linked.json" --sysroot "$tmp/root" "$tmp/core"
assert_file_lacks "$tmp/linked.json.err" libwidget.so "--sysroot: an absolute link stays inside"

# Another build in its place, whose symbols would name things wrongly.
mkdir "$home"
cp "$home.away/shop" "$home/"
sed 's/slider_ops/impostor_ops/g; s/^static struct widget_context \*shared;/char padding[4096] = { 1 };\n&/' \
        "$SOURCE_DIR/fixtures/objects/widget.c" >"$tmp/widget.c"
"$CC" -std=gnu17 -g -O0 -fPIC -shared -Wl,--build-id -I "$SOURCE_DIR/fixtures/objects" -o "$home/libwidget.so" "$tmp/widget.c" ||
        give_up "the other build compiles"
scan_json "$tmp/other.json" "$tmp/core"
sliders "$tmp/other.json"
assert_file_contains "$tmp/other.json.err" libwidget.so "a warning names the library"
assert_file_contains "$tmp/other.json.err" build "and says that it is another build"
assert_file_lacks "$tmp/other.json" impostor_ops "no name of the other build is used"
assert_file_lacks "$tmp/other.json.err" /shop "nothing is said of the program, which is the same"

# No file at all: a library that is text, and one that cannot be read to its end.
echo 'not a library' >"$home/libwidget.so"
scan_json "$tmp/text.json" "$tmp/core"
sliders "$tmp/text.json"
assert_file_contains "$tmp/text.json.err" libwidget.so "a warning names the library that is text"
head -c 3000 "$home.away/libwidget.so" >"$home/libwidget.so"
scan_json "$tmp/cut.json" "$tmp/core"
sliders "$tmp/cut.json"
rm "$home/libwidget.so"
mkfifo "$home/libwidget.so"
scan_json "$tmp/fifo.json" "$tmp/core"
sliders "$tmp/fifo.json"
rm -r "$home"

# C++ whose class names lie in .rodata, which a kernel core leaves to the file: still one cluster, of that library.
copy_program gallery "$home"
start_program "$home/gallery" --truth "$tmp/truth"
wait_ready
if [ -z "$(kernel_core_obstacle)" ]; then
        take_kernel_core "$pid" "$tmp/core"
else
        take_gcore "$pid" "$tmp/core"
fi
rm -r "$home"
scan_json "$tmp/gallery.json" "$tmp/core"
jqe '.clusters[0] | .kind == "object" and .count == 3500 and .library == "libshape.so" and .unreferenced == 3000' \
        "$tmp/gallery.json"
assert_file_contains "$tmp/gallery.json.err" libshape.so "a warning names the library"
