# SPDX-License-Identifier: Apache-2.0
# A program that logs which of its blocks are lost; not recorded, so that its heap is as nobody has touched it.

run() {
        capture -p -r ready -- "$TOOLS/leaktruth" "$set/leak.log" -w
}
