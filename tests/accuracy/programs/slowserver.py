# SPDX-License-Identifier: Apache-2.0
"""slowserver.py PORT: an HTTP server on the loopback whose every answer is long and comes slowly."""
import http.server
import sys
import time


class Slow(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', str(64 << 20))
        self.send_header('Set-Cookie', f'path={self.path}; Max-Age=1000')
        self.end_headers()
        try:
            for _ in range(10000):
                self.wfile.write(b'x' * 4096)
                time.sleep(0.3)
        except OSError:
            self.close_connection = True

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Slow).serve_forever()
