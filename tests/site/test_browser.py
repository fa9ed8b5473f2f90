"""The scenario's small browser."""

from __future__ import annotations

import pytest

from shop.scenario.browser import BrowserError, Page

HTML = """
<form method="post" action="/a/"><input name="token" type="hidden" value="t"><input name="name" value="x &amp; y">
<input type="checkbox" name="on" checked><input type="checkbox" name="off">
<input type="submit" name="go" value="1">
<input name="gone" disabled value="1"><select name="one"><option>1</option>
<option value="2" selected>2</option></select>
<select name="first"><option value="a">a</option><option value="b">b</option></select>
<textarea name="text">
 line &lt;1&gt;
line 2</textarea></form><form action="/b/"></form>
"""


def test_page_reads_forms_as_a_browser_would() -> None:
    """Fields have the values a browser would send: checked boxes, chosen options, text without the first break."""
    page = Page("http://x/", 200, HTML)

    assert [(form.action, form.method) for form in page.forms] == [("/a/", "POST"), ("/b/", "GET")]
    assert page.forms[0].values == [
        ("token", "t"),
        ("name", "x & y"),
        ("on", "on"),
        ("one", "2"),
        ("first", "a"),
        ("text", " line <1>\nline 2"),
    ]


def test_page_without_the_form_says_so() -> None:
    """A form that is not there is an error that names the page."""
    with pytest.raises(BrowserError, match=r"http://x/ \(status 200\) has no form with \('colour',\)"):
        Page("http://x/", 200, HTML).form("colour")
