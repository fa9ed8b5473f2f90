"""Small servers on loopback that answer exactly what a test says."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Return the values of a header, as often as it was sent."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class Server:
    """A server whose ``script`` is called with each connection, in a thread of its own."""

    script: Callable[[Server, socket.socket], None]
    context: ssl.SSLContext | None = None
    connections: int = 0
    requests: list[Request] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    """The SNI names asked for."""

    def __post_init__(self) -> None:
        self.closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                channel, _ = self._listener.accept()
                self.connections += 1
                self._open.append(channel)
                self._start(self._serve, channel)

    def _serve(self, channel: socket.socket) -> None:
        # The other side may hang up whenever it likes: that is what some tests are about.
        with suppress(OSError):
            if self.context is not None:
                channel = self.context.wrap_socket(channel, server_side=True)
                self._open.append(channel)
            with channel:
                self.script(self, channel)

    def close(self) -> None:
        """Stop, and wait for all threads."""
        self.closing.set()
        for channel in (self._listener, *self._open):
            with suppress(OSError):
                channel.shutdown(socket.SHUT_RDWR)
            channel.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive(), "a server thread of the test hangs"


def read_request(channel: socket.socket) -> Request | None:
    """Read one request, or None if the client hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = channel.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (text.partition(":") for text in lines)]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    while len(body) < length:
        piece = channel.recv(65536)
        if not piece:
            return None
        body += piece
    return Request(line, headers, body)


def always(answer: bytes) -> Callable[[Server, socket.socket], None]:
    """Answer every request on a kept-alive connection with these bytes."""

    def script(server: Server, channel: socket.socket) -> None:
        while (request := read_request(channel)) is not None:
            server.requests.append(request)
            channel.sendall(answer)

    return script


def once(answer: bytes) -> Callable[[Server, socket.socket], None]:
    """Answer one request and hang up."""

    def script(server: Server, channel: socket.socket) -> None:
        request = read_request(channel)
        assert request is not None
        server.requests.append(request)
        channel.sendall(answer)

    return script


def dripping(start: bytes, drop: bytes, *, every: float = 0.05) -> Callable[[Server, socket.socket], None]:
    """Answer with ``start`` and then with ``drop`` again and again, never reaching an end."""

    def script(server: Server, channel: socket.socket) -> None:
        read_request(channel)
        channel.sendall(start)
        while not server.closing.wait(every):
            channel.sendall(drop)

    return script


def silent(server: Server, channel: socket.socket) -> None:
    """Take the connection and never say a word."""
    server.closing.wait(30)


def body(content: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return an answer with its length given."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content
