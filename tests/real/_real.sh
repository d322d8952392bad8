# shellcheck shell=bash
# What the tests with Debian's own programs share. Source it instead of tests/e2e/_lib.sh, which it includes:
#
#       find_program NAME [PATH...]     prints the first that can be run: NAME in $PATH, each PATH (globs too), and each
#                                       PATH below the packages that ./dev unpacked without installing them
#       explained FILE                  prints what part of resident memory is explained, in thousandths
#       check_explained FILE MIN        that it is at least MIN thousandths; prints the figures either way
#       check_allocator FILE NAME       that the allocator is named
#       check_sound FILE                that nothing is called a leak, nor a managed heap malloc's
#       free_port                       prints a TCP port of loopback that nobody listens on
# shellcheck disable=SC2034

# shellcheck source=tests/e2e/_lib.sh
. "$SOURCE_DIR/tests/e2e/_lib.sh"

find_program() {
        local name=$1 path found

        shift
        command -v "$name" && return
        for path; do
                # shellcheck disable=SC2086 # globs
                for found in $path "$SOURCE_DIR"/build/packages$path; do
                        if [ -x "$found" ]; then
                                echo "$found"
                                return
                        fi
                done
        done
        return 1
}

explained() {
        jq '.memory | if .resident == 0 then 0 else 1000 - 1000 * .unexplained / .resident | floor end' "$1"
}

check_explained() {
        local part figures

        part=$(explained "$1")
        figures=$(jq -r '.memory | "\(.resident) resident, \(.anonymous) anonymous, \(.unexplained) unexplained; " +
                ([.by_kind[] | select(.resident > 0) | "\(.kind) \(.resident)"] | join(", "))' "$1")
        echo "# ${1##*/}: $figures"
        if [ "$part" -ge "$2" ]; then
                ok "$part thousandths of ${1##*/}'s resident bytes are explained, at least $2"
        else
                not_ok "at least $2 thousandths of ${1##*/}'s resident bytes are explained, not $part" "$figures"
        fi
}

check_allocator() {
        # shellcheck disable=SC2016 # jq's
        jqe 'any(.heaps[]; .allocator == $name)' "$1" --arg name "$2"
}

check_sound() {
        jqe '.verdict.kind != "leak"' "$1"
}

free_port() {
        python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
