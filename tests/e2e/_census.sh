# shellcheck shell=bash
# The census fixture, which knows the state of every block it ever made, in several configurations:
#
#       each_census NAME...             starts each configuration, and calls examine NAME, which the test defines, with
#                                       $pid, $truth and $threads set
#       assert_census BLOCKS WHAT       --blocks agrees with $truth, exactly

# shellcheck source=tests/e2e/_lib.sh
. "$SOURCE_DIR/tests/e2e/_lib.sh"
need_command jq
census=$BUILD_DIR/fixtures/fixture-census

# Environment and arguments of each configuration. foreign-brk: the main arena has a hole with fenceposts in front. collide: it is
# not contiguous, for something was mapped behind the heap. fork: a child, without the threads that made its arenas.
# heaps: so many blocks that arenas need several heaps. tcache-max: caches for large blocks (2.42). huge-heaps: heaps of four huge
# pages, and no break (2.35); where the kernel has no such page to give, malloc takes ordinary ones. top-pad and mmap-threshold: other ways of getting memory.
configure() {
        threads=4 heap_bits=26 # HEAP_MAX_SIZE: 64 MiB
        case $1 in
        default) configuration=("$census") ;;
        eight-threads) threads=8 configuration=("$census" --threads 8 --seed 2) ;;
        one-thread) threads=1 configuration=("$census" --threads 1 --seed 3) ;;
        foreign-brk) configuration=("$census" --foreign-brk --seed 4) ;;
        collide) configuration=("$census" --collide --seed 16) ;;
        fork) configuration=("$census" --fork --seed 17) ;;
        heaps) threads=2 configuration=("$census" --threads 2 --blocks 24000 --seed 5) ;;
        one-arena) configuration=(env MALLOC_ARENA_MAX=1 "$census" --seed 6) ;;
        no-tcache) configuration=(env GLIBC_TUNABLES=glibc.malloc.tcache_count=0 "$census" --seed 7) ;;
        large-tcache) configuration=(env GLIBC_TUNABLES=glibc.malloc.tcache_count=200 "$census" --seed 8) ;;
        perturb) configuration=(env MALLOC_PERTURB_=165 "$census" --seed 9) ;;
        top-pad) configuration=(env MALLOC_TOP_PAD_=1048576 "$census" --seed 10) ;;
        mmap-threshold) configuration=(env MALLOC_MMAP_THRESHOLD_=4096 "$census" --blocks 2000 --seed 11) ;;
        no-fastbins) configuration=(env GLIBC_TUNABLES=glibc.malloc.mxfast=0 "$census" --seed 12) ;;
        tcache-max) configuration=(env GLIBC_TUNABLES=glibc.malloc.tcache_max=4194304 "$census" --seed 18) ;;
        huge-pages) configuration=(env GLIBC_TUNABLES=glibc.malloc.hugetlb=1 "$census" --seed 14) ;;
        huge-heaps) heap_bits=23 configuration=(env GLIBC_TUNABLES=glibc.malloc.hugetlb=2 "$census" --seed 19) ;;
        *) give_up "$1 is a configuration" ;;
        esac
}

# Where the truth is that of a child: $pid is the child's.
the_child() {
        [ -e "$truth.pid" ] || return 0
        pid=$(cat "$truth.pid")
        rm "$truth.pid"
}

each_census() {
        local name

        for name; do
                configure "$name"
                truth=$tmp/$name.truth
                start_program "${configuration[@]}" --truth "$truth"
                wait_ready
                the_child
                examine "$name"
                stop_program "$pid"
        done
}

# Every block in use is there with its usable size, no freed address is, and beyond it only what the fixture's header
# documents: glibc's thread caches (usable 0x288) and thread vectors, one per thread at most.
assert_census() {
        local got

        # Thread vectors are calloc'ed: (surplus of 14 + modules) entries of 16 bytes, some 280 usable.
        got=$(awk -F '\t' -v threads="$threads" '
                FNR == NR { if ($3 == "in-use") want[$1] = $2; else freed[$1]; n[$3]++; next }
                $1 in want { if (want[$1] != $2) wrong = wrong " " $1 ":" want[$1] "/" $2; delete want[$1]; next }
                $1 in freed { alive = alive " " $1; next }
                $2 == 648 && caches < threads { caches++; next }
                $2 >= 264 && $2 <= 360 && vectors < threads { vectors++; next }
                { more = more " " $1 ":" $2 }
                END {
                        for (a in want) { missing = missing " " a; if (length(missing) > 400) break }
                        if (n["in-use"] < 1000 || n["free"] < 500) print "the truth is too short"
                        if (missing != "") print "missing:" missing
                        if (wrong != "") print "wrong size (truth/census):" substr(wrong, 1, 400)
                        if (alive != "") print "freed, but in use:" substr(alive, 1, 400)
                        if (more != "") print "nobody made:" substr(more, 1, 400)
                        print "that is all"
                }' "$truth" "$1")
        assert_eq "$got" "that is all" "$2: the census is the truth"
}

# What the lists of blocks do not tell, by malloc's own word: per arena, in the order of its ring, how many chunks are in bins;
# over all of them the bytes that are free, and those in thread caches and fastbins. What is left is in use, or overhead, and
# the blocks in use are known.
assert_sums() { # JSON, WHAT
        local want got

        want=$(awk -F '"' '
                /^cached/ { split($0, word, " "); cached += word[2]; cached_bytes += word[3] }
                /^free/ { split($0, word, " "); free += word[2] }
                /<heap/ { within = 1; bins = 0 }
                within && /<total type="rest"/ { bins = $4 - 1 } # the top is counted
                within && /<total type="fast"/ { cached += $4; cached_bytes += $6; free -= $6 }
                /<\/heap>/ { within = 0; all = all bins " " }
                END { printf "in bins: %s; cached: %d, of %d bytes; free: %d bytes\n", all, cached, cached_bytes, free }
                ' "$truth.sums" "$truth.info")
        got=$(jq -r '.heaps[0].arenas |
                "in bins: \(map("\(.free.count) ") | add); cached: \(map(.cached.count) | add), of " +
                "\(map(.cached.bytes) | add) bytes; free: \(map(.free.bytes + .top) | add) bytes"' "$1")
        assert_eq "$got" "$want" "$2: free and cached chunks are those that malloc knows of"
}

# Takes a core by gdb. Where guard pages are the kernel's own (glibc 2.42 on Linux 6.13), gdb cannot read the first page of a
# stack, and leaves out all of it, with the thread's storage above it; that of the first thread has no such page.
take_census_core() { # FILE
        take_gcore "$pid" "$1"
        stacks_lost=$(grep -c 'Memory read failed for corefile section, .* at 0x7' "$tmp/.gdb.log")
        [ "$stacks_lost" -eq 0 ] || echo "# gdb left out the stacks of threads"
}

# Which threads allocate from which arena: each lies in the heap that holds what the thread got first.
assert_threads() { # JSON, WHAT
        local arenas main address arena tid home want=''

        if [ "${threads_told:-1}" -eq 0 ]; then
                echo "# $2: this C library has no list of its threads, and a living process does not tell their registers"
                return
        fi

        mapfile -t arenas < <(jq -r '.heaps[0].arenas[] | select(.main | not) | .address' "$1")
        main=$(jq -r '.heaps[0].arenas[] | select(.main) | .address' "$1")
        while read -r _ tid address; do
                home=$main
                for arena in "${arenas[@]}"; do
                        ((arena >> heap_bits != address >> heap_bits)) || home=$arena
                done
                want+="$tid $home"$'\n'
        done < <(grep ^thread "$truth.sums" | if [ "${stacks_lost:-0}" -gt 0 ]; then head -n 1; else cat; fi)
        assert_eq "$(jq -r '.heaps[0].arenas[] | .address as $a | .threads[] | "\(.) \($a)"' "$1" | sort)" \
                "$(sort <<<"${want%?}")" "$2: arenas are named with their threads"
}

# Scans, and checks the census and what is said of the heap.
census_of() { # name, what, ARG...
        local name=$1 what=$2

        shift 2
        scan_json "$tmp/$name.json" --top 3 --blocks "$tmp/$name.tsv" "$@"
        assert_census "$tmp/$name.tsv" "$what"
        assert_sums "$tmp/$name.json" "$what"
        assert_threads "$tmp/$name.json" "$what"
        # Arenas and mmapped chunks hold what --blocks lists, and nothing is called broken.
        jqe '[.heaps[] | select(.allocator == "glibc")] | length == 1' "$tmp/$name.json"
        jqe '.heaps[0] | .corrupt == [] and ([.arenas[].used.count] | add) + .mmapped.count == $n' "$tmp/$name.json" \
                --argjson n "$(wc -l <"$tmp/$name.tsv")"
        jqe '[.heaps[0].arenas[] | select(.main)] | length == 1' "$tmp/$name.json"
        assert_eq "$(cat "$tmp/$name.json.err")" "" "$what: no warnings"
        rm -f "$tmp/$name.json" "$tmp/$name.tsv"
}
