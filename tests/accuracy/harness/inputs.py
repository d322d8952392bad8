#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""inputs.py DIR NAME...: makes the named input files of the programs in DIR, where they are not there yet. No network."""
import array
import json
import os
import random
import struct
import subprocess
import sys
import wave

WORDS = ('alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel', 'india', 'juliet', 'kilo', 'lima', 'mike',
         'november', 'oscar', 'papa', 'quebec', 'romeo', 'sierra', 'tango', 'uniform', 'victor', 'whisky', 'x-ray', 'yankee',
         'zulu', 'a', 'b', 'c', 'de_DE.UTF-8', 'en_US.UTF-8', 'pt_BR.UTF-8', 'zh_TW.UTF-8', 'naïve', 'straße', '東京')


def big_json(path, rng):
    def node(depth):
        if depth == 0:
            return rng.choice([rng.random(), rng.randrange(1 << 40), rng.choice(WORDS), True, None])
        if rng.random() < .6:
            return {rng.choice(WORDS) + str(rng.randrange(1000)): node(depth - 1) for _ in range(6)}
        return [node(depth - 1) for _ in range(6)]
    with open(path, 'w') as f:
        json.dump([node(5) for _ in range(40)], f)


def big_xml(path, rng):
    with open(path, 'w') as f:
        f.write('<?xml version="1.0"?>\n<root xmlns:x="urn:x">\n')
        for i in range(60000):
            f.write(f'<item id="{i}" x:k="{rng.choice(WORDS)}"><name>{rng.choice(WORDS)} {rng.random()}</name>'
                    f'<v t="a">{i * i}</v><!-- c{i} --></item>\n')
        f.write('</root>\n')


def rows_sql(path, rng):
    with open(path, 'w') as f:
        f.write('create table t(id integer primary key, k text, v text, r real);\ncreate index tk on t(k);\n'
                'with recursive c(i) as (select 1 union all select i+1 from c where i<300000) '
                'insert into t select i, hex(randomblob(8)), hex(randomblob(20)), i*1.5 from c;\n')
        for i in range(200):
            f.write(f'create table s{i}(a int, b text, c blob, primary key(a,b));\n'
                    f'create view v{i} as select a,b from s{i} where a>{i};\n'
                    f'create trigger g{i} after insert on s{i} begin update s{i} set c=1 where a=new.a; end;\n')
        f.write("select count(*), max(k) from t;\nselect 're'||'ady';\n")


def svg(path, rng, shapes):
    with open(path, 'w') as f:
        f.write('<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="1200"><defs>')
        for i in range(50):
            f.write(f'<linearGradient id="g{i}"><stop offset="0" stop-color="#{i * 5000:06x}"/>'
                    '<stop offset="1" stop-color="#fff"/></linearGradient>')
        f.write('</defs>')
        for i in range(shapes):
            x, y = rng.randrange(1200), rng.randrange(1200)
            f.write(f'<g opacity=".8" transform="rotate({i % 90} {x} {y})">'
                    f'<path d="M{x} {y}c10 20 30 40 50 {i % 60}z" fill="url(#g{i % 50})"/>'
                    f'<text x="{x}" y="{y}" font-size="{8 + i % 9}" font-family="sans">t{i} {rng.choice(WORDS)}</text></g>')
        f.write('</svg>')


def large_svg(path, rng):
    svg(path, rng, 6000)


def small_svg(path, rng):
    svg(path, rng, 2000)


def of_svg(path, *arguments):
    subprocess.run(['rsvg-convert', *arguments, '-o', path], check=True)


def page_pdf(path, _):
    folder = os.path.dirname(path)
    for name in ('a.svg', 'b.svg'):
        make(folder, name)
    small, large = (os.path.join(folder, name) for name in ('b.svg', 'a.svg'))
    of_svg(path, '-f', 'pdf', small, small, large)


def a_png(path, _):
    make(os.path.dirname(path), 'b.svg')
    of_svg(path, os.path.join(os.path.dirname(path), 'b.svg'))


def tone_wav(path, rng):
    with wave.open(path, 'w') as f:
        f.setnchannels(2)
        f.setsampwidth(2)
        f.setframerate(44100)
        f.writeframes(array.array('h', [rng.randrange(-9000, 9000) for _ in range(44100 * 2 * 60)]).tobytes())


def cert_pem(path, _):
    key = os.path.join(os.path.dirname(path), 'key.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', path, '-days', '3650',
                    '-subj', '/CN=localhost'], check=True, stderr=subprocess.DEVNULL)


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def ip(rng, protocol, source, target, payload):
    head = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), rng.randrange(65536), 0, 64, protocol, 0, source, target)
    return head[:10] + struct.pack('>H', checksum(head)) + head[12:] + payload


def udp(source, target, payload):
    return struct.pack('>HHHH', source, target, 8 + len(payload), 0) + payload


def tcp(source, target, seq, ack, flags, payload):
    return struct.pack('>HHIIBBHHH', source, target, seq, ack, 0x50, flags, 65535, 0, 0) + payload


def dns(i):
    labels = b''.join(bytes([len(label)]) + label for label in (b'host%d' % i, b'example', b'org'))
    return struct.pack('>HHHHHH', i & 0xffff, 0x100, 1, 0, 0, 0) + labels + b'\0\0\x01\0\x01'


def packets(rng, i):
    """What one client says: a name asked for, a page fetched, a ping, or a call."""
    here = bytes([10, 0, rng.randrange(4), rng.randrange(1, 250)])
    there = bytes([93, 184, rng.randrange(4), rng.randrange(1, 250)])
    port = 1024 + i
    if i % 4 == 0:
        return [ip(rng, 17, here, there, udp(port, 53, dns(i)))]
    if i % 4 == 1:
        asked = b'GET /p%d HTTP/1.1\r\nHost: h%d.example\r\nUser-Agent: x\r\n\r\n' % (i, i)
        answer = b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\nhello world!'
        return [ip(rng, 6, here, there, tcp(port, 80, 1, 0, 2, b'')), ip(rng, 6, there, here, tcp(80, port, 9, 2, 18, b'')),
                ip(rng, 6, here, there, tcp(port, 80, 2, 10, 24, asked)),
                ip(rng, 6, there, here, tcp(80, port, 10, 2 + len(asked), 24, answer))]
    if i % 4 == 2:
        return [ip(rng, 1, here, there, struct.pack('>BBHHH', 8, 0, 0, i & 0xffff, i & 0xffff) + b'x' * 32)]
    call = (b'INVITE sip:u%d@x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@x>\r\nTo: <sip:b@x>\r\nCall-ID: %d\r\n'
            b'CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n' % (i, i))
    return [ip(rng, 17, here, there, udp(port, 5060, call))]


def net_pcap(path, rng):
    now = 1700000000.0
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i in range(6000):
            for packet in packets(rng, i):
                now += rng.random() * .01
                frame = b'\2' * 6 + b'\4' * 6 + b'\x08\0' + packet
                f.write(struct.pack('<IIII', int(now), int(now % 1 * 1e6), len(frame), len(frame)) + frame)


MAKERS = {'big.json': big_json, 'big.xml': big_xml, 'rows.sql': rows_sql, 'a.svg': large_svg, 'b.svg': small_svg,
          'page.pdf': page_pdf, 'a.png': a_png, 'tone.wav': tone_wav, 'cert.pem': cert_pem, 'net.pcap': net_pcap}


def make(folder, name):
    path = os.path.join(folder, name)
    if os.path.exists(path):
        return
    # An extension of its own only at the end: what makes it may go by that.
    part = os.path.join(folder, 'part.' + name)
    MAKERS[name](part, random.Random(name))
    os.rename(part, path)


def main():
    if len(sys.argv) < 3 or any(name not in MAKERS for name in sys.argv[2:]):
        sys.exit(f'{__doc__}\nNAME: {" ".join(MAKERS)}')
    for name in sys.argv[2:]:
        make(sys.argv[1], name)


if __name__ == '__main__':
    main()
