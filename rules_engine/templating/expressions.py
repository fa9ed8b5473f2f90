"""Parsed expressions: constants, secrets and paths, with the filters applied to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from rules_engine.templating.filters import COSTS, Filter
from rules_engine.templating.limits import MAX_OUTPUT, STEP
from rules_engine.templating.problem import too_long
from rules_engine.templating.run import Run
from rules_engine.templating.values import MISSING, clean, find, weigh

MASK = "***"
"""What a secret renders as where secrets are not handed in."""
Origin: TypeAlias = tuple[str, ...] | None
"""The path in the data whose value, or whose items, something is; None for a value made by a filter or a tag."""


class Term(Protocol):
    def value(self, run: Run) -> object: ...


@dataclass(frozen=True)
class Constant:
    constant: object

    def value(self, run: Run) -> object:
        return self.constant


@dataclass(frozen=True)
class Secret:
    name: str

    def value(self, run: Run) -> str:
        return MASK if run.secrets is None else run.secrets[self.name]


@dataclass(frozen=True)
class Path:
    """A path that starts in the data, or, when ``local``, at a name that a tag bound."""

    parts: tuple[str, ...]
    local: bool

    def value(self, run: Run) -> object:
        # A name that a tag bound holds a clean value already, perhaps one that is safe HTML.
        if self.local and len(self.parts) == 1:
            found = run.bound(self.parts[0])
            return None if found is MISSING else found
        return clean(self.find(run))

    def find(self, run: Run) -> object:
        if self.local:
            return find(run.bound(self.parts[0]), self.parts[1:])
        return find(run.data, self.parts)


@dataclass(frozen=True)
class Expression:
    """A value with the filters applied to it."""

    head: Term
    calls: tuple[tuple[Filter, tuple[Term, ...]], ...]
    origin: Origin

    def value(self, run: Run) -> object:
        value = self.head.value(run)
        for function, terms in self.calls:
            args = [term.value(run) for term in terms]
            cost = COSTS.get(function, 1)
            run.charge(STEP + (cost and cost * weigh(value) + sum(map(weigh, args))))
            value = function(value, *args)
            run.charge(cost and weigh(value))
            if isinstance(value, str) and len(value) > MAX_OUTPUT:
                raise too_long()
        return value
