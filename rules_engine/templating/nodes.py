"""The parts of a parsed template, each rendering itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.utils.html import strip_spaces_between_tags
from django.utils.safestring import SafeString

from rules_engine.templating.conditions import holds
from rules_engine.templating.expressions import Expression, Path
from rules_engine.templating.limits import STEP
from rules_engine.templating.problem import Problem
from rules_engine.templating.run import Run
from rules_engine.templating.values import MISSING, clean, kind_of


@dataclass
class Node(ABC):
    line: int

    @abstractmethod
    def render(self, run: Run) -> str:
        """Return the text, charging the run for the work and for what is written."""


def render_all(nodes: list[Node], run: Run) -> str:
    """Return the texts of nodes that follow each other; ``run.line`` tells where it stopped, if it fails."""
    pieces = []
    for node in nodes:
        run.line = node.line
        run.charge(STEP)
        pieces.append(node.render(run))
    return "".join(pieces)


@dataclass
class Text(Node):
    text: str

    def render(self, run: Run) -> str:
        return run.write(self.text)


@dataclass
class Output(Node):
    expression: Expression

    def render(self, run: Run) -> str:
        return run.write(run.present(self.expression.value(run)))


@dataclass
class If(Node):
    branches: list[tuple[Any, list[Node]]]
    """Conditions with what they guard; the condition of ``{% else %}`` is None."""

    def render(self, run: Run) -> str:
        for condition, nodes in self.branches:
            if condition is None or holds(condition, run):
                return render_all(nodes, run)
        return ""


@dataclass
class For(Node):
    names: list[str]
    sequence: Expression
    pairs_of: Path | None
    """The object before ``.items``, for when it has no key of that name."""
    is_reversed: bool
    body: list[Node]
    empty: list[Node]

    def render(self, run: Run) -> str:
        items = self.items(run)
        if not items:
            return render_all(self.empty, run)
        run.charge(len(items))
        outer = run.bound("forloop")
        loop: dict[str, object] = {"parentloop": {} if outer is MISSING else outer, "length": len(items)}
        frame: dict[str, object] = {"forloop": loop}
        run.frames.append(frame)
        pieces = []
        for index, item in enumerate(reversed(items) if self.is_reversed else items):
            run.line = self.line
            run.charge(STEP)
            loop.update(_counters(index, len(items)))
            frame.update(self.bind(item))
            pieces.append(render_all(self.body, run))
        run.frames.pop()
        return "".join(pieces)

    def items(self, run: Run) -> Sequence[object]:
        value = self.source(run)
        if value is None or value == "" or isinstance(value, list):
            return value or []
        if isinstance(value, dict) and len(self.names) == 2:
            return list(value.items())
        names = ", ".join(self.names)
        remedy = " Give two names for an object: {% for key, value in … %}." if isinstance(value, dict) else ""
        raise Problem(f"{{% for {names} in … %}} needs a list and found {kind_of(value)}.{remedy}")

    def source(self, run: Run) -> object:
        if self.pairs_of is None:
            return self.sequence.value(run)
        found = cast("Path", self.sequence.head).find(run)
        return self.pairs_of.value(run) if found is MISSING else clean(found)

    def bind(self, item: object) -> dict[str, object]:
        if len(self.names) == 1:
            return {self.names[0]: clean(item)}
        if not isinstance(item, (list, tuple)) or len(item) != len(self.names):
            raise Problem(f"{{% for {', '.join(self.names)} in … %}} needs items of {len(self.names)} values.")
        return dict(zip(self.names, map(clean, item), strict=True))


def _counters(index: int, length: int) -> dict[str, object]:
    return {
        "counter": index + 1,
        "counter0": index,
        "revcounter": length - index,
        "revcounter0": length - index - 1,
        "first": index == 0,
        "last": index == length - 1,
    }


@dataclass
class With(Node):
    values: dict[str, Expression]
    body: list[Node]

    def render(self, run: Run) -> str:
        run.frames.append({name: expression.value(run) for name, expression in self.values.items()})
        text = render_all(self.body, run)
        run.frames.pop()
        return text


@dataclass
class FirstOf(Node):
    values: list[Expression]
    name: str

    def render(self, run: Run) -> str:
        value = next(filter(None, (expression.value(run) for expression in self.values)), "")
        text = run.present(value)
        if not self.name:
            return run.write(text)
        run.frames[-1][self.name] = SafeString(text) if run.html else text
        return ""


@dataclass
class Spaceless(Node):
    body: list[Node]

    def render(self, run: Run) -> str:
        return strip_spaces_between_tags(render_all(self.body, run).strip())
