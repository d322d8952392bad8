<?php
// SPDX-License-Identifier: Apache-2.0
ini_set('memory_limit', '-1');
$inputs = $argv[1];
$kept = [];
$kept[] = json_decode(file_get_contents("$inputs/big.json"), true);
$document = new DOMDocument;
$document->load("$inputs/big.xml");
$kept[] = $document;
$kept[] = simplexml_load_file("$inputs/big.xml");
for ($i = 0; $i < 3000; $i++) {
    $small = new DOMDocument;
    $small->loadXML("<a><b x='$i'>t</b></a>");
    $kept[] = $small;
}
for ($i = 0; $i < 40; $i++)
    $kept[] = openssl_pkey_get_private(file_get_contents("$inputs/key.pem"));
for ($i = 0; $i < 30; $i++)
    $kept[] = stream_context_create(['ssl' => ['verify_peer' => false]]);
for ($i = 0; $i < 2000; $i++) {
    $kept[] = hash_init('sha256');
    preg_match("/a$i(b|c)+/", "xa{$i}b");
}
for ($i = 0; $i < 50; $i++)
    $kept[] = deflate_init(ZLIB_ENCODING_DEFLATE);
echo "ready\n";
sleep(3600);
