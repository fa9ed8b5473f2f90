"""The API's documentation in a real browser, under a strict content security policy."""

from __future__ import annotations

import pytest

from rules_engine.models import Rule
from tests.e2e.conftest import Visit

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_docs_show_the_operations_and_try_them_out(visit: Visit) -> None:
    """A staff user reads the document and makes a rule from the page, with session and token."""
    page = visit("/rules-api/docs/", "view_rule", "add_rule")

    page.locator("#operations-rules-rules_create").get_by_role("button").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.locator("textarea.body-param__text").fill('{"name": "From the page", "signal": "post_save"}')
    page.get_by_role("button", name="Execute").click()
    page.locator(".live-responses-table .response-col_status", has_text="201").wait_for()

    assert Rule.objects.get().name == "From the page"
    assert Rule.objects.get().created_by is not None
