# SPDX-License-Identifier: Apache-2.0
# JavaScript on GLib: objects of GObject, Gio and Pango that a script holds.

packages=(gjs gir1.2-gtk-3.0 gir1.2-pango-1.0)
needs=(big.json)

run() {
        capture -r ready -- /usr/bin/gjs "$files/gjs.js" "$inputs"
}
