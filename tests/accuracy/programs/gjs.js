// SPDX-License-Identifier: Apache-2.0
imports.gi.versions.Pango = '1.0';
imports.gi.versions.PangoCairo = '1.0';
const { Gio, GLib, GObject, Pango, PangoCairo } = imports.gi;
const ByteArray = imports.byteArray;
const inputs = ARGV[0];
const kept = [];

kept.push(JSON.parse(ByteArray.toString(GLib.file_get_contents(inputs + '/big.json')[1])));
const Row = GObject.registerClass({
    Properties: { name: GObject.ParamSpec.string('name', '', '', GObject.ParamFlags.READWRITE, '') },
}, class Row extends GObject.Object {});
const rows = new Gio.ListStore({ item_type: Row });
for (let i = 0; i < 5000; i++)
    rows.append(new Row({ name: 'row ' + i }));
kept.push(rows);

const map = PangoCairo.FontMap.get_default();
const context = map.create_context();
for (let i = 0; i < 200; i++) {
    const layout = Pango.Layout.new(context);
    layout.set_markup(`<b>title ${i}</b> ` + 'some text '.repeat(20 + i % 30), -1);
    layout.get_extents();
    kept.push(layout);
}
for (let i = 0; i < 2000; i++) {
    kept.push(Gio.File.new_for_uri('http://host/path/' + i));
    kept.push(new GLib.Variant('a{ss}', { key: 'value ' + i }));
    kept.push(new Gio.SimpleAction({ name: 'action' + i }));
    kept.push(GLib.Regex.new('a' + i + '(b|c)+', 0, 0));
}
const group = new GLib.KeyFile();
for (let i = 0; i < 4000; i++)
    group.set_string('group ' + i % 50, 'key' + i, 'value ' + i);
kept.push(group);
print('ready');
new GLib.MainLoop(null, false).run();
