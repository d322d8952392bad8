#!/bin/bash
# As census_live, from cores that the kernel writes.
. "$SOURCE_DIR/tests/e2e/_census.sh" || exit 1
obstacle=$(kernel_core_obstacle)
[ -z "$obstacle" ] || skip "$obstacle"

examine() {
        take_kernel_core "$pid" "$tmp/$1.core"
        census_of "$1" "$1, kernel core" "$tmp/$1.core"
        rm -f "$tmp/$1.core"
}
each_census default eight-threads foreign-brk collide heaps one-arena no-tcache perturb top-pad mmap-threshold
