#!/usr/bin/env bash
# Programs that hold much memory and lose none: none is called a leak, and the clear ones are called what they are. A
# program that does lose is still called a leak. The shapes are drawn from seeds.
. "$SOURCE_DIR/tests/e2e/_lib.sh"
need_command jq
negative=$BUILD_DIR/fixtures/fixture-negative

# judge SHAPE SEED KIND: the verdict is one of the kinds (a regex).
judge() {
        start_program "$negative" "$1" --seed "$2" --megabytes $((40 + $2 * 7 % 60))
        wait_ready
        scan_json "$tmp/$1.json" --live "$pid"
        if jq -e --arg kind "^($3)$" '.verdict.kind | test($kind)' "$tmp/$1.json" >/dev/null; then
                ok "$1, seed $2: $3"
        else
                not_ok "$1, seed $2: $3" "$(jq .verdict "$tmp/$1.json")"
        fi
        stop_program "$pid"
}

for seed in 1 2 3; do
        judge fragmentation "$seed" fragmentation
        judge arenas "$seed" retention
        judge burst "$seed" retention
        judge cache "$seed" cache-or-live-data
        judge tagged "$seed" cache-or-live-data
        judge intrusive "$seed" cache-or-live-data
        judge database "$seed" 'cache-or-live-data|healthy'
        judge leak "$seed" leak
done
# Resident means another thing in a core: pages with anything but zeros.
if command -v gdb >/dev/null; then
        for shape in fragmentation:fragmentation burst:retention cache:cache-or-live-data leak:leak; do
                start_program "$negative" "${shape%:*}" --seed 8 --megabytes 30
                wait_ready
                take_gcore "$pid" "$tmp/core"
                stop_program "$pid"
                scan_json "$tmp/core.json" "$tmp/core"
                assert_eq "$(jq -r .verdict.kind "$tmp/core.json")" "${shape#*:}" "a core of ${shape%:*}"
        done
fi
judge tcaches 4 'retention|healthy'
judge pool 5 'cache-or-live-data|healthy|unknown'
judge stacks 6 healthy
judge idle 7 healthy
