#!/bin/bash
# One concept per file: past about 600 lines it is usually two. A warning, never a failure.
. "$SOURCE_DIR/tests/testlib.sh" || exit 1
cd "$SOURCE_DIR" || exit 1

while read -r file; do
        lines=$(wc -l <"$file")
        [ "$lines" -gt 600 ] && echo "warning: $file has $lines lines"
done < <(find elfcore patterns scanner growth cli tests -name '*.[ch]' | sort)
ok "looked at the length of every file"
