"""What happens to an order: placed, paid, shipped, cancelled, tagged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.utils import timezone

from shop import stock
from shop.exceptions import ShopError
from shop.models import Customer, Line, Order, Tag

Status = Order.Status


@transaction.atomic
def place(customer: Customer, quantities: Mapping[str, int]) -> Order:
    """Make an order of so many pieces by SKU and take them off the shelf; raises ShopError.

    All in one transaction: an order that cannot be filled leaves nothing behind, not even what rules recorded.
    """
    wanted = {sku: quantity for sku, quantity in quantities.items() if quantity}
    if not wanted:
        raise ShopError("An order needs at least one product.")
    if min(wanted.values()) < 0:
        raise ShopError("A quantity cannot be negative.")
    products = {sku: stock.locked(sku) for sku in sorted(wanted)}
    order = Order.objects.create(
        number=_next_number(),
        customer=customer,
        total=sum(product.price * wanted[sku] for sku, product in products.items()),
    )
    for sku, product in products.items():
        Line.objects.create(order=order, product=product, quantity=wanted[sku], price=product.price)
        stock.take(product, wanted[sku])
    return order


def pay(number: str) -> Order:
    """Take the money for a pending order."""
    return _move(number, {Status.PENDING}, Status.PAID, "paid_at")


def ship(number: str) -> Order:
    """Send a paid order."""
    return _move(number, {Status.PAID}, Status.SHIPPED, "shipped_at")


@transaction.atomic
def cancel(number: str) -> Order:
    """Cancel an order that was not sent yet and put its products back on the shelf."""
    order = _move(number, {Status.PENDING, Status.PAID}, Status.CANCELLED, "cancelled_at")
    for line in order.lines.all():
        stock.put_back(stock.locked(line.product.sku), line.quantity)
    return order


@transaction.atomic
def tag(number: str, names: Iterable[str]) -> Order:
    """Make these the order's tags."""
    order = _locked(number)
    order.tags.set([Tag.objects.get_or_create(name=name)[0] for name in names])
    return order


@transaction.atomic
def _move(number: str, allowed: set[Status], status: Status, moment: str) -> Order:
    order = _locked(number)
    if order.status not in allowed:
        raise ShopError(f"Order {number} is {order.status}: it cannot become {status.value}.")
    order.status = status
    setattr(order, moment, timezone.now())
    order.save(update_fields=["status", moment])
    return order


def _locked(number: str) -> Order:
    try:
        return Order.objects.select_for_update().get(number=number)
    except Order.DoesNotExist:
        raise ShopError(f"There is no order {number}.") from None


def _next_number() -> str:
    # SQLite's IMMEDIATE transactions let one writer in at a time; elsewhere the unique column would be the guard.
    newest = Order.objects.order_by("-pk").values_list("pk", flat=True).first()
    return f"{1001 + (newest or 0)}"
