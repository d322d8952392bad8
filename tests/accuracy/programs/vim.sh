# SPDX-License-Identifier: Apache-2.0
# An editor with many files, windows, syntax and a long history of changes.

packages=(vim libc6-dev librsvg2-bin)
needs=(b.svg)

run() {
        # The last line writes "ready" out of two halves, so that the echo of what was typed is not taken for it.
        printf 'ihello\033:for i in range(1,60)|exe "normal yyP"|endfor\r:split|vsplit\r:help\r:new\r:r !echo rea$((0))dy\r' \
                >"$scratch/keys"
        cp "$inputs/b.svg" "$scratch/b.svg"
        capture -t 6 -i "$scratch/keys" -e TERM=xterm -e HOME="$scratch" -- /usr/bin/vim --not-a-term -u NONE \
                -c 'set nocp undolevels=1000 | filetype plugin indent on | syntax on' -c redraw \
                -p "$scratch/b.svg" $(find /usr/include -maxdepth 1 -name '*.h' | sort | head -n 20) /usr/share/common-licenses/GPL-3
}
