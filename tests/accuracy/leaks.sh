#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is lost, of a program that logs what it loses: recorded, and with a heap that nobody has touched.
. "$SOURCE_DIR/tests/accuracy/_accuracy.sh" || exit 1
need_recorder

for program in leaktruth leakplain; do
        record "$program"
        python3 "$accuracy/truth/leaks.py" "$tmp/$program/leak.log" "$tmp/blocks/$program.tsv" --each | sed 's/^/# /'
        for unit in bytes blocks; do
                at_least ".precision.$unit" 0.99
                at_least ".recall.$unit" 0.99
        done
        # What is encoded or stale cannot be told; it must be logged, though, or this test sees nothing.
        at_least .counts.hit.blocks 400
        at_least .counts.right.blocks 300
done
