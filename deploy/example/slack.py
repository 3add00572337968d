"""In Slack's place: takes what an incoming webhook takes, and prints it."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = [told.get("text"), *(each.get("fallback") for each in told.get("attachments", ()))]
        print(f"{told.get('username')}:", *filter(None, said), flush=True)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format, *args):
        """Nothing but what was told."""


ThreadingHTTPServer(("", 8080), Handler).serve_forever()
