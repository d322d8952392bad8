# SPDX-License-Identifier: Apache-2.0
# A database in memory: a large table, an index, and a schema of hundreds of tables, views and triggers.

packages=(sqlite3)
needs=(rows.sql)

run() {
        capture -r '^ready' -T 200 -i "$inputs/rows.sql" -- /usr/bin/sqlite3 :memory:
}
