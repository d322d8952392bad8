# SPDX-License-Identifier: Apache-2.0
# CPython that takes every object from malloc.

packages=(python3 python3-lxml openssl)
needs=(big.json big.xml cert.pem)

run() {
        capture -r ready -e PYTHONMALLOC=malloc -- /usr/bin/python3 "$files/py_stdlib.py" "$inputs" most
}
