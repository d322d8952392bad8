# shellcheck shell=bash
# The leaking Ruby server of fixtures/eventmachine, and what corescan has to say about it. Source it first:
#
#       . "$SOURCE_DIR/tests/e2e/_eventmachine.sh"
#
#       serve DIR ARG...                runs the fixture (see its run.sh) and reads what is expected; skips where it skips
#       scan NAME DIR ARG...            corescan ARG... to $tmp/NAME.json and $tmp/NAME.tsv (--blocks)
#       assert_leak_found NAME DIR      the class, the texts, the library, the verdict, the truth
#       assert_no_leak NAME DIR         what fixed mode has to say
#       assert_truth NAME DIR           the blocks are those of the truth
# shellcheck disable=SC2154 # expected.env sets them

# shellcheck source=tests/e2e/_lib.sh
. "$SOURCE_DIR/tests/e2e/_lib.sh"
need_command ruby gdb jq flock

_end_server() {
        [ -s "$1/pid" ] && kill -KILL "$(cat "$1/pid")" 2>/dev/null
        rm -f "$1/pid" # another process may have the number soon
}

serve() {
        local dir=$1 rc=0

        shift
        case " $* " in
        *' --keep '*) defer _end_server "$dir" ;;
        esac
        "$SOURCE_DIR/fixtures/eventmachine/run.sh" --out "$dir" --build "$BUILD_DIR/fixtures/eventmachine" "$@" \
                >"$tmp/.run.log" 2>&1 || rc=$?
        [ "$rc" -ne 77 ] || skip "$(sed -n 's/^skipped: //p' "$tmp/.run.log")"
        [ "$rc" -eq 0 ] || give_up "the fixture runs" "$(cat "$tmp/.run.log")"
        # shellcheck source=/dev/null
        . "$dir/expected.env"
}

# Only the largest: the JSON of everything is much larger, and no more to the point.
scan() {
        local name=$1

        shift
        scan_json "$tmp/$name.json" --top 20 --blocks "$tmp/$name.tsv" "$@"
}

assert_truth() {
        local got

        # Addresses and usable sizes, one and all: 100 %.
        got=$(awk -F '\t' '
                FNR == NR { size[$1] = $2; next }
                !($1 in size) { missing++; next }
                size[$1] != $2 { wrong++ }
                END { print (NR > FNR), missing + 0, wrong + 0 }' "$tmp/$1.tsv" "$2/truth.tsv")
        assert_eq "$got" "1 0 0" "$1: every block of the truth is in the census, with its size (any, missing, wrong)"
}

# The clusters in which the truth's blocks of a kind lie: "count cluster" lines, largest first.
clusters_of() { # name, dir, kind
        awk -F '\t' -v kind="$3" '
                FNR == NR { cluster[$1] = $5; next }
                $3 == kind { n[$1 in cluster ? cluster[$1] : "none"]++ }
                END { for (c in n) print n[c], c }' "$tmp/$1.tsv" "$2/truth.tsv" | sort -rn
}

# The blocks of a kind are one text cluster, and nothing else is in it.
assert_text_cluster() { # name, dir, kind, count
        local found count id

        found=$(clusters_of "$1" "$2" "$3")
        read -r count id <<<"$found"
        assert_eq "$found" "$4 ${id:-}" "$1: the ${3}s are one cluster"
        jqe '.clusters[] | select(.id == $id)
                | .kind == "text" and .count == $n and .library == $library' "$tmp/$1.json" \
                --arg id "${id:-}" --arg library "$library" --argjson n "$4"
}

# Each template that the load sent is one text cluster with its exact count, and the template is what the bodies have in
# common: its fixed parts are in the example, in their order.
assert_body_clusters() { # name, dir
        local name count example id

        while IFS=$'\t' read -r _ name count example; do
                id=$(jq -r --argjson n "$count" --arg library "$library" --arg example "$example" '
                        def in_order($parts; $text):
                                reduce $parts[] as $p ({ok: true, rest: $text};
                                        (.rest | index($p)) as $i
                                        | if .ok and $i != null then .rest |= .[$i + ($p | length):]
                                        else .ok = false end) | .ok;
                        [.clusters[] | select(.kind == "text" and .count == $n and .library == $library)
                                | select((.template.text | length) > 100)
                                | select(in_order([.template.text | splits("<[a-z]+>") | select(. != "")]; $example)) | .id] | join(" ")' \
                        "$tmp/$1.json")
                if [[ $id =~ ^c[0-9]+$ ]]; then
                        ok "$1: body template $name: $count in $id"
                        assert_eq "$(clusters_of "$1" "$2" body | grep -c "^$count $id\$")" 1 \
                                "$1: the $count bodies in $id are those of the truth"
                else
                        not_ok "$1: body template $name: one text cluster of $count that leads to $library" "$(
                                jq -c '.clusters[] | select(.kind == "text") | [.id, .count, .library, .what]' \
                                        "$tmp/$1.json")"
                fi
        done < <(grep -a '^template' "$2/templates.tsv")
}

assert_leak_found() { # name, dir
        local f=$tmp/$1.json

        jqe '.clusters[0] | .kind == "object" and .what == $class' "$f" --arg class "$class"
        jqe '.clusters[0] | .count == $n and .state == {in_use: $n, free: 0}' "$f" --argjson n "$objects"
        jqe '.clusters[0].block_size == {min: $min, max: $max}' "$f" --argjson min "$chunk_size_min" --argjson max "$chunk_size_max"
        jqe '.clusters[0] | .library == $library and .confidence >= 0.95' "$f" --arg library "$library"
        jqe '.clusters[0].evidence[0] | .kind == "vtable" and .offset == 0 and .share == 1
                and .module == $library' "$f" --arg library "$library"
        jqe '.clusters[0] | .unreferenced >= 0.95 * .count' "$f"
        jqe '.verdict.kind == "leak" and .verdict.cluster == "c1"
                and .verdict.library == $library and .verdict.confidence >= 0.9' "$f" --arg library "$library"
        jqe '.libraries[0] | .library == $library and .count >= $n and (.build_id | test("^[0-9a-f]{40}$"))' "$f" \
                --arg library "$library" --argjson n "$((objects + bodies + cookies + uris))"
        assert_truth "$1" "$2"
        assert_eq "$(clusters_of "$1" "$2" object)" "$objects c1" "$1: the objects of the truth are the first cluster"
        assert_body_clusters "$1" "$2"
        assert_text_cluster "$1" "$2" cookie "$cookies"
        assert_text_cluster "$1" "$2" uri "$uris"
        # What hangs on a leaked object is leaked with it.
        assert_eq "$(awk -F '\t' -v n="$objects" -v library="$library" '
                $5 == "c1" { all++; if ($6 == "direct" || $6 == "indirect") leaked++; if ($3 != library) others++ }
                END { print (all == n), (leaked >= 0.95 * n), others + 0 }' "$tmp/$1.tsv")" "1 1 0" \
                "$1: --blocks calls the objects leaked, and the library's"
}

assert_no_leak() { # name, dir
        local f=$tmp/$1.json

        jqe 'all(.clusters[]; .what | contains($class) | not)' "$f" --arg class "$class"
        jqe '.verdict.kind != "leak"' "$f"
        jqe '.verdict.library != $library' "$f" --arg library "$library"
        assert_eq "$(awk -F '\t' -v library="$library" '
                $3 == library && ($6 == "direct" || $6 == "indirect") { n++ } END { print n + 0 }' "$tmp/$1.tsv")" 0 \
                "$1: --blocks calls no block of the library leaked"
        assert_exit 0 "$CORESCAN" "${@:3}"
        assert_file_lacks "$out" LEAK "$1: the summary says nothing of a leak"
        assert_file_lacks "$out" "$class" "$1: the summary does not name the class"
}
