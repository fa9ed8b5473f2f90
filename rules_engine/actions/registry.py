"""``register_action`` and the look-up of actions by kind."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeVar

from rules_engine.actions.base import Action
from rules_engine.registry import Registry

A = TypeVar("A", bound=type[Action])

_actions: Registry[type[Action]] = Registry("action")


def register_action(key: str) -> Callable[[A], A]:
    """Make an ``Action`` subclass selectable in rules under ``key`` (``app.name``); a class decorator.

    Put it above ``@dataclass(frozen=True, kw_only=True)`` in ``yourapp/rules.py``. The schema is made at once, so a
    field without one is an error here and not in the admin. Raises InvalidKey, AlreadyRegistered naming both
    holders, and TypeError.
    """

    def register(cls: A) -> A:
        _add(key, cls, builtin=False)
        return cls

    return register


def register_builtin(key: str) -> Callable[[A], A]:
    """Register one of the engine's own kinds, whose keys are bare words."""

    def register(cls: A) -> A:
        _add(key, cls, builtin=True)
        return cls

    return register


def _add(key: str, cls: type[Action], *, builtin: bool) -> None:
    if not (isinstance(cls, type) and issubclass(cls, Action)):
        raise TypeError(f"register_action({key!r}): {cls!r} is not a subclass of rules_engine.Action.")
    if "__dataclass_fields__" not in vars(cls):
        # Its fields would silently be no part of the configuration.
        raise TypeError(
            f"register_action({key!r}): {cls.__qualname__} is not a dataclass. Write "
            "@dataclass(frozen=True, kw_only=True) between @register_action and the class."
        )
    cls.schema()
    _actions.add(key, cls, holder=f"{cls.__module__}.{cls.__qualname__}", builtin=builtin)


def get_action(kind: str) -> type[Action]:
    """Return the class registered under ``kind``; raises UnknownKey with a suggestion."""
    return _actions.get(kind)


def all_actions() -> list[tuple[str, type[Action]]]:
    """Every (kind, class), built-in ones first."""
    return _actions.items()


def build_action(kind: str, config: Any) -> Action:
    """Return the action of a stored kind and configuration; raises UnknownKey and ConfigInvalid."""
    return get_action(kind).from_config(kind, config)


def action_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind's configuration, with its title and description; raises UnknownKey."""
    cls = get_action(kind)
    return {
        # A copy: forms adorn it, and it is the one that configurations are checked against.
        **deepcopy(cls.schema()),
        "title": cls.title or kind.rpartition(".")[2].replace("_", " ").capitalize(),
        "description": (cls.__doc__ or "").strip().split("\n\n")[0],
    }
