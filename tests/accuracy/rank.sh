#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Twenty-five libraries that leak, in C and C++, with and without a mark of their own, behind others or not: at which rank
# corescan names them. The seed decides on names, sizes, places and counts; ./dev accuracy rank has more of them.
. "$SOURCE_DIR/tests/accuracy/_accuracy.sh" || exit 1
need_command c++
need_recorder

if ! python3 "$accuracy/rank/measure.py" "$tmp" --seed 1 --host "$TOOLS/rank-host" --corescan "$CORESCAN" \
        >"$tmp/rank.json" 2>"$tmp/rank.txt"; then
        not_ok "the ranks" "$(tail -n 20 "$tmp/rank.txt")"
        exit 1
fi
sed 's/^/# /' "$tmp/rank.txt"
score=$tmp/rank.json
at_least .leaks 25
at_least .first 24
at_least .among_three 25
