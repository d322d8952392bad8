#!/bin/bash
# What is no core of x86-64 Linux is refused: exit status 2, nothing on standard output, and one line on standard error that
# names the file and the cause. Never a crash, never a wait for ever.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command jq gdb readelf

# refused NAME PART: corescan refuses $tmp/NAME, the line names the file and says PART.
refused() {
        assert_exit 2 timeout 60 "$CORESCAN" "$tmp/$1"
        assert_one_line "$err" "$1: $(head -c 300 "$err")"
        assert_file_contains "$err" "$tmp/$1: " "$1: the line names the file"
        if grep -qiE -e "$2" "$err"; then
                ok "$1: the line says: $2"
        else
                not_ok "$1: the line says: $2" "$(cat "$err")"
        fi
        assert_eq "$(wc -c <"$out")" 0 "$1: nothing on standard output"
}

echo 'To be, or not to be' >"$tmp/text"
refused text 'not an ELF'
: >"$tmp/empty"
refused empty empty
head -c 100000 /dev/zero >"$tmp/zeros"
refused zeros 'not an ELF'
printf '\x7fEL' >"$tmp/three-bytes"
refused three-bytes 'not an ELF|truncated|cut|too short'
mkdir "$tmp/directory"
refused directory 'is a directory'
refused nonexistent 'no such file'
ln -s /dev/null "$tmp/null"
refused null 'not a (regular )?file|device|empty'
mkfifo "$tmp/fifo"
refused fifo 'fifo|pipe|not a (regular )?file'
ln -s loop "$tmp/loop"
refused loop 'symbolic links'
# An ELF file of another kind: the text says which.
ln -s "$(command -v ls)" "$tmp/program"
refused program 'not a core'
"$CC" -x c -c -o "$tmp/object.o" - <<<'int x;'
refused object.o 'not a core'
ln -s "$(ldd "$(command -v ls)" | sed -n 's/.*libc\.so\.6 => \([^ ]*\).*/\1/p')" "$tmp/library"
refused library 'not a core'
# A name with a newline and an escape sequence in it is one line all the same.
odd=$'od\nd\e[31m'
echo text >"$tmp/$odd"
assert_exit 2 "$CORESCAN" "$tmp/$odd"
assert_one_line "$err" "a name with control characters"
assert_file_lacks "$err" $'\e' "and the escape does not reach the terminal"

own_copy
echo text >"$tmp/unreadable"
chmod 000 "$tmp/unreadable"
if [ "$(id -u)" -ne 0 ] || command -v setpriv >/dev/null; then
        assert_exit 2 as_nobody "$everybody/corescan" "$tmp/unreadable"
        assert_one_line "$err" "$(head -c 300 "$err")"
        assert_file_contains "$err" "$tmp/unreadable: " "the line names the file"
        assert_file_contains "$err" "ermission denied" "and the cause"
fi

# Cores of other machines, made of one of ours: the same bytes with another header.
build_c tiny <<'END'
#include <stdio.h>
int main(void)
{
        puts("ready");
        fflush(stdout);
        return getchar();
}
END
start_program "$tmp/tiny"
wait_ready
take_gcore "$pid" "$tmp/core"
stop_program "$pid"
assert_exit 0 "$CORESCAN" "$tmp/core"

cp "$tmp/core" "$tmp/core-aarch64"
poke "$tmp/core-aarch64" 18 b700
refused core-aarch64 'aarch64|machine'
cp "$tmp/core" "$tmp/core-i386"
poke "$tmp/core-i386" 4 01
poke "$tmp/core-i386" 18 0300
refused core-i386 '32-bit'
cp "$tmp/core" "$tmp/core-big-endian"
poke "$tmp/core-big-endian" 5 02
refused core-big-endian 'big-endian'
# A whole ELF32 header: core, EM_386, one empty segment.
printf '\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x04\0\x03\0\x01\0\0\0\0\0\0\0\x34\0\0\0\0\0\0\0\0\0\0\0\x34\0\x20\0\x01\0\0\0\0\0\0\0' \
        >"$tmp/core-elf32"
head -c 4096 /dev/zero >>"$tmp/core-elf32"
refused core-elf32 '32-bit'
# Big-endian and 32-bit at once: MIPS, a core.
cp "$tmp/core-elf32" "$tmp/core-mips"
poke "$tmp/core-mips" 5 02
poke "$tmp/core-mips" 16 00040008
refused core-mips '32-bit|big-endian'
cp "$tmp/core" "$tmp/core-version"
poke "$tmp/core-version" 6 07
poke "$tmp/core-version" 20 07000000
assert_exit 2 "$CORESCAN" "$tmp/core-version"
assert_one_line "$err" "$(head -c 300 "$err")"
# Fields that do not fit: whatever the answer is, it is one of the two, and never a crash.
# e_phoff, e_phentsize, e_phnum, e_shoff, e_shnum with e_phnum at PN_XNUM
for field in 32:ffffffffffffffff 32:0000000000000080 54:0000 54:0100 54:ffff 56:0000 56:fffe 56:ffff \
        40:f0ffffffffffffff 60:ffff; do
        cp "$tmp/core" "$tmp/core-field"
        poke "$tmp/core-field" "${field%:*}" "${field#*:}"
        run timeout 60 "$CORESCAN" --json "$tmp/core-field"
        if [ "$status" -eq 2 ]; then
                assert_one_line "$err" "header field $field: $(head -c 300 "$err")"
        else
                assert_eq "$status" 0 "header field $field: exit status 0 or 2"
                assert_schema "$out"
        fi
done

# Usage: each is one line as well.
assert_refused ""
assert_refused no-such-option --no-such-option
assert_refused "" "$tmp/core" --live 1
assert_refused "" --top many "$tmp/core"
assert_refused "" --min-bytes 12Q "$tmp/core"
assert_refused "" --fail-on sorrow "$tmp/core"
assert_refused "" --cluster c99999 "$tmp/core"
assert_refused "$tmp/no/such/folder/x" -o "$tmp/no/such/folder/x" "$tmp/core"
if [ -e /dev/full ]; then
        assert_exit 2 bash -c '"$0" --json "$1" >/dev/full' "$CORESCAN" "$tmp/core"
        assert_one_line "$err" "a full disk: $(head -c 300 "$err")"
fi
# A reader that has seen enough is no error, and says nothing.
run bash -c '"$0" --json "$1" | head -c 100 >/dev/null; exit "${PIPESTATUS[0]}"' "$CORESCAN" "$tmp/core"
case $status in
0 | 141) ok "a closed pipe ends it: $status" ;;
*) not_ok "a closed pipe ends it" "$status: $(cat "$err")" ;;
esac
assert_eq "$(cat "$err")" "" "without a word"
