#!/bin/bash
# As census_live, from cores that gdb takes.
. "$SOURCE_DIR/tests/e2e/_census.sh" || exit 1
need_command gdb

examine() {
        take_census_core "$tmp/$1.core"
        stop_program "$pid"
        census_of "$1" "$1, gcore" "$tmp/$1.core"
        rm -f "$tmp/$1.core"
}
each_census default eight-threads foreign-brk collide fork heaps one-arena no-tcache perturb top-pad mmap-threshold
