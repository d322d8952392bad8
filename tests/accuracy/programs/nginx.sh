# SPDX-License-Identifier: Apache-2.0
# A web server's worker: hundreds of TLS hosts, and connections that are kept open.

packages=(openssl libpcre2-8-0)
unpacked=(nginx)
needs=(cert.pem)

run() {
        local i

        for ((i = 0; i < 300; i++)); do
                echo "server { listen 127.0.0.1:18443 ssl; server_name h$i.example;
                        ssl_certificate $inputs/cert.pem; ssl_certificate_key $inputs/key.pem;
                        location / { return 200 'hello $i'; } location ~ ^/(a|b)$i { root /usr/share/doc; } }"
        done >"$scratch/servers.conf"
        cat >"$scratch/nginx.conf" <<X
daemon off; master_process on; worker_processes 1; pid $scratch/pid; error_log $scratch/error.log; user root;
events { worker_connections 4000; }
http {
        access_log off; gzip on; ssl_session_cache shared:s:5m;
        client_body_temp_path $scratch/t1; proxy_temp_path $scratch/t2; fastcgi_temp_path $scratch/t3;
        uwsgi_temp_path $scratch/t4; scgi_temp_path $scratch/t5;
        include $scratch/servers.conf;
}
X
        capture -f "$scratch/pid" -t 3 -c 'worker process' -k "$(clients 18443)" -- \
                "$(below /usr/sbin/nginx)" -c "$scratch/nginx.conf"
}
