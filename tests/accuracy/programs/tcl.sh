# SPDX-License-Identifier: Apache-2.0
# Tcl: dictionaries, lists, namespaces, compiled procedures and packages of its library.

packages=(tcl8.6 tcllib)
needs=(big.xml)

run() {
        capture -r '^ready' -- /usr/bin/tclsh8.6 "$files/tcl.tcl" "$inputs"
}
