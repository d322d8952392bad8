# SPDX-License-Identifier: Apache-2.0
# Perl: hashes of lines, digests, compressors, compiled expressions and code.

packages=(perl)
needs=(big.xml)

run() {
        capture -r ready -- /usr/bin/perl "$files/perl.pl" "$inputs"
}
