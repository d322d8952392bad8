# SPDX-License-Identifier: Apache-2.0
# A long-lived server process of git: thousands of objects asked for, of a repository with some history.

packages=(git)

run() {
        local repository=$scratch/repository.git

        git init -q --bare "$repository"
        awk 'BEGIN {
                srand(3)
                for (c = 1; c <= 1500; c++) {
                        printf "commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 9\ncommit %-2d\n", 1600000000 + c, c % 90
                        for (f = 0; f < 4; f++) {
                                s = ""
                                for (l = 0; l < 60; l++)
                                        s = s sprintf("line %d of %d\n", l, (l % 7 ? f : int(rand() * 1000)))
                                printf "M 100644 inline d%d/f%d.txt\ndata %d\n%s\n", c % 23, (c * 7 + f) % 400, length(s), s
                        }
                }
        }' | git -C "$repository" fast-import --quiet
        git -C "$repository" repack -adq
        {
                for ((i = 0; i < 1500; i++)); do
                        printf 'main~%d\nmain~%d^{tree}\nmain~%d:d%d\n' "$i" "$i" "$i" $((i % 23))
                done
                echo end-of-the-list
        } >"$scratch/names"
        capture -r '^end-of-the-list missing' -i "$scratch/names" -- /usr/bin/git -C "$repository" cat-file --batch
}
