"""What the value of each sub-expression can be, found in the tree of a condition without evaluating it.

A guess says what is certain and no more: a value of a type that its guess does not have cannot occur. Without a
schema everything that is read from the context can be anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rules_engine.conditions.hostfunctions import Library
from rules_engine.conditions.lookup import find_function
from rules_engine.conditions.parser import Node, children_of
from rules_engine.conditions.shapes import KINDS, OTHERS, Fields, Leaf, Shape, fields_of, resolved
from rules_engine.conditions.signatures import EXPREF
from rules_engine.conditions.values import ARRAY, BOOLEAN, NULL, NUMBER, OBJECT, STRING, kind_of

ALL = frozenset({NULL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT})
SCALARS = frozenset({NULL, BOOLEAN, NUMBER, STRING})


@dataclass(frozen=True)
class Guess:
    """What a value can be."""

    kinds: frozenset[str] = ALL
    """The JMESPath types that it can have."""
    known: Shape | Leaf | Fields | None = None
    """What the schema says of it."""
    item: Guess | None = None
    """What the items can be, where it is a list; None for anything."""
    constant: tuple[Any, ...] = ()
    """Its value, if that is written in the condition."""

    def without_null(self) -> Guess:
        """The guess for a value that is known not to be null."""
        return replace(self, kinds=self.kinds - {NULL})

    def or_null(self) -> Guess:
        """The guess for a value that may be null as well."""
        return replace(self, kinds=self.kinds | {NULL}, constant=())

    def items(self) -> Guess:
        """The guess for an item, if this is a list."""
        return self.item or ANYTHING


ANYTHING = Guess()
NOTHING = Guess(frozenset({NULL}))


def guesses_of(tree: Node, schema: Fields | Shape | None, library: Library) -> dict[int, Guess]:
    """Return the guess for each node of a tree, by the node's ``id``."""
    guesser = _Guesser(ANYTHING if schema is None else Guess(frozenset({OBJECT}), schema), library)
    guesser.guess(tree, guesser.root)
    return guesser.found


def guess_at(schema: Fields | Shape | None, *path: str) -> Guess:
    """The guess for what stands at a path of the root."""
    guess = ANYTHING if schema is None else Guess(frozenset({OBJECT}), schema)
    for name in path:
        guess = _field(guess, name)
    return guess


def guess_of_value(value: Any) -> Guess:
    """The guess for a constant."""
    kind = kind_of(value)
    item = _union([guess_of_value(entry) for entry in value]) if kind == ARRAY and value else None
    return Guess(frozenset({kind}), item=item, constant=(value,))


def _of_schema(field: Any) -> Guess:
    known = resolved(field)
    if known is None or (isinstance(known, Leaf) and (known.open or known.redacted)):
        return ANYTHING
    if isinstance(known, Leaf):
        return Guess(frozenset(KINDS[known.kind]) | {NULL} if known.kind in KINDS else SCALARS, known)
    if isinstance(known, Shape) and known.many:
        return Guess(frozenset({ARRAY, NULL}), known, item=Guess(frozenset({OBJECT}), replace(known, many=False)))
    return Guess(frozenset({OBJECT, NULL}), known)


def _field(guess: Guess, name: str) -> Guess:
    if OBJECT not in guess.kinds:
        return NOTHING
    if guess.known is None or isinstance(guess.known, Leaf):
        return ANYTHING
    fields = fields_of(guess.known)
    if name in fields:
        return _of_schema(fields[name])
    # A name that is not there has been reported as such.
    return _of_schema(fields[OTHERS]) if OTHERS in fields else ANYTHING


def _union(guesses: list[Guess]) -> Guess:
    """The guess for a value that is one of several."""
    first, *others = guesses
    if not others:
        return first
    kinds = first.kinds.union(*(other.kinds for other in others))
    known = [guess.known for guess in guesses if guess.kinds != {NULL}]
    same = known[0] if known and all(item is known[0] for item in known) else None
    items = [guess.item for guess in guesses if ARRAY in guess.kinds]
    certain = [item for item in items if item is not None]
    return Guess(kinds, same, item=_union(certain) if certain and len(certain) == len(items) else None)


class _Guesser:
    def __init__(self, root: Guess, library: Library) -> None:
        self.root = root
        self.library = library
        self.found: dict[int, Guess] = {}

    def guess(self, node: Node, scope: Guess) -> Guess:
        """Guess a node whose current value is guessed as ``scope``."""
        result = _HANDLERS[node["type"]](self, node, scope)
        self.found[id(node)] = result
        return result

    def each(self, nodes: list[Node], scope: Guess) -> list[Guess]:
        """Guess several nodes with the same current value."""
        return [self.guess(node, scope) for node in nodes]

    # --- one handler a node type ---

    def current(self, node: Node, scope: Guess) -> Guess:
        return scope

    def literal(self, node: Node, scope: Guess) -> Guess:
        return guess_of_value(node["value"])

    def field(self, node: Node, scope: Guess) -> Guess:
        return _field(scope, node["value"])

    def sequence(self, node: Node, scope: Guess) -> Guess:
        for child in children_of(node):
            scope = self.guess(child, scope)
        return scope

    def index(self, node: Node, scope: Guess) -> Guess:
        return scope.items().or_null() if ARRAY in scope.kinds else NOTHING

    def slice(self, node: Node, scope: Guess) -> Guess:
        return Guess(frozenset({ARRAY, NULL}), item=scope.item) if ARRAY in scope.kinds else NOTHING

    def flatten(self, node: Node, scope: Guess) -> Guess:
        base = self.guess(node["children"][0], scope)
        if ARRAY not in base.kinds:
            return NOTHING
        item = base.items()
        if item.kinds <= {ARRAY, NULL}:
            item = item.items().or_null()
        elif ARRAY in item.kinds:
            item = ANYTHING
        return Guess(frozenset({ARRAY, NULL}), item=item)

    def projection(self, node: Node, scope: Guess) -> Guess:
        base = self.guess(node["children"][0], scope)
        item = base.items() if ARRAY in base.kinds else ANYTHING
        for test in node["children"][2:]:
            self.guess(test, item)
        each = self.guess(node["children"][1], item)
        return _list_of(each) if ARRAY in base.kinds else NOTHING

    def value_projection(self, node: Node, scope: Guess) -> Guess:
        base = self.guess(node["children"][0], scope)
        each = self.guess(node["children"][1], ANYTHING)
        return _list_of(each) if OBJECT in base.kinds else NOTHING

    def equality(self, node: Node, scope: Guess) -> Guess:
        self.each(node["children"], scope)
        return Guess(frozenset({BOOLEAN}) if node["value"] in ("eq", "ne") else frozenset({BOOLEAN, NULL}))

    def choice(self, node: Node, scope: Guess) -> Guess:
        return _union(self.each(node["children"], scope))

    def negation(self, node: Node, scope: Guess) -> Guess:
        self.each(node["children"], scope)
        return Guess(frozenset({BOOLEAN}))

    def list_of_results(self, node: Node, scope: Guess) -> Guess:
        return Guess(frozenset({ARRAY, NULL}), item=_union(self.each(node["children"], scope)))

    def object_of_results(self, node: Node, scope: Guess) -> Guess:
        self.each(node["children"], scope)
        return Guess(frozenset({OBJECT, NULL}))

    def expression(self, node: Node, scope: Guess) -> Guess:
        self.guess(node["children"][0], scope)
        return Guess(frozenset({EXPREF}))

    def function(self, node: Node, scope: Guess) -> Guess:
        name, arguments = node["value"], node["children"]
        if name in _BY_ITEM:
            return self.by_item(name, arguments, scope)
        if name == "became":
            scope = self.root
        guesses = self.each(arguments, scope)
        if name in _RESULTS:
            return _RESULTS[name](guesses)
        function = find_function(name, self.library)
        return _returned(function.returns) if function is not None else ANYTHING

    def by_item(self, name: str, arguments: list[Node], scope: Guess) -> Guess:
        """Functions with an expression that is evaluated on each item of a list."""
        expression, array = arguments if name == "map" else reversed(arguments)
        items = self.guess(array, scope)
        each = self.guess(expression["children"][0], items.items()) if expression["type"] == EXPREF else ANYTHING
        self.found[id(expression)] = Guess(frozenset({EXPREF}))
        if name == "map":
            return Guess(frozenset({ARRAY}), item=each)
        return items.without_null() if name == "sort_by" else items.items().or_null()


def _list_of(each: Guess) -> Guess:
    return Guess(frozenset({ARRAY, NULL}), item=each.without_null())


def _returned(kinds: tuple[str, ...]) -> Guess:
    if not kinds:
        return ANYTHING
    plain = frozenset(kind.partition("-")[0] for kind in kinds)
    of = [kind.partition("-")[2] for kind in kinds if "-" in kind]
    return Guess(plain, item=Guess(frozenset(of)) if of else None)


def _chosen(guesses: list[Guess]) -> Guess:
    """The result of ``if``."""
    return _union([guesses[1], guesses[2] if len(guesses) > 2 else NOTHING])


def _first_not_null(guesses: list[Guess]) -> Guess:
    found = _union([*(guess.without_null() for guess in guesses)])
    return found.or_null() if all(NULL in guess.kinds for guess in guesses) else found


_BY_ITEM = ("map", "max_by", "min_by", "sort_by")

_RESULTS: dict[str, Callable[[list[Guess]], Guess]] = {
    **dict.fromkeys(("abs", "ceil", "floor", "sum", "length"), lambda guesses: _returned((NUMBER,))),
    **dict.fromkeys(("avg", "to_number"), lambda guesses: _returned((NUMBER, NULL))),
    **dict.fromkeys(("contains", "ends_with", "starts_with"), lambda guesses: _returned((BOOLEAN,))),
    **dict.fromkeys(("join", "to_string", "type"), lambda guesses: _returned((STRING,))),
    **dict.fromkeys(("max", "min"), lambda guesses: guesses[0].items().or_null()),
    **dict.fromkeys(("coalesce", "not_null"), _first_not_null),
    "if": _chosen,
    "keys": lambda guesses: _returned((f"{ARRAY}-{STRING}",)),
    "merge": lambda guesses: _returned((OBJECT,)),
    "reverse": lambda guesses: Guess(guesses[0].kinds - {NULL}, item=guesses[0].item),
    "sort": lambda guesses: Guess(frozenset({ARRAY}), item=guesses[0].item),
    "to_array": lambda guesses: Guess(frozenset({ARRAY})),
    "values": lambda guesses: Guess(frozenset({ARRAY})),
}
"""What JMESPath's functions return, and those of which more is known than the types."""

_HANDLERS: dict[str, Callable[[_Guesser, Node, Guess], Guess]] = {
    "and_expression": _Guesser.choice,
    "comparator": _Guesser.equality,
    "current": _Guesser.current,
    "field": _Guesser.field,
    "filter_projection": _Guesser.projection,
    "flatten": _Guesser.flatten,
    "function_expression": _Guesser.function,
    "identity": _Guesser.current,
    "index": _Guesser.index,
    "index_expression": _Guesser.sequence,
    "key_val_pair": _Guesser.sequence,
    "literal": _Guesser.literal,
    "multi_select_dict": _Guesser.object_of_results,
    "multi_select_list": _Guesser.list_of_results,
    "not_expression": _Guesser.negation,
    "or_expression": _Guesser.choice,
    "pipe": _Guesser.sequence,
    "projection": _Guesser.projection,
    "slice": _Guesser.slice,
    "subexpression": _Guesser.sequence,
    "value_projection": _Guesser.value_projection,
    EXPREF: _Guesser.expression,
}
