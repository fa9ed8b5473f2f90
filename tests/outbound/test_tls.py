from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from rules_engine.exceptions import OutboundFailed
from rules_engine.outbound import Policy, send
from tests.outbound import servers
from tests.outbound.conftest import Names
from tests.outbound.servers import Server

Serve = Callable[..., Server]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(local: Policy, authority: trustme.CA, tmp_path: Path) -> Policy:
    """A policy that trusts the tests' own authority."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return replace(local, ca_file=str(path))


@pytest.fixture
def secure(serve: Serve, authority: trustme.CA) -> Callable[..., Server]:
    """Start a TLS server with a certificate for these names."""

    def start(*identities: str, script: object = None) -> Server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*identities).configure_cert(context)
        server = serve(script, context=context)
        context.sni_callback = lambda channel, name, _: server.names.append(name)
        return server

    return start


def test_tls_name_sent_and_certificate_accepted(
    secure: Callable[..., Server], trusting: Policy, names: type[Names]
) -> None:
    """The handshake asks for the URL's host, not for the address, and the connection is kept."""
    server = secure("hook.example")
    resolver = names(["127.0.0.1"])
    url = f"https://Hook.Example.:{server.port}/"

    for _ in range(3):
        assert send("POST", url, body=b"x", policy=trusting, resolver=resolver).body == b"ok"

    assert server.names == ["hook.example"]
    assert server.connections == 1
    assert server.requests[0].values("Host") == [f"hook.example:{server.port}"]


def test_tls_address_in_url_accepted(secure: Callable[..., Server], trusting: Policy) -> None:
    """A certificate for an address is good for that address."""
    server = secure("127.0.0.1")

    assert send("GET", f"https://127.0.0.1:{server.port}/", policy=trusting).status == 200


def test_tls_certificate_of_another_host_failed(
    secure: Callable[..., Server], trusting: Policy, names: type[Names]
) -> None:
    """A certificate for another host ends the call before the request is sent."""
    server = secure("other.example")

    with pytest.raises(OutboundFailed) as caught:
        send("GET", f"https://hook.example:{server.port}/s3cret", policy=trusting, resolver=names(["127.0.0.1"]))

    assert str(caught.value).startswith(
        f"https://hook.example:{server.port} was not called: its certificate is not accepted (Hostname mismatch"
    )
    assert "s3cret" not in str(caught.value)
    assert server.requests == []


def test_tls_unknown_authority_failed(secure: Callable[..., Server], local: Policy, names: type[Names]) -> None:
    """Without the authority in the trusted ones, the call ends before the request is sent."""
    server = secure("hook.example")

    with pytest.raises(OutboundFailed, match="its certificate is not accepted"):
        send("GET", f"https://hook.example:{server.port}/", policy=local, resolver=names(["127.0.0.1"]))

    assert server.requests == []


def test_tls_authority_part_of_what_shares_a_connection(
    secure: Callable[..., Server], trusting: Policy, local: Policy, names: type[Names]
) -> None:
    """A connection that one authority vouched for is not used by a call that does not trust it."""
    server = secure("hook.example")
    resolver = names(["127.0.0.1"])
    url = f"https://hook.example:{server.port}/"
    send("GET", url, policy=trusting, resolver=resolver)

    with pytest.raises(OutboundFailed, match="its certificate is not accepted"):
        send("GET", url, policy=local, resolver=resolver)


def test_tls_to_a_plain_server_failed(serve: Serve, trusting: Policy) -> None:
    """A port that speaks no TLS is named as such."""

    def script(server: Server, channel: socket.socket) -> None:
        channel.recv(65536)
        channel.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = serve(script)

    with pytest.raises(OutboundFailed) as caught:
        send("GET", f"https://127.0.0.1:{server.port}/", policy=trusting)

    assert "no TLS connection came about. Check that the port speaks TLS" in str(caught.value)


def test_tls_dripping_answer_stopped_at_the_deadline(secure: Callable[..., Server], trusting: Policy) -> None:
    """The watchdog cuts encrypted connections as well."""
    server = secure("127.0.0.1", script=servers.dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", every=0.02))

    with pytest.raises(OutboundFailed, match=r"did not answer in full within 0\.8 s"):
        send("GET", f"https://127.0.0.1:{server.port}/", policy=trusting, timeout=0.8)


def test_tls_authority_file_missing_failed(local: Policy, tmp_path: Path) -> None:
    """A file of authorities that cannot be read is named."""
    with pytest.raises(OutboundFailed, match=r"authorities in .*none\.pem cannot be read, so nothing was sent"):
        send("GET", "https://127.0.0.1:1/", policy=replace(local, ca_file=str(tmp_path / "none.pem")))
