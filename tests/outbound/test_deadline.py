from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest

from rules_engine.exceptions import OutboundFailed
from rules_engine.outbound import Policy, process, send
from rules_engine.outbound.lookup import Lookups
from rules_engine.outbound.url import parse
from rules_engine.outbound.watchdog import Watchdog
from tests.outbound import servers
from tests.outbound.conftest import Dialled, Names
from tests.outbound.servers import Server

Serve = Callable[..., Server]


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b""),
        (b"H", b"T"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: ", b"y"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", b"y"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\ny\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"y"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", b"\x1f\x8b"),
    ],
    ids=["nothing", "status", "headers", "header", "interim", "length", "chunks", "trailer", "close", "gzip"],
)
def test_dripping_answer_stopped_at_the_deadline(serve: Serve, local: Policy, start: bytes, drop: bytes) -> None:
    """A server that sends a little now and then is cut off in time, and its half answer is no success."""
    server = serve(servers.dripping(start, drop, every=0.02))
    began = monotonic()

    with pytest.raises(OutboundFailed) as caught:
        send("GET", f"http://127.0.0.1:{server.port}/s3cret", policy=local, timeout=0.4)

    assert 0.35 < monotonic() - began < 3
    assert str(caught.value) == (
        f"http://127.0.0.1:{server.port} did not answer in full within 0.4 s. Let it answer first and work later, "
        'or raise RULES_ENGINE["OUTBOUND"]["TOTAL_SECONDS"].'
    )
    assert process.here().pool._count == 0


def test_unread_request_stopped_at_the_deadline(serve: Serve, local: Policy) -> None:
    """A server that reads the request too slowly is cut off in time as well."""
    server = serve(servers.silent)
    began = monotonic()

    with pytest.raises(OutboundFailed, match=r"did not answer in full within 0\.3 s"):
        send(
            "POST",
            f"http://127.0.0.1:{server.port}/",
            body=bytes(50_000_000),
            policy=replace(local, max_request_bytes=50_000_000),
            timeout=0.3,
        )

    assert monotonic() - began < 3


def test_timeout_argument_does_not_raise_the_total(serve: Serve, local: Policy) -> None:
    """``timeout`` lowers TOTAL_SECONDS and never raises it."""
    server = serve(servers.silent)

    with pytest.raises(OutboundFailed, match=r"within 0\.2 s"):
        send("GET", f"http://127.0.0.1:{server.port}/", policy=replace(local, total_seconds=0.2), timeout=60)


def test_timeout_of_nothing_failed_without_connection(local: Policy, dialled: Dialled) -> None:
    """A call without any time left opens no connection."""
    with pytest.raises(OutboundFailed, match="did not answer in full within 0 s"):
        send("GET", "http://127.0.0.1:1/", policy=local, timeout=0)

    assert dialled.addresses == []


def test_silent_server_failed_after_the_read_timeout(serve: Serve, local: Policy) -> None:
    """A server that says nothing is given up after READ_SECONDS."""
    server = serve(servers.silent)

    with pytest.raises(OutboundFailed) as caught:
        send("GET", f"http://127.0.0.1:{server.port}/", policy=replace(local, read_seconds=0.2))

    assert "sent nothing for 0.2 s" in str(caught.value)
    assert 'RULES_ENGINE["OUTBOUND"]["READ_SECONDS"]' in str(caught.value)


def test_slow_connection_failed_after_the_connect_timeout(
    names: type[Names], dialled: Dialled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each address gets CONNECT_SECONDS, and no more than the whole call has left."""
    given: list[float | None] = []

    def connect(sock: socket.socket, address: Any) -> None:
        given.append(sock.gettimeout())
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket.socket, "connect", connect)
    resolver = names(["8.8.8.8", "8.8.4.4"])

    with pytest.raises(OutboundFailed, match=r"did not take a connection within 7 s\. Check host, port and firewall"):
        send("GET", "http://hook.example/", policy=Policy(connect_seconds=7), resolver=resolver)
    with pytest.raises(OutboundFailed):
        send("GET", "http://hook.example/", policy=Policy(connect_seconds=7), resolver=resolver, timeout=2)

    assert given[:2] == [7, 7]
    assert all(seconds is not None and 1 < seconds <= 2 for seconds in given[2:])
    assert len(given) == 4


def test_silent_tls_server_failed_after_the_connect_timeout(serve: Serve, local: Policy) -> None:
    """The TLS handshake belongs to connecting."""
    server = serve(servers.silent)

    with pytest.raises(OutboundFailed, match=r"did not take a connection within 0\.2 s"):
        send("GET", f"https://127.0.0.1:{server.port}/", policy=replace(local, connect_seconds=0.2))


def handshake_drip(server: Server, channel: socket.socket) -> None:
    """Promise a TLS record of 16 kB, then send it byte by byte."""
    channel.recv(65536)
    channel.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xf0")
    while not server.closing.wait(0.02):
        channel.sendall(b"\x00")


def test_dripping_tls_handshake_stopped_at_the_deadline(serve: Serve, local: Policy) -> None:
    """A handshake that drips is cut off like an answer that does."""
    server = serve(handshake_drip)
    began = monotonic()

    with pytest.raises(OutboundFailed, match=r"did not answer in full within 0\.4 s"):
        send("GET", f"https://127.0.0.1:{server.port}/", policy=local, timeout=0.4)

    assert 0.35 < monotonic() - began < 3


def test_hanging_resolver_failed_in_time() -> None:
    """A lookup that hangs holds the call no longer than CONNECT_SECONDS."""
    release = threading.Event()

    def resolver(host: str, port: int) -> Sequence[str]:
        release.wait(30)
        return ["8.8.8.8"]

    began = monotonic()
    try:
        with pytest.raises(OutboundFailed, match=r"its name could not be resolved within 0\.2 s"):
            send("GET", "http://hook.example/", policy=Policy(connect_seconds=0.2), resolver=resolver)
    finally:
        release.set()

    assert monotonic() - began < 3


def test_hanging_resolvers_limited_in_number() -> None:
    """Lookups that hang do not pile up threads without end; their places come back when they end."""
    lookups, release = Lookups(limit=1), threading.Event()
    target = parse("http://hook.example/")

    def hanging(host: str, port: int) -> Sequence[str]:
        release.wait(30)
        return ["8.8.8.8"]

    with pytest.raises(OutboundFailed, match=r"within 0\.05 s"):
        lookups.addresses(target, hanging, 0.05)
    with pytest.raises(OutboundFailed, match="too many other lookups hang"):
        lookups.addresses(target, hanging, 0.05)
    release.set()

    assert [str(one) for one in lookups.addresses(target, hanging, 5)] == ["8.8.8.8"]


def test_resolver_with_a_bug_shows_its_own_error() -> None:
    """An error that is not about names comes through as it is."""

    def resolver(host: str, port: int) -> Sequence[str]:
        raise ZeroDivisionError("bug")

    with pytest.raises(ZeroDivisionError, match="bug"):
        send("GET", "http://hook.example/", policy=Policy(), resolver=resolver)


def test_calls_in_many_threads_each_keep_their_deadline(serve: Serve, local: Policy) -> None:
    """Calls with different deadlines, made at once, end each at its own; finished ones are not cut."""
    slow = serve(servers.dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", every=0.02))
    quick = serve()

    def late(seconds: float) -> float:
        began = monotonic()
        with pytest.raises(OutboundFailed, match="did not answer in full"):
            send("GET", f"http://127.0.0.1:{slow.port}/", policy=local, timeout=seconds)
        return monotonic() - began - seconds

    def early(_: int) -> int:
        return send("GET", f"http://127.0.0.1:{quick.port}/", policy=local, timeout=5).status

    with ThreadPoolExecutor(12) as threads:
        delays = threads.map(late, [1.2, 0.2, 0.9, 0.4])
        statuses = list(threads.map(early, range(40)))

        assert all(-0.05 < delay < 1.5 for delay in delays)
    assert statuses == [200] * 40
    assert len(quick.requests) == 40


def test_watch_stopped_does_not_fire() -> None:
    """After ``stop`` the connection is left alone; a watch that fires says so before it cuts."""
    dog = Watchdog()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stopped = dog.watch(ours, monotonic() + 0.1)
        stopped.stop()
        fires = dog.watch(theirs, monotonic() + 0.2)

        assert ours.recv(1) == b""

        assert (stopped.fired, fires.fired) == (False, True)
        fires.stop()
