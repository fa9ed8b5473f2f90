"""The cached part of the product page, which a rule throws away when the product changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import mark_safe

from shop.models import Product

SECONDS = 24 * 60 * 60


@dataclass(frozen=True)
class Card:
    """The product's description as HTML, when it was made, and whether it came from the cache."""

    html: str
    rendered_at: datetime
    hit: bool


def cache_key(sku: str) -> str:
    """The key under which the description is kept; the rule "Refresh the product page" deletes it."""
    return f"shop:product:{sku}"


def card(sku: str) -> Card | None:
    """The product's description; only a miss reads the product. None if there is no such product."""
    kept = cache.get(cache_key(sku))
    if kept is not None:
        # What this function itself rendered below.
        return Card(mark_safe(kept["html"]), kept["rendered_at"], hit=True)  # noqa: S308
    product = Product.objects.filter(sku=sku).first()
    if product is None:
        return None
    made = Card(render_to_string("shop/product_card.html", {"product": product}), timezone.now(), hit=False)
    cache.set(cache_key(sku), {"html": str(made.html), "rendered_at": made.rendered_at}, SECONDS)
    return made
