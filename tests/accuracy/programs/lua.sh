# SPDX-License-Identifier: Apache-2.0
# Lua: tables, closures, coroutines and strings.

packages=(lua5.4)
needs=(big.xml big.json)

run() {
        capture -r '^ready' -- /usr/bin/lua5.4 "$files/lua.lua" "$inputs"
}
