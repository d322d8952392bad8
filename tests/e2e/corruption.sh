#!/bin/bash
# A heap whose chunk headers and lists somebody has overwritten: what is broken is reported by address, and most blocks are
# found all the same. Never a crash.
. "$SOURCE_DIR/tests/e2e/_census.sh" || exit 1
need_command jq gdb readelf

configure default
truth=$tmp/truth
start_program "${configuration[@]}" --truth "$truth"
wait_ready
take_gcore "$pid" "$tmp/sound"
stop_program "$pid"
scan_json "$tmp/sound.json" --top 1 --blocks "$tmp/sound.tsv" "$tmp/sound"
jqe '.heaps[0].corrupt == []' "$tmp/sound.json"
arenas=$(jq -r '.heaps[0].arenas[].address' "$tmp/sound.json")
all=$(grep -c in-use "$truth")

# damaged NAME SHARE: scans $tmp/NAME; at least SHARE percent of the blocks in use are found, with their sizes.
damaged() {
        local found

        scan_json "$tmp/$1.json" --top 1 --blocks "$tmp/$1.tsv" "$tmp/$1"
        found=$(awk -F '\t' 'FNR == NR { size[$1] = $2; next } $3 == "in-use" && size[$1] == $2 { n++ }
                END { print n + 0 }' "$tmp/$1.tsv" "$truth")
        if ((found * 100 >= all * $2)); then
                ok "$1: $found of $all blocks are found"
        else
                not_ok "$1: at least $2 % of the blocks are found" "$found of $all"
        fi
        jqe 'all(.heaps[]; .corrupt | type == "array")
                and all(.heaps[].corrupt[]; (.address | test("^0x[0-9a-f]+$")) and (.what | length) > 0)' \
                "$tmp/$1.json"
}

# spoil NAME HEX SHIFT: overwrites, in $tmp/NAME, the bytes at SHIFT from each address on standard input.
spoil() {
        local address offset

        while read -r address; do
                offset=$(offset_of "$tmp/$1" $((address + $3)))
                [ -z "$offset" ] || poke "$tmp/$1" "$offset" "$2"
        done
}

# some N STATE: N addresses of small blocks of the truth, spread over all that it lists; in arenas, not mmapped.
some() {
        awk -F '\t' -v state="$2" '$3 == state && $2 < 60000 { print $1 }' "$truth" >"$tmp/$2"
        awk -v n="$1" -v all="$(wc -l <"$tmp/$2")" 'int(NR * n / all) != int((NR - 1) * n / all)' "$tmp/$2"
}

damage() {
        cp --sparse=always "$tmp/sound" "$tmp/$1"
}

# Size words of blocks in use: text ran over them.
damage sizes
some 6 in-use >"$tmp/places"
spoil sizes 4141414141414141 -8 <"$tmp/places"
damaged sizes 90
jqe '.heaps[0].corrupt | length >= 1' "$tmp/sizes.json"
# What is reported lies where the damage is: at the block, or at its chunk.
near=0
while read -r place; do
        for address in $(jq -r '.heaps[0].corrupt[].address' "$tmp/sizes.json"); do
                if ((place - address >= 0 && place - address <= 16)); then
                        near=$((near + 1))
                        break
                fi
        done
done <"$tmp/places"
assert_eq "$near" "$(wc -l <"$tmp/places")" "each overwritten header is reported by its address"
assert_exit 0 "$CORESCAN" "$tmp/sizes"

# Sizes that would lead the walk far away, backwards, or nowhere.
damage lengths
some 2 in-use | spoil lengths 0000000000000000 -8
some 4 in-use | tail -n 2 | spoil lengths f1ffffffffffffff -8
some 6 in-use | tail -n 2 | spoil lengths 2100000000000000 -8
damaged lengths 85

# Lists of free chunks: the first two words of what was freed.
damage lists
some 60 free | spoil lists 41414141414141414242424242424242 0
damaged lists 90
jqe '.heaps[0].corrupt | length >= 1' "$tmp/lists.json"
# One bin's list: one free chunk of the main arena that a bin points at. The arena is found by all the others.
damage links
arena=$(jq -r '.heaps[0].arenas[] | select(.main) | .address' "$tmp/sound.json")
offset=$(offset_of "$tmp/links" $((arena + 0x70)))
bins=$(od -An -v -tx8 -w16 -j "$offset" -N 2032 "$tmp/links" | awk '{ print "0x" $1, "0x" $2 }')
i=0
while read -r forward _; do
        # An empty bin points at itself.
        if ((forward != arena + 0x70 + 16 * i - 16)); then
                echo $((forward + 16))
        fi
        i=$((i + 1))
done <<<"$bins" >"$tmp/heads"
echo "# $(wc -l <"$tmp/heads") bins of the main arena are in use"
spoil links 41414141414141414242424242424242 0 < <(tail -n 1 "$tmp/heads")
damaged links 99
spoil links 41414141414141414242424242424242 0 < <(awk 'NR % 4 == 1' "$tmp/heads")
damaged links 95

# Whole pages of zeros, as from a stray memset.
damage pages
some 4 in-use | spoil pages "$(printf '%08192d' 0)" 0
damaged pages 85

# The arenas themselves: their flags and fastbins; the main one's bins; all of one.
damage arenas
for address in $arenas; do
        echo "$address"
done | spoil arenas "$(printf 'f%.0s' {1..192})" 0
damaged arenas 0
damage bins
echo "$arena" | spoil bins "$(printf '41%.0s' {1..512})" 112
damaged bins 0
# If the allocator is not recognised any more, that is said.
jqe '(.heaps | length) > 0 or (.target.warnings | length) > 0' "$tmp/bins.json"

# Everywhere a little: 400 words of noise.
damage noise
some 400 in-use | spoil noise 00ff00ff7f7f0001 -8
damaged noise 30
assert_exit 0 "$CORESCAN" --clusters --libraries "$tmp/noise"

# Each link of the ring of arenas in turn, and the main arena's top: what they led to is found all the same.
mapfile -t ring <<<"$arenas"
for ((i = 0; i < ${#ring[@]} && i < 4; i++)); do
        next=$(printf '%016x' $((ring[(i + 1) % ${#ring[@]}])))
        shift=$(od -An -v -tx8 -w8 -j "$(offset_of "$tmp/sound" $((ring[i])))" -N 2208 "$tmp/sound" |
                awk -v to="$next" '$1 == to && !at { at = (NR - 1) * 8 } END { print at }')
        damage ring
        echo "${ring[i]}" | spoil ring 4141414141414141 "$shift"
        damaged ring 99
        jqe '.heaps[0].corrupt | length >= 1' "$tmp/ring.json"
done
damage top
echo "$arena" | spoil top 4141414141414141 96
damaged top 99
jqe '.heaps[0].corrupt | length >= 1' "$tmp/top.json"
