# SPDX-License-Identifier: Apache-2.0
# Slow downloads by several threads.

packages=(wget2 openssl libpcre2-8-0)
unpacked=(nginx)
needs=(cert.pem)

run() {
        local i addresses=()

        slow_server 18451
        for ((i = 0; i < 40; i++)); do
                addresses+=("https://127.0.0.1:18451/z?$i")
        done
        capture -t 6 -e HOME="$scratch" -- /usr/bin/wget2 --no-check-certificate --max-threads=8 -O /dev/null "${addresses[@]}"
}
