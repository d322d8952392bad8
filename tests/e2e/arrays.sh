#!/bin/bash
# Arrays of equal records are found wherever they lie: a slab in a mapping of its own, slots behind the headers of pages, entries
# from an odd address on, vectors in malloc's blocks; each with its period, the number of its records, its fields and its owner, as a
# core and live, and the same whatever the number of threads. Noise, packed files and pictures are none.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1

need_command python3 gdb jq

program=$BUILD_DIR/fixtures/fixture-arrays
[ -x "$program" ] || give_up "fixture-arrays is built"

python3 - "$tmp" <<'END' || give_up "python makes the files"
import gzip, os, random, sqlite3, struct, sys, zlib

at = sys.argv[1]
random.seed(11)

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

words = b"".join(b"%d GET /item/%d HTTP/1.1 %s\n" % (i, random.randrange(1 << 30), random.choice([b"ok", b"failed", b"late"]))
                 for i in range(60000))
with open(f"{at}/packed", "wb") as f:
    f.write(gzip.compress(words, mtime=0))
rows = b"".join(b"\0" + random.randbytes(3 * 400) for _ in range(400))
with open(f"{at}/picture", "wb") as f:
    f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 400, 400, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
db = sqlite3.connect(f"{at}/database")
db.execute("create table t (id integer primary key, name text, price real)")
db.executemany("insert into t values (?, ?, ?)", ((i, "name %d" % random.randrange(10 ** 9), random.random()) for i in range(8000)))
db.commit()
db.close()
END

start_program "$program" "$tmp/packed" "$tmp/picture" "$tmp/database"
wait_ready
sed '/^ready$/d' "$program_dir/.out" >"$tmp/truth.json"
scan_json "$tmp/live.json" --summary --clusters --top 0 --live "$pid"
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/core.json" --summary --clusters --top 0 -j1 "$tmp/core"
scan_json "$tmp/core8.json" --summary --clusters --top 0 -j8 "$tmp/core"
assert_eq "$(jq -cS 'del(.timing)' "$tmp/core8.json" | sha256sum)" "$(jq -cS 'del(.timing)' "$tmp/core.json" | sha256sum)" \
        "the same with one thread and with eight"

for f in "$tmp/live.json" "$tmp/core.json"; do
        # Each array of the truth, by where it begins.
        for name in slab=kinds pages=kinds arena=kinds hollow=things round=things; do
                jqe '($truth[0][] | select(.name == $name)) as $t | [.clusters[] | select(.period == $t.stride)]
                        | length == 1 and (.[0] | .kind == "pattern" and .records == $t.records and .count == $t.records
                                and .bytes == $t.bytes and .block_size.min == $t.stride
                                and .library == "fixture-arrays" and .confidence > 0.5
                                and (.fields | any(.kind == "pointer:module" and (.value | startswith($kind)) and .share == 1)))' "$f" \
                        --slurpfile truth "$tmp/truth.json" --arg name "${name%=*}" --arg kind "${name#*=}"
        done
        for name in slab=kinds arena=kinds hollow=things round=things; do
                jqe '($truth[0][] | select(.name == $name)) as $t | .clusters[] | select(.period == $t.stride)
                        | .examples[0] == $t.address and .fields[0].offset == 0
                        and (.fields[0].value | startswith($kind))' "$f" \
                        --slurpfile truth "$tmp/truth.json" --arg name "${name%=*}" --arg kind "${name#*=}"
        done
        # Two vectors of one type: blocks of one cluster, whatever their sizes.
        jqe '([$truth[0][] | select(.stride == 40)] | map(.records) | add) as $n
                | [.clusters[] | select(.period == 40)] | length == 1 and (.[0] | .kind == "pattern" and .count == 2
                        and .records == $n and .library == "fixture-arrays" and .state.in_use == 2)' "$f" \
                --slurpfile truth "$tmp/truth.json"
        # The same bytes over and over: in blocks, and in pages.
        jqe '[.clusters[] | select(.what == "identical 65552-byte blocks")] | length == 1
                and (.[0] | .kind == "pattern" and .count == 1000 and .content == "structured")' "$f"
        jqe '($truth[0][] | select(.name == "twins")) as $t | [.clusters[] | select(.what == "identical pages")]
                | length == 1 and (.[0] | .kind == "pattern" and .count == $t.records and .bytes == $t.bytes
                        and .block_size.max == 4096 and .examples[0] == $t.address)' "$f" --slurpfile truth "$tmp/truth.json"
        # Files are known by how they begin, in a block and in a mapping; one of pages is an array as well.
        for file in application/gzip=packed image/png=picture application/vnd.sqlite3=database; do
                jqe 'def hex: ltrimstr("0x") | ascii_downcase | explode | reduce .[] as $c (0; . * 16 + (if $c > 57 then $c - 87 else $c - 48 end));
                        [.clusters[] | select(.type == $type) | .examples[0] | hex] as $found
                        | [$truth[0][] | select(.name | startswith($name))] | length == 2 and all(.[]; (.address | hex) as $a
                                | .bytes as $n | $found | any(. >= $a and . < $a + $n))' "$f" \
                        --slurpfile truth "$tmp/truth.json" --arg type "${file%=*}" --arg name "${file#*=}"
        done
        jqe '[.clusters[] | select(.type == "application/gzip") | .content] | length == 2 and all(.[]; . == "compressed" or . == "random")' "$f"
        # What is told of records does not come to more than there is: nothing is told twice.
        jqe '([.clusters[] | .resident] | add) <= .memory.anonymous' "$f"
        # Neither noise nor packed bytes have a period: no example lies in them.
        jqe '[$truth[0][] | select(.name | test("noise|packed|picture"))] as $noise
                | [.clusters[] | select(.period) | .examples[]] as $found
                | all($noise[]; .address as $a | all($found[]; . != $a))' "$f" --slurpfile truth "$tmp/truth.json"
done

id=$(jq -r '.clusters[] | select(.period == 48) | .id' "$tmp/core.json")
assert_exit 0 "$CORESCAN" --cluster "$id" "$tmp/core"
assert_file_contains "$out" "array of 48-byte records with kinds at +0"
assert_file_contains "$out" "100,000 records"
assert_exit 0 "$CORESCAN" "$tmp/core"
assert_file_contains "$out" "array of 48-byte records"

# An address in the middle of it.
at=$(jq -r '.[] | select(.name == "slab") | .address' "$tmp/truth.json")
assert_exit 0 "$CORESCAN" --json --at "$(printf '0x%x' $((at + 48 * 1234 + 5)))" "$tmp/core"
jqe '.at.what == "5 bytes into record 1234 of an array of 100000, of 48 bytes each (\($id)), in memory that no allocator claims"' "$out" \
        --arg id "$id"
