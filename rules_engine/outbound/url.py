"""Take a URL apart, strictly: the parts found here are the ones that are called; nothing parses it again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from unicodedata import category
from urllib.parse import quote

from rules_engine.exceptions import OutboundRefused
from rules_engine.outbound.address import Address
from rules_engine.outbound.host import canonical, join

_PORTS = {"http": 80, "https": 443}
_SHAPE = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*):(?P<slashes>/*)(?P<authority>[^/?]*)(?P<rest>.*)", re.I)
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>.*))?")
_LONGEST = 8000
# Everything a path and query may hold, "%" included: what is escaped already stays as it is.
_SAFE = "!$%&'()*+,/:;=?@[]~"
# Unicode categories of spaces, controls, format characters and lone surrogates.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})
# Parts of words in some scripts; in a host they are judged there.
_JOINERS = "\u00ad\u200c\u200d"


@dataclass(frozen=True)
class Target:
    """Where a request goes: the parts of a URL, each in its one spelling."""

    scheme: str
    host: str
    port: int
    path: str
    """Path and query, as the request line has them."""

    @property
    def origin(self) -> str:
        """The URL without path and query, which may hold secrets: for messages."""
        return f"{self.scheme}://{join(self.host, None if self.port == _PORTS[self.scheme] else self.port)}"

    @property
    def address(self) -> Address | None:
        """The address, if the URL names one instead of a host."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None


def parse(url: str) -> Target:
    """Return the parts of ``url``; raises OutboundRefused, whose message never shows more of it than the host."""
    _check_characters(url)
    found = _SHAPE.fullmatch(url)
    scheme = found["scheme"].lower() if found else ""
    if found is None or scheme not in _PORTS or found["slashes"] == "":
        raise OutboundRefused("The URL must start with https:// or http://. Write the whole address.")
    if found["slashes"] != "//":
        raise OutboundRefused(f"The URL must have exactly two slashes after {scheme}:.")
    authority = found["authority"]
    if "@" in authority:
        raise OutboundRefused(
            "The URL holds a user name or password before its host. Send credentials in a header, "
            "with the value from a secret."
        )
    host, port = _host_and_port(authority, _PORTS[scheme])
    path = quote(found["rest"], safe=_SAFE)
    return Target(scheme, host, port, path if path.startswith("/") else f"/{path}")


def _check_characters(url: str) -> None:
    if not isinstance(url, str) or not url:
        raise OutboundRefused("The URL is missing.")
    if len(url) > _LONGEST:
        raise OutboundRefused(f"The URL has {len(url)} characters; at most {_LONGEST} are sent.")
    for place, character in enumerate(url):
        if character not in _JOINERS and category(character) in _INVISIBLE:
            raise OutboundRefused(
                f"The URL holds a space or invisible character (U+{ord(character):04X}) at position {place}. "
                "Remove it, or escape it as %XX."
            )
    if "\\" in url:
        raise OutboundRefused("The URL holds a backslash, which programs read differently. Write / or %5C.")
    if "#" in url:
        raise OutboundRefused("The URL holds a fragment (#...), which is never sent. Remove it, or write %23.")


def _host_and_port(authority: str, default: int) -> tuple[str, int]:
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise OutboundRefused("The URL has no valid host: brackets belong around an IPv6 address only.")
    try:
        host = canonical(found["host"])
    except ValueError as error:
        raise OutboundRefused(f"The URL cannot be called: {error}.") from None
    digits = found["port"]
    if digits is None:
        return host, default
    if not re.fullmatch(r"[0-9]{1,5}", digits) or not 0 < int(digits) < 65536:
        raise OutboundRefused(f"The URL for {join(host, None)} has no valid port: write a number from 1 to 65535.")
    return host, int(digits)
