"""The rules that the demo starts with, each on a real signal of the shop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shop.shelf import cache_key

LOW_STOCK = 5
LARGE_ORDER = 1000
HOOK_PATH = "/inbox/hook/"


@dataclass(frozen=True, kw_only=True)
class SeededRule:
    """One rule with its actions as (kind, config)."""

    slug: str
    name: str
    description: str
    signal: str
    sender: str = ""
    condition: str = ""
    mode: str = "live"
    actions: Sequence[tuple[str, dict[str, Any]]]


def inbox_url(port: int) -> str:
    """Where this demo takes webhooks."""
    return f"http://127.0.0.1:{port}{HOOK_PATH}"


def log(message: str, level: str = "info") -> tuple[str, dict[str, Any]]:
    """An action that writes a line to the console of the demo."""
    return "log", {"logger": "shop.rules", "level": level, "message": message}


def seeded_rules(port: int) -> list[SeededRule]:
    """All rules of the demo, for a site that listens at ``port``."""
    return [
        SeededRule(
            slug="paid-order-webhook",
            name="Tell the warehouse of a paid order",
            description="Sends the order to the warehouse, which in this demo is the inbox page.",
            signal="post_save",
            sender="shop.order",
            condition="instance.status == 'paid' && contains(update_fields || `[]`, 'status')",
            actions=[
                (
                    "webhook",
                    {
                        "url": inbox_url(port),
                        "method": "POST",
                        "headers": [{"name": "X-Shop", "value": "The Tea Shop"}],
                        "body": "{order: instance.number, total: instance.total, paid_at: instance.paid_at, "
                        "customer: instance.customer.name}",
                        "secret": "inbox",
                        "timeout_seconds": 5,
                    },
                )
            ],
        ),
        SeededRule(
            slug="cancelled-order-mail",
            name="Write to the customer of a cancelled order",
            description="The mail page shows what was sent.",
            signal="post_save",
            sender="shop.order",
            condition="instance.status == 'cancelled' && contains(update_fields || `[]`, 'status')",
            actions=[
                (
                    "email",
                    {
                        "to": "{{ instance.customer.email }}",
                        "subject": "Order {{ instance.number }} was cancelled",
                        "body": "Hello {{ instance.customer.name }},\n\nyour order {{ instance.number }} of "
                        "{{ instance.total }} was cancelled. You owe us nothing.\n\nThe Tea Shop\n",
                        "html": "<p>Hello {{ instance.customer.name }},</p><p>your order <strong>"
                        "{{ instance.number }}</strong> of {{ instance.total }} was cancelled. "
                        "You owe us nothing.</p><p>The Tea Shop</p>",
                    },
                )
            ],
        ),
        SeededRule(
            slug="refresh-product-page",
            name="Refresh the product page",
            description="Throws the cached description away when a product changes.",
            signal="post_save",
            sender="shop.product",
            condition="created == `false`",
            actions=[("cache_delete", {"keys": [cache_key("{{ instance.sku }}")], "alias": "default"})],
        ),
        SeededRule(
            slug="low-stock",
            name="Low stock",
            description=f"Fewer than {LOW_STOCK} pieces: one line on the console and a mail to purchasing.",
            signal="post_save",
            sender="shop.product",
            condition=f"instance.stock < `{LOW_STOCK}`",
            actions=[
                log("Only {{ instance.stock }} of {{ instance.name }} are left.", "warning"),
                (
                    "email",
                    {
                        "to": "purchasing@demo.example",
                        "subject": "Low stock: {{ instance.name }}",
                        "body": "Only {{ instance.stock }} of {{ instance.name }} are left.\n",
                    },
                ),
            ],
        ),
        SeededRule(
            slug="tags-changed",
            name="Tags of an order changed",
            description="The signal is sent before and after each change; the condition keeps what came after.",
            signal="m2m_changed",
            sender="shop.order.tags",
            condition="starts_with(action, 'post_')",
            actions=[log("Tags of order {{ instance.number }}: {{ action }} {{ pk_set }}.")],
        ),
        SeededRule(
            slug="failed-log-in",
            name="Failed log-in",
            description="Somebody gave a wrong name or password.",
            signal="user_login_failed",
            actions=[log("Failed log-in as {{ credentials.username }} at {{ request.path }}.", "warning")],
        ),
        SeededRule(
            slug="page-crashed",
            name="A page crashed",
            description="A view raised an exception and the visitor got status 500.",
            signal="got_request_exception",
            actions=[log("{{ request.method }} {{ request.path }} crashed.", "error")],
        ),
        SeededRule(
            slug="stock-differs",
            name="Counted stock differs",
            description="On the shop's own signal, which site/shop/rules.py registers.",
            signal="shop.stock_counted",
            condition="difference != `0`",
            actions=[
                log(
                    "{{ counted_by }} counted {{ counted }} of {{ sku }}, the books said {{ expected }}.",
                    "warning",
                )
            ],
        ),
        SeededRule(
            slug="thank-customer",
            name="Thank the customer",
            description="In shadow mode: recorded with every new order; no mail is sent until it goes live.",
            signal="post_save",
            sender="shop.order",
            condition="created",
            mode="shadow",
            actions=[
                (
                    "email",
                    {
                        "to": "{{ instance.customer.email }}",
                        "subject": "Thank you for order {{ instance.number }}",
                        "body": "Hello {{ instance.customer.name }},\n\nthank you for your order "
                        "{{ instance.number }}.\n\nThe Tea Shop\n",
                    },
                )
            ],
        ),
        SeededRule(
            slug="large-order",
            name="Large order",
            description="Everyday orders do not match: lower the number in the condition and place another.",
            signal="post_save",
            sender="shop.order",
            condition=f"created && instance.total > `{LARGE_ORDER}`",
            actions=[log("Large order {{ instance.number }} over {{ instance.total }}.")],
        ),
    ]
