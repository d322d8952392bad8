# SPDX-License-Identifier: Apache-2.0
# Statistics: frames, models, text and regular expressions that a session of R holds.

packages=(r-base-core)
needs=(big.xml)

run() {
        capture -r '^ready' -- /usr/lib/R/bin/R --vanilla --no-echo -f "$files/r.R" --args "$inputs"
}
