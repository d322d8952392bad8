#!/bin/bash
# The same blocks are lost by memcheck's count and by ours, in two of the programs of tests/accuracy/_valgrind.sh: jq 1.6, which
# loses one, and lua, which loses none.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb valgrind vgdb jq

# same PROGRAM: definitely and indirectly lost blocks are as many as direct and indirect ones
same() {
        command -v "$1" >/dev/null || { echo "# $1 is not installed" && return; }
        assert_exit 0 bash "$SOURCE_DIR/tests/accuracy/_valgrind.sh" "$2"
        assert_eq "$(awk -v name="$2" '$1 == name { print NF }' "$out")" 13 "$2: there is an answer"
        assert_eq "$(awk -v name="$2" '$1 == name { print $6, $8 }' "$out")" \
                "$(awk -v name="$2" '$1 == name { print $2, $4 }' "$out")" "$2: direct and indirect are definite and indirect"
}
same jq jq
same lua5.4 lua
