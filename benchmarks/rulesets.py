"""How fast are many rules? Sets of 10 to 10,000 over the demo shop, against the engines a host could take instead.

    make bench            # or: python benchmarks/rulesets.py [10 100 1000 10000]

Every engine must first give the matches that Python written by hand gives. Peers that are not installed are left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from math import log10
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import rule_mix
from benchmarks.measuring import microseconds, table, versions
from benchmarks.rule_mix import Rule, rules
from benchmarks.shop_events import events
from rules_engine.conditions import RuleSet, compile_condition

SIZES = (10, 100, 1_000, 10_000)
MOST_EVALUATIONS = 400_000
"""Rules times events that a slow engine is asked to decide in one run."""

Matcher = Callable[[Any], Sequence[int]]


def by_hand(found: list[Rule]) -> Matcher:
    """One lambda a rule, in a loop."""
    lambdas = [eval(f"lambda e: {rule_mix.python(rule)}") for rule in found]
    return lambda event: [number for number, test in enumerate(lambdas) if test(event)]


def rule_set(found: list[Rule]) -> Matcher:
    """This package's RuleSet."""
    return RuleSet(enumerate(map(rule_mix.jmespath, found))).match


def condition_loop(found: list[Rule]) -> Matcher:
    """This package's conditions, one after the other."""
    tests = [compile_condition(rule_mix.jmespath(rule)).matches for rule in found]
    return lambda event: [number for number, test in enumerate(tests) if test(event)]


def jmespath_loop(found: list[Rule]) -> Matcher:
    """jmespath.compile(text).search, one after the other."""
    import jmespath

    # Not jmespath.compile() for all: its cache of 512 expressions would be emptied again and again.
    searches = [jmespath.parser.Parser()._parse(rule_mix.jmespath(rule)).search for rule in found]
    return lambda event: [
        number for number, search in enumerate(searches) if search(event) not in (None, False, [], "")
    ]


def datalogic(found: list[Rule]) -> Matcher:
    """datalogic-py: all rules in one native call."""
    import datalogic_py

    engine = datalogic_py.Engine()
    compiled = [engine.compile({"!!": [rule_mix.json_logic(rule)]}) for rule in found]
    session = engine.session()

    def match(event: str) -> list[int]:
        outcomes = session.evaluate_many(compiled, datalogic_py.DataHandle(event))
        return [number for number, outcome in enumerate(outcomes) if outcome == "true"]

    return match


def zen_expressions(found: list[Rule]) -> Matcher:
    """zen-engine: compiled expressions, one after the other."""
    import zen

    compiled = [zen.compile_expression(rule_mix.zen(rule)) for rule in found]
    return lambda event: [number for number, each in enumerate(compiled) if each.evaluate(event) is True]


def zen_table(found: list[Rule]) -> Matcher:
    """zen-engine: one decision table that collects what matches."""
    import zen

    rows = [{"_id": str(n), "test": rule_mix.zen(rule), "out": str(n)} for n, rule in enumerate(found)]
    content = {
        "hitPolicy": "collect",
        "inputs": [{"id": "test", "name": "test"}],
        "outputs": [{"id": "out", "name": "out", "field": "rule"}],
        "rules": rows,
    }
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in"},
        {"id": "table", "type": "decisionTableNode", "name": "table", "content": content},
        {"id": "end", "type": "outputNode", "name": "end"},
    ]
    edges = [
        {"id": "1", "type": "edge", "sourceId": "in", "targetId": "table"},
        {"id": "2", "type": "edge", "sourceId": "table", "targetId": "end"},
    ]
    decision = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))

    def match(event: str) -> list[int]:
        result: Any = decision.evaluate(event)["result"]
        return [row["rule"] for row in result]

    return match


def rule_engine(found: list[Rule]) -> Matcher:
    """rule-engine: on objects, one after the other."""
    import rule_engine as library

    context = library.Context(resolver=library.resolve_attribute)
    compiled = [library.Rule(rule_mix.rule_engine(rule), context=context) for rule in found]
    return lambda event: [number for number, rule in enumerate(compiled) if rule.matches(event)]


def cel(found: list[Rule]) -> Matcher:
    """common-expression-language: one context an event, programs one after the other."""
    import cel as library

    programs = [library.compile(rule_mix.cel(rule)) for rule in found]

    def match(event: Any) -> list[int]:
        context = library.Context(variables=event)
        return [number for number, program in enumerate(programs) if program.execute(context) is True]

    return match


def as_json(event: Any) -> str:
    return json.dumps(event, default=float)


def as_floats(event: Any) -> Any:
    return json.loads(as_json(event))


def as_objects(event: Any) -> Any:
    document = json.loads(as_json(event), object_hook=lambda fields: SimpleNamespace(**fields))
    document.changes.status = getattr(document.changes, "status", None)
    return document


def as_it_is(event: Any) -> Any:
    return event


ENGINES: dict[str, tuple[Callable[[list[Rule]], Matcher], Callable[[Any], Any]]] = {
    "**RuleSet**": (rule_set, as_it_is),
    "conditions, loop": (condition_loop, as_it_is),
    "by hand, loop": (by_hand, as_it_is),
    "datalogic-py, one call": (datalogic, as_json),
    "zen-engine, table": (zen_table, as_json),
    "zen-engine, expressions": (zen_expressions, as_json),
    "common-expression-language": (cel, as_floats),
    "jmespath, loop": (jmespath_loop, as_it_is),
    "rule-engine, objects": (rule_engine, as_objects),
}
OURS = "**RuleSet**"
FAST = (OURS, "conditions, loop", "by hand, loop")
PEERS = [name for name in ENGINES if name not in FAST]


def main(sizes: Sequence[int]) -> None:
    documents = events(2_000, seed=5)
    results: dict[str, dict[int, float]] = {name: {} for name in ENGINES}
    share = {}
    for size in sizes:
        found = rules(size)
        expected = [by_hand(found)(document) for document in documents[:200]]
        share[size] = sum(map(len, expected)) / 200 / size
        for name, (make, form) in ENGINES.items():
            taken = _taken(name, make, form, found, documents, expected)
            if taken is not None:
                results[name][size] = taken
            print(f"{size:>6} {name:30} {taken if taken is None else round(taken, 1)}", file=sys.stderr)
    _show(results, sizes, share)


def _taken(
    name: str,
    make: Callable[[list[Rule]], Matcher],
    form: Callable[[Any], Any],
    found: list[Rule],
    documents: list[Any],
    expected: Sequence[Sequence[int]],
) -> float | None:
    """Microseconds for one event, or None where the engine is not installed."""
    try:
        match = make(found)
    except ImportError:
        return None
    count = 2_000 if name in FAST else max(3, min(2_000, MOST_EVALUATIONS // len(found) // 10))
    if name in FAST[1:]:
        count = min(count, max(20, 2_000_000 // len(found)))
    prepared = [form(document) for document in documents[:count]]
    checked = min(len(prepared), 200 if len(found) <= 1_000 else 20)
    for document, numbers in zip(prepared[:checked], expected, strict=False):
        assert list(match(document)) == numbers, (name, numbers, match(document))
    for document in prepared[:200]:
        match(document)
    return microseconds({name: match}, prepared, rounds=3)[name]


def _show(results: dict[str, dict[int, float]], sizes: Sequence[int], share: dict[int, float]) -> None:
    print(versions("jmespath", "datalogic-py", "zen-engine", "rule-engine", "common-expression-language"))
    print()
    print("Share of rules that match: " + ", ".join(f"{size:,}: {share[size]:.2%}" for size in sizes) + ".")
    print()
    head = ["µs an event", *(f"{size:,} rules" for size in sizes), "growth"]
    rows = []
    for name, taken in results.items():
        shown = [f"{taken[size]:,.1f}" if size in taken else "not installed" for size in sizes]
        rows.append([name, *shown, _exponent(taken)])
    print(table(head, rows))
    print()
    rows = []
    for name in ENGINES:
        taken = results[name]
        if name != OURS and taken:
            rows.append([name, *(f"{taken[size] / results[OURS][size]:,.1f}x" for size in sizes)])
    print(table(["RuleSet is faster than", *(f"{size:,} rules" for size in sizes)], rows))


def _exponent(taken: dict[int, float]) -> str:
    if 100 not in taken or 10_000 not in taken:
        return ""
    return f"{log10(taken[10_000] / taken[100]) / 2:.2f}"


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or SIZES)
