"""What the test app adds to the engine, found at start-up as a host's own ``rules.py`` is."""

from __future__ import annotations

from django.dispatch import Signal

from rules_engine import register_signal

stock_counted = Signal()
order_shipped = Signal()

register_signal(
    "testapp.stock_counted",
    stock_counted,
    title="the stock was counted",
    description="Sent after each count.",
    arguments={"sku": "the product", "count": "what was found", "where": "place of the count"},
    example={"sku": "tea", "count": 3, "where": "cellar"},
)
register_signal("testapp.order_shipped", order_shipped, arguments=["order"], instance="order")
