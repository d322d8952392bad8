# SPDX-License-Identifier: Apache-2.0
# A database server with an empty, new database.

packages=(mariadb-server-core)

run() {
        mkdir "$scratch/data"
        capture -t 12 -- /usr/sbin/mariadbd --no-defaults --user="$(id -un)" --datadir="$scratch/data" --skip-networking \
                --skip-grant-tables --socket="$scratch/socket" --pid-file="$scratch/pid" --innodb-buffer-pool-size=16M \
                --loose-innodb-buffer-pool-size-max=16M \
                --plugin-dir=/usr/lib/mysql/plugin --lc-messages-dir=/usr/share/mysql
}
