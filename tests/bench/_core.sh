# shellcheck shell=bash
# What the benchmarks share: a core of a program that says "ready" when its memory is as it should be. Needs $BUILD_DIR.
#
#       bench_dir NAME                  prints $BENCH_DIR or the folder of that input, which it makes
#       bench_core FILE CMD...          takes a core of CMD to FILE, unless it is there; CMD is killed
#       bench_ready FILE PID            waits until PID has said so in FILE; false: it ended, or takes ten minutes
#       bench_warm FILE                 reads it, so that it lies in the page cache

bench_dir() {
        local dir=${BENCH_DIR:-$BUILD_DIR/bench/$1}

        mkdir -p "$dir"
        echo "$dir"
}

bench_core() (
        file=$1
        shift
        [ ! -s "$file" ] || exit 0
        "$@" >"$file.ready" &
        pid=$!
        # The shell would tell of the one that is killed.
        trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null || true; rm -f "$file.ready" "$file.new.$pid"' EXIT
        bench_ready "$file.ready" "$pid" || exit 1
        gcore -o "$file.new" "$pid" >"$file.log" 2>&1 || true
        # What is zero takes no room on the disk.
        fallocate --dig-holes "$file.new.$pid" 2>/dev/null || true
        mv "$file.new.$pid" "$file" || {
                cat "$file.log" >&2
                exit 1
        }
        rm -f "$file.log"
)

bench_ready() {
        local i

        for ((i = 0; i < 6000; i++)); do
                ! grep -qs ready "$1" || return 0
                kill -0 "$2" || return 1
                sleep 0.1
        done
        return 1
}

bench_warm() {
        cat "$1" >/dev/null
}
