#!/bin/bash
# What memcheck calls definitely or indirectly lost in real programs, beside what corescan says of the same moment:
#
#       tests/accuracy/_valgrind.sh [NAME...]            without names: all of them, a few minutes
#
# Each program works, says that it is ready, and waits for more on its standard input. One run is under memcheck, which is asked
# by vgdb; the other is plain, and gdb takes a core of it. One line for each: blocks and bytes (requested by valgrind's count,
# usable by ours) of both, and of what both call possible. README.md explains the differences. Needs valgrind and gdb; programs
# that are not installed are left out. $CORESCAN is the program to try, ./build/release/cli/corescan without it.
# shellcheck disable=SC2016,SC2046,SC2183 # programs in quotes are theirs; sums are two words each
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
: "${CORESCAN:=$here/build/release/cli/corescan}"
work=$(mktemp -d "${TMPDIR:-/tmp}/corescan-valgrind.XXXXXX") || exit 1
pids=()
trap 'kill -KILL ${pids[@]+"${pids[@]}"} 2>/dev/null; wait 2>/dev/null; rm -rf -- "$work"' EXIT

# case_NAME sets the command, what it prints when it is ready (a regular expression), and its first input.
case_bash() {
        command=(bash -c 'declare -A a; for i in {1..3000}; do a[$i]="value $i"; unset "a[$((i / 2))]"; done; echo ready; read -r x')
}
case_git() {
        git -C "$work" init -q repo && git -C "$work/repo" -c user.name=a -c user.email=a@b commit -q --allow-empty -m one
        command=(git -C "$work/repo" cat-file --batch)
        ready='^tree' input=HEAD
}
case_gdb() {
        command=(gdb -nx -q -iex 'set debuginfod enabled off' -ex 'file /bin/bash' -ex 'info functions rl_' -ex 'echo ready\n')
}
case_jq() {
        command=(jq --unbuffered -c '.a | map(. + 1) | length')
        ready='^1000$' input="{\"a\":[$(seq -s, 1000)]}"
}
case_lua() {
        command=(lua5.4 -e 't = {} for i = 1, 20000 do t[i] = {i, tostring(i)} end for i = 1, 20000, 2 do t[i] = nil end
                collectgarbage() print("ready") io.stdout:flush() io.read()')
}
case_openssl() {
        openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key" -out "$work/cert" -subj /CN=x -days 9 2>/dev/null
        command=(openssl s_server -accept 127.0.0.1:0 -key "$work/key" -cert "$work/cert")
        ready=ACCEPT
}
case_perl() {
        command=(perl -e '$| = 1; my %h; $h{$_} = {id => $_, list => [1 .. 5]} for 1 .. 5000; delete $h{$_} for 1 .. 2000;
                print "ready\n"; <STDIN>')
}
case_php() {
        command=(php -r '$a = []; for ($i = 0; $i < 5000; $i++) $a["k$i"] = [$i, "v$i"]; echo "ready\n"; fgets(STDIN);')
}
case_python() {
        command=(/usr/bin/python3 -c 'import json, re, sys
d = {str(i): [i, str(i) * 3] for i in range(5000)}
t = json.loads(json.dumps(d))
print("ready", flush=True)
sys.stdin.readline()')
}
case_ruby() {
        command=(ruby -e '$stdout.sync = true; h = {}; 5000.times { |i| h["k#{i}"] = [i, "v" * 50] }; 2000.times { |i| h.delete("k#{i}") }
                GC.start; puts "ready"; gets')
}
case_sqlite3() {
        command=(sqlite3 :memory:)
        input='create table t(a integer primary key, b text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) insert into t select i, hex(i) from n;
create index x on t(b); delete from t where a % 3 = 0;
.print ready'
}
case_vim() {
        seq 20000 >"$work/lines"
        command=(vim -Nu NONE -n -es -c 'g/7/d' -c 'sort n' -c '!echo ready' -c 'call input("")' "$work/lines")
}
case_xmllint() {
        { echo '<a>' && seq -f '<b id="%.0f">text</b>' 5000 && echo '</a>'; } >"$work/in.xml"
        command=(xmllint --shell "$work/in.xml")
        ready='>text<' input='cat //b[@id=1]'
}

# run_it DIR COMMAND...: starts it in the background with a standard input that does not end; $pid; false when it never gets ready
run_it() {
        local dir=$1 i

        shift
        mkdir -p "$dir"
        mkfifo "$dir/in"
        exec 9<>"$dir/in"
        "$@" <"$dir/in" >"$dir/out" 2>&1 9>&- &
        pid=$!
        pids+=("$pid")
        [ -z "$input" ] || printf '%s\n' "$input" >&9
        for ((i = 0; i < 1200; i++)); do
                if grep -qaE -e "$ready" "$dir/out" 2>/dev/null; then
                        sleep 1
                        return 0
                fi
                kill -0 "$pid" 2>/dev/null || return 1
                sleep 0.2
        done
        return 1
}

end_it() {
        kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
        pids=() # another process may have the number soon
        exec 9>&-
}

# "blocks bytes" of a kind in memcheck's summary
memcheck_sum() {
        sed 's/,//g' "$work/$name.summary" |
                awk -v kind="$1" 'index($0, kind) { for (i = 2; i <= NF; i++) if ($i == "bytes" && !bytes) bytes = $(i - 1)
                        else if ($i == "blocks") blocks = $(i - 1) } END { print blocks + 0, bytes + 0 }'
}

corescan_sum() {
        awk -F '\t' -v kind="$1" '$6 == kind { n++; b += $2 } END { print n + 0, b + 0 }' "$work/$name.tsv"
}

try() {
        local command=() ready=^ready$ input='' tool

        "case_$name"
        tool=${command[0]}
        command -v "$tool" >/dev/null || { echo "$name: $tool is not installed" >&2 && return; }
        if ! run_it "$work/$name.memcheck" valgrind --tool=memcheck --vgdb=yes --undef-value-errors=no --run-libc-freeres=no \
                --log-file="$work/$name.log" "${command[@]}"; then
                echo "$name: it does not get ready under memcheck" >&2
                end_it
                return
        fi
        timeout 300 vgdb --pid="$pid" leak_check summary reachable any >"$work/$name.summary" 2>/dev/null
        end_it
        if ! run_it "$work/$name.plain" "${command[@]}"; then
                echo "$name: it does not get ready" >&2
                end_it
                return
        fi
        timeout 120 gdb -nx -batch -iex 'set debuginfod enabled off' -p "$pid" -ex "gcore $work/core" </dev/null >/dev/null 2>&1
        end_it
        "$CORESCAN" --leaks --blocks "$work/$name.tsv" "$work/core" >"$work/$name.leaks" 2>&1
        rm -f "$work/core"
        printf '%-10s %8s %10s %8s %10s   %8s %10s %8s %10s   %8s %10s %8s %10s\n' "$name" $(memcheck_sum 'definitely lost') \
                $(memcheck_sum 'indirectly lost') $(corescan_sum direct) $(corescan_sum indirect) \
                $(memcheck_sum 'possibly lost') $(corescan_sum possible)
        [ -z "${KEEP:-}" ] || cp "$work/$name".* "$KEEP/" 2>/dev/null
}

for tool in valgrind vgdb gdb; do
        command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
[ $# -gt 0 ] || set -- bash git gdb jq lua openssl perl php python ruby sqlite3 vim xmllint
printf '%-10s %19s %19s   %19s %19s   %19s %19s\n' program 'memcheck definite' indirect 'corescan direct' indirect \
        'memcheck possible' 'corescan possible'
for name; do
        try
done
