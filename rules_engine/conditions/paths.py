"""What a condition reads, found in its tree without evaluating it.

The tree is walked with *places* instead of values: where in the context a value can come from. Lists are
transparent: an item of ``lines`` stands at the place of ``lines``. What has been computed (a comparison, most
functions, a multi-select) has no place; what went into it has been read whole. The result may name more than an
evaluation reads, never less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rules_engine.conditions.limits import MAX_DEPTH
from rules_engine.conditions.parser import Node, Parsed, children_of
from rules_engine.conditions.signatures import EXPREF

Path = tuple[str, ...]

MAX_PLACES = 64
"""Places of one value that are told apart: ``(a || b) | (c || d) | …`` doubles them with each step."""


@dataclass(frozen=True)
class Place:
    """A position in the context that a value can come from.

    ``level`` is 0 for the value as it is stored there, -1 for an item of that list, 1 for a list of such values;
    None where it is not known (``[]`` merges lists only where there are some).
    """

    path: Path
    level: int | None = 0

    def moved(self, by: int) -> Place:
        """The place with ``by`` list levels more around it."""
        return self if self.level is None else Place(self.path, self.level + by)

    def blurred(self) -> Place:
        """The place with an unknown level."""
        return Place(self.path, None)


Places = frozenset[Place]
NOWHERE: Places = frozenset()


@dataclass(frozen=True)
class Read:
    """A field that is read: ``name`` of the value at ``place``; ``position`` is its offset in the text."""

    place: Place
    name: str
    position: int

    @property
    def path(self) -> Path:
        return (*self.place.path, self.name)


@dataclass(frozen=True)
class Opening:
    """A list that is opened by an index, a slice, a filter or a projection."""

    place: Place
    position: int


@dataclass
class Reads:
    """Everything that one condition reads."""

    fields: list[Read] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    whole: set[Path] = field(default_factory=set)

    def paths(self) -> frozenset[Path]:
        """The paths that are read to their end, or whose whole value is used."""
        # A place is only reached by reading it, so the parents of reads are all inner paths there are.
        inner = {read.place.path for read in self.fields}
        return frozenset(self.whole | ({read.path for read in self.fields} - inner))


def reads_of(parsed: Parsed) -> Reads:
    """Walk the tree of a condition."""
    walker = _Walker()
    walker.use(walker.walk(parsed.tree, frozenset({Place(())})))
    return walker.reads


class _Walker:
    def __init__(self) -> None:
        self.reads = Reads()
        self._position = 0

    def walk(self, node: Node, scope: Places) -> Places:
        """Return where the value of ``node`` can come from when the current value comes from ``scope``."""
        outer = self._position
        if "span" in node:
            self._position = node["span"][0]
        places = _HANDLERS[node["type"]](self, node, scope)
        self._position = outer
        return places

    def use(self, places: Places) -> Places:
        """Note that the whole value is used; return NOWHERE, for what is computed from it."""
        self.reads.whole.update(place.path for place in places)
        return NOWHERE

    def open(self, places: Places) -> Places:
        """Return where the items of a list come from."""
        self.reads.openings.extend(Opening(place, self._position) for place in places)
        return _moved(places, -1)

    # --- one handler a node type ---

    def current(self, node: Node, scope: Places) -> Places:
        return scope

    def literal(self, node: Node, scope: Places) -> Places:
        return NOWHERE

    def field(self, node: Node, scope: Places) -> Places:
        if len(scope) > MAX_PLACES or any(len(place.path) >= MAX_DEPTH for place in scope):
            return self.use(scope)
        found = [Read(place, node["value"], self._position) for place in scope]
        self.reads.fields.extend(found)
        return frozenset(Place(read.path) for read in found)

    def sequence(self, node: Node, scope: Places) -> Places:
        for child in children_of(node):
            scope = self.walk(child, scope)
        return scope

    def index(self, node: Node, scope: Places) -> Places:
        return self.open(scope)

    def slice(self, node: Node, scope: Places) -> Places:
        # Its items are opened by the projection that the parser puts around every slice.
        return scope

    def flatten(self, node: Node, scope: Places) -> Places:
        return frozenset(place.blurred() for place in self.walk(node["children"][0], scope))

    def projection(self, node: Node, scope: Places) -> Places:
        items = self.open(self.walk(node["children"][0], scope))
        return _moved(self.walk(node["children"][1], items), 1)

    def filter_projection(self, node: Node, scope: Places) -> Places:
        items = self.open(self.walk(node["children"][0], scope))
        self.use(self.walk(node["children"][2], items))
        return _moved(self.walk(node["children"][1], items), 1)

    def value_projection(self, node: Node, scope: Places) -> Places:
        # Which fields there are is part of the answer, so everything below is read.
        self.use(self.walk(node["children"][0], scope))
        return self.walk(node["children"][1], NOWHERE)

    def choice(self, node: Node, scope: Places) -> Places:
        # All but the last are tested for truth; each may be the result.
        *tested, last = [self.walk(child, scope) for child in node["children"]]
        for places in tested:
            self.use(places)
        return last.union(*tested)

    def computed(self, node: Node, scope: Places) -> Places:
        for child in node["children"]:
            self.use(self.walk(child, scope))
        return NOWHERE

    def function(self, node: Node, scope: Places) -> Places:
        handler = _FUNCTIONS.get(node["value"])
        return handler(self, node["children"], scope) if handler else self.computed(node, scope)

    # --- functions that hand items of their argument on ---

    def by_key(self, arguments: list[Node], scope: Places) -> Places:
        array = self.walk(arguments[0], scope)
        self.use(self.walk(arguments[1]["children"][0], self.open(array)))
        return array

    def one_by_key(self, arguments: list[Node], scope: Places) -> Places:
        return _moved(self.by_key(arguments, scope), -1)

    def map(self, arguments: list[Node], scope: Places) -> Places:
        items = self.open(self.walk(arguments[1], scope))
        return _moved(self.walk(arguments[0]["children"][0], items), 1)

    def same(self, arguments: list[Node], scope: Places) -> Places:
        return NOWHERE.union(*(self.walk(argument, scope) for argument in arguments))

    def wrapped(self, arguments: list[Node], scope: Places) -> Places:
        return frozenset(place.blurred() for place in self.same(arguments, scope))


def _moved(places: Iterable[Place], by: int) -> Places:
    return frozenset(place.moved(by) for place in places)


_HANDLERS: dict[str, Callable[[_Walker, Node, Places], Places]] = {
    "and_expression": _Walker.choice,
    "comparator": _Walker.computed,
    "current": _Walker.current,
    "field": _Walker.field,
    "filter_projection": _Walker.filter_projection,
    "flatten": _Walker.flatten,
    "function_expression": _Walker.function,
    "identity": _Walker.current,
    "index": _Walker.index,
    "index_expression": _Walker.sequence,
    "key_val_pair": _Walker.computed,
    "literal": _Walker.literal,
    "multi_select_dict": _Walker.computed,
    "multi_select_list": _Walker.computed,
    "not_expression": _Walker.computed,
    "or_expression": _Walker.choice,
    "pipe": _Walker.sequence,
    "projection": _Walker.projection,
    "slice": _Walker.slice,
    "subexpression": _Walker.sequence,
    "value_projection": _Walker.value_projection,
    EXPREF: _Walker.computed,
}

_FUNCTIONS: dict[str, Callable[[_Walker, list[Node], Places], Places]] = {
    "map": _Walker.map,
    "max_by": _Walker.one_by_key,
    "min_by": _Walker.one_by_key,
    "not_null": _Walker.same,
    "reverse": _Walker.same,
    "sort_by": _Walker.by_key,
    "to_array": _Walker.wrapped,
}
