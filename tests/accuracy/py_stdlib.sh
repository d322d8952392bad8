#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Owners of CPython's blocks against the recorded truth: arenas, and what a dozen extensions and their libraries asked for.
. "$SOURCE_DIR/tests/accuracy/_accuracy.sh" || exit 1
need_command openssl
/usr/bin/python3 -c "import curses, lxml.html, readline, sqlite3, ssl" 2>/dev/null || skip "Debian's python3, with lxml, is not installed"
need_recorder

small=1
record py_stdlib
at_least .census.blocks 1
at_most .extra.blocks 2
at_least .own.bytes 0.66
at_least .near.bytes 0.68
at_least .own.blocks 0.93
