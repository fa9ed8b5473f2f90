from __future__ import annotations

import pytest

from rules_engine.exceptions import OutboundRefused
from rules_engine.outbound import check_headers
from rules_engine.outbound.headers import kept


def test_headers_usual_accepted() -> None:
    """Token names, and values of printable Latin-1 and tabs, may be sent."""
    check_headers([("X-Shop", "a\tb"), ("authorization", "Bearer x"), ("X-Name", "Müller"), ("X-Empty", "")])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("X-A\r\nHost", "x", r"'X-A\r\nHost' is not a header name"),
        ("X A", "x", "'X A' is not a header name"),
        ("X:A", "x", "'X:A' is not a header name"),
        ("", "x", "'' is not a header name"),
        ("X-Ä", "x", "'X-Ä' is not a header name"),
        ("X-A", "s3cret\r\nHost: evil", "header X-A holds a line break"),
        ("X-A", "s3cret\nx", "header X-A holds a line break"),
        ("X-A", "s3cret\rx", "header X-A holds a line break"),
        ("X-A", "s3cret\x00", "header X-A holds a line break"),
        ("X-A", "s3cret\x0b", "header X-A holds a line break"),
        ("X-A", "s3cret €", "header X-A holds a character that headers cannot carry"),
        ("X-A", b"s3cret", "value of the header X-A is not a text"),
        ("Host", "s3cret", "The header Host is set by the HTTP client itself. Remove it."),
        ("content-length", "1", "The header content-length is set by the HTTP client"),
        ("Transfer-Encoding", "chunked", "The header Transfer-Encoding is set by the HTTP client"),
        ("Connection", "close", "The header Connection is set by the HTTP client"),
        ("Expect", "100-continue", "The header Expect is set by the HTTP client"),
        ("Upgrade", "h2c", "The header Upgrade is set by the HTTP client"),
    ],
)
def test_headers_that_break_the_request_refused(name: str, value: str, message: str) -> None:
    """A header that could end the header block, move the request or lie about its length is refused."""
    with pytest.raises(OutboundRefused) as caught:
        check_headers([("X-Fine", "1"), (name, value)])

    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_headers_of_answer_keep_no_credentials() -> None:
    """Cookies and tokens of an answer are dropped; repeated headers are joined; control characters are blanked."""
    found = kept(
        [
            ("Content-Type", "text/plain"),
            ("Set-Cookie", "session=1"),
            ("Set-Cookie2", "session=1"),
            ("X-Auth-Token", "1"),
            ("X-API-Key", "1"),
            ("Authorization", "1"),
            ("Proxy-Authentication-Info", "1"),
            ("Retry-After", "5"),
            ("Via", "a"),
            ("via", "b\x00\r\n c"),
        ]
    )

    assert found == {"content-type": "text/plain", "retry-after": "5", "via": "a, b    c"}
