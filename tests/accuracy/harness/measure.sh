#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs programs to a steady state, records and cores them, lets corescan name the owner of each block, and scores that.
#
#       measure.sh [--again] [--sets DIR] [--out DIR] [NAME...]
#
#       --again         no new captures: score the sets that are there
#       --sets DIR      where the captured sets are (default: OUT/sets)
#       --out DIR       everything that is made (default: build/accuracy)
#       NAME...         these programs of tests/accuracy/programs, or "rank": libraries that leak (default: all)
#
# From the environment: CORESCAN, and TOOLS, the folder with alloctrace.so, atdump and leaktruth.
#
# A program is programs/NAME.sh. It sets
#       packages        what must be installed          unpacked        what is only unpacked: installing would start it
#       needs           files of inputs.py
# and defines run(), which calls
#       capture ARG...          capture.sh, into the set of this program (see there); once
#       background CMD...       a helper that is ended afterwards
#       display N               an X display :N in memory
#       clients PORT            prints a command that opens TLS connections to PORT and keeps them for a while
#       slow_server PORT        an HTTPS server with one endless file, /z, that is sent slowly
#       below PATH              PATH, or where ./dev has unpacked it
# with $inputs, the folder of the files in needs; $files, the folder of the program; $scratch, an empty folder for it alone;
# $small, set where a test wants it quick.
set -u
export LC_ALL=C.UTF-8
accuracy=$(cd "$(dirname "$0")/.." && pwd)
source_dir=$(cd "$accuracy/../.." && pwd)
. "$accuracy/harness/_programs.sh"

again= sets= out=$source_dir/build/accuracy
while [ $# -gt 0 ]; do
        case $1 in
        --again) again=1 ;;
        --sets) sets=$2; shift ;;
        --out) out=$2; shift ;;
        --*) sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
        *) break ;;
        esac
        shift
done
: "${CORESCAN:=$source_dir/build/release/cli/corescan}"
: "${TOOLS:=$source_dir/build/release/tests/accuracy}"
: "${sets:=$out/sets}"
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -rf "$out/scores"
mkdir -p "$out/scores" "$out/blocks" "$out/inputs" "$sets"
sets=$(cd "$sets" && pwd)
# shellcheck disable=SC2046 # one word each
[ $# -gt 0 ] || set -- $(program_names) rank

# The line that says why, of all that a program wrote.
failure() {
        grep -a '^capture: ' "$1" | tail -n 1 | grep . || tail -n 1 "$1"
}

# Three seeds are three times twenty-five libraries; nothing is kept of them.
score_ranks() {
        local seed

        for seed in 1 2 3; do
                rm -rf "$out/rank"
                mkdir -p "$out/rank"
                python3 "$accuracy/rank/measure.py" "$out/rank" --seed "$seed" --host "$TOOLS/rank-host" --corescan "$CORESCAN" \
                        >"$out/scores/rank-$seed.json" 2>"$out/rank-$seed.txt" || return 1
        done
        rm -rf "$out/rank"
}

failed=()
for name; do
        if [ "$name" = rank ]; then
                echo 'rank         compiling, running and scoring libraries that leak'
                if ! score_ranks; then
                        printf 'rank         failed: %s\n' "$(tail -qn 1 "$out"/rank-*.txt | tail -n 1)"
                        failed+=(rank)
                        rm -f "$out"/scores/rank-*.json
                fi
                continue
        fi
        if [ ! -e "$accuracy/programs/$name.sh" ]; then
                echo "measure: no such program: $name" >&2
                exit 2
        fi
        if [ -z "$again" ]; then
                printf '%-12s capturing\n' "$name"
                if ! capture_program "$name" "$sets/$name" "$out" >"$out/capture-$name.log" 2>&1; then
                        printf '%-12s no set: %s\n' "$name" "$(failure "$out/capture-$name.log")"
                        failed+=("$name")
                        continue
                fi
        elif [ ! -s "$sets/$name/core" ]; then
                printf '%-12s no set in %s\n' "$name" "$sets"
                failed+=("$name")
                continue
        fi
        if score_program "$name" "$sets/$name" "$out"; then
                printf '%-12s scored (%s s)\n' "$name" "$scan_seconds"
        else
                printf '%-12s corescan failed: %s\n' "$name" "$(tail -n 1 "$out/blocks/$name.err")"
                failed+=("$name")
        fi
done
echo
python3 "$accuracy/truth/table.py" "$accuracy/split.txt" "$out/scores" --json "$out/accuracy.json" --markdown "$out/accuracy.md" || exit 1
echo "also as $out/accuracy.json and $out/accuracy.md"
if [ ${#failed[@]} -gt 0 ]; then
        echo "without: ${failed[*]}"
        exit 1
fi
