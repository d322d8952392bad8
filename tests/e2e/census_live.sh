#!/bin/bash
# The census of a living process is exactly what the process itself says, in every way that glibc gets and keeps memory.
. "$SOURCE_DIR/tests/e2e/_census.sh" || exit 1

examine() {
        census_of "$1" "$1, live" --live "$pid"
}
each_census default eight-threads one-thread foreign-brk collide fork heaps one-arena no-tcache large-tcache perturb top-pad \
        mmap-threshold no-fastbins
