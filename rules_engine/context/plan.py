"""Which relations a (signal, sender) pair needs: read statically from its conditions, templates and bodies.

A model's document shows its columns and the relations of the plan, no more. Live and frozen documents follow
the same plan, so ``keys(instance)`` and the like give one answer for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Path = tuple[str, ...]


class Plan:
    """A tree of names that are read; ``plan["instance"]["customer"]`` is the plan of that relation."""

    __slots__ = ("names",)

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self.names: dict[str, Plan] = {}
        for path in paths:
            self.add(path)

    def add(self, path: Path) -> None:
        """Add one path of field names."""
        plan = self
        for name in path:
            plan = plan.names.setdefault(name, Plan())

    def below(self, name: str) -> Plan:
        """Return the plan of what stands below ``name``; an empty one if nothing is read there."""
        return self.names.get(name) or EMPTY


EMPTY = Plan()


def missing_paths(paths: Iterable[Path], document: Mapping[str, Any], relations: Any) -> list[Path]:
    """Return the paths that a frozen document cannot answer, because nothing recorded them.

    ``relations`` maps a path of names to the relation and column names that a live document would have there
    (``None`` where anything may stand, as in a JSON column): a name that exists there but not in the document
    was not recorded, and the honest answer to it is *unknown*, never *no match*.
    """
    return sorted(path for path in paths if _is_missing(path, document, relations))


def _is_missing(path: Path, node: Any, relations: Any) -> bool:
    for position, name in enumerate(path):
        if isinstance(node, list):
            rest = path[position:]
            return any(_is_missing_below(rest, item, relations, path[:position]) for item in node)
        if not isinstance(node, Mapping):
            return False
        if name not in node:
            known = relations(path[:position])
            return known is not None and name in known
        node = node[name]
    return False


def _is_missing_below(rest: Path, item: Any, relations: Any, prefix: Path) -> bool:
    return _is_missing(rest, item, lambda inner: relations(prefix + inner))
