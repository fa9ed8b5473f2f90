"""The home page in a real browser: buttons act and the panel follows without a reload."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rules_engine.testing import rules_loaded
from shop.seeding import seed

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
CHROMIUM = Path("/usr/bin/chromium")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs chromium: install it to run these tests"),
]


@pytest.fixture
def page(live_server: Any, port: int, demo_settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The home page of a seeded demo, in a browser that reports what its console says."""
    # Playwright runs an event loop in this thread; the test's own queries are not on it.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    seed(port)
    with rules_loaded(), playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page()
        page.console = []
        page.on("console", lambda message: page.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: page.console.append(f"error: {error}"))
        page.goto(live_server.url)
        yield page
        browser.close()


def press(page: Any, button: str) -> None:
    """Press a button and wait until the page has said what came of it."""
    page.get_by_role("button", name=button, exact=True).click()
    playwright.expect(page.locator("button[aria-busy=true]")).to_have_count(0)


def test_page_follows_what_the_rules_do(page: Any) -> None:
    """An order is placed and paid: the panel shows both, the rule that did not match, and its reason."""
    expect = playwright.expect
    press(page, "Place an order")
    expect(page.locator("#said")).to_have_text(re.compile(r"Order 1001 was placed: 12\.90\."))
    expect(page.locator("#order")).to_contain_text("1001")
    expect(page.locator("#panel tbody")).to_contain_text("Thank the customer")
    expect(page.locator("#panel")).to_contain_text("instance.total is 12.90")
    press(page, "Pay it")
    expect(page.locator("#panel tbody tr").first).to_contain_text("Tell the warehouse of a paid order")
    expect(page.locator("#panel tbody tr").first).to_contain_text("try 1 failed, next in")

    assert page.url.endswith("/")
    assert page.console == []


def test_page_says_what_the_shop_refuses(page: Any) -> None:
    """What cannot be done is said in the page's own words, beside the panel."""
    press(page, "Pay it")

    playwright.expect(page.locator("#said")).to_have_text("There is no order yet: place one first.")
    playwright.expect(page.locator("#said")).to_have_class("said failed")


def test_switch_tells_its_state(page: Any) -> None:
    """The switch is a toggle button whose state assistive technology can read."""
    switch = page.get_by_role("button", name="Inbox answers 503")
    playwright.expect(switch).to_have_attribute("aria-pressed", "false")
    press(page, "Inbox answers 503")
    playwright.expect(switch).to_have_attribute("aria-pressed", "true")


def test_panel_can_be_paused(page: Any) -> None:
    """The panel changes by itself, so that it must be possible to hold it still."""
    asked = []
    page.get_by_role("button", name="Pause").click()
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1500)
    playwright.expect(page.get_by_role("button", name="Go on")).to_be_visible()

    assert asked == []


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_pages_fit_the_screen(page: Any, live_server: Any, width: int) -> None:
    """No page scrolls sideways, on a narrow telephone either."""
    page.set_viewport_size({"width": width, "height": 800})
    press(page, "Place an order")
    for path in ("/", "/products/", "/products/TEA-01/", "/inbox/", "/mail/", "/accounts/login/"):
        page.goto(live_server.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_every_control_has_a_name(page: Any) -> None:
    """Each field, button and link can be announced."""
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
            .filter((field) => !field.labels.length && !field.ariaLabel)
            .concat([...document.querySelectorAll("button, a")].filter((item) => !item.textContent.trim()))
            .map((item) => item.outerHTML)"""
    )

    assert nameless == []
