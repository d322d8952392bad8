# SPDX-License-Identifier: Apache-2.0
# A program that logs which of its blocks are lost; recorded as the others are.

run() {
        capture -r ready -- "$TOOLS/leaktruth" "$set/leak.log" -w
}
