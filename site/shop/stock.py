"""What happens to pieces on the shelf.

Always through ``save()``, never ``QuerySet.update()`` or ``F()``: Django sends no signal for the first, and with
the second the signal carries an expression instead of a number.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from shop.exceptions import ShopError
from shop.models import Product
from shop.signals import stock_counted


def take(product: Product, quantity: int) -> None:
    """Take pieces off the shelf; raises ShopError if there are not enough. To be called in a transaction."""
    if quantity > product.stock:
        raise ShopError(f"Only {product.stock} of {product.name} are left; {quantity} were asked for.")
    product.stock -= quantity
    product.save(update_fields=["stock"])


def put_back(product: Product, quantity: int) -> None:
    """Put pieces back on the shelf. To be called in a transaction."""
    product.stock += quantity
    product.save(update_fields=["stock"])


@transaction.atomic
def change(sku: str, *, price: Decimal | None = None, stock: int | None = None) -> Product:
    """Set the price or the stock of a product."""
    product = locked(sku)
    if price is not None:
        product.price = price
    if stock is not None:
        product.stock = stock
    product.full_clean()
    product.save()
    return product


@transaction.atomic
def count(sku: str, counted: int, *, counted_by: str) -> int:
    """Record that ``counted`` pieces are on the shelf; return how many more there are than expected."""
    product = locked(sku)
    expected, difference = product.stock, counted - product.stock
    product.stock = counted
    product.full_clean()
    product.save(update_fields=["stock"])
    stock_counted.send(
        sender=Product,
        sku=sku,
        expected=expected,
        counted=counted,
        difference=difference,
        counted_by=counted_by,
    )
    return difference


def locked(sku: str) -> Product:
    """The product, held until the end of the transaction; raises ShopError if there is none."""
    try:
        return Product.objects.select_for_update().get(sku=sku)
    except Product.DoesNotExist:
        raise ShopError(f"There is no product {sku}.") from None
