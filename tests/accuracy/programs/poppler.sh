# SPDX-License-Identifier: Apache-2.0
# The pages of a large PDF on their way into another format.

packages=(poppler-utils librsvg2-bin)
needs=(page.pdf)

run() {
        capture -t 6 -- /usr/bin/pdftocairo -svg "$inputs/page.pdf" /dev/null
}
