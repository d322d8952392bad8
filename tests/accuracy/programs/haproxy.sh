# SPDX-License-Identifier: Apache-2.0
# A load balancer: backends, rules, tables, TLS, and connections that are kept open.

packages=(openssl liblua5.3-0 libopentracing-c-wrapper0 libpcre2-8-0 libsystemd0)
unpacked=(haproxy)
needs=(cert.pem)

run() {
        local i

        cat "$inputs/cert.pem" "$inputs/key.pem" >"$scratch/both.pem"
        {
                echo "global
                    maxconn 2000
                    pidfile $scratch/pid
                defaults
                    mode http
                    timeout connect 5s
                    timeout client 100s
                    timeout server 100s
                frontend f
                    bind 127.0.0.1:18450 ssl crt $scratch/both.pem alpn h2,http/1.1
                    stick-table type ip size 100k expire 300s store http_req_rate(10s)
                    http-request track-sc0 src"
                for ((i = 0; i < 300; i++)); do
                        echo "    acl host$i hdr(host) -i h$i.example
                    http-request set-header X-$i %[src] if host$i
                    use_backend b$i if host$i"
                done
                for ((i = 0; i < 300; i++)); do
                        echo "backend b$i
                    balance roundrobin
                    http-request replace-path ^/a$i/(.*) /\\1
                    server s1 127.0.0.1:1 check inter 60s
                    server s2 127.0.0.1:2 backup
                    http-request return status 200 content-type text/plain string \"hello $i\""
                done
        } >"$scratch/haproxy.cfg"
        capture -t 5 -k "$(clients 18450)" -- "$(below /usr/sbin/haproxy)" -db -f "$scratch/haproxy.cfg"
}
