# SPDX-License-Identifier: Apache-2.0
"""py_gi.py INPUTS: objects of GLib, Gio, Pango, GdkPixbuf and GTK, kept."""
import sys
import time

import gi
for n, v in (('Gtk', '3.0'), ('Pango', '1.0'), ('PangoCairo', '1.0'), ('GdkPixbuf', '2.0')):
    gi.require_version(n, v)
from gi.repository import GLib, GObject, Gio, Gtk, Pango, PangoCairo, GdkPixbuf
inputs = sys.argv[1]
kept = []
st = Gtk.TreeStore(str, int, float, str)
for i in range(3000):
    p = st.append(None, ['row %d' % i, i, i * .5, 'x' * (i % 40)])
    for j in range(4):
        st.append(p, ['child', j, .1, 'y'])
kept.append(st)
fm = PangoCairo.FontMap.get_default()
ctx = fm.create_context()
for i in range(400):
    l = Pango.Layout(ctx)
    l.set_markup('<b>Hello %d</b> <i>w\u00f6rld \u05d0\u05d1</i> <span size="x-large">%s</span>' % (i, 'text ' * 30))
    l.set_width(200 * Pango.SCALE)
    l.get_extents()
    kept.append(l)
kept += [GdkPixbuf.Pixbuf.new_from_file_at_size(inputs + '/a.png', 100 + i, 100) for i in range(6)]
kept += [Gio.File.new_for_path('/usr/share/doc/%d' % i) for i in range(3000)]
kept += [f for f in Gio.File.new_for_path('/usr/lib/x86_64-linux-gnu').enumerate_children('*', 0, None)]
kept += [GLib.Variant('a{sv}', {'a%d' % i: GLib.Variant('s', 'v' * (i % 70))}) for i in range(3000)]
kept += [Gtk.TextBuffer() for _ in range(40)]
for b in kept[-40:]:
    b.set_text('line of text\n' * 300)
kept += [Gio.SimpleAction.new('a%d' % i, None) for i in range(2000)]
print('ready', flush=True)
time.sleep(3600)
