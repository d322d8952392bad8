#!/bin/bash
# What is called lost is lost, and what is lost is called so: programs that keep and lose blocks in an order that follows from a
# seed, from a core and live. Of the bytes at least 0.99 each way; what is held by an encoded address is
# never called lost. What unused ends of live blocks may still name (stale) is not judged.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq

# count TSV TRUTH: "found-bytes lost-bytes bytes-wrongly-called-lost blocks-in-use-called-lost"; what is wrong goes to $tmp/wrong
count() {
        awk -F '\t' -v wrong="$tmp/wrong" '
                FNR == NR { leak[$1] = $6; next }
                { lost = leak[$1] == "direct" || leak[$1] == "indirect" }
                $3 == "lost" { all += $2; if (lost) found += $2; else print "missed", $0, leak[$1] >>wrong }
                $3 != "lost" && $3 != "stale" && lost { bytes += $2; blocks++; print "false", $0 >>wrong }
                END { print found + 0, all + 0, bytes + 0, blocks + 0 }' "$1" "$2"
}

declare -A found all false_bytes
judge() { # tsv, truth, live or core
        local f a b blocks

        read -r f a b blocks < <(count "$1" "$2")
        assert_eq "$blocks" 0 "seed $seed, $3: nothing that is in use is called lost"
        found[$3]=$((${found[$3]:-0} + f))
        all[$3]=$((${all[$3]:-0} + a))
        false_bytes[$3]=$((${false_bytes[$3]:-0} + b))
}

for seed in ${SEEDS:-1 2 3 4 5}; do
        start_program "$BUILD_DIR/fixtures/fixture-seeded" "$seed" "$tmp/truth"
        wait_ready
        assert_exit 0 "$CORESCAN" --leaks --blocks "$tmp/live.tsv" --live "$pid"
        judge "$tmp/live.tsv" "$tmp/truth" live
        take_gcore "$pid" "$tmp/core"
        scan_json "$tmp/core.json" --leaks --top 0 --blocks "$tmp/core.tsv" "$tmp/core"
        judge "$tmp/core.tsv" "$tmp/truth" core
        jqe '.leaks | .direct.count > 0 and .indirect.count > 0 and .possible.count > 0 and .stale.count > 0' "$tmp/core.json"
        stop_program "$pid"
        rm -f "$tmp/core" "$tmp/core.segments"
done

# Where a program's memory lies changes from run to run, and with it what stale words happen to name: all seeds count together.
for how in live core; do
        said="$how: ${found[$how]} of ${all[$how]} lost bytes found, ${false_bytes[$how]} bytes wrongly called lost"
        if ((found[$how] * 100 >= all[$how] * 99 && found[$how] * 100 >= (found[$how] + false_bytes[$how]) * 99)); then
                ok "$said"
        else
                not_ok "$said" "$(head -n 12 "$tmp/wrong")"
        fi
done
