#!/bin/bash
# A backend of PostgreSQL: memory contexts on glibc's malloc, and shared buffers.
. "$SOURCE_DIR/tests/real/_real.sh" || exit 1
need_command gdb jq setpriv
postgres=$(find_program postgres '/usr/lib/postgresql/*/bin/postgres') || skip "postgres is not installed"
bin=$(dirname "$(readlink -f "$postgres")")
"$bin/postgres" --version >/dev/null 2>&1 || skip "postgres does not run here: $("$bin/postgres" --version 2>&1 | head -n 1)"
# It refuses to run as root.
as=()
if [ "$(id -u)" -eq 0 ]; then
        as=(setpriv "--reuid=$nobody_uid" "--regid=$nobody_uid" --clear-groups)
        chmod 755 "$tmp"
fi
mkdir "$tmp/data" "$tmp/run"
[ ${#as[@]} -eq 0 ] || chown "$nobody_uid:$nobody_uid" "$tmp/data" "$tmp/run"
log=$("${as[@]}" "$bin/initdb" -D "$tmp/data" -U tester -A trust -E UTF8 --locale=C -N 2>&1) ||
        skip "initdb does not run here: $(tail -n 1 <<<"$log")"
start_program "${as[@]}" "$bin/postgres" -D "$tmp/data" -k "$tmp/run" -c listen_addresses= -c shared_buffers=32MB -c fsync=off \
        -c work_mem=64MB -c jit=off
sql() {
        "${as[@]}" "$bin/psql" -X -q -h "$tmp/run" -U tester -d postgres "$@"
}
is_up() {
        sql -c "select 1" >/dev/null 2>"$tmp/psql.err"
}
wait_until 30 is_up || give_up "postgres starts" "$(cat "$tmp/psql.err"; tail -n 5 "$program_dir/.err")"

# A session that keeps prepared plans, a temporary table and an open cursor over a sort.
mkfifo "$tmp/session"
sql -At -f "$tmp/session" >"$tmp/said" 2>&1 &
defer stop_program $!
exec 9>"$tmp/session"
cat >&9 <<'END'
create table t as select i, md5(i::text) as text from generate_series(1, 100000) i;
select 'prepare q' || i || ' as select * from t where i = ' || i || ' and text like ''%a%''' from generate_series(1, 500) i \gexec
select count(*) from (select * from t a join t b using (text)) as both;
begin;
declare c cursor for select * from t order by text;
fetch 10 from c;
\o
select 'backend ' || pg_backend_pid();
END
said_backend() {
        grep -q '^backend' "$tmp/said"
}
wait_until 60 said_backend || give_up "the session works" "$(tail -n 5 "$tmp/said")"
backend=$(sed -n 's/^backend //p' "$tmp/said")

check() {
        check_explained "$1" 950
        check_allocator "$1" glibc
        check_sound "$1"
}
scan_json "$tmp/live.json" --live "$backend"
check "$tmp/live.json"
jqe 'any(.memory.by_kind[]; .kind == "shared" and .resident > 1000000)' "$tmp/live.json"
take_gcore "$backend" "$tmp/core"
scan_json "$tmp/core.json" "$tmp/core"
check "$tmp/core.json"
exec 9>&-
