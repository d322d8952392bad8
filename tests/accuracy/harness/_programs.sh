# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# How the recorded programs are run and scored: what measure.sh and the tests share. Wants $accuracy (this tests/accuracy),
# $source_dir, $CORESCAN and $TOOLS; measure.sh says what a program may call.

program_names() {
        local script

        for script in "$accuracy"/programs/*.sh; do
                basename "$script" .sh
        done
}

capture() {
        "$accuracy/harness/capture.sh" -o "$set" -R "$TOOLS" "$@"
}

background() {
        "$@" </dev/null >/dev/null 2>&1 &
        _background+=($!)
        sleep 1
}

display() {
        background Xvfb ":$1" -screen 0 1280x1024x24 -nolisten tcp
        sleep 1
}

clients() {
        cat <<X
for i in \$(seq 40); do
        (sleep 0.1; printf 'GET / HTTP/1.1\r\nHost: h%d.example\r\n\r\n' "\$i"; sleep 8) |
                timeout 9 openssl s_client -quiet -connect 127.0.0.1:$1 -servername "h\$i.example" >/dev/null 2>&1 &
done
sleep 5
X
}

slow_server() {
        mkdir -p "$scratch/server"
        truncate -s 64M "$scratch/server/z"
        cat >"$scratch/server/nginx.conf" <<X
daemon off;
master_process off;
pid $scratch/server/pid;
error_log $scratch/server/error.log;
events { }
http {
        access_log off;
        client_body_temp_path $scratch/server/t1;
        proxy_temp_path $scratch/server/t2;
        fastcgi_temp_path $scratch/server/t3;
        uwsgi_temp_path $scratch/server/t4;
        scgi_temp_path $scratch/server/t5;
        server {
                listen 127.0.0.1:$1 ssl http2;
                ssl_certificate $inputs/cert.pem;
                ssl_certificate_key $inputs/key.pem;
                location / { root $scratch/server; limit_rate 20k; }
        }
}
X
        background "$(below /usr/sbin/nginx)" -c "$scratch/server/nginx.conf"
}

below() {
        if [ -e "$1" ] || [ ! -e "$source_dir/build/packages$1" ]; then
                echo "$1"
        else
                echo "$source_dir/build/packages$1"
        fi
}

# capture_program NAME SET OUT: a new set of the program
capture_program() (
        name=$1
        set=$2
        inputs=$3/inputs
        files=$accuracy/programs
        scratch=$(mktemp -d "${TMPDIR:-/tmp}/corescan-accuracy.XXXXXX") || exit 1
        packages=() unpacked=() needs=()
        _background=()
        # shellcheck disable=SC1090
        . "$files/$name.sh"
        rm -rf "$set"
        chmod 755 "$scratch"
        mkdir -p "$set" "$inputs"
        end() {
                [ ${#_background[@]} -eq 0 ] || kill "${_background[@]}" 2>/dev/null
                rm -rf "$scratch"
        }
        trap end EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM
        [ ${#needs[@]} -eq 0 ] || python3 "$accuracy/harness/inputs.py" "$inputs" "${needs[@]}" || exit 1
        run && [ -s "$set/core" ]
)

# score_program NAME SET OUT: OUT/scores, by what corescan says of the set; sets $scan_seconds
score_program() {
        local blocks=$3/blocks/$1.tsv begin=${EPOCHREALTIME/./}

        "$CORESCAN" --blocks "$blocks" "$2/core" >/dev/null 2>"$3/blocks/$1.err" || return 1
        scan_seconds=$(((${EPOCHREALTIME/./} - begin) / 10000))
        scan_seconds=$((scan_seconds / 100)).$(printf '%02d' $((scan_seconds % 100)))
        # A program that logs what it lost says so, and is no example of an owner.
        if [ -e "$2/leak.log" ]; then
                python3 "$accuracy/truth/leaks.py" "$2/leak.log" "$blocks" >"$3/scores/leaks-$1.json"
        else
                python3 "$accuracy/truth/score.py" "$2" "$blocks" >"$3/scores/$1.json"
        fi
}
