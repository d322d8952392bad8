#!/bin/bash
# Each view alone, some together: the JSON holds what was asked for and nothing else, and fits the schema; the text has its
# headings; live and from a core.
. "$SOURCE_DIR/tests/e2e/_lib.sh" || exit 1
need_command gdb jq

build_c some <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *kept[400];

int main(void)
{
        for (int i = 0; i < 400; i++)
                kept[i] = memset(malloc(300), 'a' + i % 26, 200);
        for (int i = 0; i < 400; i += 4)
                free(kept[i]);
        puts("ready");
        fflush(stdout);
        for (;;)
                pause();
}
END
start_program "$tmp/some"
wait_ready
take_gcore "$pid" "$tmp/core"

always='["left_out", "schema", "target", "timing", "version"]'
# view KEYS OPTION...: with these keys besides those that are always there.
view() {
        local keys=$1

        shift
        for where in "--live $pid" "$tmp/core"; do
                # shellcheck disable=SC2086 # two words
                scan_json "$tmp/json" "$@" $where
                assert_eq "$(jq -c "keys - $always" "$tmp/json")" "$keys" "$* of ${where%% *}: the keys that were asked for"
        done
}
view '["clusters","heaps","libraries","memory","verdict"]'
view '["clusters","heaps","libraries","memory","verdict"]' --summary
view '["memory","regions"]' --regions
view '["heaps","memory"]' --heap
view '["clusters"]' --clusters
view '["libraries"]' --libraries
view '["leaks"]' --leaks
view '["heaps","memory","regions"]' --heap --regions
view '["clusters","heaps","libraries","memory","regions","verdict"]' --summary --regions

# heading TEXT OPTION...
heading() {
        local text=$1

        shift
        assert_exit 0 "$CORESCAN" "$@" "$tmp/core"
        assert_file_contains "$out" "$text" "$*: the heading $text"
}
heading Leaks --leaks
heading Regions --regions --heap
heading Heaps --regions --heap
heading Clusters --clusters --libraries
heading Libraries --clusters --libraries
