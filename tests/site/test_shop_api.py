"""The shop's REST API."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from shop.models import Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


def as_user(name: str) -> APIClient:
    """A client that acts for a user."""
    client = APIClient()
    client.force_authenticate(User.objects.get(username=name))
    return client


def place(client: APIClient, **lines: int) -> Any:
    """Place an order of so many pieces by SKU."""
    wanted = [{"sku": sku.replace("_", "-"), "quantity": quantity} for sku, quantity in lines.items()]
    return client.post("/shop/api/orders/", {"lines": wanted}, format="json")


def test_order_goes_from_placed_to_cancelled() -> None:
    """An order is placed, paid and cancelled; each answer is the order as it now is."""
    client = as_user("carl")
    placed = place(client, TEA_01=2)
    number = placed.json()["number"]
    paid = client.post(f"/shop/api/orders/{number}/pay/")
    cancelled = client.post(f"/shop/api/orders/{number}/cancel/")

    assert placed.status_code == 201
    assert placed.json()["total"] == "25.80"
    assert placed.json()["lines"] == [{"sku": "TEA-01", "quantity": 2, "price": "12.90"}]
    assert (paid.json()["status"], cancelled.json()["status"]) == ("paid", "cancelled")


def test_order_that_cannot_be_is_explained() -> None:
    """What the shop refuses is a 400 with the reason; an empty order names its field."""
    client = as_user("carl")

    assert place(client, POT_01=99).json() == {"detail": "Only 12 of Teapot of clay are left; 99 were asked for."}
    assert place(client).json() == {"lines": {"non_field_errors": ["This list may not be empty."]}}
    assert place(client, NOPE=1).status_code == 400
    assert place(as_user("rita"), TEA_01=1).json()["detail"].startswith("rita is not a customer.")
    assert not Order.objects.exists()


def test_orders_are_private() -> None:
    """Strangers get 401 or 403, other customers 404, staff that may view orders sees them."""
    number = place(as_user("carl"), TEA_01=1).json()["number"]
    User.objects.create_user("other")

    assert APIClient().get("/shop/api/orders/").status_code in {401, 403}
    assert as_user("other").get(f"/shop/api/orders/{number}/").status_code == 404
    assert as_user("other").post(f"/shop/api/orders/{number}/pay/").status_code == 404
    assert as_user("rita").get("/shop/api/orders/").json()["count"] == 1


def test_products_are_public_and_changed_by_staff_only() -> None:
    """Anyone reads products; only who may change them does."""
    change = {"price": "13.00"}

    assert APIClient().get("/shop/api/products/").json()["count"] == 5
    assert APIClient().patch("/shop/api/products/TEA-01/", change).status_code in {401, 403}
    assert as_user("carl").patch("/shop/api/products/TEA-01/", change).status_code == 403
    assert as_user("admin").patch("/shop/api/products/TEA-01/", change).json()["price"] == "13.00"
    assert str(Product.objects.get(sku="TEA-01").price) == "13.00"
