#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Owners of a database's blocks against the recorded truth: one library, and a shell around it.
. "$SOURCE_DIR/tests/accuracy/_accuracy.sh" || exit 1
need_command sqlite3
need_recorder

record sqlite3
at_least .census.blocks 1
at_most .extra.blocks 2
at_least .own.bytes 0.97
at_least .near.bytes 0.97
at_least .own.blocks 0.97
