#!/bin/bash
# clang-format decides the layout. Its versions disagree with each other, so only the one of Debian 12 is asked.
. "$SOURCE_DIR/tests/testlib.sh" || exit 1
cd "$SOURCE_DIR" || exit 1

format=$(command -v clang-format-14 || command -v clang-format) || skip "clang-format is not installed"
[[ $("$format" --version) == *" version 14."* ]] || skip "$("$format" --version) is not clang-format 14"

while read -r file; do
        if said=$("$format" --dry-run --Werror "$file" 2>&1); then
                ok "$file"
        else
                not_ok "$file (./dev format lays it out)" "$said"
        fi
done < <(find elfcore patterns scanner growth cli tests fixtures '(' -name '*.c' -o -name '*.h' ')' ! -path 'fixtures/eventmachine/*' | sort)
