"""What does a large rule set cost to load, to hold, and to change? 10,000 different rules over the demo shop.

make bench            # or: python benchmarks/loading.py
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import table, versions
from benchmarks.rule_mix import jmespath, rules
from benchmarks.shop_events import events
from rules_engine.conditions import RuleSet, expression

SIZE = 10_000


def different_texts() -> list[str]:
    """Conditions of which no two are equal."""
    return list(dict.fromkeys(map(jmespath, rules(SIZE * 2))))[: SIZE + 200]


def loading(texts: list[str], documents: list[object]) -> tuple[float, float, float]:
    """CPU seconds to make the set, for the first event, and for the first two thousand."""
    expression._cached.cache_clear()
    gc.collect()
    start = process_time()
    found = RuleSet(enumerate(texts))
    made = process_time()
    found.match(documents[0])
    first = process_time()
    for document in documents:
        found.match(document)
    return made - start, first - made, process_time() - first


def bytes_held(texts: list[str], documents: list[object]) -> tuple[float, float]:
    """Bytes a rule, fresh and after two thousand events; the texts themselves are not counted."""
    expression._cached.cache_clear()
    gc.collect()
    tracemalloc.start()
    found = RuleSet(enumerate(texts))
    gc.collect()
    fresh = tracemalloc.get_traced_memory()[0]
    for document in documents:
        found.match(document)
    gc.collect()
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return fresh / len(texts), used / len(texts)


def changing(texts: list[str], more: list[str], documents: list[object]) -> dict[str, float]:
    """CPU milliseconds for one change; the match after it is part of it, since it may finish the work."""
    found = RuleSet(enumerate(texts))
    for document in documents:
        found.match(document)
    taken: dict[str, list[float]] = {"replace": [], "remove": [], "add": []}
    usual = median(_timed(partial(found.match, documents[0])) for _ in range(50))
    for number, text in enumerate(more):
        target = number * 37
        changes = {
            "replace": partial(found.replace, target, text),
            "remove": partial(found.remove, target + 1),
            "add": partial(found.add, target + 1, text + " "),
        }
        for name, change in changes.items():
            seconds = _timed(change, partial(found.match, documents[0]))
            taken[name].append((seconds - usual) * 1e3)
    return {name: median(times) for name, times in taken.items()}


def _timed(*runs: Callable[[], object]) -> float:
    start = process_time()
    for run in runs:
        run()
    return process_time() - start


def main() -> None:
    texts = different_texts()
    more, texts = texts[SIZE:], texts[:SIZE]
    documents: list[object] = list(events(2_000, seed=5))
    made, first, rest = min(loading(texts, documents) for _ in range(3))
    fresh, used = bytes_held(texts, documents)
    changes = changing(texts, more, documents)
    rows = [
        ["make the set from texts", f"{made:.2f} s CPU", "≤ 2 s"],
        ["the first event", f"{first * 1e3:.1f} ms", ""],
        ["the first 2,000 events, each", f"{rest / 2_000 * 1e6:.0f} µs", ""],
        ["memory a rule, fresh", f"{fresh / 1024:.1f} KiB", "≤ 6 KiB"],
        ["memory a rule, after 2,000 events", f"{used / 1024:.1f} KiB", "≤ 6 KiB"],
        *([f"{name} one rule, and match", f"{taken:.2f} ms", "≤ 1 ms"] for name, taken in changes.items()),
    ]
    print(versions("jmespath"))
    print()
    print(table([f"{SIZE:,} different rules", "measured", "goal"], rows))


if __name__ == "__main__":
    main()
