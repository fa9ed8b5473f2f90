"""Django Rules Engine: rules that the people who run a site configure.

The public names are imported on first use (PEP 562), so that importing a pure part such as
``rules_engine.conditions`` needs neither Django nor settings.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rules_engine.actions.base import Action, Run
    from rules_engine.actions.registry import register_action
    from rules_engine.catalog.registry import register_signal
    from rules_engine.conditions.registry import register_function
    from rules_engine.delivery.worker import drain
    from rules_engine.events import Event
    from rules_engine.exceptions import ActionError, ActionRefused
    from rules_engine.receivers import emit, sync

__version__ = "0.1.0"

_HOMES = {
    "Action": "rules_engine.actions.base",
    "ActionError": "rules_engine.exceptions",
    "ActionRefused": "rules_engine.exceptions",
    "Event": "rules_engine.events",
    "Run": "rules_engine.actions.base",
    "drain": "rules_engine.delivery.worker",
    "emit": "rules_engine.receivers",
    "register_action": "rules_engine.actions.registry",
    "register_function": "rules_engine.conditions.registry",
    "register_signal": "rules_engine.catalog.registry",
    "sync": "rules_engine.receivers",
}

__all__ = [
    "Action",
    "ActionError",
    "ActionRefused",
    "Event",
    "Run",
    "drain",
    "emit",
    "register_action",
    "register_function",
    "register_signal",
    "sync",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
