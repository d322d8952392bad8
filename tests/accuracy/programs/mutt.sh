# SPDX-License-Identifier: Apache-2.0
# A mail reader on a terminal, with a large mailbox open and sorted by threads.

packages=(mutt bsdutils)

run() {
        awk 'BEGIN {
                for (i = 0; i < 6000; i++) {
                        printf "From a@example.org Mon Jan  1 00:00:00 2024\nFrom: Person %d <p%d@example.org>\n", i, i % 300
                        printf "To: list@example.org\n"
                        printf "Subject: %stopic %d\nMessage-ID: <m%d@example.org>\n", i % 5 ? "Re: " : "", int(i / 5), i
                        if (i % 5) printf "In-Reply-To: <m%d@example.org>\nReferences: <m%d@example.org>\n", i - 1, i - 1
                        printf "Date: Mon, 1 Jan 2024 00:%02d:%02d +0000\n\nbody of %d\n\n", i / 60 % 60, i % 60, i
                }
        }' >"$scratch/mbox"
        for ((i = 0; i < 500; i++)); do
                echo "alias n$i Name $i <n$i@example.org>"
                echo "macro index <F2>$i \"<limit>~s $i\""
                echo "color index green default '~f p$i@'"
        done >"$scratch/rc"
        echo 'set sort=threads' >>"$scratch/rc"
        capture -t 8 -c '^/usr/bin/mutt' -e TERM=xterm -e HOME="$scratch" -- \
                script -qfc "/usr/bin/mutt -n -R -F '$scratch/rc' -f '$scratch/mbox'" /dev/null
}
