"""What a condition reads, found in its tree without evaluating it.

The tree is walked with *places* instead of values: where in the context a value can come from. Lists are
transparent: an item of ``lines`` stands at the place of ``lines``. What has been computed (a comparison, most
functions, a multi-select) has no place; what went into it has been read whole. The result may name more than an
evaluation reads, never less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rules_engine.conditions.hostfunctions import Library
from rules_engine.conditions.library.changes import CHANGES, INSTANCE, PREVIOUS
from rules_engine.conditions.limits import MAX_DEPTH
from rules_engine.conditions.lookup import find_form
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
_ROOT: Places = frozenset({Place(())})


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


def reads_of(parsed: Parsed, library: Library) -> Reads:
    """Walk the tree of a condition that calls the functions of ``library``."""
    walker = _Walker(library)
    walker.use(walker.walk(parsed.tree, _ROOT))
    return walker.reads


class _Walker:
    def __init__(self, library: Library) -> None:
        self._library = library
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
        return self.name(node["value"], scope)

    def name(self, name: str, scope: Places) -> Places:
        """Note that the field ``name`` is read, and return where its value comes from."""
        if len(scope) > MAX_PLACES or any(len(place.path) >= MAX_DEPTH for place in scope):
            return self.use(scope)
        found = [Read(place, name, self._position) for place in scope]
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
        name = node["value"]
        handler = _JMESPATH_FUNCTIONS.get(name)
        if handler is None and name not in self._library:
            handler = _OWN_FUNCTIONS.get(name)
        if handler is not None:
            return handler(self, node["children"], scope)
        form = find_form(name, self._library)
        for path in form.reads if form is not None else ():
            self.root(path)
        return self.computed(node, scope)

    def root(self, path: Path) -> None:
        """Note that a function reads this path from the root."""
        scope: Places = _ROOT
        for name in path:
            scope = self.name(name, scope)
        self.use(scope)

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

    # --- functions of this package that read more than their arguments ---

    def either(self, arguments: list[Node], scope: Places) -> Places:
        self.use(self.walk(arguments[0], scope))
        return self.same(arguments[1:], scope)

    def changed(self, arguments: list[Node], scope: Places) -> Places:
        """``changed('status', …)``: every argument is the name of a field."""
        for argument in arguments:
            self.change_of(argument, scope)
        return NOWHERE

    def changed_value(self, arguments: list[Node], scope: Places) -> Places:
        """``changed_to('status', value)``."""
        self.change_of(arguments[0], scope)
        self.use(self.walk(arguments[1], scope))
        return NOWHERE

    def change_of(self, argument: Node, scope: Places) -> None:
        if argument["type"] != "literal" or not isinstance(argument["value"], str):
            self.use(self.walk(argument, scope))
            self.root((CHANGES,))
            return
        outer, self._position = self._position, argument.get("span", (self._position,))[0]
        self.root((CHANGES, argument["value"]))
        self._position = outer

    def became(self, arguments: list[Node], scope: Places) -> Places:
        """The argument reads the root, and the root once more with the previous instance in place of the instance."""
        inner = _Walker(self._library)
        inner._position = self._position
        inner.use(inner.walk(arguments[0], _ROOT))
        before = _before(inner.reads)
        # Without repetitions: those of became() in became() would double with each level.
        self.reads.fields.extend(dict.fromkeys([*inner.reads.fields, *before.fields]))
        self.reads.openings.extend(dict.fromkeys([*inner.reads.openings, *before.openings]))
        self.reads.whole |= inner.reads.whole | before.whole
        if not any(read.path[0] == INSTANCE for read in inner.reads.fields):
            # Whether there was an instance before is all that it asks then.
            self.root((PREVIOUS,))
        return NOWHERE

    def in_group(self, arguments: list[Node], scope: Places) -> Places:
        user, *names = [self.walk(argument, scope) for argument in arguments]
        for places in names:
            self.use(places)
        return self.use(self.name("name", _moved(self.name("groups", user), -1)))


def _before(reads: Reads) -> Reads:
    """What an expression reads when the instance is the previous one."""
    fields = []
    for read in reads.fields:
        *path, name = _previous(read.path)
        fields.append(Read(Place(tuple(path), read.place.level), name, read.position))
    openings = [
        Opening(Place(_previous(item.place.path), item.place.level), item.position) for item in reads.openings
    ]
    return Reads(fields, openings, {_previous(path) for path in reads.whole})


def _previous(path: Path) -> Path:
    return (PREVIOUS, *path[1:]) if path[:1] == (INSTANCE,) else path


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

_OWN_FUNCTIONS: dict[str, Callable[[_Walker, list[Node], Places], Places]] = {
    "became": _Walker.became,
    "changed": _Walker.changed,
    "changed_from": _Walker.changed_value,
    "changed_to": _Walker.changed_value,
    "coalesce": _Walker.same,
    "if": _Walker.either,
    "in_group": _Walker.in_group,
}

_JMESPATH_FUNCTIONS: dict[str, Callable[[_Walker, list[Node], Places], Places]] = {
    "map": _Walker.map,
    "max_by": _Walker.one_by_key,
    "min_by": _Walker.one_by_key,
    "not_null": _Walker.same,
    "reverse": _Walker.same,
    "sort_by": _Walker.by_key,
    "to_array": _Walker.wrapped,
}
