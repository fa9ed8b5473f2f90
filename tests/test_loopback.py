"""The suite reaches this machine only."""

from __future__ import annotations

import socket

import pytest

from tests import loopback


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_connection_to_a_foreign_address_is_refused_and_noted(method: str) -> None:
    """Nothing is sent, the error names the address, and the address is kept for the end of the test."""
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError, match=r"not \('192\.0\.2\.1', 9\)"):
        getattr(sock, method)(("192.0.2.1", 9))

    assert loopback.refused == ["('192.0.2.1', 9)"]
    loopback.refused.clear()


def test_connection_to_loopback_is_allowed() -> None:
    """A server of the test's own answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


@pytest.mark.parametrize(
    ("address", "local"),
    [
        (("127.0.0.2", 80), True),
        (("::1", 80, 0, 0), True),
        (("localhost", 80), True),
        ("/run/some.sock", True),
        (("10.0.0.1", 80), False),
        (("example.com", 80), False),
        (("fe80::1%eth0", 80, 0, 0), False),
    ],
)
def test_is_local(address: object, local: bool) -> None:
    """Loopback addresses, their name and Unix sockets are this machine's; private addresses are not."""
    assert loopback.is_local(address) is local
