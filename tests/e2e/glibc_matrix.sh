#!/bin/bash
# The census on the C libraries of four Debian releases, each run by its own ld.so: in every cell --blocks is what the program
# itself knows. The packages come from the mirror, their names and checksums from the suites' own lists; what cannot be
# fetched is named, and counts as not tested.
. "$SOURCE_DIR/tests/e2e/_census.sh" || exit 1
need_command gdb
need_command curl
need_command dpkg-deb
need_command xz

mirror=http://deb.debian.org/debian
cache=$BUILD_DIR/glibc-packages
mkdir -p "$cache"

fetch() { # URL, FILE
        curl -sSf --max-time 120 -o "$2" "$1" 2>"$tmp/curl.err"
}

# Unpacks the suite's libc6 and sets $library to the folder of its libc.so.6; false if that cannot be had.
unpack() {
        local suite=$1 name sum deb

        fetch "$mirror/dists/$suite/main/binary-amd64/Packages.xz" "$tmp/$suite.xz" || return 1
        read -r name sum < <(xz -dc "$tmp/$suite.xz" | awk '
                $1 == "Package:" { mine = $2 == "libc6" }
                mine && $1 == "Filename:" { name = $2 }
                mine && $1 == "SHA256:" { sum = $2 }
                END { print name, sum }')
        [ -n "$sum" ] || return 1
        deb=$cache/${name##*/}
        if ! sha256sum -c --status <<<"$sum  $deb" 2>/dev/null; then
                fetch "$mirror/$name" "$deb.part.$$" && mv "$deb.part.$$" "$deb" || return 1
                sha256sum -c --status <<<"$sum  $deb" || return 1
        fi
        dpkg-deb -x "$deb" "$tmp/$suite" || return 1
        library=$(dirname "$(find "$tmp/$suite" -name libc.so.6 | head -n 1)")
        [ -e "$library/libc.so.6" ]
}

# Linked with the oldest library, so that it asks for no symbol that one of them lacks.
link_census() {
        local crt=() file

        for file in crt1.o crti.o crtn.o; do crt+=("$("$CC" -print-file-name=$file)"); done
        "$CC" -std=gnu17 -O1 -fno-stack-protector -no-pie -c -o "$tmp/census.o" "$SOURCE_DIR/fixtures/census/census.c" &&
                "$CC" -nostdlib -no-pie -o "$tmp/census" "${crt[0]}" "${crt[1]}" "$tmp/census.o" \
                        "$library/libpthread.so.0" "$library/libc.so.6" "$library/ld-linux-x86-64.so.2" "${crt[2]}"
}

examine_cell() { # what
        if [[ $1 == *-default ]]; then
                stacks_lost=0 threads_told=$(grep -c _thread_db_rtld_global__dl_stack_used "$library/libc.so.6")
                census_of "$1" "$1, live" --live "$pid"
                threads_told=1
        fi
        take_census_core "$tmp/core"
        stop_program "$pid"
        census_of "$1" "$1" "$tmp/core"
        rm -f "$tmp/core"
}

run_cells() { # suite
        local name words

        for name in default heaps foreign-brk collide fork one-arena no-tcache large-tcache tcache-max perturb top-pad mmap-threshold \
                no-fastbins one-arena-tunable huge-pages huge-heaps no-mmaps; do
                case $name in
                one-arena-tunable)
                        configure default
                        configuration=(env GLIBC_TUNABLES=glibc.malloc.arena_max=1 "$census" --seed 13)
                        ;;
                no-mmaps)
                        configure default
                        configuration=(env MALLOC_MMAP_MAX_=3 "$census" --seed 15)
                        ;;
                *) configure "$name" ;;
                esac
                words=()
                for word in "${configuration[@]}"; do
                        if [ "$word" = "$census" ]; then
                                words+=("$library/ld-linux-x86-64.so.2" --library-path "$library" "$tmp/census")
                        else
                                words+=("$word")
                        fi
                done
                truth=$tmp/truth
                start_program "${words[@]}" --truth "$truth"
                wait_ready
                the_child
                examine_cell "$1-$name"
        done
}

tested=0
for suite in bullseye bookworm trixie sid; do
        if ! unpack "$suite"; then
                echo "# $suite: its libc6 cannot be fetched: $(head -c 200 "$tmp/curl.err")"
                continue
        fi
        if [ ! -e "$tmp/census" ] && ! link_census; then
                give_up "the census is linked with the C library of $suite"
        fi
        run_cells "$suite"
        tested=$((tested + 1))
done
grep -q '^HugePages_Free: *[1-9]' /proc/meminfo || echo "# no huge page is free: huge-heaps had ordinary ones"
[ "$tested" -gt 0 ] || skip "no libc6 can be fetched from $mirror"
echo "# $tested of 4 releases tested"
