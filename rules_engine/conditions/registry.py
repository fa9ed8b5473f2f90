"""Functions that a host adds to conditions: ``register_function``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from rules_engine.conditions.examples import Example, description_of, examples_of
from rules_engine.conditions.functions import builtin_docs, builtin_signatures
from rules_engine.conditions.hostfunctions import HostFunction, Library
from rules_engine.conditions.library import OWN, SUBJECTS
from rules_engine.conditions.signatures import Signature
from rules_engine.exceptions import AlreadyRegistered, InvalidKey
from rules_engine.registry import Registry

F = TypeVar("F", bound=Callable[..., Any])

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class FunctionRegistry(Registry[HostFunction]):
    """Registered functions by their bare name, since that is what a condition writes."""

    def __init__(self) -> None:
        super().__init__("function")
        self.generation = 0
        """Rises with every change, so that cached conditions are compiled anew."""

    def add(self, key: str, item: HostFunction, *, holder: str, builtin: bool = True) -> None:
        """Register ``item``; raises InvalidKey and AlreadyRegistered."""
        if not _NAME.fullmatch(key):
            raise InvalidKey(
                f"The function name {key!r} cannot be written in a condition: use letters, digits and "
                "underscores, such as 'is_weekend'."
            )
        if key in builtin_signatures():
            raise AlreadyRegistered(
                f"The function {key!r} of {holder} is already there: JMESPath itself defines it. Choose another name."
            )
        if key in OWN:
            raise AlreadyRegistered(
                f"The function {key!r} of {holder} is already there: conditions have one of that name. "
                "Choose another name."
            )
        super().add(key, item, holder=holder, builtin=True)
        self.generation += 1

    def remove(self, key: str) -> None:
        """Forget a function (tests do this); raises UnknownKey."""
        super().remove(key)
        self.generation += 1


functions = FunctionRegistry()
"""All registered functions."""


class _Registered(Mapping[str, HostFunction]):
    """The registry as a Library: always what is registered now."""

    def __getitem__(self, name: str) -> HostFunction:
        if name not in functions:
            raise KeyError(name)
        return functions.get(name)

    def __iter__(self) -> Iterator[str]:
        return iter(functions)

    def __len__(self) -> int:
        return len(functions)


registered: Library = _Registered()


@dataclass(frozen=True)
class FunctionHelp:
    """One function, for the condition help."""

    name: str
    usage: str
    doc: str
    """What it gives."""
    subject: str = ""
    """Its heading in the reference; a host's functions have none."""
    examples: tuple[Example, ...] = ()


def function_help() -> list[FunctionHelp]:
    """All functions that a condition can call, by name."""
    docs = builtin_docs()
    found = [_help(name, item, docs[name], "JMESPath") for name, item in builtin_signatures().items()]
    for subject, items in SUBJECTS.items():
        found += [_help(item.name, item.signature, item.doc, subject) for item in items]
    found += [FunctionHelp(name, item.signature.usage(name), item.doc) for name, item in registered.items()]
    return sorted(found, key=lambda item: item.name)


def _help(name: str, signature: Signature, doc: str, subject: str) -> FunctionHelp:
    return FunctionHelp(name, signature.usage(name), description_of(doc), subject, tuple(examples_of(doc)))


def register_function(name: str) -> Callable[[F], F]:
    """Make a Python function callable in conditions, under ``name``::

        @register_function("is_weekend")
        def is_weekend(day: str) -> bool:
            '''True for Saturdays and Sundays.'''

    The annotations are the JMESPath types that are accepted: ``str``, ``bool``, ``int``, ``float`` and ``Decimal``
    (a number, converted to that), ``list``, ``list[str]``, ``dict``, ``X | None``, ``Any`` or none; defaults and
    ``*args`` work. The function returns a JSON value. What it raises makes the condition fail on that context.
    The docstring is shown in the condition help.

    Raises InvalidKey for a name that no condition could write, AlreadyRegistered for one that is taken (by
    JMESPath itself, too), and TypeError for annotations that have no JMESPath type.
    """

    def register(function: F) -> F:
        holder = f"{function.__module__}.{function.__qualname__}"
        functions.add(name, HostFunction.of(name, function), holder=holder)
        return function

    return register
