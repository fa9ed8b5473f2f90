from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from django.test import override_settings

from rules_engine import conf
from rules_engine.exceptions import OutboundRefused
from rules_engine.outbound import Policy, check_url
from rules_engine.outbound.address import special
from rules_engine.outbound.guard import judge_addresses
from rules_engine.outbound.url import parse


def policy(**given: Any) -> Policy:
    """Make a policy from plain lists."""
    for name in ("allowed_hosts", "denied_hosts"):
        given[name] = frozenset(given.get(name, ()))
    for name in ("allowed_networks", "denied_networks"):
        given[name] = tuple(ip_network(text) for text in given.get(name, ()))
    return Policy(**given)


def refusal(url: str, *addresses: str, **given: Any) -> str:
    """Return why the URL is refused when its host has these addresses, or ``""``."""
    rules = policy(**given)
    try:
        check_url(url, rules)
        judge_addresses(parse(url), [ip_address(text) for text in addresses], rules)
    except OutboundRefused as error:
        return str(error)
    return ""


def test_policy_default_is_that_of_the_settings() -> None:
    """A policy made without arguments is the one of a project that sets nothing."""
    with override_settings(RULES_ENGINE={}):
        assert Policy() == Policy.from_settings()


def test_policy_from_settings_reads_every_key() -> None:
    """Each key of OUTBOUND reaches the policy."""
    given = {
        "ALLOWED_HOSTS": ["Internal.Example.", "bücher.example:81", "::1", "[::1]:82", "127.1"],
        "ALLOWED_NETWORKS": ["10.1.0.0/16"],
        "DENIED_HOSTS": [".Example.org"],
        "DENIED_NETWORKS": ["8.8.8.0/24"],
        "REQUIRE_HTTPS": True,
        "CONNECT_SECONDS": 1,
        "READ_SECONDS": 2,
        "TOTAL_SECONDS": 3,
        "MAX_REQUEST_BYTES": 4,
        "MAX_RESPONSE_BYTES": 5,
    }
    assert given.keys() == conf.OUTBOUND_KEYS.keys()
    with override_settings(RULES_ENGINE={"OUTBOUND": given}):
        found = Policy.from_settings()

    assert found == Policy(
        allowed_hosts=frozenset({"internal.example", "xn--bcher-kva.example:81", "[::1]", "[::1]:82", "127.0.0.1"}),
        allowed_networks=(ip_network("10.1.0.0/16"),),
        denied_hosts=frozenset({".example.org"}),
        denied_networks=(ip_network("8.8.8.0/24"),),
        require_https=True,
        connect_seconds=1,
        read_seconds=2,
        total_seconds=3,
        max_request_bytes=4,
        max_response_bytes=5,
    )


def test_check_url_without_policy_follows_the_settings() -> None:
    """What is allowed follows the settings in force at each call."""
    with override_settings(RULES_ENGINE={"OUTBOUND": {"ALLOWED_NETWORKS": ["10.0.0.0/8"]}}):
        check_url("http://10.0.0.5/")
    with override_settings(RULES_ENGINE={}), pytest.raises(OutboundRefused, match="is a private address"):
        check_url("http://10.0.0.5/")


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://internal/", "internal"),
        ("http://internal:8000/", "internal"),
        ("http://internal:8000/", "INTERNAL.:8000"),
        ("http://internal/", "internal:80"),
        ("http://[::1]:8000/", "[::1]:8000"),
        ("http://[::1]:8000/", "::1"),
        ("http://127.1/", "127.0.0.1"),
        ("http://localhost:8000/", "localhost"),
        ("http://metadata.google.internal/", "metadata.google.internal"),
    ],
)
def test_allowed_host_with_private_address_called(url: str, entry: str) -> None:
    """A listed host may have a special address, with any port or the listed one."""
    assert refusal(url, "127.0.0.1", allowed_hosts=[entry]) == ""


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://internal:8001/", "internal:8000"),
        ("http://sub.internal/", "internal"),
        ("http://internal/", ".internal"),
        ("http://internal/", "*"),
        ("http://internal/", ""),
    ],
)
def test_allowed_host_other_than_the_url_refused(url: str, entry: str) -> None:
    """Listing a host allows exactly that host, and no other port when it names one."""
    assert "resolves to a private address" in refusal(url, "10.0.0.5", allowed_hosts=[entry])


def test_allowed_network_allows_addresses_inside_it_only() -> None:
    """A listed network allows its own addresses, whatever the name."""
    assert refusal("http://internal/", "10.1.2.3", allowed_networks=["10.1.0.0/16"]) == ""
    assert "private" in refusal("http://internal/", "10.2.2.3", allowed_networks=["10.1.0.0/16"])


def test_allowed_network_of_loopback_allows_localhost() -> None:
    """With 127.0.0.0/8 listed, the name localhost is judged by its addresses."""
    given: dict[str, Any] = {"allowed_networks": ["127.0.0.0/8"]}

    assert refusal("http://localhost/", "127.0.0.1", **given) == ""
    assert "resolves to a loopback address" in refusal("http://localhost/", "127.0.0.1", "::1", **given)


@pytest.mark.parametrize(
    ("address", "network", "reason"),
    [
        ("::ffff:10.0.0.1", "10.0.0.0/8", ""),
        ("::ffff:10.0.0.1", "::ffff:0:0/96", "a private address"),
        ("64:ff9b::8.8.8.8", "64:ff9b::/96", ""),
        ("64:ff9b::10.0.0.1", "64:ff9b::/96", "a private address"),
        ("64:ff9b:1::127.0.0.1", "64:ff9b:1::/48", "a loopback address"),
        ("2002:a9fe:a9fe::", "2002::/16", "a link-local address"),
        ("2001:0:808:808:0:0:f5ff:fffe", "2001::/32", "a private address"),
        ("::127.0.0.1", "127.0.0.0/8", "an address that carries an IPv4 address"),
        ("::127.0.0.1", "::/96", "a loopback address"),
        ("::1", "::1/128", ""),
        ("::", "::/128", ""),
        ("fe80::1%1", "fe80::/10", ""),
    ],
)
def test_allowed_network_of_carriers_judges_the_address_inside(address: str, network: str, reason: str) -> None:
    """Allowing a translation prefix does not allow the private addresses that it reaches."""
    found = refusal("http://internal/", address, allowed_networks=[network])

    assert (reason in found) if reason else found == ""


@pytest.mark.parametrize(
    "given",
    [
        {"denied_hosts": ["internal"], "allowed_hosts": ["internal"]},
        {"denied_hosts": ["internal:80"], "allowed_hosts": ["internal"]},
        {"denied_networks": ["10.0.0.0/8"], "allowed_hosts": ["internal"]},
        {"denied_networks": ["10.0.0.0/8"], "allowed_networks": ["10.0.0.0/8"]},
    ],
)
def test_denied_beats_allowed(given: dict[str, Any]) -> None:
    """Who is on both lists is refused, and the message names the list."""
    found = refusal("http://internal/", "10.0.0.5", **given)

    assert 'RULES_ENGINE["OUTBOUND"]["DENIED_' in found


@pytest.mark.parametrize(
    ("host", "denied"),
    [("example.com", True), ("a.example.com", True), ("a.b.example.com", True), ("badexample.com", False)],
)
def test_denied_domain_covers_all_below_it(host: str, denied: bool) -> None:
    """An entry with a leading dot covers the domain and every name below it, and no name that only ends alike."""
    assert bool(refusal(f"http://{host}/", denied_hosts=[".example.com"])) is denied


def test_denied_network_covers_addresses_carried_by_others() -> None:
    """A denied IPv4 network is denied inside IPv6 too."""
    given: dict[str, Any] = {"denied_networks": ["8.8.8.0/24"], "allowed_networks": ["64:ff9b::/96"]}

    assert "DENIED_NETWORKS" in refusal("http://dns.example/", "64:ff9b::8.8.8.8", **given)
    assert "DENIED_NETWORKS" in refusal("http://dns.example/", "8.8.8.8", **given)
    assert refusal("http://dns.example/", "8.8.4.4", **given) == ""


def test_https_required_refuses_http() -> None:
    """With REQUIRE_HTTPS, plain HTTP is refused also for listed hosts."""
    found = refusal("http://internal/", allowed_hosts=["internal"], require_https=True)

    assert found == (
        'http://internal may not be called: RULES_ENGINE["OUTBOUND"]["REQUIRE_HTTPS"] is on. Use an https:// address.'
    )
    assert refusal("https://internal/", require_https=True) == ""


def test_name_with_private_address_refused_without_showing_it() -> None:
    """The address behind a name stays hidden: it would map the internal network for a rule's author."""
    found = refusal("http://internal.example/", "10.20.30.40")

    assert found.startswith("http://internal.example may not be called: it resolves to a private address. ")
    assert "10.20.30.40" not in found


def test_name_with_public_and_private_address_refused() -> None:
    """One private address among public ones refuses the call, wherever it stands."""
    for addresses in (["8.8.8.8", "10.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["2606:4700::1", "::1"]):
        assert "may not be called" in refusal("http://example.com/", *addresses)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.15.255.255", "100.63.255.255", "2606:4700::1111"])
def test_address_public_is_not_special(address: str) -> None:
    """The neighbours of special networks are public."""
    assert special(ip_address(address)) is None
