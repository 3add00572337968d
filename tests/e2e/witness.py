"""Who hears of every cell that begins and ends, over loopback: it outlives servers and workers."""

from __future__ import annotations

import socketserver
import threading
from collections import Counter


class Witness:
    """Hears from cells, over loopback, that they began and that they came to their end."""

    def __enter__(self):
        heard = self.heard = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                heard.extend(line.decode().split() for line in self.rfile)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def cell(self) -> str:
        return (
            "import socket\n"
            f"witness = socket.create_connection({self._server.server_address!r})\n"
            "witness.sendall(f'began {event.build_id}\\n'.encode())\n"
            "witness.sendall(f'ended {event.build_id}\\n'.encode())\n"
            "witness.close()"
        )

    def counts(self, word: str) -> Counter[str]:
        return Counter(build for said, build in self.heard if said == word)
