"""Forms of the shop's pages and of the buttons on the home page."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django import forms

from shop.models import Product

if TYPE_CHECKING:
    ProductChoice = forms.ModelChoiceField[Product]
else:
    # ModelChoiceField cannot be subscripted at run time.
    ProductChoice = forms.ModelChoiceField


class ProductField(ProductChoice):
    """A product, chosen by its name and sent as its SKU."""

    def __init__(self) -> None:
        super().__init__(Product.objects.all(), to_field_name="sku", label="Product", empty_label=None)

    def label_from_instance(self, obj: Product) -> str:
        return obj.name


class PlaceForm(forms.Form):
    """So many pieces of one product."""

    sku = ProductField()
    quantity = forms.IntegerField(min_value=1, max_value=1000, initial=1)


class PriceForm(forms.Form):
    """A new price for one product."""

    sku = ProductField()
    price = forms.DecimalField(min_value=Decimal("0.01"), max_digits=8, decimal_places=2, initial="19.90")


class StockForm(forms.Form):
    """Pieces on the shelf, as set in the books or as counted."""

    sku = ProductField()
    stock = forms.IntegerField(min_value=0, max_value=100_000, initial=3, label="Pieces")
