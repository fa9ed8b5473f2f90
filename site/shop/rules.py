"""What the shop adds to the rules engine: one signal that rules can listen to."""

from __future__ import annotations

from rules_engine import register_signal
from shop.signals import stock_counted

register_signal(
    "shop.stock_counted",
    stock_counted,
    title="stock was counted",
    description="Somebody counted how many pieces of a product are on the shelf.",
    arguments={
        "sku": "Article number of the product.",
        "expected": "Pieces that should have been there.",
        "counted": "Pieces that were there.",
        "difference": "counted minus expected: negative when pieces are missing.",
        "counted_by": "User name of the person who counted.",
    },
    example={"sku": "TEA-01", "expected": 12, "counted": 10, "difference": -2, "counted_by": "rita"},
)
