"""The table of what each rule did."""

from __future__ import annotations

from collections.abc import Sequence

from rules_engine.models import Execution, Rule
from shop.panel import line_of

HEAD = ("rule", "signal", "object", "action", "outcome", "ms")


def table(rows: Sequence[Execution], silent: Sequence[Rule] = ()) -> str:
    """Rows as text, one execution a line; then the rules that no event matched."""
    cells = [HEAD, *(_cells(row) for row in rows)]
    cells += [(rule.name, rule.signal, rule.sender or "any", "-", "did not match", "-") for rule in silent]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEAD))]
    lines = [_line(row, widths) for row in cells]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([lines[0], rule, *lines[1:]])


def _cells(row: Execution) -> tuple[str, ...]:
    line = line_of(row)
    milliseconds = "-" if line.milliseconds is None else str(line.milliseconds)
    return (line.rule, line.signal, line.about, line.action, line.outcome, milliseconds)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    text = "  ".join(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False))
    return f"{text}  {row[-1].rjust(widths[-1])}"
