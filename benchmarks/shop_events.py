"""Events of the demo shop, as the context has them: orders with lines, tags, a customer and changes."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

STATUSES = ["pending", "paid", "shipped", "cancelled"]
TAGS = ["gift", "express", "wholesale", "fragile", "vip", "returned"]
COUNTRIES = ["DE", "FR", "AT", "CH", "NL", "IT", "ES", "PL", "SE", "DK"]


def events(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Make ``count`` different events, always the same ones for a seed."""
    random = Random(seed)
    return [_event(random, number) for number in range(count)]


def _event(random: Random, number: int) -> dict[str, Any]:
    created = random.random() < 0.3
    instance = _order(random, number)
    changes: dict[str, Any] = {}
    previous = None
    if not created:
        old = random.choice(STATUSES)
        previous = {**instance, "status": old}
        if old != instance["status"]:
            changes["status"] = {"old": old, "new": instance["status"]}
    return {
        "signal": "post_save",
        "sender": "shop.order",
        "created": created,
        "update_fields": random.choice([None, None, ["status"], ["status", "paid_at"]]),
        "raw": False,
        "using": "default",
        "instance": instance,
        "changes": changes,
        "previous": previous,
        "user": random.choice([None, {"id": 3, "username": "rita", "is_staff": True, "groups": ["Staff"]}]),
        "request": random.choice([None, {"method": "POST", "path": "/orders/", "route": "order-list"}]),
        "origin": "request",
        "event": {"id": str(number), "time": "2026-03-01T12:00:00.000000Z"},
    }


def _order(random: Random, number: int) -> dict[str, Any]:
    lines = [_line(random) for _ in range(random.randint(1, 5))]
    status = random.choice(STATUSES)
    moment = f"2026-{random.randint(1, 12):02}-{random.randint(1, 28):02}T{random.randint(0, 23):02}:00:00.000000Z"
    return {
        "id": number,
        "pk": number,
        "number": f"{random.choice('ABC')}-{number:06}",
        "store_id": random.randint(1, 500),
        "status": status,
        "total": sum((line["price"] * line["quantity"] for line in lines), Decimal(0)),
        "weight": random.randint(1, 5000),
        "discount": random.choice([0, 0, 5, 10, 20]),
        "placed_at": moment,
        "paid_at": moment if status in ("paid", "shipped") else None,
        "shipped_at": moment if status == "shipped" else None,
        "notes": random.choice([None, "", "leave at the door", "call before noon", "urgent: birthday"]),
        "is_test": random.random() < 0.05,
        "tags": random.sample(TAGS, random.randint(0, 3)),
        "lines": lines,
        "customer_id": number % 97,
        "customer": {
            "id": number % 97,
            "name": f"Customer {number % 97}",
            "email": random.choice(["a@example.com", "b@example.org", "c@corp.example"]),
            "country": random.choice(COUNTRIES),
            "vip": random.random() < 0.1,
        },
    }


def _line(random: Random) -> dict[str, Any]:
    return {
        "sku": f"SKU-{random.randint(1, 200)}",
        "quantity": random.randint(1, 9),
        "price": Decimal(random.randint(50, 30_000)).scaleb(-2),
        "category": random.choice(["tea", "coffee", "cups", "books"]),
    }
