# SPDX-License-Identifier: Apache-2.0
# A converter of pictures (Rust on cairo and pango) that has drawn some pages and waits for one more on its standard input.

packages=(librsvg2-bin)
needs=(a.svg b.svg)

run() {
        capture -t 12 -- /usr/bin/rsvg-convert -f pdf -o "$scratch/pages.pdf" \
                "$inputs/b.svg" "$inputs/a.svg" "$inputs/a.svg" "$inputs/a.svg" -
}
