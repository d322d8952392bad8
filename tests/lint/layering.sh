#!/bin/bash
# Which part may use what: third-party headers in their one place, and no printing, exiting, environment or terminal
# below cli/. The compiler already refuses headers of ours from the wrong part (see cmake/part.cmake).
. "$SOURCE_DIR/tests/testlib.sh" || exit 1

# The code without its comments; lines keep their numbers.
code() {
        "${CC:-cc}" -fpreprocessed -dD -E -w -x c "$1" 2>/dev/null | awk -v file="$1" '
                /^# [0-9]+ "/ { line = $2 - 1; next }
                { line++; if ($0 !~ /^[ \t]*$/) print file ":" line ": " $0 }'
}

# Prints every violation under the tree $1.
violations() {
        local file
        local calls='(v?printf|puts|putchar|perror|exit|_exit|_Exit|quick_exit|getenv|secure_getenv|isatty) *\(|(stdout|stderr|environ)([^A-Za-z0-9_]|$)'
        local third='^[^:]*:[0-9]+: *# *include *[<"]'

        (
                cd "$1" || exit 1
                while read -r file; do
                        code "$file" >"$tmp/code"
                        case $file in
                        elfcore/base/*) grep -E "$third(libelf\.h|gelf\.h|elfutils/|dwarf\.h|libdwfl|libdw\.h|libiberty/)" "$tmp/code" ;;
                        elfcore/*) ;;
                        *) grep -E "$third(libelf\.h|gelf\.h|elfutils/|dwarf\.h|libdwfl|libdw\.h|libiberty/)" "$tmp/code" ;;
                        esac
                        case $file in
                        elfcore/base/*) grep -E "$third(zstd|lz4)" "$tmp/code" ;;
                        elfcore/* | tests/*) ;;
                        *) grep -E "$third(zstd|lz4)" "$tmp/code" ;;
                        esac
                        case $file in
                        patterns/*) ;;
                        *) grep -E "$third(pcre2[a-z]*\.h|magic\.h|hs(/hs[a-z_]*)?\.h|yaml\.h|yara(/[a-z]*)?\.h)" "$tmp/code" ;;
                        esac
                        case $file in
                        cli/* | tests/*) ;;
                        *) grep -E "$third(jansson)" "$tmp/code" ;;
                        esac
                        case $file in
                        elfcore/* | patterns/* | scanner/* | growth/*)
                                sed -E '/: *# *include/d; s/"([^"\\]|\\.)*"/""/g' "$tmp/code" |
                                        grep -E "(^|[^A-Za-z0-9_])($calls)"
                                ;;
                        esac
                done < <(find elfcore patterns scanner growth cli tests -name '*.[ch]' 2>/dev/null | sort)
        )
}

# First, that this test sees what it should see.
mkdir -p "$tmp"/{bad,good}/{elfcore/base,patterns,scanner/heap,cli}
printf '#include <libelf.h>\n' >"$tmp/bad/scanner/a.c"
printf '/* a comment\n * of lines */\n# include <elfutils/libdw.h>\n' >"$tmp/bad/elfcore/base/b.c"
printf '#include <pcre2.h>\n' >"$tmp/bad/cli/c.c"
printf '#include <jansson.h>\n' >"$tmp/bad/scanner/heap/d.h"
printf '#include <hs/hs.h>\n#include <yara.h>\n' >"$tmp/bad/cli/k.c"
printf '#include <zstd.h>\n' >"$tmp/bad/scanner/i.c"
printf '#include <lz4frame.h>\n' >"$tmp/bad/elfcore/base/j.c"
printf 'void f(void)\n{\n        printf("x");\n}\n' >"$tmp/bad/patterns/e.c"
printf 'void f(void)\n{\n        if (1) exit (1);\n}\n' >"$tmp/bad/elfcore/f.c"
printf 'void f(void)\n{\n        fprintf(stderr, "x");\n}\n' >"$tmp/bad/scanner/g.c"
printf 'char *f(void)\n{\n        return getenv("x");\n}\n' >"$tmp/bad/scanner/h.c"
assert_eq "$(violations "$tmp/bad" | cut -d: -f1,2 | sort | tr '\n' ' ')" \
        "cli/c.c:1 cli/k.c:1 cli/k.c:2 elfcore/base/b.c:3 elfcore/base/j.c:1 elfcore/f.c:3 patterns/e.c:3 scanner/a.c:1 scanner/g.c:3 scanner/h.c:3 scanner/heap/d.h:1 scanner/i.c:1 " \
        "each kind of violation is seen"
printf '#include <libelf.h>\n' >"$tmp/good/elfcore/a.c"
printf '#include <jansson.h>\nvoid f(void)\n{\n        printf("x");\n}\n' >"$tmp/good/cli/b.c"
printf '/* printf(), exit(1) and stderr */\nint f(char *b)\n{\n        return snprintf(b, 9, "exit(1) stdout") + at_exit(1);\n}\n' \
        >"$tmp/good/scanner/c.c"
assert_eq "$(violations "$tmp/good")" "" "what is allowed is not reported"

# Then, the tree.
assert_eq "$(violations "$SOURCE_DIR")" "" "the tree keeps its layers"
