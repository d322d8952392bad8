#!/bin/bash
# The extension with all its symbols, and with none that name a class (hidden visibility, stripped: only the RTTI in memory
# has the name): the same answer as for the stripped one. And it is the same bytes on any number of threads.
. "$SOURCE_DIR/tests/e2e/_eventmachine.sh" || exit 1

for variant in plain hidden; do
        serve "$tmp/$variant" --mode leak --variant "$variant" --requests 5000 --core gcore
        scan "$variant" "$tmp/$variant/core"
        assert_leak_found "$variant" "$tmp/$variant"
done
assert_eq "$(jq -r '.clusters[0].what' "$tmp/hidden.json")" "$(jq -r '.clusters[0].what' "$tmp/plain.json")" "one name"

# The same bytes on any number of threads, except for what the run itself took.
without_timing() {
        sed -E 's/"(seconds|bytes_read|peak_memory)": *[0-9.e+-]+/"\1":_/g' "$1" | sha256sum
}
for jobs in 1 2 8; do
        assert_exit 0 "$CORESCAN" --json --top 0 -j "$jobs" --blocks "$tmp/j$jobs.tsv" "$tmp/hidden/core"
        without_timing "$out" >"$tmp/j$jobs.sum"
done
for jobs in 2 8; do
        assert_eq "$(cat "$tmp/j$jobs.sum")" "$(cat "$tmp/j1.sum")" "the same JSON with -j$jobs as with -j1"
        assert_eq "$(sha256sum <"$tmp/j$jobs.tsv")" "$(sha256sum <"$tmp/j1.tsv")" "the same --blocks with -j$jobs as with -j1"
done
