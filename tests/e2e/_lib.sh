# shellcheck shell=bash
# What the end-to-end tests share. Source it instead of testlib.sh:
#
#       . "$SOURCE_DIR/tests/e2e/_lib.sh"
#
# It uses $CORESCAN, $SOURCE_DIR, $BUILD_DIR and $CC, as ctest sets them, and offers:
#
#       start_program CMD...            in a folder of its own ($program_dir), with a standard input that never ends,
#                                       core dumps allowed; $pid is its process id; killed at the end
#       wait_until SECONDS CMD...       polls until CMD holds; false when the time is over
#       wait_ready                      waits for the line "ready" of the program last started
#       take_gcore PID FILE             a core by gdb; the process lives on
#       take_kernel_core PID FILE       a core by SIGABRT; the process, started by start_program, is gone then
#       kernel_core_obstacle            prints why the kernel's core cannot be had here; nothing if it can
#       build_c NAME [CFLAGS...]        compiles the C source on standard input to $tmp/NAME
#       scan_json FILE ARG...           corescan --json ARG...: exit status 0, the JSON to FILE, and it fits the schema
#       assert_schema FILE              the JSON fits schema.jq, and memory adds up
#       assert_refused PART ARG...      exit status 2, one line on standard error: "corescan: …PART…"
#       assert_one_line FILE WHAT       one line that begins "corescan: "
#       poke FILE OFFSET HEX            overwrites bytes: poke core 4 01
#       offset_of CORE ADDRESS          where the core holds the address; nothing if it does not
#       as_nobody CMD...                CMD as a user that is not root ($nobody_uid), for a minute at most; own_copy first
#       own_copy                        a copy of corescan that everybody may run, in $everybody; $tmp opened for it
#       copy_program NAME DIR [plain]   fixtures/objects: the program and its library (stripped, unless plain) to DIR
# shellcheck disable=SC2034 # what is set here is used by those who source this

# shellcheck source=tests/testlib.sh
. "$SOURCE_DIR/tests/testlib.sh"

e2e=$SOURCE_DIR/tests/e2e
: "${CC:=cc}"
_programs=0

# Leaves the test with a reason: what cannot go on is a failure, not a skip.
give_up() {
        not_ok "$@"
        exit 1
}

wait_until() {
        local deadline=$((SECONDS + $1))

        shift
        until "$@"; do
                [ "$SECONDS" -lt "$deadline" ] || return 1
                sleep 0.05
        done
}

start_program() {
        _programs=$((_programs + 1))
        program_dir=$tmp/program.$_programs
        mkdir -p "$program_dir"
        mkfifo "$program_dir/.in"
        # Opened for both, so that it never ends and nobody has to hold the other side.
        (
                cd "$program_dir" || exit 1
                ulimit -c unlimited 2>/dev/null
                exec "$@" <>.in >.out 2>.err
        ) &
        pid=$!
        defer stop_program "$pid"
}

_is_ready() {
        grep -qx ready "$program_dir/.out"
}

wait_ready() {
        wait_until 60 _is_ready || give_up "the program gets ready" "$(cat "$program_dir/.err")"
}

take_gcore() {
        timeout 120 gdb -nx -batch -iex 'set debuginfod enabled off' -p "$1" -ex "gcore $2" \
                </dev/null >"$tmp/.gdb.log" 2>&1
        [ -s "$2" ] || give_up "gdb takes a core of process $1" "$(cat "$tmp/.gdb.log")"
}

kernel_core_obstacle() {
        local pattern

        pattern=$(cat /proc/sys/kernel/core_pattern)
        case $pattern in
        '|'*) echo "core_pattern is a pipe: $pattern" ;;
        */*) echo "core_pattern is a path of its own: $pattern" ;;
        '') echo "core_pattern is empty" ;;
        *) (ulimit -c unlimited) 2>/dev/null || echo "the hard limit of the core size is $(ulimit -H -c)" ;;
        esac
}

take_kernel_core() {
        local found dir

        dir=$(readlink "/proc/$1/cwd")
        kill -ABRT "$1"
        # bash tells about the aborted job on standard error.
        { wait "$1" || true; } 2>/dev/null
        found=$(find "$dir" -maxdepth 1 -type f -size +1k ! -name '.*' -newer "$dir/.in" -exec grep -lam1 $'^\x7fELF' {} + |
                head -n 1)
        [ -n "$found" ] || give_up "the kernel writes a core of process $1" "$(ls -la "$dir")"
        mv "$found" "$2"
}

build_c() {
        local name=$1 log

        shift
        log=$("$CC" -std=gnu17 -x c -o "$tmp/$name" - "$@" 2>&1) || give_up "$name compiles" "$log"
}

assert_schema() {
        local said

        if said=$(jq -r -f "$e2e/schema.jq" "$1" 2>&1) && [ -z "$said" ]; then
                ok "${1##*/} fits the schema, and its memory adds up"
        else
                not_ok "${1##*/} fits the schema, and its memory adds up" "$said"
        fi
}

scan_json() {
        local file=$1

        shift
        assert_exit 0 "$CORESCAN" --json "$@"
        cp -- "$out" "$file"
        cp -- "$err" "$file.err"
        assert_schema "$file"
}

assert_one_line() {
        if [ "$(wc -l <"$1")" -eq 1 ] && grep -q '^corescan: .' "$1"; then
                ok "one line: $2"
        else
                not_ok "one line that begins 'corescan: ': $2" "$(head -c 2000 "$1")"
        fi
}

assert_refused() {
        local part=$1

        shift
        assert_exit 2 "$CORESCAN" "$@"
        assert_one_line "$err" "$(head -c 300 "$err")"
        assert_file_contains "$err" "$part" "the line says: $part"
        assert_eq "$(wc -c <"$out")" 0 "nothing on standard output"
}

copy_program() {
        local objects=$BUILD_DIR/fixtures/objects library

        case $1 in
        shop) library=libwidget.so ;;
        gallery) library=libshape.so ;;
        esac
        [ -x "$objects/$1" ] || give_up "fixture $1 is built"
        mkdir -p "$2"
        cp "$objects/$1" "$2/"
        if [ "${3:-}" = plain ]; then
                cp "$objects/$library" "$2/"
        else
                cp "$objects/stripped/$library" "$2/"
        fi
}

poke() {
        local bytes

        # shellcheck disable=SC2001 # every pair
        bytes=$(sed 's/../\\x&/g' <<<"$3")
        # shellcheck disable=SC2059 # the format is the bytes
        printf "$bytes" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

offset_of() {
        local offset start size

        [ -e "$1.segments" ] || readelf -lW "$1" 2>/dev/null | awk '$1 == "LOAD" { print $2, $3, $5 }' >"$1.segments"
        while read -r offset start size; do
                if (($2 - start >= 0 && $2 - start < size)); then
                        echo $((offset + $2 - start))
                        return
                fi
        done <"$1.segments"
}

nobody_uid=65534
own_copy() {
        chmod 755 "$tmp"
        everybody=$tmp/everybody
        mkdir -m 755 "$everybody"
        cp "$CORESCAN" "$everybody/corescan"
}

as_nobody() {
        if [ "$(id -u)" -eq 0 ]; then
                timeout 60 setpriv --reuid="$nobody_uid" --regid="$nobody_uid" --clear-groups "$@"
        else
                timeout 60 "$@"
        fi
}
