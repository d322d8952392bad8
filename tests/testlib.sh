# shellcheck shell=bash
# Small library for the shell tests. Source it first:
#
#       . "$SOURCE_DIR/tests/testlib.sh"
#
# It gives $tmp (a folder that is removed at the end), counts what was asserted, and makes the script exit 1 when an
# assertion failed, when a command is called that does not exist, when a command failed under `set -e`, or when nothing was
# asserted at all. A failed assertion prints
# where it stands, what was expected and what came, and the script goes on.
#
#       run CMD...                      runs it: $status, and $out and $err, the files with what it printed
#       assert_exit N CMD...            run, and the exit status must be N
#       assert_eq GOT WANT [WHAT]
#       assert_contains TEXT PART [WHAT]        assert_lacks TEXT PART [WHAT]
#       assert_file_contains FILE PART [WHAT]   assert_file_lacks FILE PART [WHAT]
#       assert_golden FILE GOLDEN       same bytes; with CS_UPDATE_GOLDEN=1 GOLDEN is written instead
#       jqe FILTER FILE                 jq -e FILTER must hold for FILE (further arguments go to jq)
#       ok WHAT · not_ok WHAT [DETAIL]  count something that was judged elsewhere
#       skip REASON                     ends the script with exit status 77
#       need_command NAME...            skip unless all are there
#       start_resting                   starts a process that does nothing, until the end: $pid
#       stop_program PID                kills what this shell started, and reaps it; once it has gone, nothing
#       defer CMD...                    runs it at the end, last first, whatever happens (stop a server, for one)

set -u
export LC_ALL=C.UTF-8

tmp=$(mktemp -d "${TMPDIR:-/tmp}/corescan-test.XXXXXX") || exit 1
out=$tmp/.out
err=$tmp/.err
status=0
_ok=0
_not_ok=0
_deferred=()

_finish() {
        local rc=$? i

        trap - EXIT
        set +e
        [ -e "$tmp/.missing" ] && not_ok "the commands that the test calls exist" "$(sort -u "$tmp/.missing")"
        for ((i = ${#_deferred[@]} - 1; i >= 0; i--)); do
                eval "${_deferred[i]}"
        done
        rm -rf -- "$tmp"
        [ "$rc" -eq 77 ] && exit 77
        echo "# $_ok ok, $_not_ok not ok"
        if [ "$rc" -ne 0 ]; then
                echo "# the script itself ended with exit status $rc"
        elif [ $((_ok + _not_ok)) -eq 0 ]; then
                echo "# nothing was asserted"
                rc=1
        elif [ "$_not_ok" -gt 0 ]; then
                rc=1
        fi
        exit "$rc"
}
trap _finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# The line of the test that called, however deep in this file we are.
_where() {
        local i

        for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
                if [ "${BASH_SOURCE[i]}" != "${BASH_SOURCE[0]}" ]; then
                        echo "${BASH_SOURCE[i]}:${BASH_LINENO[i - 1]}"
                        return
                fi
        done
        echo "?"
}

# In a process of its own, as whatever bash cannot find: a misspelt assertion would be one that cannot fail.
command_not_found_handle() {
        echo "$1: command not found" >&2
        echo "$(_where): $1" >>"$tmp/.missing"
        return 127
}

# At most 20 lines of what stands on standard input, indented.
_excerpt() {
        awk 'NR <= 20 { print "#       " $0 } END { if (NR > 20) print "#       … (" NR " lines)" }'
}

ok() {
        _ok=$((_ok + 1))
        echo "ok $((_ok + _not_ok)) - $1"
}

not_ok() {
        _not_ok=$((_not_ok + 1))
        echo "not ok $((_ok + _not_ok)) - $1"
        echo "#   at $(_where)"
        if [ $# -gt 1 ]; then
                printf '%s\n' "$2" | _excerpt
        fi
}

_expected_got() {
        echo "#   expected:"
        printf '%s\n' "$1" | _excerpt
        echo "#   got:"
        printf '%s\n' "$2" | _excerpt
}

skip() {
        echo "skipped: $1"
        exit 77
}

need_command() {
        local name

        for name; do
                command -v "$name" >/dev/null || skip "$name is not installed"
        done
}

defer() {
        _deferred+=("$(printf '%q ' "$@")")
}

# What has ended may have left its number to somebody else's process: thousands of threads in other tests use them up in seconds.
stop_program() {
        grep -qsx "PPid:[[:space:]]*$$" "/proc/$1/status" && kill -KILL "$1" 2>/dev/null
        wait "$1" 2>/dev/null
        true
}

# Between fork and exec it is a copy of this shell.
start_resting() {
        sleep 1000 &
        pid=$!
        defer stop_program "$pid"
        until grep -q '^sleep$' "/proc/$pid/comm"; do
                sleep 0.05
        done
}

run() {
        status=0
        "$@" >"$out" 2>"$err" || status=$?
}

assert_exit() {
        local want=$1

        shift
        run "$@"
        if [ "$status" -eq "$want" ]; then
                ok "exit status $want: $*"
        else
                not_ok "exit status $want: $*"
                echo "#   got: $status; standard error:"
                _excerpt <"$err"
                echo "#   standard output:"
                _excerpt <"$out"
        fi
}

assert_eq() {
        if [ "$1" = "$2" ]; then
                ok "${3:-equals $2}"
        else
                not_ok "${3:-equals}"
                _expected_got "$2" "$1"
        fi
}

assert_contains() {
        if [[ $1 == *"$2"* ]]; then
                ok "${3:-contains $2}"
        else
                not_ok "${3:-contains}"
                _expected_got "… $2 …" "$1"
        fi
}

assert_lacks() {
        if [[ $1 != *"$2"* ]]; then
                ok "${3:-lacks $2}"
        else
                not_ok "${3:-lacks}"
                _expected_got "no '$2'" "$1"
        fi
}

assert_file_contains() {
        if grep -qF -e "$2" -- "$1"; then
                ok "${3:-contains $2}"
        else
                not_ok "${3:-$1 contains}"
                _expected_got "… $2 …" "$(head -c 4000 -- "$1" | tr -d '\0')"
        fi
}

assert_file_lacks() {
        if [ -r "$1" ] && ! grep -qF -e "$2" -- "$1"; then
                ok "${3:-lacks $2}"
        else
                not_ok "${3:-$1 lacks}"
                _expected_got "no '$2'" "$(grep -aF -e "$2" -- "$1")"
        fi
}

assert_golden() {
        local diff

        if [ "${CS_UPDATE_GOLDEN:-}" = 1 ]; then
                mkdir -p "$(dirname "$2")"
                cp -- "$1" "$2"
                ok "updated $2"
        elif diff=$(diff -u -- "$2" "$1" 2>&1); then
                ok "as $2"
        else
                not_ok "as $2 (./dev update-golden rewrites it)" "$diff"
        fi
}

jqe() {
        local filter=$1 file=$2 said

        shift 2
        if said=$(jq -e "$@" "$filter" "$file" 2>&1); then
                ok "jq $filter"
        else
                not_ok "jq $filter"
                echo "#   $file gave:"
                printf '%s\n' "$said" | _excerpt
        fi
}
