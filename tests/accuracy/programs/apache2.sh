# SPDX-License-Identifier: Apache-2.0
# A web server's worker with a hundred TLS hosts, rewriting and HTTP/2, and connections that are kept open.

packages=(apache2-bin openssl)
needs=(cert.pem)

run() {
        local i module

        {
                for module in mpm_worker authz_core authz_host mime dir alias rewrite headers setenvif socache_shmcb ssl http2 \
                        deflate filter proxy proxy_http status autoindex log_config unixd; do
                        [ -e "/usr/lib/apache2/modules/mod_$module.so" ] &&
                                echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
                done
                echo "ServerName localhost
                PidFile $scratch/pid
                ErrorLog $scratch/error.log
                Mutex file:$scratch
                DefaultRuntimeDir $scratch
                TypesConfig /etc/mime.types
                Listen 127.0.0.1:18445
                StartServers 1
                ServerLimit 1
                MinSpareThreads 25
                MaxSpareThreads 25
                ThreadsPerChild 25
                MaxRequestWorkers 25
                SSLSessionCache shmcb:$scratch/sessions(512000)
                Protocols h2 http/1.1"
                for ((i = 0; i < 100; i++)); do
                        echo "<VirtualHost 127.0.0.1:18445>
                        ServerName h$i.example
                        DocumentRoot /usr/share/doc
                        SSLEngine on
                        SSLCertificateFile $inputs/cert.pem
                        SSLCertificateKeyFile $inputs/key.pem
                        RewriteEngine on
                        RewriteRule ^/a$i/(.*)\$ /b\$1 [R]
                        Header set X-Host h$i
                        <Location /status>
                        SetHandler server-status
                        </Location>
                        </VirtualHost>"
                done
        } >"$scratch/apache2.conf"
        capture -f "$scratch/pid" -t 3 -c 'apache2 -f' -k "$(clients 18445)" -- /usr/sbin/apache2 -f "$scratch/apache2.conf" -DFOREGROUND
}
