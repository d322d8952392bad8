# SPDX-License-Identifier: Apache-2.0
# PHP that takes everything from malloc.

packages=(php8.2-cli php8.2-xml openssl)
needs=(big.json big.xml cert.pem)

run() {
        capture -r ready -e USE_ZEND_ALLOC=0 -- /usr/bin/php8.2 "$files/php.php" "$inputs"
}
