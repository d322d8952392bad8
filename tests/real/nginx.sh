#!/bin/bash
# nginx under load on loopback: pools on glibc's malloc, and a shared zone.
. "$SOURCE_DIR/tests/real/_real.sh" || exit 1
need_command gdb jq python3
nginx=$(find_program nginx /usr/sbin/nginx) || skip "nginx is not installed"
"$nginx" -v >/dev/null 2>&1 || skip "nginx does not run here: $("$nginx" -v 2>&1 | head -n 1)"
port=$(free_port)
mkdir "$tmp/www"
head -c 100000 /dev/urandom >"$tmp/www/page"
cat >"$tmp/nginx.conf" <<END
daemon off;
master_process off;
pid $tmp/nginx.pid;
error_log $tmp/error.log;
events { worker_connections 1000; }
http {
        access_log off;
        client_body_temp_path $tmp/body;
        proxy_temp_path $tmp/proxy;
        fastcgi_temp_path $tmp/fastcgi;
        uwsgi_temp_path $tmp/uwsgi;
        scgi_temp_path $tmp/scgi;
        limit_req_zone \$binary_remote_addr zone=clients:4m rate=10000r/s;
        server {
                listen 127.0.0.1:$port;
                location / { root $tmp/www; limit_req zone=clients burst=100 nodelay; sendfile off; }
        }
}
END
start_program "$nginx" -p "$tmp" -e "$tmp/error.log" -c "$tmp/nginx.conf"

cat >"$tmp/load.py" <<'END'
import http.client, sys
port, held = int(sys.argv[1]), []
for i in range(2000):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    c.request("GET", "/page", headers={"Cookie": "session=%d" % i, "X-Long": "x" * 500})
    assert len(c.getresponse().read()) == 100000
    if i % 10 == 0:
        held.append(c)      # keeps the connection, and with it nginx's pools
    else:
        c.close()
print("ready", flush=True)
sys.stdin.read()
END
is_up() {
        python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null
}
server=$pid
wait_until 30 is_up || give_up "nginx starts" "$(cat "$program_dir/.err" "$tmp/error.log")"
start_program python3 "$tmp/load.py" "$port"
wait_ready

check() {
        check_explained "$1" 950
        check_allocator "$1" glibc
        check_sound "$1"
}
scan_json "$tmp/live.json" --live "$server"
check "$tmp/live.json"
take_gcore "$server" "$tmp/core"
scan_json "$tmp/core.json" "$tmp/core"
check "$tmp/core.json"
is_up
assert_eq "$?" 0 "the server goes on serving"
