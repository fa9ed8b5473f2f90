"""What may be called, and within which limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_network
from typing import Any

from rules_engine import conf
from rules_engine.outbound.address import Address, Network
from rules_engine.outbound.host import canonical, join, split


def _default(name: str) -> Any:
    return conf.OUTBOUND_KEYS[name][0]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The rules for one call; every default is that of ``RULES_ENGINE["OUTBOUND"]``.

    A denied host or network is never called, also when it is allowed elsewhere.
    """

    allowed_hosts: frozenset[str] = frozenset(_default("ALLOWED_HOSTS"))
    """``host`` or ``host:port`` that may be called although the address is special."""
    allowed_networks: tuple[Network, ...] = ()
    denied_hosts: frozenset[str] = frozenset(_default("DENIED_HOSTS"))
    """``host``, ``host:port``, or ``.example.com`` for that domain and all below it."""
    denied_networks: tuple[Network, ...] = ()
    require_https: bool = _default("REQUIRE_HTTPS")
    connect_seconds: float = _default("CONNECT_SECONDS")
    read_seconds: float = _default("READ_SECONDS")
    total_seconds: float = _default("TOTAL_SECONDS")
    max_request_bytes: int = _default("MAX_REQUEST_BYTES")
    max_response_bytes: int = _default("MAX_RESPONSE_BYTES")
    ca_file: str = ""
    """PEM file of the authorities to trust; the system's when empty."""

    def __post_init__(self) -> None:
        for name in ("allowed_hosts", "denied_hosts"):
            object.__setattr__(self, name, frozenset(_entry(text) for text in getattr(self, name)))

    @classmethod
    def from_settings(cls) -> Policy:
        """Return the policy of ``settings.RULES_ENGINE["OUTBOUND"]`` as it is now."""
        return _built(
            tuple(conf.outbound("ALLOWED_HOSTS")),
            tuple(conf.outbound("ALLOWED_NETWORKS")),
            tuple(conf.outbound("DENIED_HOSTS")),
            tuple(conf.outbound("DENIED_NETWORKS")),
            **{
                name.lower(): conf.outbound(name)
                for name in (
                    *("REQUIRE_HTTPS", "CONNECT_SECONDS", "READ_SECONDS", "TOTAL_SECONDS"),
                    *("MAX_REQUEST_BYTES", "MAX_RESPONSE_BYTES"),
                )
            },
        )

    def allows_host(self, host: str, port: int) -> bool:
        """Tell whether the host is listed, so that its address may be special."""
        return not self.allowed_hosts.isdisjoint((join(host, None), join(host, port)))

    def denies_host(self, host: str, port: int) -> bool:
        """Tell whether the host, or a domain above it, is denied."""
        if not self.denied_hosts:
            return False
        labels = host.split(".")
        domains = ("." + ".".join(labels[place:]) for place in range(len(labels)))
        return not self.denied_hosts.isdisjoint((join(host, None), join(host, port), *domains))

    def allows_address(self, address: Address) -> bool:
        """Tell whether the address is in a listed network; a mapped one also counts as its IPv4 address."""
        return _within(address, self.allowed_networks)

    def denies_address(self, address: Address) -> bool:
        """Tell whether the address is in a denied network."""
        return _within(address, self.denied_networks)


def _within(address: Address, networks: Iterable[Network]) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return any(address in network or (mapped is not None and mapped in network) for network in networks)


def _entry(text: str) -> str:
    """Spell a listed host as hosts of URLs are spelled; one that is no host matches nothing."""
    dot = "." if text.startswith(".") else ""
    host, port = split(text.strip().removeprefix("."))
    try:
        return dot + join(canonical(host), port)
    except ValueError:
        return text


@lru_cache(maxsize=16)
def _built(
    allowed_hosts: tuple[str, ...],
    allowed_networks: tuple[str, ...],
    denied_hosts: tuple[str, ...],
    denied_networks: tuple[str, ...],
    **limits: Any,
) -> Policy:
    # Cached, because each call of an endpoint asks for it and networks take long to parse.
    return Policy(
        allowed_hosts=frozenset(allowed_hosts),
        allowed_networks=tuple(ip_network(text) for text in allowed_networks),
        denied_hosts=frozenset(denied_hosts),
        denied_networks=tuple(ip_network(text) for text in denied_networks),
        **limits,
    )
