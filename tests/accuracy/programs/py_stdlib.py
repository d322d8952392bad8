# SPDX-License-Identifier: Apache-2.0
"""py_stdlib.py INPUTS [most|some]: objects of the standard library and of lxml, kept; or most of them, or only some."""
import bz2
import hashlib
import json
import lzma
import sqlite3
import ssl
import sys
import time
import xml.etree.ElementTree
import zlib

import asyncio, concurrent.futures, ctypes, curses, decimal, email.message, http.client, logging, multiprocessing, readline
import unittest, urllib.request

try:
    import lxml.etree
    import lxml.html
except ImportError:
    lxml = None

inputs = sys.argv[1]
most, some = sys.argv[2:] == ['most'], sys.argv[2:] == ['some']
kept = [json.load(open(inputs + '/big.json'))[:8 if most or some else 40]]
if lxml and not some:
    kept.append(lxml.etree.parse(inputs + '/big.xml'))
if lxml:
    kept += [lxml.html.fromstring('<p>%d<b>x</b></p>' % i) for i in range(3000)]
if not most and not some:
    kept.append(xml.etree.ElementTree.parse(inputs + '/big.xml'))
db = sqlite3.connect(':memory:')
db.execute('create table t(a integer primary key, b text, c blob)')
db.executemany('insert into t(b,c) values(?,?)', ((str(i) * 3, b'x' * (i % 90)) for i in range(30000 if some else 150000)))
db.execute('create index tb on t(b)')
for i in range(20):
    context = ssl.create_default_context()
    context.load_cert_chain(inputs + '/cert.pem', inputs + '/key.pem')
    kept.append(context)
kept += [zlib.compressobj() for _ in range(30)]
kept += [bz2.BZ2Compressor() for _ in range(2)]
kept += [lzma.LZMACompressor(preset=2)]
kept += [hashlib.sha256(str(i).encode()) for i in range(2000)]
kept.append([bytes(700 + i % 900) for i in range(8000)])
kept.append([str(i) * 200 for i in range(5000)])
print('ready', flush=True)
time.sleep(3600)
