"""A real Chromium, and people who are logged in to the admin of a live server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.admin.conftest import RULE_PERMISSIONS, staff_user

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

Visit = Callable[..., "Page"]

UNLABELLED = """() => [...document.querySelectorAll('#content input, #content select, #content textarea')]
    .filter((field) => field.offsetParent !== null && field.type !== 'submit')
    .filter((field) => !field.labels.length && !field.getAttribute('aria-label'))
    .map((field) => field.name || field.id)"""
"""Visible fields without a label that a screen reader would find."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a file; closed after it, because its event loop disturbs Django's ORM."""
    if CHROMIUM is None:
        pytest.skip("needs chromium: install it to run the tests of the admin's pages")
    playwright = pytest.importorskip("playwright.sync_api")
    with pytest.MonkeyPatch.context() as patch, playwright.sync_playwright() as running:
        # Playwright's loop runs in this thread; the tests use the ORM beside it on purpose.
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        started = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class Complaints:
    """What the browser complained of: errors of scripts, refused resources, failed requests."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def watch(self, page: Page) -> None:
        """Collect from now on."""
        page.on("pageerror", lambda error: self.texts.append(f"script: {error}"))
        page.on("console", lambda line: self.texts.append(f"console: {line.text}") if line.type == "error" else None)
        page.on("requestfailed", lambda request: self.texts.append(f"request: {request.url}"))


@pytest.fixture
def visit(browser: Browser, live_server: Any, settings: Any) -> Iterator[Visit]:
    """Return a function that logs a staff user in (rule permissions only) and opens a page of the admin.

    Every page is served under a strict content security policy; whatever the browser complains of fails the test.
    """
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.e2e.csp.strict"]
    complaints = Complaints()
    contexts = []

    def make(path: str, *codenames: str, name: str = "ada", **options: Any) -> Page:
        staff_user(name, *(codenames or RULE_PERMISSIONS))
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        # The test project has no icon; browsers ask for one all the same.
        context.route("**/favicon.ico", lambda route: route.fulfill(status=204))
        page = context.new_page()
        page.set_default_timeout(15_000)
        complaints.watch(page)
        page.goto(f"/admin/login/?next={path}")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill("secret")
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"**{path}")
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints.texts == []
