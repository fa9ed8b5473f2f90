"""How fast is one condition? 30 over the demo shop, against jmespath and against Python written by hand.

    make bench            # or: python benchmarks/conditions.py

Each condition decides 2,000 events; all three must give the same answers first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import jmespath

from benchmarks.measuring import geometric_mean, microseconds, table, versions
from benchmarks.shop_events import events
from rules_engine.conditions import compile_condition

CONDITIONS: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("created", lambda e: e["created"]),
    ("instance.status == 'paid'", lambda e: e["instance"]["status"] == "paid"),
    ("instance.status != 'cancelled'", lambda e: e["instance"]["status"] != "cancelled"),
    (
        "instance.status == 'paid' && changes.status",
        lambda e: e["instance"]["status"] == "paid" and e["changes"].get("status"),
    ),
    (
        "changes.status.old == 'pending' && changes.status.new == 'paid'",
        lambda e: (c := e["changes"].get("status")) and c["old"] == "pending" and c["new"] == "paid",
    ),
    ("instance.total > `100`", lambda e: e["instance"]["total"] > 100),
    ("created && instance.total > `500`", lambda e: e["created"] and e["instance"]["total"] > 500),
    (
        "instance.total >= `100` && instance.total < `1000`",
        lambda e: 100 <= e["instance"]["total"] < 1000,
    ),
    ("instance.store_id == `17`", lambda e: e["instance"]["store_id"] == 17),
    ("instance.weight > `2000`", lambda e: e["instance"]["weight"] > 2000),
    ("!(instance.is_test)", lambda e: not e["instance"]["is_test"]),
    (
        "instance.status == 'paid' && instance.store_id == `17` && instance.weight > `1000`",
        lambda e: (i := e["instance"])["status"] == "paid" and i["store_id"] == 17 and i["weight"] > 1000,
    ),
    (
        "instance.status == 'paid' || instance.status == 'shipped'",
        lambda e: (s := e["instance"]["status"]) == "paid" or s == "shipped",
    ),
    (
        'contains(`["paid", "shipped"]`, instance.status)',
        lambda e: e["instance"]["status"] in ("paid", "shipped"),
    ),
    ("instance.customer.country == 'DE'", lambda e: e["instance"]["customer"]["country"] == "DE"),
    (
        "instance.customer.vip && instance.total > `200`",
        lambda e: e["instance"]["customer"]["vip"] and e["instance"]["total"] > 200,
    ),
    ("contains(instance.tags, 'express')", lambda e: "express" in e["instance"]["tags"]),
    (
        "contains(instance.tags, 'gift') && !(contains(instance.tags, 'express'))",
        lambda e: "gift" in (t := e["instance"]["tags"]) and "express" not in t,
    ),
    (
        "instance.notes && contains(instance.notes, 'urgent')",
        lambda e: (n := e["instance"]["notes"]) and "urgent" in n,
    ),
    ("starts_with(instance.number, 'A-')", lambda e: e["instance"]["number"].startswith("A-")),
    ("ends_with(instance.customer.email, '.org')", lambda e: e["instance"]["customer"]["email"].endswith(".org")),
    ("length(instance.lines) > `3`", lambda e: len(e["instance"]["lines"]) > 3),
    (
        "instance.lines[?sku == 'SKU-17']",
        lambda e: any(line["sku"] == "SKU-17" for line in e["instance"]["lines"]),
    ),
    (
        "instance.lines[?quantity > `5` && category == 'tea']",
        lambda e: any(line["quantity"] > 5 and line["category"] == "tea" for line in e["instance"]["lines"]),
    ),
    (
        "instance.lines[?price > `250`] && instance.status == 'pending'",
        lambda e: (
            any(line["price"] > 250 for line in e["instance"]["lines"]) and e["instance"]["status"] == "pending"
        ),
    ),
    (
        "sum(instance.lines[].quantity) > `15`",
        lambda e: sum(line["quantity"] for line in e["instance"]["lines"]) > 15,
    ),
    ("instance.paid_at == `null`", lambda e: e["instance"]["paid_at"] is None),
    (
        "instance.placed_at >= '2026-06-01T00:00:00Z'",
        lambda e: e["instance"]["placed_at"] >= "2026-06-01T00:00:00.000000Z",
    ),
    (
        "user.is_staff && request.method == 'POST'",
        lambda e: (u := e["user"]) and u["is_staff"] and (r := e["request"]) and r["method"] == "POST",
    ),
    (
        "previous.status == 'pending' && instance.status == 'cancelled' && instance.discount < `20`",
        lambda e: (
            (p := e["previous"])
            and p["status"] == "pending"
            and (i := e["instance"])["status"] == "cancelled"
            and i["discount"] < 20
        ),
    ),
]


def main() -> None:
    documents = events(2_000)
    rows, to_jmespath, to_hand = [], [], []
    for text, by_hand in CONDITIONS:
        engines = _engines(text, by_hand, documents)
        taken = microseconds(engines, documents)
        to_jmespath.append(taken["jmespath"] / taken["condition"])
        to_hand.append(taken["condition"] / taken["by hand"])
        micro = [f"{taken[name]:.2f}" for name in engines]
        rows.append([f"`` {text} ``".replace("|", "\\|"), *micro, f"{to_jmespath[-1]:.0f}x", f"{to_hand[-1]:.2f}x"])
    rows.append(["**geometric mean**", "", "", "", _bold(to_jmespath, ".1f"), _bold(to_hand, ".2f")])
    print(versions("jmespath"))
    print()
    print(table(["condition", "µs", "by hand, µs", "jmespath, µs", "faster than jmespath", "time by hand"], rows))


def _bold(ratios: list[float], digits: str) -> str:
    return f"**{geometric_mean(ratios):{digits}}x**"


def _engines(text: str, by_hand: Callable[[Any], Any], documents: list[Any]) -> dict[str, Callable[[Any], Any]]:
    matches, search = compile_condition(text).matches, jmespath.compile(text).search
    for document in documents:
        expected = bool(by_hand(document))
        assert matches(document) is expected, (text, document)
        found = search(document)
        assert (found not in (None, "", [], {}) and found is not False) is expected, (text, document)
    return {"condition": matches, "by hand": by_hand, "jmespath": search}


if __name__ == "__main__":
    main()
