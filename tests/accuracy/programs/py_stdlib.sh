# SPDX-License-Identifier: Apache-2.0
# CPython with its own arenas: JSON, XML by two libraries, SQLite, TLS contexts and compressors.

packages=(python3 python3-lxml openssl)
needs=(big.json cert.pem)
[ -n "${small:-}" ] || needs+=(big.xml)

run() {
        capture -r ready -- /usr/bin/python3 "$files/py_stdlib.py" "$inputs" ${small:+some}
}
