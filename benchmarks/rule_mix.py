"""Random rules over the demo shop, and the same rule in the language of every engine that is compared.

A rule is a list of tests that must all hold. 80 % carry an equality on store, country or status, 10 % a range, 10 %
are anything; about one in a thousand matches an event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.shop_events import STATUSES, TAGS


@dataclass(frozen=True)
class Test:
    """One test: ``op`` on the value at ``path``."""

    op: str
    path: str
    value: Any = None


Rule = Sequence[Test]
COUNTRY = "instance.customer.country"


def rules(count: int, seed: int = 11) -> list[Rule]:
    """Make ``count`` rules, always the same ones for a seed; each set is the beginning of a larger one."""
    random = Random(seed)
    return [_rule(random) for _ in range(count)]


def _rule(random: Random) -> Rule:
    kind = random.random()
    if kind < 0.8:
        return _with_equality(random)
    return _with_range(random) if kind < 0.9 else random.choice(_ANYTHING)(random)


def _with_equality(random: Random) -> Rule:
    from benchmarks.shop_events import COUNTRIES

    kind = random.random()
    weight = Test(">", "instance.weight", random.randint(1, 4_990))
    if kind < 0.5:
        return [Test("==", "instance.store_id", random.randint(1, 500)), _status(random), weight]
    if kind < 0.8:
        country = Test("==", COUNTRY, random.choice(COUNTRIES))
        return [country, _status(random), Test(">", "instance.weight", random.randint(4_600, 4_999)), _tag(random)]
    return [_status(random), Test("==", "instance.discount", 20), Test(">", "instance.weight", 4_990), _tag(random)]


def _status(random: Random) -> Test:
    return Test("==", "instance.status", random.choice(STATUSES))


def _tag(random: Random) -> Test:
    return Test("holds", "instance.tags", random.choice(TAGS))


def _with_range(random: Random) -> Rule:
    if random.random() < 0.5:
        low = random.randint(1, 4_990)
        return [Test(">=", "instance.weight", low), Test("<", "instance.weight", low + random.randint(3, 8))]
    low = random.randint(0, 3_000)
    return [Test(">", "instance.total", low), Test("<=", "instance.total", low + random.randint(1, 4))]


_ANYTHING: list[Callable[[Random], Rule]] = [
    lambda random: [Test("starts", "instance.number", f"{random.choice('ABC')}-{random.randint(0, 999):05}")],
    lambda random: [
        Test("any", "instance.lines", ("sku", f"SKU-{random.randint(1, 200)}")),
        Test("<", "instance.weight", random.randint(50, 400)),
    ],
    lambda random: [
        Test("true", "instance.notes"),
        Test("holds", "instance.notes", random.choice(["urgent", "door", "noon", "gift wrap", "birthday"])),
        Test("<", "instance.weight", random.randint(5, 40)),
    ],
    lambda random: [Test("long", "instance.lines", 4), Test(">", "instance.total", random.randint(3_500, 6_000))],
    lambda random: [
        Test("ends", "instance.customer.email", random.choice([".org", ".example", "corp.example"])),
        Test("!=", "instance.status", random.choice(STATUSES)),
        Test("<", "instance.weight", random.randint(2, 15)),
    ],
    lambda random: [
        Test("in", COUNTRY, random.sample(["DE", "FR", "AT", "CH", "NL", "LU", "BE"], 3)),
        Test("true", "instance.customer.vip"),
        Test(">", "instance.weight", random.randint(4_800, 4_990)),
    ],
    lambda random: [
        Test("==", "changes.status.new", random.choice(STATUSES)),
        Test("==", "changes.status.old", random.choice(STATUSES)),
        Test("<", "instance.weight", random.randint(10, 60)),
    ],
    lambda random: [Test("false", "instance.is_test"), Test("<", "instance.weight", random.randint(2, 9))],
]


# --- one rule in every language ---------------------------------------------------------------------------


def jmespath(rule: Rule) -> str:
    """For this package and for jmespath."""
    return " && ".join(_JMESPATH[test.op](test) for test in rule)


def _literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else f"`{value}`"


_JMESPATH: dict[str, Callable[[Test], str]] = {
    **{
        sign: lambda test: f"{test.path} {test.op} {_literal(test.value)}"
        for sign in ("==", "!=", "<", "<=", ">", ">=")
    },
    "any": lambda test: f"{test.path}[?{test.value[0]} == {_literal(test.value[1])}]",
    "ends": lambda test: f"ends_with({test.path}, '{test.value}')",
    "false": lambda test: f"!({test.path})",
    "holds": lambda test: f"contains({test.path}, '{test.value}')",
    "in": lambda test: f"contains(`{str(test.value).replace(chr(39), chr(34))}`, {test.path})",
    "long": lambda test: f"length({test.path}) > `{test.value}`",
    "starts": lambda test: f"starts_with({test.path}, '{test.value}')",
    "true": lambda test: test.path,
}


def python(rule: Rule) -> str:
    """For a lambda written by hand, on the event ``e``."""
    return " and ".join(_PYTHON[test.op](test) for test in rule)


def _read(path: str) -> str:
    first, *rest = path.split(".")
    if first == "changes":
        return f"(e['changes'].get('status') or {{}}).get('{rest[-1]}')"
    return f"e['{first}']" + "".join(f"['{name}']" for name in rest)


_PYTHON: dict[str, Callable[[Test], str]] = {
    **{
        sign: lambda test: f"{_read(test.path)} {test.op} {test.value!r}"
        for sign in ("==", "!=", "<", "<=", ">", ">=")
    },
    "any": lambda test: f"any(i['{test.value[0]}'] == {test.value[1]!r} for i in {_read(test.path)})",
    "ends": lambda test: f"{_read(test.path)}.endswith({test.value!r})",
    "false": lambda test: f"not {_read(test.path)}",
    "holds": lambda test: f"{test.value!r} in {_read(test.path)}",
    "in": lambda test: f"{_read(test.path)} in {tuple(test.value)!r}",
    "long": lambda test: f"len({_read(test.path)}) > {test.value}",
    "starts": lambda test: f"{_read(test.path)}.startswith({test.value!r})",
    "true": lambda test: _read(test.path),
}


def json_logic(rule: Rule) -> Any:
    """For datalogic-py."""
    parts = [_JSON_LOGIC[test.op](test, {"var": test.path}) for test in rule]
    return {"and": parts} if len(parts) > 1 else {"!!": parts}


_JSON_LOGIC: dict[str, Callable[[Test, Any], Any]] = {
    **{sign: lambda test, var: {test.op: [var, test.value]} for sign in ("<", "<=", ">", ">=")},
    "!=": lambda test, var: {"!==": [var, test.value]},
    "==": lambda test, var: {"===": [var, test.value]},
    "any": lambda test, var: {"some": [var, {"===": [{"var": test.value[0]}, test.value[1]]}]},
    "ends": lambda test, var: {"ends_with": [var, test.value]},
    "false": lambda test, var: {"!": [var]},
    "holds": lambda test, var: {"in": [test.value, var]},
    "in": lambda test, var: {"in": [var, test.value]},
    "long": lambda test, var: {">": [{"length": [var]}, test.value]},
    "starts": lambda test, var: {"starts_with": [var, test.value]},
    "true": lambda test, var: {"!!": [var]},
}


def zen(rule: Rule) -> str:
    """For zen-engine."""
    return " and ".join(_ZEN[test.op](test) for test in rule)


def _quoted(value: Any) -> str:
    return (
        str(value).replace("'", '"')
        if isinstance(value, list)
        else f'"{value}"'
        if isinstance(value, str)
        else str(value)
    )


_ZEN: dict[str, Callable[[Test], str]] = {
    **{
        sign: lambda test: f"{test.path} {test.op} {_quoted(test.value)}"
        for sign in ("==", "!=", "<", "<=", ">", ">=")
    },
    "any": lambda test: f"some({test.path}, #.{test.value[0]} == {_quoted(test.value[1])})",
    "ends": lambda test: f"endsWith({test.path}, {_quoted(test.value)})",
    "false": lambda test: f"{test.path} == false",
    "holds": lambda test: f"contains({test.path}, {_quoted(test.value)})",
    "in": lambda test: f"{test.path} in {_quoted(test.value)}",
    "long": lambda test: f"len({test.path}) > {test.value}",
    "starts": lambda test: f"startsWith({test.path}, {_quoted(test.value)})",
    "true": lambda test: f"{test.path} == true" if test.path.endswith("vip") else f"{test.path} != null",
}


def cel(rule: Rule) -> str:
    """For common-expression-language."""
    return " && ".join(_CEL[test.op](test) for test in rule)


def _cel_compared(test: Test) -> str:
    if test.path.startswith("changes."):
        return f"has(changes.status) && {test.path} {test.op} {_quoted(test.value)}"
    if test.path == "instance.total":
        return f"{test.path} {test.op} {float(test.value)}"
    return f"{test.path} {test.op} {_quoted(test.value)}"


_CEL: dict[str, Callable[[Test], str]] = {
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), _cel_compared),
    "any": lambda test: f"{test.path}.exists(i, i.{test.value[0]} == {_quoted(test.value[1])})",
    "ends": lambda test: f"{test.path}.endsWith({_quoted(test.value)})",
    "false": lambda test: f"!{test.path}",
    "holds": lambda test: (
        f"{_quoted(test.value)} in {test.path}"
        if test.path.endswith("tags")
        else f"{test.path}.contains({_quoted(test.value)})"
    ),
    "in": lambda test: f"{test.path} in {_quoted(test.value)}",
    "long": lambda test: f"size({test.path}) > {test.value}",
    "starts": lambda test: f"{test.path}.startsWith({_quoted(test.value)})",
    "true": lambda test: test.path if test.path.endswith("vip") else f"{test.path} != null",
}


def rule_engine(rule: Rule) -> str:
    """For rule-engine."""
    return " and ".join(_RULE_ENGINE[test.op](test) for test in rule)


def _rule_engine_compared(test: Test) -> str:
    if test.path.startswith("changes."):
        return f"changes.status != null and {test.path} {test.op} {_quoted(test.value)}"
    return f"{test.path} {test.op} {_quoted(test.value)}"


_RULE_ENGINE: dict[str, Callable[[Test], str]] = {
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), _rule_engine_compared),
    "any": lambda test: f"[i for i in {test.path} if i.{test.value[0]} == {_quoted(test.value[1])}].length > 0",
    "ends": lambda test: f"{test.path}.ends_with({_quoted(test.value)})",
    "false": lambda test: f"not {test.path}",
    "holds": lambda test: f"{_quoted(test.value)} in {test.path}",
    "in": lambda test: f"{test.path} in {_quoted(test.value)}",
    "long": lambda test: f"{test.path}.length > {test.value}",
    "starts": lambda test: f"{test.path}.starts_with({_quoted(test.value)})",
    "true": lambda test: test.path if test.path.endswith("vip") else f"{test.path} != null and {test.path} != ''",
}
