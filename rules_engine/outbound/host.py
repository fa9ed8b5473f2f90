"""One spelling for each host, so that no other spelling slips past a comparison."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# IDNA 2003, which Python has, turns these into other characters; IDNA 2008 keeps them. The two lead to
# different owners (faß.de, fass.de), so that guessing would send the data to a stranger.
_AMBIGUOUS = frozenset("\u00df\u03c2\u200c\u200d")
_LONGEST = 253


def canonical(text: str) -> str:
    """Return an ASCII name in lower case without a last dot, a dotted IPv4 or a bare IPv6 address.

    Every spelling that some system takes for an address becomes that address: ``127.1``, ``0x7f.1``,
    ``2130706433``, ``0177.0.0.1``, full-width digits. Raises ValueError with what is wrong.
    """
    if text.startswith("["):
        return _ipv6(text)
    if len(text) > _LONGEST + 1:
        raise ValueError(f"the host is longer than {_LONGEST} characters")
    name = _ascii(text).lower().removesuffix(".")
    if not name:
        raise ValueError("the host is missing")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return str(_ipv4(labels))
    if len(name) > _LONGEST or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("the host is not a valid host name")
    return name


def join(host: str, port: int | str | None) -> str:
    """Write a host, and a port unless it is None or empty, as a URL does."""
    name = f"[{host}]" if ":" in host else host
    return f"{name}:{port}" if port else name


def split(text: str) -> tuple[str, str]:
    """Split ``host``, ``host:port``, ``[address]:port`` or a bare IPv6 address into host and port (or ``""``)."""
    if text.startswith("["):
        address, bracket, rest = text.partition("]")
        return address + bracket, rest.removeprefix(":")
    if text.count(":") > 1:
        return f"[{text}]", ""
    host, _, port = text.partition(":")
    return host, port


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    if not _AMBIGUOUS.isdisjoint(text):
        raise ValueError("the host holds a letter that two standards read differently: write its xn-- form")
    try:
        return text.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("the host is not a valid international name: write its xn-- form") from None


def _ipv6(text: str) -> str:
    if "%" in text:
        raise ValueError("the address has a zone (%...), which is only known on one machine")
    try:
        return str(IPv6Address(text[1:].removesuffix("]") if text.endswith("]") else "broken"))
    except ValueError:
        raise ValueError("the host in brackets is not an IPv6 address") from None


def _ipv4(labels: list[str]) -> IPv4Address:
    """Read one to four numbers as inet_aton() does: decimal, octal after 0, hexadecimal after 0x."""
    try:
        numbers = [_number(label) for label in labels]
    except ValueError:
        numbers = []
    *heads, last = numbers or [256**4]
    if len(heads) > 3 or max(heads, default=0) > 255 or last >= 256 ** (4 - len(heads)):
        raise ValueError("the host ends in a number, but is not an IPv4 address")
    return IPv4Address(last + sum(head << (24 - 8 * place) for place, head in enumerate(heads)))


def _number(label: str) -> int:
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8 if label.startswith("0") else 10)
