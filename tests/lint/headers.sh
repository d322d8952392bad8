#!/bin/bash
# Every header compiles alone, and sees only the folders that its part may include.
. "$SOURCE_DIR/tests/testlib.sh" || exit 1
cd "$SOURCE_DIR" || exit 1

allowed() {
        case $1 in
        elfcore/base/*) echo elfcore/base ;;
        elfcore/*) echo elfcore elfcore/base ;;
        patterns/*) echo patterns elfcore/base ;;
        scanner/*) echo scanner scanner/heap scanner/runtime elfcore patterns elfcore/base ;;
        growth/*) echo growth scanner elfcore patterns elfcore/base ;;
        cli/*) echo cli growth scanner elfcore patterns elfcore/base ;;
        *) echo tests/unit tests/fuzz cli growth scanner scanner/heap scanner/runtime elfcore patterns elfcore/base ;;
        esac
}

while read -r header; do
        flags=()
        for folder in $(allowed "$header"); do
                flags+=(-iquote "$folder")
        done
        # Included twice: a header must also guard itself.
        printf '#include "%s"\n#include "%s"\n' "$PWD/$header" "$PWD/$header" >"$tmp/alone.c"
        assert_exit 0 "${CC:-cc}" -std=gnu17 -D_GNU_SOURCE= -Wall -Wextra -Wconversion -Wstrict-prototypes -Werror \
                -Wno-unused-function -fsyntax-only "${flags[@]}" "$tmp/alone.c"
done < <(find elfcore patterns scanner growth cli tests -name '*.h' | sort)

# Headers are included by name alone, so one name must mean one header.
twice=$(find elfcore patterns scanner growth cli -name '*.h' -printf '%f\n' | sort | uniq -d)
assert_eq "$twice" "" "header names are unique"
