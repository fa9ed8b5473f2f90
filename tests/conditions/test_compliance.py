"""The JMESPath compliance suite, which lies beside the repository and is not part of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rules_engine.conditions import compile_condition

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "jmespath"
FILES = sorted(DATA.glob("*.json"))


def cases() -> Iterator[Any]:
    """One parameter a case: the document and the case."""
    for file in FILES:
        for group in json.loads(file.read_text()):
            for number, case in enumerate(group["cases"]):
                yield pytest.param(group["given"], case, id=f"{file.stem}-{number}-{case['expression'][:30]}")


def same(found: Any, expected: Any) -> bool:
    """Whether two values are equal as JSON, its types told apart; 1 and 1.0 are one number."""
    if isinstance(expected, bool) or isinstance(found, bool):
        return found is expected
    if isinstance(expected, (int, float)):
        return isinstance(found, (int, float, Decimal)) and _exact(found) == _exact(expected)
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and found.keys() == expected.keys()
            and all(same(found[key], expected[key]) for key in found)
        )
    return type(found) is type(expected) and bool(found == expected)


def _exact(number: float | Decimal) -> Decimal:
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


@pytest.mark.skipif(not FILES, reason=f"The JMESPath compliance suite is not beside the repository, in {DATA}.")
@pytest.mark.parametrize(("given", "case"), list(cases()))
def test_a_case_of_the_compliance_suite_has_its_result_or_its_error(given: Any, case: dict[str, Any]) -> None:
    """Every case gives the expected value with its JSON type, or a ValueError where an error is expected."""
    if "error" in case:
        with pytest.raises(ValueError):
            compile_condition(case["expression"]).evaluate(given)
        return

    value = compile_condition(case["expression"]).evaluate(given)

    if "result" in case:
        assert same(value, case["result"]), value
