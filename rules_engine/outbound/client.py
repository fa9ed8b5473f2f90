"""Send one request to a judged address and return the answer, within all limits."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, IncompleteRead, NotConnected
from time import monotonic

from urllib3.exceptions import HTTPError
from urllib3.util.ssl_match_hostname import CertificateError

from rules_engine.exceptions import OutboundFailed, OutboundRefused
from rules_engine.outbound.body import read_body
from rules_engine.outbound.connection import Connection, Dialer, connection_to
from rules_engine.outbound.guard import judge_addresses, judge_target
from rules_engine.outbound.headers import check_headers, kept
from rules_engine.outbound.lookup import Resolver, system_resolver
from rules_engine.outbound.policy import Policy
from rules_engine.outbound.process import here
from rules_engine.outbound.url import Target, parse
from rules_engine.outbound.watchdog import Watch

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})
_DEFAULT_HEADERS = (("Accept-Encoding", "gzip, deflate"), ("User-Agent", "django-rules-engine"))


@dataclass(frozen=True)
class Answer:
    """What came back: any status, also 3xx (never followed), 4xx and 5xx."""

    status: int
    headers: dict[str, str]
    """By lower-case name, without cookies and other credentials."""
    body: bytes
    """Unpacked, and at most as long as the policy allows."""
    truncated: bool
    """Whether something of the body is missing."""
    duration_ms: int


def send(
    method: str,
    url: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    policy: Policy | None = None,
    resolver: Resolver | None = None,
    timeout: float | None = None,
) -> Answer:
    """Send one request and return its answer; ``timeout`` can only lower the policy's ``total_seconds``.

    Nothing is followed, repeated or sent through a proxy. All addresses of the host are judged, and the
    connection goes to one of these. Raises OutboundRefused for what is never sent (no use in trying again),
    and OutboundFailed where no complete answer came (worth another try). Messages show the host, never path,
    query, headers or body. ``resolver`` must be hashable.
    """
    policy = policy or Policy.from_settings()
    _check_request(method, headers, body, policy)
    target = parse(url)
    judge_target(target, policy)
    seconds = policy.total_seconds if timeout is None else min(timeout, policy.total_seconds)
    return _Call(target, policy, resolver or system_resolver, seconds).run(method, headers, body)


def _check_request(method: str, headers: Sequence[tuple[str, str]], body: bytes, policy: Policy) -> None:
    if method not in _METHODS:
        raise OutboundRefused(f"{method!r} is not a method that is sent. Use one of {', '.join(sorted(_METHODS))}.")
    check_headers(headers)
    if len(body) > policy.max_request_bytes:
        raise OutboundRefused(
            f"The body has {len(body)} bytes, and at most {policy.max_request_bytes} are sent. Send less, or "
            'raise RULES_ENGINE["OUTBOUND"]["MAX_REQUEST_BYTES"].'
        )


class _Call:
    """One request on its way."""

    def __init__(self, target: Target, policy: Policy, resolver: Resolver, seconds: float) -> None:
        self.target, self.policy, self.resolver, self.seconds = target, policy, resolver, seconds
        self.process = here()
        self.started = monotonic()
        self.deadline = self.started + seconds
        # What two calls must have in common to share a connection: whatever decided where it goes.
        self.key: Hashable = (target.scheme, target.host, target.port, policy, resolver)
        self.watch: Watch | None = None
        self.connection: Connection | None = None
        self.reusable = False

    def run(self, method: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        try:
            self.connection = self._connected()
            response = self._ask(self.connection, method, headers, body)
            answer = self._read(response)
        except OutboundFailed:
            raise
        except (OSError, HTTPException, HTTPError, CertificateError) as error:
            raise self._failure(error) from error
        finally:
            self._finish()
        # A connection that was cut can look like one that ended well: the answer counts only without a cut.
        if self.watch is not None and self.watch.fired:
            raise self._too_long()
        return answer

    def _connected(self) -> Connection:
        """Return an open connection under watch: one that rests, or a new one to a judged address."""
        connection = self.process.pool.take(self.key)
        if connection is not None:
            self._watch(connection.channel)
            return connection
        seconds = min(self.policy.connect_seconds, self._left())
        addresses = self.process.lookups.addresses(self.target, self.resolver, seconds)
        judge_addresses(self.target, addresses, self.policy)
        secure = self.target.scheme == "https"
        connection = connection_to(self.target, self.process.context(self.policy.ca_file) if secure else None)
        connection.open(
            Dialer(
                addresses,
                self.target.port,
                seconds=self.policy.connect_seconds,
                deadline=self.deadline,
                opened=self._watch,
            )
        )
        return connection

    def _watch(self, sock: socket.socket) -> None:
        self.watch = self.process.watchdog.watch(sock, self.deadline)

    def _left(self) -> float:
        left = self.deadline - monotonic()
        if left <= 0:
            raise self._too_long()
        return left

    def _ask(
        self, connection: Connection, method: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> HTTPResponse:
        connection.channel.settimeout(self.policy.read_seconds)
        connection.putrequest(method, self.target.path, skip_accept_encoding=True)
        given = {name.lower() for name, _ in headers}
        defaults = [item for item in _DEFAULT_HEADERS if item[0].lower() not in given]
        for name, value in (*headers, *defaults):
            # As bytes: there is a text that urllib3 takes for an instruction.
            connection.putheader(name, value.encode("latin-1"))  # type: ignore[arg-type]
        if body or method in _WITH_BODY:
            connection.putheader("Content-Length", str(len(body)))
        # A server may answer (413, 401) and hang up before it has read all; that answer counts.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.endheaders(body or None)
        return connection.answer()

    def _read(self, response: HTTPResponse) -> Answer:
        with response:
            if response.status < 200:
                raise OutboundFailed(
                    f"{self.target.origin} answered only with the interim status {response.status}. "
                    "Check that the address is that of an HTTP endpoint, not of a WebSocket."
                )
            body, truncated = read_body(response, self.policy.max_response_bytes)
            self.reusable = response.isclosed() and not response.will_close
            duration = round((monotonic() - self.started) * 1000)
            return Answer(response.status, kept(response.getheaders()), body, truncated, duration)

    def _finish(self) -> None:
        """End the watch, then keep or close the connection."""
        if self.watch is not None:
            self.watch.stop()
            self.reusable = self.reusable and not self.watch.fired
        if self.connection is None:
            return
        if self.reusable:
            self.process.pool.park(self.key, self.connection)
        else:
            self.connection.close()

    def _failure(self, error: Exception) -> OutboundFailed:
        if (self.watch is not None and self.watch.fired) or monotonic() >= self.deadline:
            return self._too_long()
        origin = self.target.origin
        if isinstance(error, TimeoutError):
            if self.connection is None:
                return OutboundFailed(
                    f"{origin} did not take a connection within {self.policy.connect_seconds:g} s. Check host, "
                    'port and firewall, or raise RULES_ENGINE["OUTBOUND"]["CONNECT_SECONDS"].'
                )
            return OutboundFailed(
                f"{origin} sent nothing for {self.policy.read_seconds:g} s. Let it answer first and work later, "
                'or raise RULES_ENGINE["OUTBOUND"]["READ_SECONDS"].'
            )
        return OutboundFailed(f"{origin} {_what_happened(error)}")

    def _too_long(self) -> OutboundFailed:
        return OutboundFailed(
            f"{self.target.origin} did not answer in full within {self.seconds:g} s. Let it answer first and work "
            'later, or raise RULES_ENGINE["OUTBOUND"]["TOTAL_SECONDS"].'
        )


def _what_happened(error: Exception) -> str:
    """Say it in words of our own: those of the error may quote what the server or the URL holds."""
    if isinstance(error, (ssl.SSLCertVerificationError, CertificateError)):
        reason = getattr(error, "verify_message", "") or "it is for another host"
        return f"was not called: its certificate is not accepted ({reason}). Renew it or correct the host."
    if isinstance(error, (ssl.SSLError, HTTPError)):
        return "was not called: no TLS connection came about. Check that the port speaks TLS, version 1.2 or later."
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection. Check the port, and that the service is running."
    if isinstance(error, (ConnectionError, IncompleteRead, NotConnected)):
        return "ended the connection before its answer was complete. Look into the log of that service."
    if isinstance(error, HTTPException):
        return "answered with something that is not HTTP. Check host and port, and whether it needs https://."
    return f"could not be reached: {getattr(error, 'strerror', None) or type(error).__name__}. Check the network."
