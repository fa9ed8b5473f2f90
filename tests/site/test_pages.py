"""The shop's pages."""

from __future__ import annotations

import pytest
from django.test import Client

from shop.models import Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def logged_in(name: str) -> Client:
    """A visitor who has logged in through the form."""
    client = Client()
    answer = client.post("/accounts/login/", {"username": name, "password": name})
    assert answer.status_code == 302, answer.content.decode()
    return client


@pytest.mark.parametrize("path", ["/", "/products/", "/products/TEA-01/", "/inbox/", "/mail/", "/accounts/login/"])
def test_public_page_answers_under_the_policy(path: str) -> None:
    """Every public page is there, loads everything from this site and has no inline script or style."""
    answer = Client().get(path)
    text = answer.content.decode()

    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert " style=" not in text
    assert " onclick=" not in text
    assert "<script>" not in text


def test_home_page_without_seeds_says_what_to_do() -> None:
    """Before anything is seeded, the page names the command instead of breaking."""
    Order.objects.all().delete()
    Product.objects.all().delete()

    assert "manage.py seed_demo" in Client().get("/").content.decode()


def test_home_page_shows_the_log_ins_that_work() -> None:
    """Each log-in on the home page is one that the form takes."""
    text = Client().get("/").content.decode()

    for name in ("admin", "rita", "carl"):
        assert f"<code>{name}</code>" in text
        logged_in(name)


def test_news_has_the_parts_of_the_page() -> None:
    """The script gets panel, order and switch as JSON that nobody caches."""
    answer = Client().get("/news/")

    assert set(answer.json()) == {"panel", "order", "switch_on"}
    assert "no-store" in answer.headers["Cache-Control"]


def test_orders_ask_for_a_log_in() -> None:
    """Orders are for those who have logged in."""
    assert Client().get("/orders/").headers["Location"] == "/accounts/login/?next=/orders/"


def test_customer_orders_pays_and_cancels_on_pages() -> None:
    """A customer makes an order through the form, pays it and cancels it."""
    client = logged_in("carl")
    placed = client.post("/orders/", {"sku": "TEA-01", "quantity": 2})
    order = Order.objects.get()
    client.post(f"/orders/{order.number}/pay/")
    client.post(f"/orders/{order.number}/cancel/")
    refused = client.post(f"/orders/{order.number}/pay/", follow=True)

    assert placed.headers["Location"] == f"/orders/{order.number}/"
    order.refresh_from_db()
    assert order.status == "cancelled"
    assert order.paid_at is not None
    assert "is cancelled: it cannot become paid" in refused.content.decode()


def test_order_form_explains_what_is_wrong() -> None:
    """More than there is comes back with the reason, and no order is made."""
    answer = logged_in("carl").post("/orders/", {"sku": "POT-01", "quantity": 999})

    assert answer.status_code == 400
    assert "Only 12 of Teapot of clay are left" in answer.content.decode()
    assert not Order.objects.exists()


def test_order_of_someone_else_is_not_found() -> None:
    """A customer sees their own orders, staff that may view orders sees all."""
    client = logged_in("carl")
    client.post("/orders/", {"sku": "TEA-01", "quantity": 1})
    order = Order.objects.get()
    order.customer = type(order.customer).objects.get(email="dora@demo.example")
    order.save()

    assert client.get(f"/orders/{order.number}/").status_code == 404
    assert client.post(f"/orders/{order.number}/pay/").status_code == 404
    assert logged_in("rita").get(f"/orders/{order.number}/").status_code == 200


def test_product_page_says_miss_then_hit() -> None:
    """The first visit renders the description, the second takes it from the cache."""
    client = Client()
    first, second = (client.get("/products/TEA-01/").content.decode() for _ in range(2))

    assert 'class="state miss"' in first
    assert 'class="state hit"' in second


def test_unknown_product_is_not_found_in_the_sites_look() -> None:
    """An unknown product is a 404 with a way back."""
    answer = Client().get("/products/NOPE/")

    assert answer.status_code == 404
    assert "There is no such page" in answer.content.decode()


def test_crash_page_shows_the_sites_500() -> None:
    """The page that crashes answers 500 in the site's look."""
    answer = Client(raise_request_exception=False).get("/crash/")

    assert answer.status_code == 500
    page = answer.content.decode()
    assert "This page crashed" in page
    assert "Log in" not in page, "it does not know who is logged in"


def test_log_in_form_refuses_a_wrong_password() -> None:
    """A wrong password comes back to the form with the reason."""
    answer = Client().post("/accounts/login/", {"username": "carl", "password": "guessed"})

    assert answer.status_code == 200
    assert "do not belong together" in answer.content.decode()


def test_log_out_ends_the_visit() -> None:
    """After the log-out, orders ask for a log-in again."""
    client = logged_in("carl")
    client.post("/accounts/logout/")

    assert client.get("/orders/").status_code == 302
