#!/bin/bash
# What is called lost is lost, and what is lost is called so: programs that keep and lose blocks in an order that follows from a
# seed, from a core and live. Of the bytes at least 0.99 each way; what is held by an encoded address is
# never called lost. What unused ends of live blocks may still name (stale) is not judged.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq

# score TSV TRUTH: "precision recall encoded-blocks-called-lost kept-blocks-called-lost"; the list of what is wrong in $tmp/wrong
score() {
        awk -F '\t' -v wrong="$tmp/wrong" '
                FNR == NR { leak[$1] = $6; next }
                { lost = leak[$1] == "direct" || leak[$1] == "indirect" }
                $3 == "lost" { all += $2; if (lost) hit += $2; else print "missed", $0, leak[$1] >wrong }
                $3 != "lost" && $3 != "stale" && lost { false_ += $2; kept += $3 == "live"; encoded += $3 == "encoded"; print "false", $0 >wrong }
                END { printf "%.4f %.4f %d %d\n", hit + false_ ? hit / (hit + false_) : 0, all ? hit / all : 0, encoded, kept }' \
                "$1" "$2"
}

judge() { # tsv, truth, what
        local precision recall encoded kept

        rm -f "$tmp/wrong"
        read -r precision recall encoded kept < <(score "$1" "$2")
        if awk -v p="$precision" -v r="$recall" 'BEGIN { exit !(p >= 0.99 && r >= 0.99) }'; then
                ok "$3: precision $precision, recall $recall"
        else
                not_ok "$3: precision $precision, recall $recall" "$(head -n 12 "$tmp/wrong")"
        fi
        assert_eq "$encoded $kept" "0 0" "$3: nothing that is in use is called lost"
}

for seed in ${SEEDS:-1 2 3}; do
        start_program "$BUILD_DIR/fixtures/fixture-seeded" "$seed" "$tmp/truth"
        wait_ready
        assert_exit 0 "$CORESCAN" --leaks --blocks "$tmp/live.tsv" --live "$pid"
        judge "$tmp/live.tsv" "$tmp/truth" "seed $seed, live"
        take_gcore "$pid" "$tmp/core"
        scan_json "$tmp/core.json" --leaks --top 0 --blocks "$tmp/core.tsv" "$tmp/core"
        judge "$tmp/core.tsv" "$tmp/truth" "seed $seed, core"
        jqe '.leaks | .direct.count > 0 and .indirect.count > 0 and .possible.count > 0 and .stale.count > 0' "$tmp/core.json"
        stop_program "$pid"
        rm -f "$tmp/core" "$tmp/core.segments"
done
