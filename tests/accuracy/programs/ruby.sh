# SPDX-License-Identifier: Apache-2.0
# Ruby: its own heap, strings and tables of malloc's, and three libraries behind extensions.

packages=(ruby ruby-nokogiri)
needs=(big.json big.xml)

run() {
        capture -r ready -- /usr/bin/ruby "$files/ruby.rb" "$inputs"
}
