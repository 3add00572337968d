"""Says hello to whoever asks, on port 5000."""

from http.server import BaseHTTPRequestHandler, HTTPServer


class Hello(BaseHTTPRequestHandler):
    """One page."""

    def do_GET(self) -> None:
        """The greeting, whatever was asked for."""
        self.send_response(200)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"Hello, world!\n")


if __name__ == "__main__":
    HTTPServer(("", 5000), Hello).serve_forever()
