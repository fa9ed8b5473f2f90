"""Decide whether a target may be called: by its name when a rule is saved, by its addresses when it is called."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from rules_engine.exceptions import OutboundRefused
from rules_engine.outbound.address import Address, carried, special
from rules_engine.outbound.host import join
from rules_engine.outbound.policy import Policy
from rules_engine.outbound.url import Target, parse

_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
_LOOPBACK = (ip_address("127.0.0.1"), ip_address("::1"))
# Their addresses are refused as well; the name is refused so that saving the rule fails already.
_METADATA_NAMES = frozenset(
    {
        *("metadata", "metadata.google.internal", "metadata.goog", "metadata.azure.internal"),
        *("instance-data", "instance-data.ec2.internal", "metadata.tencentyun.com", "metadata.packet.net"),
        *("metadata.platformequinix.com", "metadata.nicmanager.com"),
    }
)


def check_url(url: str, policy: Policy | None = None) -> None:
    """Raise OutboundRefused if ``url`` can be seen, without asking DNS, to be one that is never called.

    For use when a rule is saved. What its name resolves to is judged at each call.
    """
    judge_target(parse(url), policy or Policy.from_settings())


def judge_target(target: Target, policy: Policy) -> None:
    """Judge what the URL says itself: scheme, host, and the address if it names one."""
    if policy.require_https and target.scheme != "https":
        raise _refused(target, 'RULES_ENGINE["OUTBOUND"]["REQUIRE_HTTPS"] is on. Use an https:// address.')
    if policy.denies_host(target.host, target.port):
        raise _refused(target, 'its host is listed in RULES_ENGINE["OUTBOUND"]["DENIED_HOSTS"].')
    if target.address is not None:
        judge_addresses(target, [target.address], policy)
    elif not policy.allows_host(target.host, target.port):
        _judge_name(target, policy)


def judge_addresses(target: Target, addresses: Iterable[Address], policy: Policy) -> None:
    """Judge all addresses of the target: one that is refused refuses the call.

    A host with a public and a private address is a rebinding attempt or a mistake; picking the public one
    would let either pass unseen.
    """
    for address in addresses:
        _judge_address(target, address, policy)


def _judge_name(target: Target, policy: Policy) -> None:
    name = target.host
    if name in _METADATA_NAMES:
        raise _refused(target, f"it is a cloud metadata service. {_remedy(target, networks=False)}")
    local = name in _LOOPBACK_NAMES or name.endswith(".localhost")
    if local and not any(policy.allows_address(address) for address in _LOOPBACK):
        raise _refused(target, f"it is a loopback address. {_remedy(target)}")


def _judge_address(target: Target, address: Address, policy: Policy) -> None:
    reached = [address, *carried(address)]
    # The address behind a name is not shown: a rule's author could map the internal network with it.
    verb = "is" if target.address is not None else "resolves to"
    if any(policy.denies_address(one) for one in reached):
        raise _refused(target, f'it {verb} an address in RULES_ENGINE["OUTBOUND"]["DENIED_NETWORKS"].')
    if policy.allows_host(target.host, target.port):
        return
    for one in reached:
        kind = special(one)
        if kind is not None and not policy.allows_address(one):
            raise _refused(target, f"it {verb} {kind}. {_remedy(target)}")


def _refused(target: Target, reason: str) -> OutboundRefused:
    return OutboundRefused(f"{target.origin} may not be called: {reason}")


def _remedy(target: Target, *, networks: bool = True) -> str:
    lists = 'RULES_ENGINE["OUTBOUND"]["ALLOWED_HOSTS"]'
    if networks:
        lists += ' or its network to RULES_ENGINE["OUTBOUND"]["ALLOWED_NETWORKS"]'
    return f'If this is meant, ask whoever runs the site to add "{join(target.host, target.port)}" to {lists}.'
