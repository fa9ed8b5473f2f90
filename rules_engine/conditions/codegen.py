"""The tree of a condition written as Python code.

A condition becomes one function. ``instance.paid == 'yes' && instance.total > `100` `` reads, shortened::

    def run(c):
        return True if (
            (t2 == k2 if type((t2 := t1.get(k1) if type((t1 := c.get(k0) …)) is dict …)) is str else same(t2, k2))
            and (t3 > k4 if (y := type((t3 := t1.get(k3) if type(t1) is dict else …)) is int or … else above(t3, k4))
        ) else False

* Names and literals are constants (``k0`` …), handed to the code from outside and never part of its text. So nothing
  that somebody writes can become code, and all conditions of one shape share one code object.
* What a value usually is (a dict, a text, an int) is handled in line; ``runtime.py`` has the rest.
* A path is read once: ``t1`` above is the instance, and later tests use it again. A read is reused only where it has
  surely happened, so nothing is read that the condition would not read.
* The fields of the context and of its instance are expected to be there. Where one is missing, the code raises
  KeyError, and a second version of it, which expects nothing, decides.
* Loops count their items as steps before they begin; nothing else can make an evaluation long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rules_engine.conditions import shortcuts
from rules_engine.conditions.closures import weight_of
from rules_engine.conditions.comparing import comparator
from rules_engine.conditions.hostfunctions import Library
from rules_engine.conditions.lookup import find_form
from rules_engine.conditions.parser import Node, nodes_of, span_of
from rules_engine.conditions.runtime import SHORT, caller, form_caller
from rules_engine.conditions.signatures import EXPREF

MAX_LOOPS = 8
"""Loops inside each other; Python's compiler allows 20 blocks."""


class TooComplex(Exception):
    """The code would be too deep for Python's compiler."""


@dataclass(frozen=True, slots=True)
class Code:
    """An expression of Python, to be placed once, where it is next to be evaluated."""

    text: str
    name: str = ""
    """The variable that holds the value once the expression has been evaluated."""
    plain: bool = False
    """Whether its truth in Python is its truth in JMESPath."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables that hold the root and the current value."""

    root: str = "c"
    current: str = "c"


@dataclass
class _Frame:
    """One Python function that is being written."""

    lines: list[str] = field(default_factory=list)
    reads: dict[tuple[str, str], str] = field(default_factory=dict)
    """Variables by what they hold: the field of another variable."""
    indent: int = 0
    loops: int = 0
    has_budget: bool = False
    """Whether the budget is surely there, as in a function that is handed it."""


class Writer:
    """Writes expressions, and the statements that must run before them."""

    def __init__(self, library: Library, watched: Sequence[Node] = (), *, expecting: bool = False) -> None:
        self.library = library
        self.may_miss = False
        """Whether the code raises KeyError where a field that it expects is missing."""
        self.constants: list[Any] = []
        self.functions: list[str] = []
        """The lines of functions that stand beside the main one."""
        self.needs_budget = False
        self._names: dict[Any, str] = {}
        self._count = 0
        self._frame = _Frame()
        self._expecting = expecting
        self._instance = ""
        self._watched = {id(node): number for number, node in enumerate(watched)}

    # --- names and lines ---

    @staticmethod
    def plain(text: str, *, name: str = "", plain: bool = True) -> Code:
        """Return the code of a boolean, or of a variable."""
        return Code(text, name, plain)

    def constant(self, value: Any, key: Any = None) -> str:
        """Return the name of a constant; ``key`` tells which constants are one."""
        if key is not None and key in self._names:
            return self._names[key]
        name = f"k{len(self.constants)}"
        self.constants.append(value)
        if key is not None:
            self._names[key] = name
        return name

    def fresh(self) -> str:
        """Return the name of a new variable."""
        self._count += 1
        return f"t{self._count}"

    def line(self, text: str) -> None:
        """Write one statement."""
        self._frame.lines.append("    " * self._frame.indent + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write ``head``, and indent what is written within."""
        self.line(head)
        self._frame.indent += 1
        yield
        self._frame.indent -= 1

    @property
    def lines(self) -> list[str]:
        """The statements so far."""
        return self._frame.lines

    @property
    def in_loop(self) -> bool:
        """Whether what is written runs more than once."""
        return self._frame.loops > 0

    @property
    def budget(self) -> str:
        """The expression of the budget, which is made when it is first needed: most evaluations need none."""
        self.needs_budget = True
        return "b" if self._frame.has_budget else "(b or (b := Budget()))"

    def named(self, code: Code) -> tuple[str, str]:
        """Return the expression that evaluates ``code``, and the name that holds its value afterwards."""
        if code.name:
            return code.text, code.name
        name = self.fresh()
        return f"({name} := {code.text})", name

    def stored(self, code: Code) -> Code:
        """Evaluate ``code`` in a statement of its own."""
        if code.text == code.name:
            return code
        if code.name:
            self.line(code.text)
            return Code(code.name, code.name, code.plain)
        name = self.fresh()
        self.line(f"{name} = {code.text}")
        return Code(name, name, code.plain)

    # --- order ---

    def several(self, writers: Iterable[Callable[[], Code]]) -> list[Code]:
        """Write expressions that are evaluated one after the other, also when some need statements."""
        done: list[Code] = []
        for write in writers:
            mark = len(self.lines)
            code = write()
            if len(self.lines) > mark:
                later = self.lines[mark:]
                del self.lines[mark:]
                done = [self.stored(earlier) for earlier in done]
                self.lines.extend(later)
            done.append(code)
        return done

    @contextmanager
    def branch(self) -> Iterator[None]:
        """What is read within may not happen, so it is forgotten behind."""
        reads = dict(self._frame.reads)
        yield
        self._frame.reads = reads

    @contextmanager
    def expecting_nothing(self) -> Iterator[None]:
        """Write code that never raises KeyError for a missing field."""
        expecting, self._expecting = self._expecting, False
        yield
        self._expecting = expecting

    def aside(self, write: Callable[[], Code]) -> tuple[list[str], Code]:
        """Write an expression and return its statements, without placing them."""
        mark = len(self.lines)
        code = write()
        lines = self.lines[mark:]
        del self.lines[mark:]
        return lines, code

    def ladder(self, first: Code, rest: Sequence[Callable[[], Code]], climb: Callable[[Code], str]) -> Code:
        """Return the value of the first operand for which ``climb`` is false, or else of the last.

        Without statements it is ``a if not climb(a) else b``; with them, a flight of ``if`` statements.
        """
        written = self.flight(rest)
        codes = [first, *(code for _, code in written)]
        plain = all(code.plain for code in codes)
        if not any(lines for lines, _ in written):
            parts = []
            for code in codes[:-1]:
                text, name = self.named(code)
                parts.append(f"{name} if not {climb(Code(text, name, code.plain))} else ")
            return Code(f"({''.join(parts)}{codes[-1].text})", plain=plain)
        name = self.climb(first, written, lambda name: climb(Code(name, name, plain)))
        return Code(name, name, plain)

    def flight(self, rest: Sequence[Callable[[], Code]]) -> list[tuple[list[str], Code]]:
        """Write operands of which each runs only if the one before it let it."""
        self._frame.indent += 1
        with self.branch():
            written = [self.aside(write) for write in rest]
        self._frame.indent -= 1
        return written

    def climb(self, first: Code, written: list[tuple[list[str], Code]], on: Callable[[str], str]) -> str:
        """Place operands as statements: each replaces the value as long as ``on(name)`` holds."""
        name = self.fresh()
        self.line(f"{name} = {first.text}")
        for lines, code in written:
            with self.block(f"if {on(name)}:"):
                self.lines.extend(lines)
                self.line(f"{name} = {code.text}")
        return name

    # --- functions beside the main one ---

    def function(self, node: Node, *, counted: bool) -> str:
        """Write a function ``(b, r, c)`` of a node and return its name; ``counted`` ones spend steps at each call."""
        outer, self._frame = self._frame, _Frame(indent=1, loops=1, has_budget=True)
        name = f"f{self.fresh()}"
        if counted:
            self.line(f"{self.budget}.spend({weight_of(node)})")
        code = self.value(node, Scope("r", "c"))
        self.line(f"return {code.text}")
        self.functions += [f"def {name}(b, r, c):", *self._frame.lines]
        self._frame = outer
        return name

    # --- nodes ---

    def value(self, node: Node, scope: Scope) -> Code:
        """Write the value of a node."""
        number = self._watched.get(id(node))
        if number is None:
            return _VALUES[node["type"]](self, node, scope)
        self.line(f"enter({number})")
        code = self.stored(_VALUES[node["type"]](self, node, scope))
        self.line(f"leave({number}, {code.text})")
        return code

    def test(self, node: Node, scope: Scope) -> str:
        """Write the truth of a node: an expression for a place where only its truth in Python counts."""
        write = _TESTS.get(node["type"])
        if write is None or id(node) in self._watched:
            return self.truth(self.value(node, scope))
        return write(self, node, scope)

    def truth(self, code: Code) -> str:
        """The expression of a value made one of its truth."""
        if code.plain:
            return code.text
        first, name = self.named(code)
        return (
            f"({first} is True or {name} is not None and {name} is not False and "
            f"({name} if type({name}) in PLAIN else true({name})))"
        )

    def is_null(self, code: Code) -> str:
        """The expression that tells whether a value is null."""
        first, name = self.named(code)
        return f"({first} is None or type({name}) not in NEVER_NULL and null({name}))"

    def is_there(self, name: str) -> str:
        """The expression that tells whether a variable is not null."""
        return (
            f"{name} is not None and "
            f"(type({name}) in NEVER_NULL or type({name}) is Decimal and {name}.is_finite() or not null({name}))"
        )

    # --- reading ---

    def current(self, node: Node, scope: Scope) -> Code:
        return Code(scope.current, scope.current)

    def literal(self, node: Node, scope: Scope) -> Code:
        value = node["value"]
        if value is None or value is True or value is False:
            return Code(str(value), plain=True)
        return Code(name := self.constant(value), name)

    def field(self, node: Node, scope: Scope) -> Code:
        return self.read(Code(scope.current, scope.current), node["value"])

    def read(self, base: Code, key: str) -> Code:
        """Write the field ``key`` of ``base``, or the variable that holds it."""
        if base.name and base.name == base.text and (base.name, key) in self._frame.reads:
            return Code(found := self._frame.reads[base.name, key], found)
        first, again = self.named(base)
        constant, name = self.constant(key, key=("field", key)), self.fresh()
        self._frame.reads[again, key] = name
        there = f"{again}[{constant}]" if self._expected(again, key, name) else f"{again}.get({constant})"
        # The field of a missing object is the usual way to a missing value.
        return Code(
            f"({name} := {there} if type({first}) is dict else "
            f"None if {again} is None else get({again}, {constant}))",
            name,
        )

    def _expected(self, base: str, key: str, name: str) -> bool:
        """Tell whether a field is there, most likely: those of the context and the columns of its instance are.

        ``x[key]`` takes half the time of ``x.get(key)``. What is missing after all costs a second evaluation.
        """
        if not self._expecting or self._frame.has_budget or base not in ("c", self._instance):
            return False
        if base == "c" and key == "instance":
            self._instance = name
        self.may_miss = True
        return True

    def index(self, node: Node, scope: Scope) -> Code:
        return self.item(Code(scope.current, scope.current), node)

    def item(self, base: Code, node: Node) -> Code:
        """Write one item of ``base``."""
        position: int = node["value"]
        first, again = self.named(base)
        constant = self.constant(position)
        enough = f"len({again}) > {constant}" if position >= 0 else f"len({again}) >= -{constant}"
        return Code(f"({again}[{constant}] if type({first}) is list and {enough} else item({again}, {constant}))")

    def slice(self, node: Node, scope: Scope) -> Code:
        return Code(f"part({scope.current}, {self.constant(slice(*node['children']))}, {self.budget})")

    def sequence(self, node: Node, scope: Scope) -> Code:
        first, *rest = node["children"]
        code = self.value(first, scope)
        for child in rest:
            code = self.step(code, child, scope)
        return code

    def step(self, base: Code, node: Node, scope: Scope) -> Code:
        """Write a node whose current value is ``base``."""
        kind = "" if id(node) in self._watched else node["type"]
        if kind == "field":
            return self.read(base, node["value"])
        if kind == "index":
            return self.item(base, node)
        if kind in ("identity", "current"):
            return base
        return self.value(node, Scope(scope.root, self.stored(base).name))

    # --- projections ---

    @contextmanager
    def loop(self, head: str, items: str, weight: int) -> Iterator[str]:
        """Write a loop over ``items`` and give the name of the item; it counts its steps first."""
        frame = self._frame
        if frame.loops >= MAX_LOOPS:
            raise TooComplex
        condition = "" if self.in_loop else f"if len({items}) > {SHORT}: "
        self.line(f"{condition}{self.budget}.spend(len({items}) * {weight})")
        name = self.fresh()
        with self.branch(), self.block(f"for {name} in {head}:"):
            frame.loops += 1
            yield name
            frame.loops -= 1

    @contextmanager
    def over(self, node: Node, scope: Scope, out: str, otherwise: str) -> Iterator[str]:
        """Write a loop over what a projection opens; ``out`` begins as ``otherwise``, or as [] where that is None."""
        items = self.stored(self.value(node["children"][0], scope)).name
        weight = sum(weight_of(child) for child in node["children"][1:])
        if node["type"] == "value_projection":
            opens, head = f"if is_mapping({items}):", f"{items}.values()"
        else:
            opens, head = f"if type({items}) is list or isinstance({items}, (list, tuple)):", items
        self.line(f"{out} = {otherwise}")
        with self.branch(), self.block(opens):
            if otherwise == "None":
                self.line(f"{out} = []")
            with self.loop(head, items, weight) as name:
                yield name

    def projection(self, node: Node, scope: Scope) -> Code:
        out = self.fresh()
        with self.over(node, scope, out, "None") as name:
            inner = Scope(scope.root, name)
            if node["type"] == "filter_projection":
                with self.block(f"if {self.test(node['children'][2], inner)}:"):
                    self._append(out, node, inner)
            else:
                self._append(out, node, inner)
        return Code(out, out, plain=True)

    def _append(self, out: str, node: Node, scope: Scope) -> None:
        each = self.stored(self.value(node["children"][1], scope)).name
        self.line(f"if {self.is_there(each)}: {out}.append({each})")

    def any_projected(self, node: Node, scope: Scope) -> str:
        """The truth of a projection: whether anything is left; stops at the first where the rest cannot fail."""
        if not all(is_total(child) for child in node["children"][1:]):
            return self.projection(node, scope).text
        out = self.fresh()
        with self.over(node, scope, out, "False") as name:
            inner = Scope(scope.root, name)
            if node["type"] == "filter_projection":
                with self.block(f"if {self.test(node['children'][2], inner)}:"):
                    self._found(out, node, inner)
            else:
                self._found(out, node, inner)
        return out

    def _found(self, out: str, node: Node, scope: Scope) -> None:
        each = self.stored(self.value(node["children"][1], scope))
        with self.block(f"if {self.is_there(each.name)}:"):
            self.line(f"{out} = True")
            self.line("break")

    def flatten(self, node: Node, scope: Scope) -> Code:
        first, name = self.named(self.value(node["children"][0], scope))
        # A short list without lists in it is what flattening makes of it.
        return Code(
            f"({name} if type({first}) is list and len({name}) <= {SHORT} and no_list(map(type, {name})) "
            f"else flat({name}, {self.budget}))",
            plain=True,
        )

    # --- new values ---

    def multi_select_list(self, node: Node, scope: Scope) -> Code:
        return self._select(node, scope, lambda codes: f"[{', '.join(code.text for code in codes)}]")

    def multi_select_dict(self, node: Node, scope: Scope) -> Code:
        names = [self.constant(pair["value"], key=("field", pair["value"])) for pair in node["children"]]
        return self._select(
            node,
            scope,
            lambda codes: (
                "{" + ", ".join(f"{name}: {code.text}" for name, code in zip(names, codes, strict=True)) + "}"
            ),
        )

    def _select(self, node: Node, scope: Scope, build: Callable[[list[Code]], str]) -> Code:
        children = [child["children"][0] if child["type"] == "key_val_pair" else child for child in node["children"]]

        def write() -> Code:
            return Code(build(self.several([partial(self.value, child, scope) for child in children])))

        current = Code(scope.current, scope.current)
        return self.choice(f"not {self.is_null(current)}", write)

    def choice(
        self, condition: str, then: Callable[[], Code], otherwise: Callable[[], Code] = lambda: Code("None")
    ) -> Code:
        """Write ``then if condition else otherwise``."""
        self._frame.indent += 1
        with self.branch():
            then_lines, yes = self.aside(then)
        with self.branch():
            else_lines, no = self.aside(otherwise)
        self._frame.indent -= 1
        plain = yes.plain and no.plain
        if not then_lines and not else_lines:
            return Code(f"({yes.text} if {condition} else {no.text})", plain=plain)
        name = self.fresh()
        for head, lines, code in ((f"if {condition}:", then_lines, yes), ("else:", else_lines, no)):
            with self.block(head):
                self.lines.extend(lines)
                self.line(f"{name} = {code.text}")
        return Code(name, name, plain)

    # --- operators ---

    def and_value(self, node: Node, scope: Scope) -> Code:
        return self._logic(node, scope, self.truth)

    def or_value(self, node: Node, scope: Scope) -> Code:
        return self._logic(node, scope, lambda code: f"(not {self.truth(code)})")

    def _logic(self, node: Node, scope: Scope, climb: Callable[[Code], str]) -> Code:
        first, *rest = node["children"]
        code = self.value(first, scope)
        return self.ladder(code, [partial(self.value, child, scope) for child in rest], climb)

    def and_test(self, node: Node, scope: Scope) -> str:
        return self._tests(node, scope, "and")

    def or_test(self, node: Node, scope: Scope) -> str:
        return self._tests(node, scope, "or")

    def _tests(self, node: Node, scope: Scope, word: str) -> str:
        first, *rest = node["children"]
        code = self._tested(first, scope)
        written = self.flight([partial(self._tested, child, scope) for child in rest])
        if any(lines for lines, _ in written):
            return self.climb(code, written, lambda name: name if word == "and" else f"not {name}")
        return f"({f' {word} '.join([code.text, *(step.text for _, step in written)])})"

    def _tested(self, node: Node, scope: Scope) -> Code:
        return Code(self.test(node, scope), plain=True)

    def not_test(self, node: Node, scope: Scope) -> str:
        return f"(not {self.test(node['children'][0], scope)})"

    def not_value(self, node: Node, scope: Scope) -> Code:
        return Code(self.not_test(node, scope), plain=True)

    # --- functions ---

    def call(self, node: Node, scope: Scope) -> Code:
        form = find_form(node["value"], self.library)
        shortcut = shortcuts.of(node["value"], form)
        code = shortcut(self, node, scope) if shortcut is not None else None
        if code is not None:
            return code
        if form is None:
            return self.plain_call(node, self.arguments(node, scope))
        made = [self.function(child, counted=False) for child in node["children"]]
        call = self.constant(form_caller(form, position_of(node)))
        return Code(f"{call}({', '.join([self.budget, scope.root, scope.current, *made])})")

    def arguments(self, node: Node, scope: Scope) -> list[Code]:
        """Write the arguments of a function."""
        return self.several([partial(self.argument, child, scope) for child in node["children"]])

    def plain_call(self, node: Node, codes: Sequence[Code]) -> Code:
        """Write the call of a function with its arguments."""
        call = self.constant(caller(node["value"], self.library, position_of(node)))
        return Code(f"{call}({', '.join([self.budget, *(code.text for code in codes)])})")

    def if_form(self, node: Node, scope: Scope) -> Code:
        condition, *results = node["children"]
        then, *otherwise = [partial(self.value, child, scope) for child in results]
        return self.choice(self.test(condition, scope), then, *otherwise)

    def coalesce_form(self, node: Node, scope: Scope) -> Code:
        return self._logic(node, scope, self.is_null)

    def argument(self, node: Node, scope: Scope) -> Code:
        """Write an argument of a function, which may be an ``&expression``."""
        if node["type"] != EXPREF:
            return self.value(node, scope)
        made = self.function(node["children"][0], counted=True)
        return Code(f"Expression(partial({made}, {self.budget}, {scope.root}))")


def position_of(node: Node) -> int | None:
    """Where a node begins in the text."""
    return (span_of(node) or (None,))[0]


_TOTAL = frozenset({"not_null", "to_array", "type", "if", "coalesce"})


def is_total(tree: Node) -> bool:
    """Tell whether evaluating a tree cannot fail on a plain document (but by a limit)."""
    return all(node["type"] != "function_expression" or node["value"] in _TOTAL for node in nodes_of(tree))


_VALUES: dict[str, Callable[[Writer, Node, Scope], Code]] = {
    "and_expression": Writer.and_value,
    "comparator": comparator,
    "current": Writer.current,
    "field": Writer.field,
    "filter_projection": Writer.projection,
    "flatten": Writer.flatten,
    "function_expression": Writer.call,
    "identity": Writer.current,
    "index": Writer.index,
    "index_expression": Writer.sequence,
    "literal": Writer.literal,
    "multi_select_dict": Writer.multi_select_dict,
    "multi_select_list": Writer.multi_select_list,
    "not_expression": Writer.not_value,
    "or_expression": Writer.or_value,
    "pipe": Writer.sequence,
    "projection": Writer.projection,
    "slice": Writer.slice,
    "subexpression": Writer.sequence,
    "value_projection": Writer.projection,
}
_TESTS: dict[str, Callable[[Writer, Node, Scope], str]] = {
    "and_expression": Writer.and_test,
    "filter_projection": Writer.any_projected,
    "not_expression": Writer.not_test,
    "or_expression": Writer.or_test,
    "projection": Writer.any_projected,
    "value_projection": Writer.any_projected,
}
