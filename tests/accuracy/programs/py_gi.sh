# SPDX-License-Identifier: Apache-2.0
# CPython on GLib and GTK, by introspection: models, layouts, pictures, variants.

packages=(python3-gi python3-gi-cairo gir1.2-gtk-3.0 gir1.2-pango-1.0 gir1.2-gdkpixbuf-2.0 librsvg2-bin)
needs=(a.png)

run() {
        capture -r ready -- /usr/bin/python3 "$files/py_gi.py" "$inputs"
}
