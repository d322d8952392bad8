# SPDX-License-Identifier: Apache-2.0
# A download manager as a daemon: a queue of files, most of them waiting, some coming in slowly.

packages=(aria2 python3)

run() {
        local i

        for ((i = 0; i < 3000; i++)); do
                printf 'http://127.0.0.1:18446/f%d\thttp://127.0.0.1:18446/g%d\n  out=f%d\n  header=X-N: %d\n' $i $i $i $i
        done >"$scratch/list"
        background python3 "$files/slowserver.py" 18446
        capture -t 8 -- /usr/bin/aria2c --no-conf --dir="$scratch/files" --enable-rpc --rpc-listen-port=18447 \
                --max-concurrent-downloads=40 --max-download-limit=10K --file-allocation=none -x 4 -i "$scratch/list"
}
