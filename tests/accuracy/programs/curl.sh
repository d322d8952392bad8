# SPDX-License-Identifier: Apache-2.0
# A hundred and twenty slow downloads by HTTP/2 over TLS.

packages=(curl openssl libpcre2-8-0)
unpacked=(nginx)
needs=(cert.pem)

run() {
        local i

        slow_server 18444
        for ((i = 0; i < 120; i++)); do
                printf 'url=https://127.0.0.1:18444/z?%d\noutput=/dev/null\n' "$i"
        done >"$scratch/list"
        capture -t 6 -- /usr/bin/curl -k --limit-rate 20k --parallel --parallel-max 120 -K "$scratch/list"
}
