#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Owners of Perl's blocks against the recorded truth: the interpreter, and what its extensions and their libraries asked for.
. "$SOURCE_DIR/tests/accuracy/_accuracy.sh" || exit 1
need_command perl
perl -MCompress::Zlib -MEncode -MStorable -Mthreads -e 1 2>/dev/null || skip "perl's own modules are not installed"
need_recorder

record perl
at_least .census.blocks 1
at_most .extra.blocks 2
at_least .own.bytes 0.95
at_least .near.bytes 0.96
at_least .own.blocks 0.95
