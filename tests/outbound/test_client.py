from __future__ import annotations

import gzip
import logging
import os
import socket
import warnings
import zlib
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import packages_distributions, version
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import urllib3
import urllib3.connection
from urllib3._version import __version__ as urllib3_version

from rules_engine.exceptions import OutboundFailed, OutboundRefused
from rules_engine.outbound import Policy, process, send
from tests.outbound import servers
from tests.outbound.conftest import Dialled, Names
from tests.outbound.servers import OK, Server

Serve = Callable[..., Server]


# --- a plain call -----------------------------------------------------------------------------------------


def test_send_to_name_reaches_the_judged_address(serve: Serve, local: Policy, names: type[Names]) -> None:
    """The request goes to the resolved address, with the URL's own host, path and the given headers and body."""
    server = serve(servers.always(servers.body(b"done", "X-Shop: a", "X-Shop: b", "Set-Cookie: s=1")))
    resolver = names(["127.0.0.1"])

    answer = send(
        "POST",
        f"http://Hook.Example:{server.port}/in/ü?a=1",
        headers=[("X-A", "1"), ("x-a", "2"), ("X-Name", "Müller")],
        body=b'{"a": 1}',
        policy=local,
        resolver=resolver,
    )

    assert (answer.status, answer.body, answer.truncated) == (200, b"done", False)
    assert answer.headers == {"content-length": "4", "x-shop": "a, b"}
    assert 0 <= answer.duration_ms < 20_000
    assert resolver.asked == [("hook.example", server.port)]
    (request,) = server.requests
    assert (request.line, request.body) == ("POST /in/%C3%BC?a=1 HTTP/1.1", b'{"a": 1}')
    assert request.headers == [
        ("Host", f"hook.example:{server.port}"),
        ("X-A", "1"),
        ("x-a", "2"),
        ("X-Name", "Müller"),
        ("Accept-Encoding", "gzip, deflate"),
        ("User-Agent", "django-rules-engine"),
        ("Content-Length", "8"),
    ]


def test_send_own_defaults_replaced(serve: Serve, local: Policy) -> None:
    """A given User-Agent or Accept-Encoding replaces the client's; urllib3's marker texts have no meaning."""
    server = serve()

    send(
        "GET",
        f"http://127.0.0.1:{server.port}/",
        headers=[("user-agent", "shop"), ("Accept-Encoding", "@@@SKIP_HEADER@@@")],
        policy=local,
    )

    (request,) = server.requests
    assert request.values("User-Agent") == ["shop"]
    assert request.values("Accept-Encoding") == ["@@@SKIP_HEADER@@@"]
    assert request.values("Content-Length") == []


def test_send_to_localhost_uses_the_system_resolver(serve: Serve) -> None:
    """Without a resolver the operating system is asked."""
    server = serve()

    answer = send("GET", f"http://localhost:{server.port}/", policy=Policy(allowed_hosts=frozenset({"localhost"})))

    assert answer.body == b"ok"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_send_redirect_not_followed(serve: Serve, local: Policy, status: str) -> None:
    """A redirect is an answer like any other."""
    target = serve()
    location = f"http://127.0.0.1:{target.port}/"
    server = serve(servers.always(servers.body(b"", f"Location: {location}", status=status)))

    answer = send("POST", f"http://127.0.0.1:{server.port}/", body=b"x", policy=local)

    assert answer.status == int(status[:3])
    assert answer.headers["location"] == location
    assert (len(server.requests), target.connections) == (1, 0)


def test_send_error_status_is_an_answer_and_not_repeated(serve: Serve, local: Policy) -> None:
    """A 503 is handed back at once, also when it asks for a later try."""
    server = serve(servers.always(servers.body(b"busy", "Retry-After: 1", status="503 Busy")))

    answer = send("POST", f"http://127.0.0.1:{server.port}/", policy=local)

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert len(server.requests) == 1


def test_send_proxy_variables_ignored(serve: Serve, local: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment cannot route a call past the guard."""
    proxy, server = serve(), serve()
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    monkeypatch.delenv("no_proxy", raising=False)

    send("GET", f"http://127.0.0.1:{server.port}/", policy=local)

    assert (server.connections, proxy.connections) == (1, 0)


def test_send_early_answer_to_large_body_read(serve: Serve, local: Policy) -> None:
    """A server that refuses a body before it has read it is heard."""

    def script(server: Server, channel: socket.socket) -> None:
        channel.recv(1)
        channel.sendall(servers.body(b"", "Connection: close", status="413 Too Large"))
        channel.shutdown(socket.SHUT_WR)
        while channel.recv(65536):
            pass

    server = serve(script)

    answer = send("POST", f"http://127.0.0.1:{server.port}/", body=b"x" * 900_000, policy=local)

    assert answer.status == 413


# --- what is refused --------------------------------------------------------------------------------------


def test_send_body_over_the_limit_refused(local: Policy, dialled: Dialled) -> None:
    """A body over the limit is never sent; one at the limit passes this check."""
    policy = replace(local, max_request_bytes=3)

    with pytest.raises(OutboundRefused) as caught:
        send("POST", "http://127.0.0.1:1/", body=b"1234", policy=policy)

    assert str(caught.value) == (
        "The body has 4 bytes, and at most 3 are sent. Send less, or raise "
        'RULES_ENGINE["OUTBOUND"]["MAX_REQUEST_BYTES"].'
    )
    assert dialled.addresses == []
    with pytest.raises(OutboundFailed, match="refused the connection"):
        send("POST", "http://127.0.0.1:1/", body=b"123", policy=policy)


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "get", "GET /\r\nX", ""])
def test_send_other_method_refused(local: Policy, method: str) -> None:
    """Only the methods of usual APIs are sent."""
    with pytest.raises(OutboundRefused, match=r"is not a method that is sent\. Use one of DELETE, GET, HEAD"):
        send(method, "http://127.0.0.1:1/", policy=local)


def test_send_bad_header_refused(local: Policy, dialled: Dialled) -> None:
    """Headers are judged before anything is opened."""
    with pytest.raises(OutboundRefused, match="header X holds a line break"):
        send("GET", "http://127.0.0.1:1/", headers=[("X", "1\r\nHost: evil")], policy=local)

    assert dialled.addresses == []


def test_send_private_address_refused_before_any_connection(dialled: Dialled, names: type[Names]) -> None:
    """A name with a private address is refused without a connection to any of its addresses."""
    for answer in (["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"]):
        with pytest.raises(OutboundRefused, match=r"http://hook\.example may not be called: it resolves to"):
            send("GET", "http://hook.example/", policy=Policy(), resolver=names(answer))

    assert dialled.addresses == []


def test_send_literal_refused_without_asking_dns(names: type[Names]) -> None:
    """An address in the URL is judged as it stands."""
    resolver = names(["8.8.8.8"])

    with pytest.raises(OutboundRefused, match="it is a loopback address"):
        send("GET", "http://0x7f.1/", policy=Policy(), resolver=resolver)

    assert resolver.asked == []


def test_send_rebinding_name_connects_to_the_judged_answer(dialled: Dialled, names: type[Names]) -> None:
    """The name is resolved once: a second, private answer is never asked for."""
    dialled.expected = {"8.8.8.8"}
    resolver = names(["8.8.8.8"], ["127.0.0.1"])

    with pytest.raises(OutboundFailed, match="refused the connection"):
        send("GET", "http://rebind.example/", policy=Policy(), resolver=resolver)

    assert dialled.addresses == ["8.8.8.8"]
    assert resolver.asked == [("rebind.example", 80)]


def test_send_rebinding_between_calls_refused(dialled: Dialled, names: type[Names]) -> None:
    """Each new connection is judged anew."""
    dialled.expected = {"8.8.8.8"}
    resolver = names(["8.8.8.8"], ["127.0.0.1"])
    with pytest.raises(OutboundFailed):
        send("GET", "http://rebind.example/", policy=Policy(), resolver=resolver)

    with pytest.raises(OutboundRefused, match="resolves to a loopback address"):
        send("GET", "http://rebind.example/", policy=Policy(), resolver=resolver)

    assert dialled.addresses == ["8.8.8.8"]


def test_send_through_urllib3_that_skips_the_pin_refused(
    serve: Serve, local: Policy, names: type[Names], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a release of urllib3 opened its sockets in another place, nothing would be sent."""
    server = serve()

    def connect(self: Any) -> None:
        self.sock = socket.create_connection(("localhost", server.port))

    monkeypatch.setattr(urllib3.connection.HTTPConnection, "connect", connect)

    with pytest.raises(OutboundRefused, match="installed urllib3 opens connections past the address guard"):
        send("GET", f"http://hook.example:{server.port}/", policy=local, resolver=names(["127.0.0.1"]))

    assert server.requests == []


def test_urllib3_installed_opens_all_sockets_through_the_pin(
    serve: Serve, local: Policy, names: type[Names], monkeypatch: pytest.MonkeyPatch, dialled: Dialled
) -> None:
    """The installed urllib3 calls the pin, once a connection, and neither resolves nor dials by itself."""

    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("urllib3 opened a socket by itself")

    server = serve()
    monkeypatch.setattr("urllib3.util.connection.create_connection", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)

    send("GET", f"http://hook.example:{server.port}/", policy=local, resolver=names(["127.0.0.1"]))

    assert dialled.addresses == ["127.0.0.1"]
    assert server.connections == 1


def test_urllib3_is_the_genuine_one() -> None:
    """No other distribution has put itself in the place of urllib3, as urllib3-future does."""
    number = version("urllib3").split(".")

    assert set(packages_distributions()["urllib3"]) == {"urllib3"}
    assert number == urllib3_version.split(".")
    assert number[0] == "2"
    # urllib3-future numbers its releases 2.x.900 and up, and brings backends of its own.
    assert int(number[2]) < 900
    assert not (Path(urllib3.__file__).parent / "backend").exists()


# --- what fails -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "its name could not be resolved. Check the spelling"),
        (UnicodeError("label too long"), "its name could not be resolved. Check the spelling"),
        ([], "its name could not be resolved (the answer is empty)."),
        (["8.8.8.8", "nonsense"], "(the answer holds something that is not an address)"),
    ],
)
def test_send_unresolved_name_failed(names: type[Names], answer: Any, message: str) -> None:
    """A name without addresses is a failure that may pass."""
    with pytest.raises(OutboundFailed) as caught:
        send("GET", "http://hook.example/s3cret?k=s3cret", policy=Policy(), resolver=names(answer))

    assert str(caught.value).startswith("http://hook.example was not reached: ")
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_send_refused_connection_failed(local: Policy) -> None:
    """A closed port is named as such."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    with pytest.raises(OutboundFailed) as caught:
        send("POST", f"http://127.0.0.1:{port}/s3cret", policy=local)

    assert str(caught.value) == (
        f"http://127.0.0.1:{port} refused the connection. Check the port, and that the service is running."
    )


def test_send_first_address_dead_second_answers(
    serve: Serve, local: Policy, names: type[Names], dialled: Dialled
) -> None:
    """The next judged address is tried when one does not take the connection."""
    server = serve()

    answer = send("GET", f"http://hook.example:{server.port}/", policy=local, resolver=names(["::1", "127.0.0.1"]))

    assert answer.status == 200
    assert dialled.addresses == ["::1", "127.0.0.1"]


def test_send_all_addresses_dead_failed(names: type[Names], dialled: Dialled) -> None:
    """When no address takes the connection, the call fails once, after trying all."""
    dialled.expected = {"8.8.8.8", "2606:4700::1"}

    with pytest.raises(OutboundFailed, match=r"http://hook\.example refused the connection"):
        send("GET", "http://hook.example/", policy=Policy(), resolver=names(["2606:4700::1", "8.8.8.8"]))

    assert dialled.addresses == ["2606:4700::1", "8.8.8.8"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "ended the connection before its answer was complete"),
        (b"HTTP/1.1 200 OK\r\n", "ended the connection before its answer was complete"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "ended the connection before its answer was complete"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
            "ended the connection before its answer was complete",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", "ended the connection before"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", "ended the connection before"),
        (b"SSH-2.0-OpenSSH_9.0\r\n", "answered with something that is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "answered with something that is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: %b\r\n" % (b"y" * 9000) * 10 + b"\r\n", "that is not HTTP"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, "only with the interim status 103"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "only with the interim status 101"),
    ],
)
def test_send_broken_answer_failed(serve: Serve, local: Policy, answer: bytes, message: str) -> None:
    """An answer that is cut, or is no HTTP, is never taken for a success."""
    server = serve(servers.once(answer))

    with pytest.raises(OutboundFailed) as caught:
        send("GET", f"http://127.0.0.1:{server.port}/s3cret?k=s3cret", policy=local)

    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_send_interim_100_skipped(serve: Serve, local: Policy) -> None:
    """100 Continue is skipped; the answer is the one after it."""
    server = serve(servers.once(b"HTTP/1.1 100 Continue\r\n\r\n" + OK))

    assert send("POST", f"http://127.0.0.1:{server.port}/", body=b"x", policy=local).body == b"ok"


def test_send_unreadable_header_logs_no_url(serve: Serve, local: Policy, caplog: pytest.LogCaptureFixture) -> None:
    """urllib3 would log the URL, query included, when a header of the answer does not parse."""
    caplog.set_level(logging.DEBUG)
    server = serve(servers.once(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n: broken\r\n\r\nok"))

    send("GET", f"http://127.0.0.1:{server.port}/s3cret?k=s3cret", policy=local)

    assert "s3cret" not in caplog.text


# --- the body of the answer -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 9, 10, 11, 100_000])
@pytest.mark.parametrize("form", ["length", "chunked", "close"])
def test_answer_over_the_limit_cut(serve: Serve, local: Policy, size: int, form: str) -> None:
    """What is over the limit is left unread, however the body is sent."""
    content = b"x" * size
    answer = {
        "length": servers.body(content),
        "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"%x\r\n%b\r\n" % (size, content) if size else b"")
        + b"0\r\n\r\n",
        "close": b"HTTP/1.1 200 OK\r\n\r\n" + content,
    }[form]
    server = serve(servers.once(answer))

    found = send("GET", f"http://127.0.0.1:{server.port}/", policy=replace(local, max_response_bytes=10))

    assert (found.body, found.truncated) == (content[:10], size > 10)


def test_answer_with_limit_zero_keeps_no_body(serve: Serve, local: Policy) -> None:
    """With MAX_RESPONSE_BYTES 0 only status and headers are kept."""
    server = serve()

    found = send("GET", f"http://127.0.0.1:{server.port}/", policy=replace(local, max_response_bytes=0))

    assert (found.status, found.body, found.truncated) == (200, b"", True)


def raw_deflate(content: bytes) -> bytes:
    """Deflate without the zlib header, as some servers send it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "packed", "body", "truncated"),
    [
        ("gzip", gzip.compress(b"hello", mtime=0), b"hello", False),
        ("X-GZIP", gzip.compress(b"hello", mtime=0), b"hello", False),
        ("gzip", gzip.compress(b"hel", mtime=0) + gzip.compress(b"lo", mtime=0), b"hello", False),
        ("gzip", b"", b"", False),
        ("deflate", zlib.compress(b"hello"), b"hello", False),
        ("deflate", raw_deflate(b"hello"), b"hello", False),
        ("gzip", gzip.compress(b"hello" * 100, mtime=0)[:-12], None, True),
        ("gzip", b"not gzip at all", b"", True),
        ("gzip", gzip.compress(b"hello", mtime=0) + b"\x00\x00padding", b"hello", False),
        ("deflate", b"\xff\xff\xff\xff", b"", True),
        ("br", b"as it is", b"as it is", False),
        ("gzip, gzip", b"as it is", b"as it is", False),
    ],
)
def test_answer_packed_is_unpacked(
    serve: Serve, local: Policy, coding: str, packed: bytes, body: bytes | None, truncated: bool
) -> None:
    """gzip and deflate are unpacked, other codings kept; what does not unpack is cut, not failed."""
    server = serve(servers.always(servers.body(packed, f"Content-Encoding: {coding}")))

    found = send("GET", f"http://127.0.0.1:{server.port}/", policy=local)

    assert found.truncated is truncated
    assert (b"hello" * 100).startswith(found.body) if body is None else found.body == body


def test_answer_gzip_bomb_stopped_at_the_limit(serve: Serve, local: Policy) -> None:
    """The limit counts unpacked bytes, and unpacking stops there."""
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(64)) + packer.flush()
    assert len(bomb) < 70_000
    server = serve(servers.always(servers.body(bomb, "Content-Encoding: gzip")))

    found = send("GET", f"http://127.0.0.1:{server.port}/", policy=local)

    assert (len(found.body), found.truncated) == (65_536, True)


def test_answer_gzip_of_endless_empty_members_stopped(serve: Serve, local: Policy) -> None:
    """A packed stream that unpacks to nothing for ever ends with the limit on what is received."""
    empty = gzip.compress(b"", mtime=0) * 100
    server = serve(
        servers.dripping(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", empty * 20, every=0.0001),
    )

    found = send("GET", f"http://127.0.0.1:{server.port}/", policy=replace(local, max_response_bytes=10))

    assert (found.body, found.truncated) == (b"", True)


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Same")])
def test_answer_without_body_keeps_the_connection(serve: Serve, local: Policy, method: str, status: str) -> None:
    """Answers that have no body, whatever their Content-Length says, leave the connection in order."""
    server = serve(servers.always(f"HTTP/1.1 {status}\r\nContent-Length: 9\r\n\r\n".encode()))

    for _ in range(2):
        assert send(method, f"http://127.0.0.1:{server.port}/", policy=local).body == b""

    assert (server.connections, len(server.requests)) == (1, 2)


# --- kept connections -------------------------------------------------------------------------------------


def test_connection_kept_for_the_next_call(serve: Serve, local: Policy, names: type[Names]) -> None:
    """Calls with one policy share a connection, and the name is resolved once for it."""
    server = serve()
    resolver = names(["127.0.0.1"])

    for _ in range(5):
        send("POST", f"http://hook.example:{server.port}/", body=b"x", policy=local, resolver=resolver)

    assert (server.connections, len(server.requests), len(resolver.asked)) == (1, 5, 1)


def test_connection_kept_under_one_policy_not_used_under_another(
    serve: Serve, local: Policy, names: type[Names]
) -> None:
    """A connection that another policy opened does not get round the judgement of this one."""
    server = serve()
    resolver = names(["127.0.0.1"])
    url = f"http://hook.example:{server.port}/"
    send("GET", url, policy=local, resolver=resolver)

    with pytest.raises(OutboundRefused, match="resolves to a loopback address"):
        send("GET", url, policy=Policy(), resolver=resolver)
    with pytest.raises(OutboundRefused, match="DENIED_NETWORKS"):
        denied = (ip_network("127.0.0.0/8"),)
        send("GET", url, policy=replace(local, denied_networks=denied), resolver=resolver)

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        servers.body(b"ok", "Connection: close"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        servers.body(b"x" * 100_000),
    ],
    ids=["close", "http/1.0", "cut"],
)
def test_connection_with_unread_rest_or_end_not_kept(serve: Serve, local: Policy, answer: bytes) -> None:
    """A connection that the server ends, or on which bytes are left over, serves no second call."""
    server = serve(servers.always(answer))

    for _ in range(2):
        assert send("GET", f"http://127.0.0.1:{server.port}/", policy=local).body[:2] in (b"ok", b"xx")

    assert server.connections == 2


def test_connection_with_rest_still_to_come_not_kept(serve: Serve, local: Policy) -> None:
    """The rest of a cut answer, however late it comes, is not taken for the answer to the next call."""

    def script(server: Server, channel: socket.socket) -> None:
        while servers.read_request(channel) is not None:
            channel.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + b"x" * 11)

    server = serve(script)

    for _ in range(2):
        found = send("GET", f"http://127.0.0.1:{server.port}/", policy=replace(local, max_response_bytes=10))
        assert (found.body, found.truncated) == (b"x" * 10, True)

    assert server.connections == 2


def test_answer_with_another_behind_it_is_answered_once(serve: Serve, local: Policy) -> None:
    """A second answer that nobody asked for is not taken for that of the next call."""
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    server = serve(servers.always(servers.body(b"ok") + forged))

    bodies = [send("GET", f"http://127.0.0.1:{server.port}/", policy=local).body for _ in range(3)]

    assert bodies == [b"ok"] * 3


def test_connection_ended_while_idle_replaced(serve: Serve, local: Policy) -> None:
    """A kept connection that the server has ended meanwhile is noticed before the request is sent."""
    server = serve(servers.once(OK))
    for _ in range(2):
        send("GET", f"http://127.0.0.1:{server.port}/", policy=local)
        for pool in [process.here().pool]:
            for rested in pool._idle.values():
                # Wait until the end of the connection has come through.
                assert rested[0][1].channel.recv(1) == b""

    assert (server.connections, len(server.requests)) == (2, 2)


@pytest.mark.parametrize("limit", ["IDLE_SECONDS", "AGE_SECONDS"])
def test_connection_too_old_replaced(
    serve: Serve, local: Policy, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """A connection that rested or lived too long is closed, so that changes in DNS are followed."""
    server = serve()
    send("GET", f"http://127.0.0.1:{server.port}/", policy=local)
    monkeypatch.setattr(process, limit, 0.0)

    send("GET", f"http://127.0.0.1:{server.port}/", policy=local)

    assert server.connections == 2


def test_connections_resting_too_long_swept_by_other_calls(
    serve: Serve, local: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections to endpoints that are not called any more do not stay open for ever."""
    pool = process.Pool()
    monkeypatch.setattr(process.here(), "pool", pool)
    first, second = serve(), serve()
    send("GET", f"http://127.0.0.1:{first.port}/", policy=local)
    monkeypatch.setattr(process, "IDLE_SECONDS", 0.0)
    pool._next_sweep = 0.0

    send("GET", f"http://127.0.0.1:{second.port}/", policy=local)

    assert [key[2] for key in pool._idle] == [second.port]  # type: ignore[index]
    assert pool._count == 1
    pool.close()


def test_connections_over_the_most_that_rest_closed(
    serve: Serve, local: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process with very many endpoints keeps a limited number of connections."""
    pool = process.Pool()
    monkeypatch.setattr(process.here(), "pool", pool)
    monkeypatch.setattr(process, "MOST_IDLE", 1)
    first, second = serve(), serve()

    for server in (first, second, first, second):
        send("GET", f"http://127.0.0.1:{server.port}/", policy=local)

    assert (first.connections, second.connections, pool._count) == (1, 2, 1)
    pool.close()


def test_connection_not_shared_with_a_forked_process(serve: Serve, local: Policy) -> None:
    """A child opens its own connection and has a watchdog of its own; the parent's goes on."""
    server = serve()
    slow = serve(servers.dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"))
    url = f"http://127.0.0.1:{server.port}/"
    send("GET", url, policy=local)

    with warnings.catch_warnings():
        # Python warns of threads at a fork, which is what this is about.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            fine = send("GET", url, policy=local).status == 200
            try:
                send("GET", f"http://127.0.0.1:{slow.port}/", policy=local, timeout=0.3)
            except OutboundFailed:
                os._exit(0 if fine else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    send("GET", url, policy=local)

    assert os.waitstatus_to_exitcode(status) == 0
    assert (server.connections, len(server.requests)) == (2, 3)
