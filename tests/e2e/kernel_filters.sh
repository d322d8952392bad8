#!/bin/bash
# What the kernel dumps is up to /proc/PID/coredump_filter: all of it, the usual parts, or anonymous memory alone (without even
# the headers of modules). And it ends where the limit says, with all headers in front.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq
obstacle=$(kernel_core_obstacle)
[ -z "$obstacle" ] || skip "$obstacle"

home=$tmp/home
copy_program shop "$home"

core_with() { # filter core
        # shellcheck disable=SC2016 # for the shell that is started
        start_program sh -c 'echo "$1" >/proc/self/coredump_filter; shift; exec "$@"' sh "$1" \
                "$home/shop" --truth "$tmp/truth" --leaked 3000 --live 20
        wait_ready
        assert_eq "$((0x$(cat "/proc/$pid/coredump_filter")))" "$(($1))" "the filter is $1"
        take_kernel_core "$pid" "$2"
}

sliders() { # json
        jqe '.clusters[0] | .count == 3020 and .library == "libwidget.so" and .unreferenced == 3000' "$1"
        jqe '.verdict | .kind == "leak" and .library == "libwidget.so"' "$1"
        jqe '[.regions[] | select(.kind | startswith("module-")) | .owner] | unique | length == 4' "$1"
        jqe 'any(.regions[]; .kind == "stack") and any(.regions[]; .kind == "vdso")' "$1"
}

for filter in 0x33 0x7f 0x01 0x11; do
        core_with "$filter" "$tmp/core$filter"
        echo "# filter $filter: $(stat -c %s "$tmp/core$filter") bytes"
        scan_json "$tmp/$filter.json" --summary --regions "$tmp/core$filter"
        sliders "$tmp/$filter.json"
        jqe '.target.complete' "$tmp/$filter.json"
        # Without any file at hand.
        mv "$home" "$home.away"
        scan_json "$tmp/gone.json" --summary --regions --sysroot "$tmp/nowhere" "$tmp/core$filter"
        jqe '.clusters[0] | .count == 3020 and .library == "libwidget.so" and .unreferenced == 3000' "$tmp/gone.json"
        mv "$home.away" "$home"
done
for part in malloc-used stack vdso; do
        assert_eq "$(jq -s --arg kind "$part" '[.[].memory.by_kind[] | select(.kind == $kind) | .bytes] | unique | length' \
                "$tmp/0x33.json" "$tmp/0x7f.json" "$tmp/0x01.json")" 1 "as much $part in all of them"
done
