#!/bin/bash
# Wrong usage: one clear line on standard error, nothing on standard output, exit status 2.
. "$SOURCE_DIR/tests/testlib.sh" || exit 1

# refused TEXT ARG...: what stands behind "corescan: " begins with TEXT.
refused() {
        local text=$1

        shift
        assert_exit 2 "$CORESCAN" "$@"
        assert_eq "$(wc -l <"$err")" 1 "one line: $*"
        assert_eq "$(wc -c <"$out")" 0 "no standard output: $*"
        assert_contains "$(cat "$err")" "corescan: $text"
}

refused "nothing to look at: give a core file, or --live PID; see corescan --help"
refused "--nonsense: no such option; see corescan --help" --nonsense core
refused "-x: no such option; see corescan --help" -x core
refused "--clust: no such option" --clust core
refused "--live 1: a core file is given too (core); leave out one of them" --live 1 core
refused "--live abc: not a process id" --live abc
refused "--live -5: not a process id" --live -5
refused "--live 0: not a process id" --live=0
refused "--live 1 2: not a process id" --live "1 2"
refused "--live: an argument is missing" --live
refused "-o: an argument is missing" core -o
refused "--prometheus: the file's name is empty" --prometheus= core
refused "/nonexistent/m.prom: cannot be written: No such file or directory" --prometheus /nonexistent/m.prom core
refused "--min-bytes 12X: not a size" --min-bytes 12X core
refused "--min-bytes 99999999999999999999: not a size" --min-bytes 99999999999999999999 core
refused "--min-bytes : not a size" --min-bytes= core
refused "--top many: not a number" --top many core
refused "--cluster 7: not a cluster's id" --cluster 7 core
refused "--at xyz: not an address; give up to 16 hexadecimal digits, with or without 0x" --at xyz core
refused "--at 0x: not an address" --at 0x core
refused "--at -1: not an address" --at -1 core
refused "--at 12345678123456789: not an address" --at 12345678123456789 core
refused "--at 2: one address at a time; it was given before" --at 1 --at 2 core
refused "--refs : not an address" --refs= core
refused "--depth 0: not a number from 1 to 64" --refs 1 --depth 0 core
refused "--depth 65: not a number from 1 to 64" --refs 1 --depth 65 core
refused "--depth 2: of nothing; give --refs ADDR" --depth 2 core
refused "--encoding latin1: not one of ascii, utf-8, utf-16le" --strings --encoding latin1 core
refused "--encoding ascii: of nothing; give --strings" --encoding ascii core
refused "--color red: not one of auto, always, never" --color red core
refused "--progress yes: not one of auto, always, never" --progress yes core
refused "-j 1000: not a number from 0" -j 1000 core
refused "--fail-on bad: not a verdict" --fail-on bad core
refused "--json: takes no argument" --json=yes core
refused "--blocks -: standard output has the report" --blocks - core
refused "-: reading standard input is not in this version" -
refused "--heap: of one core only; 2 are compared by --summary, --clusters, --libraries" --heap old new
refused "--live 1: a core file is given too (old); leave out one of them" --live 1 old new
refused "the core file's name is empty" old ""
refused "--watch: only a process changes; give --live PID" --watch 1 core
refused "--watch now: not a number of seconds" --live 1 --watch now
refused "--live 2147483647: " --live 2147483647 --watch 1
refused "the core file's name is empty" ""

# Flags of the interface that are still to come.
for flag in --debuginfod --html --folded --pprof; do
        refused "$flag: not in this version" "$flag" 1 core
done

# Rules that are wrong are told before anything is read.
refused "-e a(b: missing closing parenthesis, at byte 3 of the regex" -e 'a(b' core
refused "-e: the regex is empty" -e '' core
refused "$tmp/none.yaml: No such file or directory" --rules "$tmp/none.yaml" core
refused "--rules builtin:nonsense: no built-in rules are called so; there are secrets, http, pii" --rules builtin:nonsense core
refused "--reveal: there is nothing that would be hidden; give --rules or --grep" --reveal core
printf -- '- id: fine\n  regex: a+\n- id: wrong\n  description: of no use\n  regex: "[z-a]"\n' >"$tmp/wrong.yaml"
refused "$tmp/wrong.yaml:5:10: rule wrong: range out of order in character class, at byte 3 of the regex" --rules "$tmp/wrong.yaml" core
printf -- '- id: x\n  regex: a\n  keywords: {a: b}\n' >"$tmp/map.yaml"
refused "$tmp/map.yaml:3:13: a list of texts is wanted here" --rules "$tmp/map.yaml" core
printf -- '- id: x\n   regex: a\n' >"$tmp/indent.yaml"
refused "$tmp/indent.yaml:2:" --rules "$tmp/indent.yaml" core
printf '[[rules]]\nid = "x"\nregex = \x27\x27\x27a(b\x27\x27\x27\n' >"$tmp/wrong.toml"
refused "$tmp/wrong.toml:3:9: rule x: missing closing parenthesis, at byte 3 of the regex" --rules "$tmp/wrong.toml" core
printf '[[rules]]\nid = "x\n' >"$tmp/open.toml"
refused "$tmp/open.toml:2:7: the text has no end" --rules "$tmp/open.toml" core
printf 'YARA\x0b\0\0\0' >"$tmp/compiled.yar"
refused "$tmp/compiled.yar: compiled YARA rules are not read: they are a program; give the text" --rules "$tmp/compiled.yar" core
printf 'rule x {\n condition: $\n}\n' >"$tmp/wrong.yar"
refused "$tmp/wrong.yar:3: wrong use of anonymous string" --rules "$tmp/wrong.yar" core
printf 'include "/etc/passwd"\n' >"$tmp/include.yar"
refused "$tmp/include.yar:1: includes are disabled" --rules "$tmp/include.yar" core
printf -- '- id: "\\e[31mred"\n  regex: "("\n' >"$tmp/red.yaml"
refused "$tmp/red.yaml:2:10: rule \x1b[31mred: missing closing parenthesis" --rules "$tmp/red.yaml" core

# What the user typed, or a file is called, cannot command the terminal.
refused '--\x1b[31m: no such option' --$'\033[31m' core
refused '/nonexistent/\x1b]0;x\x07\n: cannot be opened: No such file or directory' $'/nonexistent/\033]0;x\007\n'

# Targets that are none.
refused "/nonexistent: cannot be opened: No such file or directory" /nonexistent
refused "$tmp: is a directory" "$tmp"
refused "--live 2147483647: " --live 2147483647
: >"$tmp/empty"
refused "$tmp/empty: the file is empty" "$tmp/empty"
echo "no core" >"$tmp/text"
refused "$tmp/text: not an ELF file" "$tmp/text"

# Saved reports that are none, or are not whole.
echo '{"schema": 1, "target": {"kind": "core", "pid": 1}, "memory": {"resident": 1}}' >"$tmp/fine.json"
echo '{"schema": 1}' >"$tmp/bare.json"
refused "$tmp/bare.json: JSON, but not a report of corescan" "$tmp/fine.json" "$tmp/bare.json"
printf '{"type": "hit"}\n{"type": "summary"}\n' >"$tmp/hits.jsonl"
refused "$tmp/hits.jsonl: several JSON objects" "$tmp/hits.jsonl" "$tmp/fine.json"
echo '{"schema": 99, "target": {}, "memory": {}}' >"$tmp/later.json"
refused "$tmp/later.json: a report of schema 99" "$tmp/fine.json" "$tmp/later.json"
head -c 40 "$tmp/fine.json" >"$tmp/half.json"
refused "$tmp/half.json: not a JSON object, or not a whole one" "$tmp/fine.json" "$tmp/half.json"
refused "/nonexistent: cannot be opened" "$tmp/fine.json" /nonexistent
refused "$tmp/text: not an ELF file" "$tmp/fine.json" "$tmp/text"
