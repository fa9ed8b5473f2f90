"""A pytest plugin: a test that opens a connection to anything but this machine fails."""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterator
from ipaddress import ip_address
from typing import Any

import pytest

refused: list[str] = []
"""Addresses that were asked for since the last test, from whatever thread."""


def is_local(address: object) -> bool:
    """Tell whether a socket address is this machine's: a path, a loopback address or its name."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _guarded(method: Any) -> Any:
    def connect(sock: socket.socket, address: Any) -> Any:
        if not is_local(address):
            refused.append(str(address))
            raise ConnectionRefusedError(f"the test suite reaches this machine only, not {address}")
        return method(sock, address)

    return connect


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Fail the test during which an address was refused, even if the code under test swallowed the error."""
    yield
    asked, refused[:] = list(refused), []
    if asked:
        pytest.fail(f"The test connected to {', '.join(asked)}; serve what it needs on 127.0.0.1.", pytrace=False)
