# SPDX-License-Identifier: Apache-2.0
# A debugger that has read the symbols of a large program.

packages=(gdb python3-dbg)

run() {
        printf '%s\n' 'file /usr/bin/python3-dbg' 'info functions Json' 'list PyDict_New' 'ptype struct _ts' 'break PyDict_SetItem' \
                'info scope PyDict_New' 'python import json,re' 'echo ready\n' '' >"$scratch/commands"
        capture -r '^ready|[^\\]ready$' -i "$scratch/commands" -- \
                /usr/bin/gdb -nx -q -iex 'set debuginfod enabled off' -iex 'set pagination off'
}
