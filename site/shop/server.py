"""The demo's web server: Django's own, with threads, on the first port that is free."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler, get_internal_wsgi_application

HOST = "127.0.0.1"
PORTS_TRIED = 100


def bind(port: int) -> ThreadedWSGIServer:
    """Return a server that holds ``port`` or the next free one; raises OSError if a hundred are taken."""
    for candidate in range(port, port + PORTS_TRIED):
        try:
            return ThreadedWSGIServer((HOST, candidate), WSGIRequestHandler)
        except OSError as error:
            taken = error
    raise OSError(f"No port from {port} to {port + PORTS_TRIED - 1} is free on {HOST}: {taken}") from taken


@contextmanager
def serving(server: ThreadedWSGIServer) -> Iterator[None]:
    """Answer requests in threads of this process during the block."""
    server.daemon_threads = True
    server.set_app(get_internal_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, name="demo-server", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
