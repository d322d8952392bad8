#!/bin/bash
# What blocks without a mark hold is told by the files that their bytes begin: a program that keeps pictures, packed data and
# numbers, each in blocks of a size of their own, and blocks of which every other one is a picture.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1

need_command python3 gdb jq

build_c holder <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* holder SIZE FILE...: each file in blocks of that size, as many as it fills. */
int main(int argc, char **argv)
{
        for (int i = 1; i + 1 < argc; i += 2) {
                size_t size = strtoul(argv[i], NULL, 10), got;
                FILE *f = fopen(argv[i + 1], "rb");
                void **list = calloc(1024, sizeof(*list));
                if (!f || !list)
                        return 1;
                static void **lists[16];
                lists[i / 2] = list;
                setvbuf(f, NULL, _IONBF, 0);
                for (size_t n = 0; n < 1024; n++) {
                        list[n] = malloc(size);
                        if ((got = fread(list[n], 1, size, f)) != size) {
                                free(list[n]);
                                list[n] = NULL;
                                break;
                        }
                }
                fclose(f);
        }
        puts("ready");
        fflush(stdout);
        for (;;)
                pause();
}
END

python3 - "$tmp" <<'END' || give_up "python makes the files"
import gzip, random, struct, sys, zlib

at = sys.argv[1]
random.seed(7)

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

def png(size):
    rows = b"".join(b"\0" + random.randbytes(60) for _ in range(20))
    image = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 20, 20, 8, 2, 0, 0, 0))
             + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return image.ljust(size, b"\0")

def packed(size):
    return gzip.compress(random.randbytes(1000)).ljust(size, b"\0")

def numbers(size):  # as an icon's file begins, and many a table of ours
    return struct.pack("<HHHBB", 0, 1, random.randrange(4), 16, 16).ljust(size, b"\0")

def noise(size):
    return random.randbytes(size)

def write(name, size, *makers):
    with open(f"{at}/{name}", "wb") as f:
        for i in range(200):
            f.write(makers[i % len(makers)](size))

write("pictures", 4200, png)
write("packed", 3100, packed)
write("numbers", 2100, numbers)
write("noise", 5100, noise)
write("mixed", 6100, png, noise)
END

start_program "$tmp/holder" 4200 "$tmp/pictures" 3100 "$tmp/packed" 2100 "$tmp/numbers" 5100 "$tmp/noise" 6100 "$tmp/mixed"
wait_ready
scan_json "$tmp/live.json" --clusters --live "$pid"
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/core.json" --clusters "$tmp/core"

for f in "$tmp/live.json" "$tmp/core.json"; do
        for kind in "image/png 4208" "application/gzip 3120"; do
                jqe '[.clusters[] | select(.block_size.max == $size)] | length == 1 and .[0].kind == "pattern"
                        and .[0].count == 200 and .[0].what == "\($type), \($size)-byte blocks"' "$f" \
                        --arg type "${kind% *}" --argjson size "${kind#* }"
        done
        for size in 2112 5120 6112; do
                jqe '[.clusters[] | select(.block_size.max == $size and .count >= 100)] | length >= 1
                        and all(.[]; .what | test("^[0-9]+-byte blocks"))' "$f" --argjson size "$size"
        done
        jqe '[.clusters[] | select(.what | test("^[a-z]+/[a-z-]+, "))] | length == 2' "$f"
done

# Without the database there is everything else, and the reason.
assert_exit 0 env MAGIC="$tmp/no-such-database" "$CORESCAN" --json --clusters "$tmp/core"
cp "$out" "$tmp/without.json"
jqe '[.target.warnings[] | select(contains("no types of files are told"))] | length == 1' "$tmp/without.json"
jqe '[.clusters[] | select(.block_size.max == 4208)] | .[0].count == 200 and .[0].what == "4208-byte blocks without a mark"' \
        "$tmp/without.json"
