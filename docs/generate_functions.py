"""Writes the functions into docs/reference/functions.md: ``python docs/generate_functions.py``.

What stands between the marks comes from the docstrings, everything else on the page is written by hand.
"""

from __future__ import annotations

import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rules_engine.conditions.examples import Example
    from rules_engine.conditions.registry import FunctionHelp

PAGE = Path(__file__).resolve().parent / "reference" / "functions.md"
REGION = re.compile(r"(<!-- generated: function-reference -->\n).*?(<!-- end -->)", re.DOTALL)
JMESPATH = "JMESPath"
"""The subject of JMESPath's own functions, which come last: who reads from the top wants what is new."""


def main() -> None:
    """Write the page if it changed."""
    sys.path.insert(0, str(PAGE.parents[2]))
    old = PAGE.read_text(encoding="utf-8")
    new = fresh(old)
    if new != old:
        PAGE.write_text(new, encoding="utf-8")
        print(f"written: {PAGE.relative_to(PAGE.parents[2])}")


def fresh(page: str) -> str:
    """Return the text of the page with its generated part made anew."""
    return REGION.sub(lambda found: f"{found[1]}\n{function_reference()}\n\n{found[2]}", page)


def function_reference() -> str:
    """Every function of this package by subject, with its examples."""
    from rules_engine.conditions import function_help
    from rules_engine.conditions.library import SUBJECTS

    items = [item for item in function_help() if item.subject]
    return "\n\n".join(_subject(subject, items) for subject in [*SUBJECTS, JMESPATH])


def _subject(subject: str, items: list[FunctionHelp]) -> str:
    heading = "Functions of JMESPath" if subject == JMESPATH else subject
    return "\n\n".join([f"## {heading}", *(_function(item) for item in items if item.subject == subject)])


def _function(item: FunctionHelp) -> str:
    doc = re.sub(r"``(.+?)``", r"`\1`", item.doc)
    return f"### `{item.usage}`\n\n{doc}\n\n{_table(item.examples)}"


def _table(examples: tuple[Example, ...]) -> str:
    contexts = any(example.context for example in examples)
    head = ("Condition", "Context", "Gives") if contexts else ("Condition", "Gives")
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for example in examples:
        cells = [_code(example.condition), _code(_json(example.context)) if example.context else "", _given(example)]
        lines.append(f"| {' | '.join(cells if contexts else (cells[0], cells[2]))} |")
    return "\n".join(lines)


def _given(example: Example) -> str:
    return f"Error: {example.error}" if example.error else _code(_json(example.value))


def _json(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _code(text: str) -> str:
    # Two backticks around a text with backticks in it; GitHub reads the bar of a table before either.
    escaped = text.replace("|", "\\|")
    return f"`` {escaped} ``" if "`" in text else f"`{escaped}`"


if __name__ == "__main__":
    main()
