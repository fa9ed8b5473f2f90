"""Orders and stock."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from shop import orders, stock
from shop.exceptions import ShopError
from shop.models import Customer, Order, Product
from shop.signals import stock_counted

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    """A customer with two products to buy."""
    Product.objects.create(sku="A", name="A", price=Decimal("19.99"), stock=10)
    Product.objects.create(sku="B", name="B", price=Decimal("0.05"), stock=2)
    return Customer.objects.create(name="Ada", email="ada@example.org")


def test_place_order_takes_stock_and_adds_up(customer: Customer) -> None:
    """A placed order has lines at today's prices, an exact total, and its pieces are off the shelf."""
    order = orders.place(customer, {"A": 3, "B": 2})

    assert order.total == Decimal("60.07")
    assert order.status == "pending"
    assert [(line.product.sku, line.quantity, line.total) for line in order.lines.all()] == [
        ("A", 3, Decimal("59.97")),
        ("B", 2, Decimal("0.10")),
    ]
    assert dict(Product.objects.values_list("sku", "stock")) == {"A": 7, "B": 0}


def test_place_order_without_enough_stock_leaves_nothing(customer: Customer) -> None:
    """An order that cannot be filled says why and changes nothing, even where its first line was possible."""
    with pytest.raises(ShopError, match="Only 2 of B are left; 3 were asked for"):
        orders.place(customer, {"A": 1, "B": 3})

    assert not Order.objects.exists()
    assert Product.objects.get(sku="A").stock == 10


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "An order needs at least one product."),
        ({"A": 0}, "An order needs at least one product."),
        ({"A": -1}, "A quantity cannot be negative."),
        ({"C": 1}, "There is no product C."),
    ],
)
def test_place_order_refuses_nonsense(customer: Customer, wanted: dict[str, int], message: str) -> None:
    """Orders of nothing, of less than nothing and of unknown products are refused in words."""
    with pytest.raises(ShopError, match=message):
        orders.place(customer, wanted)


def test_order_numbers_are_never_repeated(customer: Customer) -> None:
    """Every order has its own number, also after an order was deleted."""
    first = orders.place(customer, {"A": 1})
    second = orders.place(customer, {"A": 1})
    first.delete()
    third = orders.place(customer, {"A": 1})

    assert len({first.number, second.number, third.number}) == 3


def test_pay_moves_a_pending_order_and_names_the_fields(customer: Customer) -> None:
    """Paying saves the status and the moment, so that signals carry `update_fields`."""
    order = orders.pay(orders.place(customer, {"A": 1}).number)

    order.refresh_from_db()
    assert order.status == "paid"
    assert order.paid_at is not None


def test_status_moves_only_along_its_path(customer: Customer) -> None:
    """An order is paid once, cancelled while it is not shipped, shipped when paid."""
    order = orders.place(customer, {"A": 1})
    with pytest.raises(ShopError, match="is pending: it cannot become shipped"):
        orders.ship(order.number)
    orders.pay(order.number)
    with pytest.raises(ShopError, match="is paid: it cannot become paid"):
        orders.pay(order.number)
    orders.ship(order.number)
    with pytest.raises(ShopError, match="is shipped: it cannot become cancelled"):
        orders.cancel(order.number)

    with pytest.raises(ShopError, match="There is no order 99"):
        orders.pay("99")


def test_cancel_puts_the_pieces_back(customer: Customer) -> None:
    """A cancelled order's pieces are on the shelf again."""
    order = orders.place(customer, {"A": 3, "B": 1})
    orders.cancel(order.number)

    assert dict(Product.objects.values_list("sku", "stock")) == {"A": 10, "B": 2}


def test_tag_replaces_the_tags(customer: Customer) -> None:
    """Tagging makes unknown tags and takes away those that are not named."""
    order = orders.place(customer, {"A": 1})
    orders.tag(order.number, ["gift", "express"])
    orders.tag(order.number, ["gift"])

    assert [tag.name for tag in order.tags.all()] == ["gift"]


def test_count_sets_the_stock_and_sends_the_signal(customer: Customer) -> None:
    """Counting corrects the books and sends `stock_counted` with what was found."""
    heard = []

    def hear(sender: object, **arguments: object) -> None:
        heard.append({name: value for name, value in arguments.items() if name != "signal"})

    stock_counted.connect(hear)
    try:
        difference = stock.count("A", 8, counted_by="rita")
    finally:
        stock_counted.disconnect(hear)

    assert difference == -2
    assert Product.objects.get(sku="A").stock == 8
    assert heard == [{"sku": "A", "expected": 10, "counted": 8, "difference": -2, "counted_by": "rita"}]


def test_change_validates(customer: Customer) -> None:
    """A price of nothing is refused before it is written."""
    with pytest.raises(ValidationError, match=r"greater than or equal to 0\.01"):
        stock.change("A", price=Decimal("0"))

    assert Product.objects.get(sku="A").price == Decimal("19.99")
