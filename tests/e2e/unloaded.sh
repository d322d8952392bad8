#!/bin/bash
# A plugin that was closed while its objects are in use: their vtables are gone, and what the loader left of the plugin in freed
# memory still names it. Where that is overwritten, the place is named. And two libraries of one base name: each has its own
# blocks, and the build-ids tell them apart.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq

case $CC in
*clang*) CXX=clang++ ;;
*) CXX=g++ ;;
esac
command -v "$CXX" >/dev/null || skip "$CXX is not installed"

# library NAME FILE FLAGS...: the C++ source on standard input
library() {
        local name=$1

        shift
        mkdir -p "$(dirname "$tmp/$name")"
        "$CXX" -O1 -shared -fPIC -Wl,--build-id -x c++ -o "$tmp/$name" - "$@" 2>"$tmp/log" || give_up "$name compiles" "$(cat "$tmp/log")"
}

plugin='
#include <stddef.h>
namespace {
struct Shape {
        virtual ~Shape() {}
        virtual int area() const = 0;
        long width = 7;
};
struct Square : Shape {
        int area() const override { return (int)width; }
        unsigned char room[ROOM];
};
}
extern "C" __attribute__((visibility("default"))) void *make() { return new Square(); }
'
library libplug.so -DROOM=200 <<<"$plugin"

build_c host -O1 -ldl <<'END'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OBJECTS = 500 };

int main(int argc, char **argv)
{
        void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        void *(*make)(void) = plugin ? (void *(*)(void))dlsym(plugin, "make") : NULL;
        void *volatile object;
        if (!make)
                return 1;
        for (int i = 0; i < OBJECTS; i++)
                object = make();
        (void)object;
        /* What the loader frees below it does not become one with the top. */
        void *volatile fence = malloc(64);
        (void)fence;
        if (dlclose(plugin) != 0 || dlopen(argv[1], RTLD_NOLOAD))
                return 2;
        if (argc > 2) {
                /* Uses all that is free again, in every size but the objects' own. */
                for (int size = 16; size <= 4096; size += 16)
                        for (int i = 0; size != 208 && i < 12; i++)
                                memset(malloc((size_t)size), 0x11, (size_t)size);
        }
        puts("ready");
        fflush(stdout);
        pause();
        return 0;
}
END

objects='[.clusters[] | select(.count == 500 and .block_size.min == 224)]'

start_program "$tmp/host" "$tmp/libplug.so"
wait_ready
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/named.json" "$tmp/core" --summary --libraries --blocks "$tmp/named.tsv"
scan_json "$tmp/live.json" --live "$pid" --summary
stop_program "$pid"
for json in named live; do
        jqe "$objects"' | length == 1 and .[0].library == "libplug.so (unloaded)" and .[0].confidence >= 0.7
                and .[0].unreferenced >= 499' "$tmp/$json.json"
        jqe "$objects"'[0].evidence[0] | .kind == "vtable" and .offset == 0 and .symbol == null
                and .module == "libplug.so (unloaded)"' "$tmp/$json.json"
done
jqe '.libraries[] | select(.library == "libplug.so (unloaded)") | .count >= 500 and .build_id == null' "$tmp/named.json"
jqe '.verdict | .kind == "leak" and .library == "libplug.so (unloaded)"' "$tmp/named.json"
assert_eq "$(awk -F '\t' '$3 == "libplug.so (unloaded)" && $2 == 216 { n++ } END { print n }' "$tmp/named.tsv")" 500 \
        "--blocks names it for each object"
one=$(awk -F '\t' '$3 == "libplug.so (unloaded)" && $2 == 216 { print $1; exit }' "$tmp/named.tsv")
assert_exit 0 "$CORESCAN" "$tmp/core" --at "$one"
assert_file_contains "$out" "libplug.so (unloaded)" "--at names it as well"

start_program "$tmp/host" "$tmp/libplug.so" reuse
wait_ready
take_gcore "$pid" "$tmp/core.reused"
scan_json "$tmp/reused.json" "$tmp/core.reused" --summary
jqe "$objects"' | length == 1 and (.[0] | (.library | test("^unloaded module at 0x7[0-9a-f]+$"))
        and .confidence > 0 and .confidence < 0.5)' "$tmp/reused.json"
jqe "$objects"'[0].evidence[0] | .kind == "vtable" and .symbol == null' "$tmp/reused.json"
stop_program "$pid"

# One base name, two libraries.
library a/libtwin.so -DROOM=200 <<<"$plugin"
library b/libtwin.so -DROOM=1000 <<<"$plugin"
build_c twins -O1 -ldl <<'END'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
        for (int a = 1; a < argc; a++) {
                void *library = dlopen(argv[a], RTLD_NOW | RTLD_LOCAL);
                void *(*make)(void) = library ? (void *(*)(void))dlsym(library, "make") : NULL;
                if (!make)
                        return 1;
                for (int i = 0; i < 300 * a; i++)
                        make();
        }
        puts("ready");
        fflush(stdout);
        pause();
        return 0;
}
END
start_program "$tmp/twins" "$tmp/a/libtwin.so" "$tmp/b/libtwin.so"
wait_ready
take_gcore "$pid" "$tmp/core.twins"
scan_json "$tmp/twins.json" "$tmp/core.twins" --summary --libraries
build_id() {
        readelf -n "$1" | sed -n 's/ *Build ID: //p'
}
for twin in a:300:224 b:600:1024; do
        IFS=: read -r dir count size <<<"$twin"
        jqe '[.clusters[] | select(.block_size.min == $s and .count == $n)] | length == 1 and .[0].library == "libtwin.so"
                and .[0].confidence >= 0.9' "$tmp/twins.json" --argjson n "$count" --argjson s "$size"
        jqe '[.libraries[] | select(.library == "libtwin.so" and .build_id == $id)] | length == 1 and .[0].count >= $n
                and .[0].count < $n + 50' "$tmp/twins.json" --arg id "$(build_id "$tmp/$dir/libtwin.so")" --argjson n "$count"
done
