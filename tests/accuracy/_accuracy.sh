# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of accuracy share. Source it instead of tests/testlib.sh:
#
#       . "$SOURCE_DIR/tests/accuracy/_accuracy.sh"
#
#       need_recorder           skips, unless processes can be recorded and cored here
#       record NAME             captures tests/accuracy/programs/NAME.sh and scores it: $score, a JSON file; with small=1, less
#                               of it, where the program knows how
#       at_least WHAT MIN       that the figure of the score (a jq filter) is not below MIN. Runs of one program differ (addresses
#                               do, and so do ties): floors of shares stand some points below what is usual
#       at_most WHAT MAX
# shellcheck disable=SC2034 # what is set here is used by those who source this

# shellcheck source=tests/testlib.sh
. "$SOURCE_DIR/tests/testlib.sh"
source_dir=$SOURCE_DIR
accuracy=$SOURCE_DIR/tests/accuracy
TOOLS=$BUILD_DIR/tests/accuracy
# shellcheck source=tests/accuracy/harness/_programs.sh
. "$accuracy/harness/_programs.sh"

need_recorder() {
        local probe said

        need_command gdb jq python3 setsid
        sleep 60 &
        probe=$!
        defer stop_program "$probe"
        if ! said=$(timeout 30 gdb -nx -batch -iex 'set debuginfod enabled off' -p "$probe" -ex 'info inferiors' </dev/null 2>&1) ||
                grep -q 'ptrace: ' <<<"$said"; then
                skip "gdb cannot trace a process here: $(grep -m1 'ptrace' <<<"$said" || head -n 1 <<<"$said")"
        fi
}

record() {
        mkdir -p "$tmp/blocks" "$tmp/scores"
        if ! capture_program "$1" "$tmp/$1" "$tmp" >"$tmp/$1.log" 2>&1; then
                not_ok "$1 is captured" "$(tail -n 5 "$tmp/$1.log")"
                exit 1
        fi
        if ! score_program "$1" "$tmp/$1" "$tmp"; then
                not_ok "$1 is scored" "$(tail -n 5 "$tmp/blocks/$1.err")"
                exit 1
        fi
        score=$tmp/scores/$1.json
        [ -e "$score" ] || score=$tmp/scores/leaks-$1.json
        echo "# $1: scanned in $scan_seconds s; $(jq -c 'del(.bands)' "$score")"
}

at_least() {
        jqe "($1) as \$it | if \$it >= $2 then true else \$it | error end" "$score"
}

at_most() {
        jqe "($1) as \$it | if \$it <= $2 then true else \$it | error end" "$score"
}
