# SPDX-License-Identifier: Apache-2.0
# Pictures of several formats, read, scaled and filtered; a last one is waited for on standard input.

packages=(imagemagick fonts-dejavu-core librsvg2-bin)
needs=(a.png b.svg)

run() {
        convert-im6.q16 "$inputs/a.png" "$scratch/page.jpg" || return 1
        capture -t 25 -- /usr/bin/convert-im6.q16 "$inputs/a.png" -resize 800x800 '(' "$inputs/b.svg" -resize 300x300 ')' \
                '(' -size 1000x1000 plasma:red-blue ')' '(' -size 500x100 -font DejaVu-Sans label:Hello ')' '(' rose: -blur 0x3 ')' \
                '(' logo: -rotate 10 ')' '(' wizard: -colors 64 ')' "$scratch/page.jpg" - null:
}
