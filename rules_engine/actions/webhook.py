"""Call an HTTP endpoint, signed as Standard Webhooks 1.0.0 asks (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Literal
from urllib.parse import unquote

from rules_engine import jsontext, outbound
from rules_engine.actions.base import Action, Problem, Run, event_text, no_such_secret, without
from rules_engine.actions.registry import register_builtin
from rules_engine.conf import settings
from rules_engine.context import REDACTED, is_secret_name
from rules_engine.events import Event
from rules_engine.exceptions import ActionError, ActionRefused, OutboundFailed, OutboundRefused

STAMPS = frozenset({"webhook-id", "webhook-timestamp", "webhook-signature"})
"""Headers by which receivers know and trust a call."""
_TAGS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")
_MOST_DECODINGS = 5
"""More layers of percent-encoding than any chain of servers removes."""

RETRIED = frozenset({408, 425, 429})
"""Client errors that may pass; other 4xx are final, 5xx are tried again."""
GONE = 410
KEPT_CHARACTERS = 4_000
"""Length of the request and answer bodies that are kept with an attempt."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """One header of a request."""

    name: str = field(metadata={"schema": {"minLength": 1, "maxLength": 200}})
    value: str = field(metadata={"template": True, "schema": {"maxLength": 4_000}})


@register_builtin("webhook")
@dataclass(frozen=True, kw_only=True)
class Webhook(Action):
    """Call an HTTP endpoint with the event as JSON, signed so that the receiver can trust it."""

    title: ClassVar[str] = "Call a webhook"

    url: str = field(
        metadata={
            "title": "URL",
            "help": "http or https address of the endpoint. Path and query may be a template; write "
            "{{ instance.name|urlencode }} for texts.",
            "schema": {"minLength": 1, "maxLength": 2_000, "format": "uri-template"},
            "template": True,
        }
    )
    method: Literal["POST", "PUT", "PATCH", "GET", "DELETE"] = "POST"
    body: str = field(
        default="",
        metadata={
            "title": "JSON body",
            "help": "JMESPath over the event, such as {number: instance.number}. Empty sends the whole event.",
            "expression": True,
            "schema": {"format": "textarea"},
        },
    )
    headers: tuple[Header, ...] = field(
        default=(),
        metadata={"help": "Further headers. Secrets go in as {{ secrets.NAME }}.", "items": Header},
    )
    secret: str = field(
        default="",
        metadata={
            "title": "Signing secret",
            "help": "Name of a secret; the call is signed with it as Standard Webhooks asks.",
            "schema": {"maxLength": 100},
        },
    )
    timeout_seconds: float = field(
        default=15.0,
        metadata={
            "title": "Time limit",
            "help": "Seconds for the whole call.",
            "schema": {"minimum": 0.1, "maximum": 60},
        },
    )

    def problems(self) -> list[Problem]:
        return [*self._url_problems(), *self._header_problems(), *self._secret_problems()]

    def _url_problems(self) -> Iterator[Problem]:
        host = re.split(r"[/?#]", self.url.partition("://")[2], maxsplit=1)[0]
        if "{" in host or "{" in self.url.partition("://")[0]:
            # The event's data must not choose the host: that is what the address guard protects.
            yield ("url",), "A template may stand in the path and the query only, not in scheme or host."
            return
        try:
            outbound.check_url(_TAGS.sub("", self.url))
        except OutboundRefused as error:
            yield ("url",), str(error)
            return
        # A value between the dots (a..b) makes them no step upwards; whether one comes in is judged when it is known.
        if leads_upwards(_TAGS.sub(lambda tag: "x" if tag[0].startswith("{{") else "", self.url)):
            yield ("url",), "The path leads upwards (..). Write the path that is meant."

    def _header_problems(self) -> Iterator[Problem]:
        for number, header in enumerate(self.headers):
            if problem := _header_problem(header):
                part, message = problem
                yield ("headers", number, part), message

    def _secret_problems(self) -> Iterator[Problem]:
        if not self.secret:
            return
        if self.secret not in settings.SECRETS:
            yield ("secret",), no_such_secret(self.secret)
            return
        try:
            signing_key(settings.SECRETS[self.secret])
        except ValueError as error:
            yield ("secret",), f"The secret {self.secret!r} cannot sign: {error}"

    def preview(self, event: Event, run: Run) -> dict[str, Any]:
        shown = super().preview(event, run)
        if not self._has_body:
            shown["body"] = None
        elif not self.body.strip():
            shown["body"] = event.data
        return shown

    def run(self, event: Event, run: Run) -> str:
        body = self._body(event)
        own = self._own_headers(run, body)
        run.detail["request"] = self._shown_request(event, run, own, body)
        url, given = self._url(event, run), self._given_headers(event, run)
        try:
            answer = outbound.send(self.method, url, headers=[*own, *given], body=body, timeout=self.timeout_seconds)
        except OutboundRefused as error:
            raise ActionRefused(str(error)) from error
        except OutboundFailed as error:
            raise ActionError(str(error)) from error
        sent = self._sent(url, given, event)
        run.detail["response"] = {
            "status": answer.status,
            "headers": {name: without(value, sent) for name, value in answer.headers.items()},
            "body": _kept(run, answer.body, sent),
            "truncated": answer.truncated,
            "duration_ms": answer.duration_ms,
        }
        return self._judge(answer)

    def _sent(self, url: str, given: list[tuple[str, str]], event: Event) -> list[tuple[str, str]]:
        """What was sent and what may be shown of it: an endpoint may answer with what it was asked."""
        shown = [value for _, value in self._given_headers(event, None)]
        pairs = list(zip((value for _, value in given), shown, strict=True))
        return [*pairs, (_path(url), _path(self.render("url", event, None)))]

    def _judge(self, answer: outbound.Answer) -> str:
        line = f"HTTP {answer.status} in {answer.duration_ms} ms"
        if 200 <= answer.status < 300:
            return line
        if answer.status == GONE:
            raise ActionRefused(f"{line}: the endpoint is gone, so this action was switched off.", switch_off=True)
        if answer.status in RETRIED or answer.status >= 500:
            raise ActionError(line, retry_after=retry_after(answer.headers.get("retry-after", "")))
        if 300 <= answer.status < 400:
            raise ActionRefused(f"{line}: redirects are not followed. Use the final address.")
        raise ActionRefused(f"{line}: the endpoint refused the call, and would refuse it again.")

    @property
    def _has_body(self) -> bool:
        return self.method not in ("GET", "DELETE")

    def _body(self, event: Event) -> bytes:
        if not self._has_body:
            return b""
        if not self.body.strip():
            return event_text(event)
        return jsontext.dumps(self.evaluate("body", event)).encode()

    def _url(self, event: Event, run: Run) -> str:
        url = self.render("url", event, run)
        if leads_upwards(url):
            raise ActionRefused(
                "The event's data would lead the URL's path upwards (..), to another place of that host. "
                "Let a condition exclude such data."
            )
        return url

    def _own_headers(self, run: Run, body: bytes) -> list[tuple[str, str]]:
        stamp = int(time.time())
        headers = [("webhook-id", str(run.key)), ("webhook-timestamp", str(stamp))]
        if self.secret:
            headers.append(("webhook-signature", self._signature(run, stamp, body)))
        if body and not any(header.name.lower() == "content-type" for header in self.headers):
            headers.append(("content-type", "application/json"))
        return headers

    def _given_headers(self, event: Event, run: Run | None) -> list[tuple[str, str]]:
        return [
            (header.name, self.render_text(header.value, event, run, where=f"Header {header.name}"))
            for header in self.headers
        ]

    def _signature(self, run: Run, stamp: int, body: bytes) -> str:
        if self.secret not in run.secrets:
            raise ActionRefused(f"{no_such_secret(self.secret)} Then retry.")
        try:
            return sign(signing_key(run.secrets[self.secret]), str(run.key), stamp, body)
        except ValueError as error:
            raise ActionRefused(f"The secret {self.secret!r} cannot sign: {error}") from error

    def _shown_request(self, event: Event, run: Run, own: list[tuple[str, str]], body: bytes) -> dict[str, Any]:
        """The request as the history keeps it: secrets never rendered, the body cut."""
        hidden = {"webhook-signature"}
        return {
            "method": self.method,
            "url": self.render("url", event, None),
            "headers": {
                name: REDACTED if is_secret_name(name) or name in hidden else value
                for name, value in (*own, *self._given_headers(event, None))
            },
            "body": _kept(run, body),
            "bytes": len(body),
        }


def _header_problem(header: Header) -> tuple[str, str] | None:
    """What is wrong with a header, and in which of its two parts."""
    for part, value in (("name", ""), ("value", header.value)):
        try:
            outbound.check_headers([(header.name, value)])
        except OutboundRefused as error:
            return part, str(error)
    if header.name.lower() in STAMPS:
        return "name", f"The header {header.name} is set by the engine itself. Remove it."
    if is_secret_name(header.name) and "secrets." not in header.value:
        return "value", (
            f"{header.name} is a secret, and rules can be read by many. Put the value into "
            'RULES_ENGINE["SECRETS"] and write {{ secrets.NAME }} here.'
        )
    return None


def leads_upwards(url: str) -> bool:
    """Tell whether a segment of the URL's path is ``..``, as any server on the way may read it.

    Servers differ: some decode before they split, some twice, some take a backslash for a slash, and some cut
    parameters (``..;a=b``) off first. The query is no path.
    """
    path = _path(re.split(r"[?#]", url, maxsplit=1)[0])
    for _ in range(_MOST_DECODINGS):
        if any(re.split(r"[;?#\x00]", segment)[0].strip() == ".." for segment in re.split(r"[/\\]", path)):
            return True
        path = unquote(path)
    return False


def _path(url: str) -> str:
    """Path and query: what a server is asked for."""
    return url.partition("://")[2].partition("/")[2]


def _kept(run: Run, body: bytes, sent: Iterable[tuple[str, str]] = ()) -> str:
    """The start of a body; masked before it is cut, because half a secret would not be recognised."""
    return run.masked(without(body.decode("utf-8", "replace"), sent))[:KEPT_CHARACTERS]


def signing_key(secret: str) -> bytes:
    """Return the key of a ``whsec_…`` secret (base64) or of a plain text; raises ValueError for a bad one."""
    if not secret.startswith("whsec_"):
        if len(secret) < 24:
            raise ValueError("it must be whsec_ and base64, or at least 24 characters of text.")
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("what follows whsec_ is not base64.") from error
    if not 24 <= len(key) <= 64:
        raise ValueError(f"a signing key has 24 to 64 bytes; this one has {len(key)}.")
    return key


def sign(key: bytes, message_id: str, stamp: int, body: bytes) -> str:
    """Return the ``webhook-signature`` of Standard Webhooks 1.0.0: v1, HMAC-SHA256 over ``id.timestamp.body``."""
    digest = hmac.new(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def retry_after(value: str) -> float | None:
    """Seconds of a ``Retry-After`` header, a number or an HTTP date (RFC 9110, 10.2.3); None if unusable."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    # The oldest of the three forms of HTTP dates names no zone; all are in GMT.
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
