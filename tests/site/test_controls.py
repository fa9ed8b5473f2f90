"""The buttons of the home page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from shop import inbox
from shop.models import Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def press(button: str, **values: Any) -> tuple[int, str]:
    """Press a button as the page's script does; return status and sentence."""
    answer = Client().post(f"/press/{button}/", values, headers={"Accept": "application/json"})
    return answer.status_code, answer.json()["text"]


def place(quantity: int = 1) -> tuple[int, str]:
    """Press "Place an order"."""
    return press("place", **{"place-sku": "TEA-01", "place-quantity": quantity})


def test_order_buttons_work_for_anyone() -> None:
    """A visitor who has not logged in places, pays, tags and cancels an order of the demo's customer."""
    status, text = place(2)
    order = Order.objects.get()

    assert (status, text) == (200, f"Order {order.number} was placed: 25.80.")
    assert order.customer.name == "Carl Vesper"
    assert press("pay") == (200, f"Order {order.number} was paid.")
    assert press("tags") == (200, f"Order {order.number} is now tagged “gift”.")
    assert press("tags") == (200, f"Order {order.number} is now no longer tagged “gift”.")
    assert press("cancel") == (200, f"Order {order.number} was cancelled.")


def test_button_says_why_it_cannot() -> None:
    """What the shop does not allow is a sentence with status 400."""
    assert press("pay") == (400, "There is no order yet: place one first.")
    assert place(500) == (400, "Only 40 of Assam, 250 g are left; 500 were asked for.")
    assert place(0)[0] == 400


def test_product_buttons_change_products() -> None:
    """Price, stock and count are written to the product."""
    press("price", **{"price-sku": "TEA-01", "price-price": "14.50"})
    press("stock", **{"stock-sku": "TEA-01", "stock-stock": 3})
    assert press("count", **{"count-sku": "POT-01", "count-stock": 10}) == (
        200,
        "Teapot of clay (POT-01) was counted: -2 against the books.",
    )

    assert Product.objects.get(sku="TEA-01").stock == 3
    assert str(Product.objects.get(sku="TEA-01").price) == "14.50"
    assert Product.objects.get(sku="POT-01").stock == 10


def test_switch_turns_the_inbox_off_and_on() -> None:
    """Each press turns the inbox round."""
    press("inbox")
    assert inbox.is_broken()
    press("inbox")
    assert not inbox.is_broken()


def test_button_without_script_leads_back() -> None:
    """Without the script a button leads back to its page with the sentence; never to another site."""
    client = Client()
    home = client.post("/press/inbox/", follow=True)
    inbox_page = client.post("/press/inbox/", {"back": "/inbox/"})
    elsewhere = client.post("/press/inbox/", {"back": "https://example.org/"})

    assert "The inbox now answers 503 to every webhook." in home.content.decode()
    assert inbox_page.headers["Location"] == "/inbox/"
    assert elsewhere.headers["Location"] == "/"


def test_button_needs_its_token_and_a_post() -> None:
    """A link or a form on another site cannot press a button; an unknown button is not found."""
    assert Client(enforce_csrf_checks=True).post("/press/inbox/").status_code == 403
    assert Client().get("/press/inbox/").status_code == 405
    assert Client().post("/press/nothing/").status_code == 404
