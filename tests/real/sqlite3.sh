#!/bin/bash
# sqlite3, with a database in memory and one that is mapped: glibc's malloc, nearly all of it reachable.
. "$SOURCE_DIR/tests/real/_real.sh" || exit 1
need_command sqlite3 gdb jq

cat >"$tmp/fill.sql" <<END
pragma mmap_size = 268435456;
create table disk (id integer primary key, text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 50000)
        insert into disk select i, printf('row %d of %s', i, hex(randomblob(80))) from n;
attach ':memory:' as m;
create table m.live (id integer primary key, text);
insert into m.live select * from disk;
create index m.by_text on live (text);
select sum(length(text)) from disk;
.print ready
END
# The shell goes on reading from its standard input, which never ends.
start_program sqlite3 -init "$tmp/fill.sql" "$tmp/db"
wait_ready

check() {
        check_explained "$1" 950
        check_allocator "$1" glibc
        check_sound "$1"
        # 50,000 rows of 170 bytes and an index over them.
        jqe '[.memory.by_kind[] | select(.kind == "malloc-used")][0].resident > 15000000' "$1"
}
scan_json "$tmp/live.json" --live "$pid"
check "$tmp/live.json"
jqe '[.memory.by_kind[] | select(.kind == "file" or .kind == "shared")] | map(.bytes) | add > 4000000' "$tmp/live.json"
take_gcore "$pid" "$tmp/core"
scan_json "$tmp/core.json" "$tmp/core"
check "$tmp/core.json"
