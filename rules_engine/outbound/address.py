"""Which IP addresses are special, and which carry another address inside."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# `is_global` alone is not enough: it depends on the Python release (older tables lack 3fff::/20, 5f00::/16 and
# the local NAT64 prefix), and it calls multicast, site-local and translated addresses global.
_KINDS: dict[str, tuple[str, ...]] = {
    "an unspecified address": ("0.0.0.0/8", "::/128"),
    "a loopback address": ("127.0.0.0/8", "::1/128"),
    "a private address": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
    "a shared (carrier-grade NAT) address": ("100.64.0.0/10",),
    "a link-local address, where cloud metadata lives": ("169.254.0.0/16", "fe80::/10"),
    "an address of the cloud platform": ("168.63.129.16/32",),
    "an address for documentation": (
        *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
        *("2001:db8::/32", "3fff::/20"),
    ),
    "a benchmarking address": ("198.18.0.0/15",),
    "a multicast or broadcast address": ("224.0.0.0/4", "255.255.255.255/32", "ff00::/8"),
    "an address that carries an IPv4 address": (
        *("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"),
        "::/96",
    ),
    "a reserved address": (
        *("192.0.0.0/24", "192.88.99.0/24", "240.0.0.0/4"),
        *("100::/64", "100:0:0:1::/64", "2001::/23", "2620:4f:8000::/48", "5f00::/16"),
    ),
}
_SPECIAL: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(text), kind) for kind, networks in _KINDS.items() for text in networks
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")

_CARRIERS = tuple(IPv6Network(text) for text in ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"))
"""IPv6 networks whose last 32 bits are an IPv4 address: compatible, translated (SIIT), NAT64, local NAT64."""


def special(address: Address) -> str | None:
    """Say what kind of special address it is ("a loopback address"), or None for a public one."""
    for network, kind in _SPECIAL:
        if address in network:
            return kind
    # Every public IPv6 address lies in 2000::/3; all the rest is unassigned.
    if not address.is_global or (isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST):
        return "a reserved address"
    return None


def carried(address: Address) -> list[IPv4Address]:
    """Return the IPv4 addresses inside an IPv6 address, where a gateway may send what is addressed to it."""
    if isinstance(address, IPv4Address) or int(address) in (0, 1):
        return []
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address.sixtofour:
        return [address.sixtofour]
    if address.teredo:
        return list(address.teredo)
    if any(address in network for network in _CARRIERS):
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return []
