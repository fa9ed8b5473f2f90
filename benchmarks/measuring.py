"""How the benchmarks measure: engines take turns, no garbage collection, the least time counts, ratios result."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from math import exp, log
from platform import machine, python_implementation, python_version
from time import perf_counter
from typing import Any

BATCH = 100


def microseconds(
    engines: Mapping[str, Callable[[Any], Any]], documents: Sequence[Any], rounds: int = 7
) -> dict[str, float]:
    """Return the CPU time that each engine takes for a document.

    The engines take turns with small batches. Each runs a batch twice and the second run counts, so that none pays
    for the caches that another has emptied; of several rounds the least time counts, since what other processes do to
    a busy machine only ever adds time.
    """
    batches = [documents[start : start + BATCH] for start in range(0, len(documents), BATCH)]
    total = dict.fromkeys(engines, 0.0)
    gc.collect()
    gc.disable()
    try:
        for batch in batches:
            for name, seconds in _least(engines, batch, rounds).items():
                total[name] += seconds
    finally:
        gc.enable()
    return {name: seconds / len(documents) * 1e6 for name, seconds in total.items()}


def _least(engines: Mapping[str, Callable[[Any], Any]], batch: Sequence[Any], rounds: int) -> dict[str, float]:
    least = dict.fromkeys(engines, float("inf"))
    for _ in range(rounds):
        for name, engine in engines.items():
            for document in batch:
                engine(document)
            start = perf_counter()
            for document in batch:
                engine(document)
            least[name] = min(least[name], perf_counter() - start)
    return least


def geometric_mean(values: Sequence[float]) -> float:
    """The mean of ratios."""
    return exp(sum(map(log, values)) / len(values))


def versions(*packages: str) -> str:
    """One line that says what was measured on what."""
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    return f"{python_implementation()} {python_version()} on {machine()}; {', '.join(found)}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
