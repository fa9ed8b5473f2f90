from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from rules_engine.outbound import Policy, close_idle
from tests.outbound.servers import OK, Server, always

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Dialled:
    """Every address that a socket was told to connect to; none but loopback is let through."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.expected: set[str] = set()

    @property
    def strays(self) -> set[str]:
        return {text for text in self.addresses if not ip_address(text).is_loopback} - self.expected


@pytest.fixture(autouse=True)
def dialled(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dialled]:
    """No test connects to, or asks DNS for, anything but this machine."""
    record = Dialled()
    connect = socket.socket.connect
    getaddrinfo = socket.getaddrinfo

    def guarded_connect(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            record.addresses.append(address[0])
            if not ip_address(address[0]).is_loopback:
                raise ConnectionRefusedError("refused by the test")
        connect(sock, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        assert host == "localhost", f"DNS was asked for {host!r}"
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
    yield record
    close_idle()
    assert not record.strays, f"connections to {record.strays} were tried"


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers; they are stopped after the test."""
    servers: list[Server] = []

    def start(script: Any = None, **options: Any) -> Server:
        servers.append(Server(script or always(OK), **options))
        return servers[-1]

    yield start
    close_idle()
    for server in servers:
        server.close()


@pytest.fixture
def local() -> Policy:
    """A policy under which this machine may be called."""
    return Policy(allowed_networks=LOOPBACK)


class Names:
    """A resolver that gives the answers it was made with, one after the other, and then the last again."""

    def __init__(self, *answers: list[str] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def names() -> type[Names]:
    return Names
