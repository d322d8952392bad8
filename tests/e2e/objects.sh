#!/bin/bash
# What names a C object is a method table at +8, that no symbol names; what names a C++ object of hidden classes is the RTTI
# in memory. Counts, owners, and who is unreferenced are as the programs say; a pointer into the middle is a reference.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq

# start NAME: runs shop or gallery with its stripped library; $pid, $truth
start() {
        copy_program "$1" "$tmp/$1"
        truth=$tmp/$1.truth
        start_program "$tmp/$1/$1" --truth "$truth"
        wait_ready
}

truth_count() {
        awk -F '\t' -v what="$1" '$3 == what { n++ } END { print n + 0 }' "$truth"
}

# in_clusters TSV WHAT...: "count cluster" of the truth's blocks of these kinds, one line each; missing ones in "none".
in_clusters() {
        local tsv=$1

        shift
        awk -F '\t' -v kinds=" $* " '
                FNR == NR { cluster[$1] = $5; next }
                index(kinds, " " $3 " ") { n[$1 in cluster ? cluster[$1] : "none"]++ }
                END { for (c in n) print n[c], c }' "$tsv" "$truth" | sort -rn
}

# The leak column of the blocks of one kind: "count leak" lines.
leak_of() { # tsv, what
        awk -F '\t' -v what="$2" '
                FNR == NR { leak[$1] = $6; next }
                $3 == what { n[leak[$1]]++ }
                END { for (l in n) print n[l], l }' "$1" "$truth" | sort -rn
}

# All blocks of the truth, with their sizes.
assert_all_there() { # tsv, what
        assert_eq "$(awk -F '\t' 'FNR == NR { size[$1] = $2; next } { n++ } size[$1] != $2 { bad++ }
                END { print (n > 100), bad + 0 }' "$1" "$truth")" "1 0" "$2: every block of the truth is in the census"
}

check_shop() { # json, tsv, what
        local f=$1 tsv=$2 leaked live

        leaked=$(truth_count slider-leaked)
        live=$(truth_count slider-live)
        assert_all_there "$tsv" "$3"
        assert_eq "$leaked $live" "5000 100" "$3: so many sliders"
        jqe '.clusters[0] | .kind == "object" and .count == $n and .library == "libwidget.so" and .confidence >= 0.9' "$f" \
                --argjson n $((leaked + live))
        # A data symbol that no table names any more: the nearest one is no answer, the place in the library is.
        jqe '.clusters[0].evidence[0] | .kind == "data" and .offset == 8 and .module == "libwidget.so" and .share == 1
                and (.symbol | test("^libwidget.so\\+0x[0-9a-f]+ \\(.data.rel.ro\\)"))' "$f"
        jqe '.clusters[0].block_size | .min == 5968 and .max <= 5984' "$f"
        jqe '.clusters[0].unreferenced == $n' "$f" --argjson n "$leaked"
        assert_eq "$(in_clusters "$tsv" slider-leaked slider-live)" "$((leaked + live)) c1" "$3: all sliders are c1"
        assert_eq "$(leak_of "$tsv" slider-leaked)" "$leaked direct" "$3: the lost ones are leak heads"
        assert_eq "$(leak_of "$tsv" slider-live)" "$live -" "$3: those on display are not leaked"
        assert_eq "$(leak_of "$tsv" label-leaked)" "$leaked indirect" "$3: labels are leaked with their sliders"
        assert_eq "$(leak_of "$tsv" button-live)" "10 -" "$3: the buttons, reached through a list, are not"
        jqe '.clusters[0].fields as $f | [$f[] | select(.offset == 0) | .kind] == ["pointer:block"]
                and [$f[] | select(.offset == 8) | .kind] == ["pointer:module"]
                and [$f[] | select(.offset == 16) | .kind] == ["pointer:block"]' "$f"
        jqe '[.clusters[] | select(.kind == "text" and .count == $n)] | length == 1
                and (.[0] | .library == "libwidget.so" and .evidence[0].kind == "referrer" and .evidence[0].symbol == "c1"
                        and .evidence[0].offset == 16 and .template.text == "aisle <n> shelf <n>: slider of order #<n>")' \
                "$f" --argjson n $((leaked + live))
        # Buttons have another method table: a cluster of their own.
        jqe '[.clusters[] | select(.kind == "object" and .count == 10 and .library == "libwidget.so"
                and .evidence[0].offset == 8)] | length == 1' "$f"
        jqe '[.clusters[] | select(.kind == "text" and .count == 10 and .library == "libwidget.so"
                and .template.text == "counter <n>: button for customer <n>")] | length == 1' "$f"
        jqe '.verdict | .kind == "leak" and .cluster == "c1" and .library == "libwidget.so"' "$f"
}

check_gallery() { # json, tsv, what
        local f=$1 tsv=$2 leaked vector list

        leaked=$(truth_count polygon-leaked)
        vector=$(truth_count polygon-live)
        list=$(truth_count polygon-live-interior)
        assert_all_there "$tsv" "$3"
        jqe '.clusters[0] | .what == "geometry::Polygon" and .kind == "object" and .count == $n
                and .library == "libshape.so" and .confidence >= 0.95' "$f" --argjson n $((leaked + vector + list))
        jqe '.clusters[0].evidence | .[0].kind == "vtable" and .[0].offset == 0
                and ([.[] | select(.kind == "vtable") | .offset] | sort) == [0, 16]' "$f"
        jqe '.clusters[0].unreferenced == $n' "$f" --argjson n "$leaked"
        assert_eq "$(leak_of "$tsv" polygon-leaked)" "$leaked direct" "$3: the lost polygons are leak heads"
        assert_eq "$(leak_of "$tsv" polygon-live)" "$vector -" "$3: those in the vector are not leaked"
        assert_eq "$(leak_of "$tsv" polygon-live-interior | grep -Evx '[0-9]+ (-|possible)')" "" \
                "$3: those that only a pointer into their middle holds are not leaked"
        jqe '[.clusters[] | select(.what == "geometry::Circle")] | length == 1 and .[0].count == $n
                and .[0].unreferenced == 0 and .[0].library == "libshape.so"' "$f" --argjson n "$(truth_count circle-live)"
        jqe '[.clusters[] | select(.kind == "text" and .library == "libshape.so" and .count == $n)] | length == 1
                and .[0].template.text == "polygon <n> on layer <n> of the gallery"' "$f" \
                --argjson n $((leaked + vector + list))
        assert_eq "$(in_clusters "$tsv" points-leaked points-live | wc -l)" 1 "$3: the points are one cluster"
        jqe '.verdict | .kind == "leak" and .cluster == "c1" and .library == "libshape.so"' "$f"
}

for name in shop gallery; do
        start "$name"
        scan_json "$tmp/live.json" --blocks "$tmp/live.tsv" --live "$pid"
        "check_$name" "$tmp/live.json" "$tmp/live.tsv" "$name, live"
        take_gcore "$pid" "$tmp/core"
        scan_json "$tmp/core.json" --blocks "$tmp/core.tsv" "$tmp/core"
        "check_$name" "$tmp/core.json" "$tmp/core.tsv" "$name, gcore"
        # What a cluster is does not depend on where it was loaded: the signature of another run's is the same.
        signature=$(jq -r '.clusters[0].signature' "$tmp/core.json")
        stop_program "$pid"
        start "$name"
        if [ -z "$(kernel_core_obstacle)" ]; then
                take_kernel_core "$pid" "$tmp/core"
                scan_json "$tmp/core.json" --blocks "$tmp/core.tsv" "$tmp/core"
                "check_$name" "$tmp/core.json" "$tmp/core.tsv" "$name, kernel core"
        else
                scan_json "$tmp/core.json" --live "$pid"
        fi
        assert_eq "$(jq -r '.clusters[0].signature' "$tmp/core.json")" "$signature" "$name: the signature survives a new run"
done

# With symbols the method table has its name.
copy_program shop "$tmp/plain" plain
start_program "$tmp/plain/shop" --truth "$tmp/plain.truth"
wait_ready
scan_json "$tmp/plain.json" --live "$pid"
jqe '.clusters[0].evidence[0].symbol == "slider_ops"' "$tmp/plain.json"
jqe '.clusters[0].what | contains("slider_ops")' "$tmp/plain.json"
