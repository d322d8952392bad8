# SPDX-License-Identifier: Apache-2.0
# Node.js: V8's heap is its own; buffers, TLS contexts, compressors, formats and sockets are malloc's.

packages=(nodejs openssl)
needs=(big.json cert.pem)

run() {
        capture -r ready -- /usr/bin/node "$files/node.js" "$inputs"
}
