# SPDX-License-Identifier: Apache-2.0
# A caching proxy with what many clients asked for in its memory.

packages=(curl python3 libecap3 libgnutls30 libgssapi-krb5-2 libldap-2.5-0 libltdl7 libnetfilter-conntrack3 libpam0g libsasl2-2
        libsystemd0 libtdb1)
unpacked=(squid squid-common squid-langpack)
needs=(big.xml)

run() {
        cat >"$scratch/squid.conf" <<X
http_port 127.0.0.1:18448
pid_filename $scratch/pid
cache_mem 64 MB
access_log none
cache_log $scratch/cache.log
cache_store_log none
coredump_dir $scratch
mime_table $(below /usr/share/squid/mime.conf)
icon_directory $(below /usr/share/squid/icons)
error_directory $(below /usr/share/squid/errors)/templates
unlinkd_program $(below /usr/lib/squid/unlinkd)
pinger_enable off
shutdown_lifetime 0 seconds
$(for ((i = 0; i < 500; i++)); do echo "acl a$i dstdomain .h$i.example"; echo "http_access deny a$i"; done)
http_access allow all
X
        mkdir -p "$scratch/pages"
        for ((i = 0; i < 1500; i++)); do
                head -c $((500 + i * 37 % 9000)) "$inputs/big.xml" >"$scratch/pages/$i.html"
        done
        chmod -R a+rwX "$scratch"
        background python3 -m http.server -b 127.0.0.1 -d "$scratch/pages" 18449
        capture -f "$scratch/pid" -t 2 -k "
                curl -s -o /dev/null -x http://127.0.0.1:18448 'http://127.0.0.1:18449/[0-1499].html'
                sleep 1" -- "$(below /usr/sbin/squid)" -N -f "$scratch/squid.conf"
}
