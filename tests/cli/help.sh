#!/bin/bash
# --help, --version, the man page and the completion tell the same.
. "$SOURCE_DIR/tests/testlib.sh" || exit 1

assert_exit 0 "$CORESCAN" --help
cp "$out" "$tmp/help"
assert_golden "$tmp/help" "$SOURCE_DIR/tests/cli/golden/help.txt"
assert_eq "$(wc -c <"$err")" 0 "no standard error"
assert_exit 0 "$CORESCAN" -h --nonsense
assert_eq "$(cat "$out")" "$(cat "$tmp/help")" "-h is --help"
assert_eq "$(awk 'length > 90' "$tmp/help")" "" "no line is too long"

assert_exit 0 "$CORESCAN" --version
version=$(cat "$out")
[[ $version =~ ^corescan\ [0-9]+\.[0-9]+\.[0-9]+$ ]] && ok "$version" || not_ok "--version" "$version"
assert_exit 0 "$CORESCAN" -V
assert_eq "$(cat "$out")" "$version" "-V is --version"

mapfile -t flags < <(grep -oE '^ +(-., )?--[a-z-]+|^       corescan \[OPTION...\] --live' "$tmp/help" | grep -oE -e '--[a-z-]+' | sort -u)
assert_contains "${flags[*]}" "--clusters"
sed 's/\\-/-/g' "$SOURCE_DIR/cli/corescan.1" >"$tmp/man"
for flag in "${flags[@]}"; do
        # What --help lists is taken: either it is no error, or the error is not about the flag.
        run "$CORESCAN" "$flag"
        assert_file_lacks "$err" "no such option" "taken: $flag"
        assert_file_lacks "$err" "not in this version" "in this version: $flag"
        assert_file_contains "$tmp/man" "$flag" "in the man page: $flag"
        assert_file_contains "$SOURCE_DIR/cli/corescan.bash" "$flag" "completed: $flag"
done
# And the other way round.
while read -r flag; do
        assert_contains " ${flags[*]} " " $flag " "in --help: $flag"
done < <(grep -ohE -e '--[a-z]+(-[a-z]+)*' "$tmp/man" "$SOURCE_DIR/cli/corescan.bash" | sort -u)

# complete WORD...: what the completion offers for the last word.
complete_words() {
        (
                . "$SOURCE_DIR/cli/corescan.bash"
                COMP_WORDS=("$@")
                COMP_CWORD=$(($# - 1))
                _corescan
                echo "${COMPREPLY[*]}"
        )
}
assert_eq "$(complete_words corescan --cl)" "--clusters --cluster" "completes flags"
assert_eq "$(complete_words corescan --color al)" "always" "completes words"
assert_eq "$(complete_words corescan --color = ne)" "never" "completes behind ="
assert_eq "$(complete_words corescan --fail-on le)" "leak" "completes verdicts"
assert_contains " $(complete_words corescan --live $$) " " $$ " "completes process ids"
: >"$tmp/core.1"
assert_eq "$(complete_words corescan "$tmp/core")" "$tmp/core.1" "completes files"
