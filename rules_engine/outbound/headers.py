"""Which headers may be sent, and which of an answer are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rules_engine.exceptions import OutboundRefused

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Tab is the one control character that a value may hold.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

_OURS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer"),
        *("upgrade", "expect", "proxy-connection", "proxy-authorization"),
    }
)
"""Headers that say where a request goes and where it ends: only the client knows."""

_CREDENTIALS = re.compile(
    r"(set-)?cookie2?|(proxy-)?auth(orization|entication-info)|.*(token|secret|password|api-?key|session).*"
)


def check_headers(headers: Sequence[tuple[str, str]]) -> None:
    """Raise OutboundRefused for a header that cannot be sent; the message names it, never its value."""
    for name, value in headers:
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise OutboundRefused(f"{name!r} is not a header name. Use letters, digits and hyphens.")
        if name.lower() in _OURS:
            raise OutboundRefused(f"The header {name} is set by the HTTP client itself. Remove it.")
        if not isinstance(value, str):
            raise OutboundRefused(f"The value of the header {name} is not a text.")
        if _FORBIDDEN.search(value):
            raise OutboundRefused(
                f"The value of the header {name} holds a line break or another control character. Remove it."
            )
        try:
            value.encode("latin-1")
        except UnicodeEncodeError:
            raise OutboundRefused(
                f"The value of the header {name} holds a character that headers cannot carry (not Latin-1). "
                "Write it in another way, for example percent-encoded, or send it in the body."
            ) from None


def kept(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return an answer's headers by lower-case name: repeated ones joined, credentials left out."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        if _CREDENTIALS.fullmatch(key):
            continue
        # Control characters (of folded lines, or hostile) would break logs and databases further on.
        text = _FORBIDDEN.sub(" ", value)
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found
