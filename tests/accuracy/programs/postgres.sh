# SPDX-License-Identifier: Apache-2.0
# A database's backend: prepared plans, XML, and a cursor open over a sort.

packages=(libpq5 libicu72 libxml2 libldap-2.5-0 libgssapi-krb5-2 libpam0g libsystemd0 libxslt1.1 libllvm14)
unpacked=(postgresql-15 postgresql-client-15)

run() {
        local as=() bin

        bin=$(dirname "$(below /usr/lib/postgresql/15/bin/postgres)")
        mkdir "$scratch/data" "$scratch/run"
        # It refuses to run as root.
        if [ "$(id -u)" -eq 0 ]; then
                as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
                chown 65534:65534 "$scratch/data" "$scratch/run"
        fi
        "${as[@]}" "$bin/initdb" -D "$scratch/data" -U tester -A trust -E UTF8 --locale=C -N >/dev/null || return 1
        cat >"$scratch/session.sql" <<'X'
create table t as select i, md5(i::text) m, i*1.5 r from generate_series(1,200000) i;
create index on t(m);
analyze t;
create extension if not exists plpgsql;
select xml '<a><b>1</b></a>';
do $$ declare s text; begin for i in 1..400 loop
        execute format('prepare p%s as select a.m, count(*) from t a join t b using (i) where a.i > %s group by a.m order by 1', i, i);
end loop; end $$;
begin;
declare c cursor for select a.m, b.r, row_number() over (order by b.r) from t a join t b on a.m=b.m order by a.m desc;
fetch 10 from c;
\echo ready
select pg_sleep(3600);
X
        cat >"$scratch/session.sh" <<X
"$bin/postgres" -D "$scratch/data" -k "$scratch/run" -c listen_addresses= -c work_mem=256MB -c shared_buffers=16MB -c fsync=off &
for i in \$(seq 100); do
        "$bin/psql" -X -q -h "$scratch/run" -U tester -c 'select 1' postgres >/dev/null 2>&1 && break
        sleep 0.3
done
exec "$bin/psql" -X -h "$scratch/run" -U tester -f "$scratch/session.sql" postgres
X
        capture -r '^ready' -t 2 -c 'postgres: tester postgres' -- "${as[@]}" bash "$scratch/session.sh"
}
