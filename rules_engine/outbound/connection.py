"""Connections that go to a judged address, and to nothing else."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Sequence
from http.client import HTTPResponse, IncompleteRead, LineTooLong, NotConnected
from io import BufferedIOBase
from time import monotonic
from typing import Any, cast

from urllib3.connection import HTTPConnection, HTTPSConnection

from rules_engine.exceptions import OutboundRefused
from rules_engine.outbound.address import Address
from rules_engine.outbound.url import Target

_HEADER_BYTES = 65_536


class Dialer:
    """Connects to the first of the addresses that answers; each is tried for at most ``seconds``.

    ``opened`` is called with the new socket before anything is sent on it.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        port: int,
        *,
        seconds: float,
        deadline: float,
        opened: Callable[[socket.socket], None],
    ) -> None:
        self._addresses, self._port, self._seconds, self._deadline = addresses, port, seconds, deadline
        self._opened = opened
        self.used = False

    def dial(self) -> socket.socket:
        """Return a connected socket, or raise the error of the last address tried."""
        self.used = True
        last: OSError = TimeoutError("no time left to connect")
        for address in self._addresses:
            seconds = min(self._seconds, self._deadline - monotonic())
            if seconds <= 0:
                break
            try:
                return self._connect(address, seconds)
            except OSError as error:
                last = error
        raise last

    def _connect(self, address: Address, seconds: float) -> socket.socket:
        sock = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
        try:
            sock.settimeout(seconds)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # An address as text, not a name: nothing is resolved again here.
            sock.connect((str(address), self._port))
            self._opened(sock)
        except BaseException:
            sock.close()
            raise
        return sock


class _Lines:
    """The stream of an answer while its header is read: notices an early end, and limits the size."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream, self._room = stream, _HEADER_BYTES
        self.cut = False

    def readline(self, limit: int = -1) -> bytes:
        line = self._stream.readline(limit)
        self._room -= len(line)
        if self._room < 0:
            raise LineTooLong("header")
        self.cut = not line.endswith(b"\n")
        return line

    def close(self) -> None:
        self._stream.close()


class Response(HTTPResponse):
    """An answer whose header must be complete: http.client takes the end of the stream for the end of it."""

    def begin(self) -> None:
        answer = cast(Any, self)
        stream = answer.fp
        lines = answer.fp = _Lines(stream)
        try:
            super().begin()
        finally:
            # Unless http.client has given the stream up.
            if answer.fp is lines:
                answer.fp = stream
        if lines.cut:
            raise IncompleteRead(b"")


class Connection(HTTPConnection):
    """Keeps urllib3's name, Host header, SNI and certificate check, but takes its socket from a Dialer."""

    response_class = Response
    # A closed connection is never opened again behind the guard's back.
    auto_open = 0
    dialer: Dialer | None = None
    opened_at: float

    def _new_conn(self) -> socket.socket:
        if self.dialer is None:
            raise OSError("the connection is opened past the address guard")
        return self.dialer.dial()

    def open(self, dialer: Dialer) -> None:
        """Connect, and make sure that it is the dialer who does."""
        self.dialer = dialer
        try:
            self.connect()
            if not dialer.used:
                raise OutboundRefused(
                    "The installed urllib3 opens connections past the address guard, so nothing was sent. "
                    "Install a release of urllib3 that this version of django-rules-engine supports."
                )
        except BaseException:
            self.close()
            raise
        finally:
            self.dialer = None
        self.opened_at = monotonic()

    @property
    def channel(self) -> socket.socket:
        """The open socket."""
        if self.sock is None:
            raise NotConnected
        return cast(socket.socket, self.sock)

    def answer(self) -> HTTPResponse:
        """Return the answer to the request just sent, its body unread.

        Not urllib3's ``getresponse``: that logs the URL, query included, when a header does not parse.
        """
        return http.client.HTTPConnection.getresponse(self)


class SecureConnection(Connection, HTTPSConnection):
    """The same with TLS."""


def connection_to(target: Target, context: ssl.SSLContext | None) -> Connection:
    """Return a connection to the target that is not open yet; with TLS if there is a context."""
    if context is None:
        return Connection(target.host, target.port)
    return SecureConnection(target.host, target.port, ssl_context=context)
