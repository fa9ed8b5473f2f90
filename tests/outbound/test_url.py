from __future__ import annotations

import pytest

from rules_engine.exceptions import OutboundRefused
from rules_engine.outbound import Policy, check_url
from rules_engine.outbound.url import parse

LOOPBACK = "is a loopback address"
UNSPECIFIED = "is an unspecified address"
PRIVATE = "is a private address"
LINK_LOCAL = "is a link-local address, where cloud metadata lives"
CARRIER = "is an address that carries an IPv4 address"
SHARED = "is a shared (carrier-grade NAT) address"
RESERVED = "is a reserved address"
DOCUMENTATION = "is an address for documentation"
MULTICAST = "is a multicast or broadcast address"
NO_NAME = "the host is not a valid host name"
NO_IPV4 = "the host ends in a number, but is not an IPv4 address"
NO_SCHEME = "must start with https:// or http://"
INVISIBLE = "space or invisible character"
CREDENTIALS = "user name or password before its host"

HOSTILE = [
    # Loopback, in every spelling that some system reads.
    ("http://127.0.0.1/", LOOPBACK),
    ("http://127.0.0.1:8000/", LOOPBACK),
    ("http://127.255.255.254/", LOOPBACK),
    ("http://127.1/", LOOPBACK),
    ("http://127.0.1/", LOOPBACK),
    ("http://2130706433/", LOOPBACK),
    ("http://0x7f000001/", LOOPBACK),
    ("http://0X7F.0.0.1/", LOOPBACK),
    ("http://0x7f.1/", LOOPBACK),
    ("http://0177.0.0.1/", LOOPBACK),
    ("http://00000177.0.0.01/", LOOPBACK),
    ("http://017700000001/", LOOPBACK),
    ("http://127.0.0.1./", LOOPBACK),
    ("http://127。0。0。1/", LOOPBACK),
    ("http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/", LOOPBACK),
    ("http://①②⑦.0.0.1/", LOOPBACK),
    ("http://[::1]/", LOOPBACK),
    ("http://[0:0:0:0:0:0:0:1]:80/", LOOPBACK),
    ("http://localhost/", LOOPBACK),
    ("http://LOCALHOST/", LOOPBACK),
    ("http://localhost./", LOOPBACK),
    ("http://app.localhost/", LOOPBACK),
    ("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", LOOPBACK),
    ("http://local\u00adhost/", LOOPBACK),
    ("http://localhost.localdomain/", LOOPBACK),
    ("http://ip6-localhost/", LOOPBACK),
    # Other addresses of this machine and its network.
    ("http://0/", UNSPECIFIED),
    ("http://0.0.0.0/", UNSPECIFIED),
    ("http://0x/", UNSPECIFIED),
    ("http://[::]/", UNSPECIFIED),
    ("http://10.0.0.5/", PRIVATE),
    ("http://10.1/", PRIVATE),
    ("http://172.16.0.1/", PRIVATE),
    ("http://172.31.255.255/", PRIVATE),
    ("http://192.168.1.1/", PRIVATE),
    ("http://3232235777/", PRIVATE),
    ("http://[fc00::1]/", PRIVATE),
    ("http://[fd00:ec2::254]/", PRIVATE),
    ("http://[fec0::1]/", PRIVATE),
    ("http://100.64.0.1/", SHARED),
    ("http://100.100.100.200/", SHARED),
    ("http://169.254.169.254/latest/meta-data/", LINK_LOCAL),
    ("http://0xa9fea9fe/", LINK_LOCAL),
    ("http://0251.0376.0251.0376/", LINK_LOCAL),
    ("http://[fe80::1]/", LINK_LOCAL),
    ("http://168.63.129.16/", "is an address of the cloud platform"),
    ("http://metadata.google.internal/", "is a cloud metadata service"),
    ("http://METADATA.google.internal./", "is a cloud metadata service"),
    # Addresses inside addresses.
    ("http://[::ffff:127.0.0.1]/", CARRIER),
    ("http://[::ffff:7f00:1]/", CARRIER),
    ("http://[::ffff:a9fe:a9fe]/", CARRIER),
    ("http://[::ffff:8.8.8.8]/", CARRIER),
    ("http://[::127.0.0.1]/", CARRIER),
    ("http://[::ffff:0:127.0.0.1]/", CARRIER),
    ("http://[64:ff9b::127.0.0.1]/", CARRIER),
    ("http://[64:ff9b:1::10.0.0.1]/", CARRIER),
    ("http://[2002:7f00:1::]/", CARRIER),
    ("http://[2001:0:7f00:1::]/", CARRIER),
    # Not for calling at all.
    ("http://192.0.0.192/", RESERVED),
    ("http://192.88.99.1/", RESERVED),
    ("http://240.0.0.1/", RESERVED),
    ("http://[100::1]/", RESERVED),
    ("http://[5f00::1]/", RESERVED),
    ("http://[4000::1]/", RESERVED),
    ("http://[2620:4f:8000::1]/", RESERVED),
    ("http://192.0.2.1/", DOCUMENTATION),
    ("http://198.51.100.7/", DOCUMENTATION),
    ("http://203.0.113.9/", DOCUMENTATION),
    ("http://[2001:db8::1]/", DOCUMENTATION),
    ("http://[3fff::1]/", DOCUMENTATION),
    ("http://198.18.0.1/", "is a benchmarking address"),
    ("http://224.0.0.1/", MULTICAST),
    ("http://255.255.255.255/", MULTICAST),
    ("http://[ff02::1]/", MULTICAST),
    ("http://[ff0e::1]/", MULTICAST),
    # Hosts that are none.
    ("http://", "the host is missing"),
    ("http:///path", "must have exactly two slashes"),
    ("http://./", "the host is missing"),
    ("http://:80/", "the host is missing"),
    ("http://a..example.com/", NO_NAME),
    ("http://-a.example.com/", NO_NAME),
    ("http://exa%6dple.com/", NO_NAME),
    ("http://127.0.0.1%2f.example.com/", NO_NAME),
    ("http://evil℀.example.com/", NO_NAME),
    ("http://a,b.example.com/", NO_NAME),
    (f"http://{'a' * 64}.example.com/", NO_NAME),
    (f"http://{'a.' * 130}com/", "the host is longer than 253 characters"),
    ("http://256.1.1.1/", NO_IPV4),
    ("http://1.2.3.4.5/", NO_IPV4),
    ("http://4294967296/", NO_IPV4),
    ("http://08.8.8.8/", NO_IPV4),
    ("http://example.123/", NO_IPV4),
    ("http://example.0x7f/", NO_IPV4),
    ("http://faß.example/", "write its xn-- form"),
    ("http://a\u200db.example/", "write its xn-- form"),
    (f"http://{'ä' * 64}.example/", "write its xn-- form"),
    ("http://[fe80::1%25eth0]/", "the address has a zone"),
    ("http://[::1%lo]/", "the address has a zone"),
    ("http://[v1.fe80]/", "the host in brackets is not an IPv6 address"),
    ("http://[127.0.0.1]/", "the host in brackets is not an IPv6 address"),
    ("http://[::1/", "brackets belong around an IPv6 address only"),
    ("http://[::1]x/", "brackets belong around an IPv6 address only"),
    ("http://::1/", "the host is missing"),
    # Ports.
    ("http://example.com:/", "no valid port"),
    ("http://example.com:0/", "no valid port"),
    ("http://example.com:65536/", "no valid port"),
    ("http://example.com:080000/", "no valid port"),
    ("http://example.com:\uff18\uff10/", "no valid port"),
    ("http://example.com:80:80/", "no valid port"),
    ("http://example.com:-1/", "no valid port"),
    # Schemes.
    ("", "The URL is missing"),
    ("example.com", NO_SCHEME),
    ("//example.com/", NO_SCHEME),
    ("example.com:8000/", NO_SCHEME),
    ("ftp://example.com/", NO_SCHEME),
    ("file:///etc/passwd", NO_SCHEME),
    ("gopher://127.0.0.1:6379/_", NO_SCHEME),
    ("javascript:alert(1)", NO_SCHEME),
    ("http:example.com", NO_SCHEME),
    ("http:/example.com", "must have exactly two slashes"),
    ("http:////example.com", "must have exactly two slashes"),
    # What parsers read differently.
    ("http://user:pass@example.com/", CREDENTIALS),
    ("http://example.com@127.0.0.1/", CREDENTIALS),
    ("http://@example.com/", CREDENTIALS),
    ("http://127.0.0.1\\@example.com/", "holds a backslash"),
    ("http:\\\\example.com", "holds a backslash"),
    ("http://example.com#@127.0.0.1/", "holds a fragment"),
    ("http://example.com/#", "holds a fragment"),
    (" http://example.com/", INVISIBLE),
    ("http://example.com/ ", INVISIBLE),
    ("http://example.com/a b", INVISIBLE),
    ("http://example.com/\r\nHost: evil", INVISIBLE),
    ("http://exam\tple.com/", INVISIBLE),
    ("http://example.com\x00.evil.com/", INVISIBLE),
    ("http://example.com/\x7f", INVISIBLE),
    ("http://example.com/\u2028", INVISIBLE),
    ("http://example.com/\u202eexe", INVISIBLE),
    ("http://example.com\u200b/", INVISIBLE),
    ("http://example.com/\ud800", INVISIBLE),
    (f"http://example.com/{'a' * 8000}", "at most 8000 are sent"),
]


@pytest.mark.parametrize(("url", "message"), HOSTILE)
def test_url_hostile_refused(url: str, message: str) -> None:
    """A URL that leads inside, or that two programs could read differently, is refused without asking DNS."""
    with pytest.raises(OutboundRefused) as caught:
        check_url(url, Policy())

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://example.com", "example.com", 80, "/"),
        ("HTTPS://Example.COM.", "example.com", 443, "/"),
        ("https://example.com:8443/hook?a=1&b=%20", "example.com", 8443, "/hook?a=1&b=%20"),
        ("https://example.com?x=1", "example.com", 443, "/?x=1"),
        ("https://example.com//double//", "example.com", 443, "//double//"),
        ("https://example.com/@user:x", "example.com", 443, "/@user:x"),
        ("https://example.com/straße?q=ü", "example.com", 443, "/stra%C3%9Fe?q=%C3%BC"),
        ('https://example.com/"<>', "example.com", 443, "/%22%3C%3E"),
        ("https://bücher.example/", "xn--bcher-kva.example", 443, "/"),
        ("https://BÜCHER.example/", "xn--bcher-kva.example", 443, "/"),
        ("http://web_1.internal/", "web_1.internal", 80, "/"),
        ("http://web/", "web", 80, "/"),
        ("http://8.8.8.8/", "8.8.8.8", 80, "/"),
        ("http://0x08080808/", "8.8.8.8", 80, "/"),
        ("http://[2606:4700::1111]:8080/", "2606:4700::1111", 8080, "/"),
        ("http://127.0.0.1.nip.io/", "127.0.0.1.nip.io", 80, "/"),
    ],
)
def test_url_usual_taken_apart_into_one_spelling(url: str, host: str, port: int, path: str) -> None:
    """A URL that may be called has one spelling of its host, its port, and an escaped path."""
    check_url(url, Policy())
    target = parse(url)

    assert (target.host, target.port, target.path) == (host, port, path)


def test_url_with_secrets_refused_shows_none_of_them() -> None:
    """A message shows scheme, host and port; path, query and credentials may be secret."""
    for url in (
        "http://10.0.0.5:81/hook/s3cret?token=s3cret",
        "http://s3cret:s3cret@10.0.0.5/",
        "http://x/s3cret#s",
    ):
        with pytest.raises(OutboundRefused) as caught:
            check_url(url, Policy())

        assert "s3cret" not in str(caught.value)


def test_url_refused_says_how_to_allow_it() -> None:
    """A private address is refused with the name of the settings that would allow it."""
    with pytest.raises(OutboundRefused) as caught:
        check_url("https://10.0.0.5/", Policy())

    assert str(caught.value) == (
        "https://10.0.0.5 may not be called: it is a private address. "
        'If this is meant, ask whoever runs the site to add "10.0.0.5:443" to '
        'RULES_ENGINE["OUTBOUND"]["ALLOWED_HOSTS"] or its network to '
        'RULES_ENGINE["OUTBOUND"]["ALLOWED_NETWORKS"].'
    )


def test_url_of_another_type_refused() -> None:
    """What is no text is refused like a missing URL."""
    with pytest.raises(OutboundRefused, match="The URL is missing"):
        check_url(None, Policy())  # type: ignore[arg-type]
