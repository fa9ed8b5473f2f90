"""Conditions as nested Python functions: for those that are too deep or too long to be worth compiling to code.

Each node of the tree becomes one function ``run(budget, root, current)``. It is four times slower than generated
code and made ten times faster, has no limits of Python's compiler, and means exactly the same (a test says so).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rules_engine.conditions import runtime
from rules_engine.conditions.hostfunctions import Library
from rules_engine.conditions.limits import Budget
from rules_engine.conditions.lookup import find_form
from rules_engine.conditions.parser import Node, children_of, nodes_of, span_of
from rules_engine.conditions.signatures import EXPREF, Expression
from rules_engine.conditions.values import is_true

Run = Callable[[Budget, Any, Any], Any]


def closure_of(tree: Node, library: Library, wrap: Callable[[Node, Run], Run] | None = None) -> Run:
    """Return the function ``run(budget, root, current)`` of a tree; ``wrap`` may replace that of each node."""
    # Children before their parents, without recursion: a tree may be as deep as Python's stack.
    made: dict[int, Run] = {}
    for node in reversed(list(nodes_of(tree))):
        children = [made.pop(id(child)) for child in children_of(node)]
        run = _MAKERS[node["type"]](node, children, library)
        made[id(node)] = wrap(node, run) if wrap is not None else run
    return made[id(tree)]


def _current(node: Node, children: list[Run], library: Library) -> Run:
    return lambda budget, root, current: current


def _literal(node: Node, children: list[Run], library: Library) -> Run:
    value = node["value"]
    return lambda budget, root, current: value


def _field(node: Node, children: list[Run], library: Library) -> Run:
    key, get = node["value"], runtime.get
    return lambda budget, root, current: current.get(key) if type(current) is dict else get(current, key)


def _index(node: Node, children: list[Run], library: Library) -> Run:
    position, item = node["value"], runtime.item
    return lambda budget, root, current: item(current, position)


def _slice(node: Node, children: list[Run], library: Library) -> Run:
    positions, part = slice(*node["children"]), runtime.part
    return lambda budget, root, current: part(current, positions, budget)


def _sequence(node: Node, children: list[Run], library: Library) -> Run:
    def run(budget: Budget, root: Any, current: Any) -> Any:
        for child in children:
            current = child(budget, root, current)
        return current

    return run


# --- projections ------------------------------------------------------------------------------------------


def _each(items: Iterable[Any], each: Run, budget: Budget, root: Any) -> list[Any]:
    return runtime.kept(each(budget, root, item) for item in items)


def _projection(node: Node, children: list[Run], library: Library) -> Run:
    base, each = children
    weight = weight_of(node["children"][1])

    def run(budget: Budget, root: Any, current: Any) -> Any:
        items = base(budget, root, current)
        if not isinstance(items, (list, tuple)):
            return None
        budget.spend(len(items) * weight)
        return _each(items, each, budget, root)

    return run


def _value_projection(node: Node, children: list[Run], library: Library) -> Run:
    base, each = children
    weight = weight_of(node["children"][1])

    def run(budget: Budget, root: Any, current: Any) -> Any:
        fields = base(budget, root, current)
        if not runtime.is_mapping(fields):
            return None
        budget.spend(len(fields) * weight)
        return _each(fields.values(), each, budget, root)

    return run


def _filter_projection(node: Node, children: list[Run], library: Library) -> Run:
    base, each, test = children
    weight = weight_of(node["children"][1]) + weight_of(node["children"][2])

    def run(budget: Budget, root: Any, current: Any) -> Any:
        items = base(budget, root, current)
        if not isinstance(items, (list, tuple)):
            return None
        budget.spend(len(items) * weight)
        return _each((item for item in items if is_true(test(budget, root, item))), each, budget, root)

    return run


def _flatten(node: Node, children: list[Run], library: Library) -> Run:
    (base,), flat = children, runtime.flat
    return lambda budget, root, current: flat(base(budget, root, current), budget)


# --- new values -------------------------------------------------------------------------------------------


def _multi_select_list(node: Node, children: list[Run], library: Library) -> Run:
    def run(budget: Budget, root: Any, current: Any) -> Any:
        if runtime.null(current):
            return None
        return [child(budget, root, current) for child in children]

    return run


def _multi_select_dict(node: Node, children: list[Run], library: Library) -> Run:
    pairs = [(pair["value"], child) for pair, child in zip(node["children"], children, strict=True)]

    def run(budget: Budget, root: Any, current: Any) -> Any:
        if runtime.null(current):
            return None
        return {name: child(budget, root, current) for name, child in pairs}

    return run


def _only(node: Node, children: list[Run], library: Library) -> Run:
    return children[0]


# --- operators --------------------------------------------------------------------------------------------

_ORDER = {"lt": runtime.below, "lte": runtime.at_most, "gt": runtime.above, "gte": runtime.at_least}
_EQUALITY = {"eq": runtime.equals, "ne": runtime.differs}


def _comparator(node: Node, children: list[Run], library: Library) -> Run:
    left, right = children
    if node["value"] in _ORDER:
        ordered = _ORDER[node["value"]]
        return lambda budget, root, current: ordered(left(budget, root, current), right(budget, root, current))
    compared = _EQUALITY[node["value"]]
    return lambda budget, root, current: compared(left(budget, root, current), right(budget, root, current), budget)


def _or(node: Node, children: list[Run], library: Library) -> Run:
    def run(budget: Budget, root: Any, current: Any) -> Any:
        value = None
        for child in children:
            value = child(budget, root, current)
            if is_true(value):
                break
        return value

    return run


def _and(node: Node, children: list[Run], library: Library) -> Run:
    def run(budget: Budget, root: Any, current: Any) -> Any:
        value = None
        for child in children:
            value = child(budget, root, current)
            if not is_true(value):
                break
        return value

    return run


def _not(node: Node, children: list[Run], library: Library) -> Run:
    (child,) = children
    return lambda budget, root, current: not is_true(child(budget, root, current))


# --- functions --------------------------------------------------------------------------------------------


def _expref(node: Node, children: list[Run], library: Library) -> Run:
    (child,) = children
    weight = weight_of(node)

    def run(budget: Budget, root: Any, current: Any) -> Expression:
        def each(item: Any) -> Any:
            budget.spend(weight)
            return child(budget, root, item)

        return Expression(each)

    return run


def _function(node: Node, children: list[Run], library: Library) -> Run:
    position = (span_of(node) or (None,))[0]
    form = find_form(node["value"], library)
    if form is not None:
        call_form = runtime.form_caller(form, position)
        return lambda budget, root, current: call_form(budget, root, current, *children)
    call = runtime.caller(node["value"], library, position)
    return lambda budget, root, current: call(budget, *(child(budget, root, current) for child in children))


def weight_of(node: Node) -> int:
    """The steps that one evaluation of a node counts for."""
    return sum(1 for _ in nodes_of(node))


_MAKERS: dict[str, Callable[[Node, list[Run], Library], Run]] = {
    "and_expression": _and,
    "comparator": _comparator,
    "current": _current,
    "field": _field,
    "filter_projection": _filter_projection,
    "flatten": _flatten,
    "function_expression": _function,
    "identity": _current,
    "index": _index,
    "index_expression": _sequence,
    "key_val_pair": _only,
    "literal": _literal,
    "multi_select_dict": _multi_select_dict,
    "multi_select_list": _multi_select_list,
    "not_expression": _not,
    "or_expression": _or,
    "pipe": _sequence,
    "projection": _projection,
    "slice": _slice,
    "subexpression": _sequence,
    "value_projection": _value_projection,
    EXPREF: _expref,
}
