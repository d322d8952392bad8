# SPDX-License-Identifier: Apache-2.0
# PHP with its own allocator: documents, keys and compressors are malloc's.

packages=(php8.2-cli php8.2-xml openssl)
needs=(big.json big.xml cert.pem)

run() {
        capture -r ready -- /usr/bin/php8.2 "$files/php.php" "$inputs"
}
