"""Matches of ``pre_*`` rules, held until the ``post_*`` signal says that it really happened.

They hang on the instance's ``_state``: when a save fails and the instance is forgotten, so are they.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from rules_engine.catalog import SignalSpec
from rules_engine.delivery import outbox
from rules_engine.models import Event, Execution

_ATTRIBUTE = "rules_engine_held"


@dataclass(frozen=True)
class Record:
    """An event and its executions, ready to be written."""

    event: Event
    executions: list[Execution]
    using: str

    def write(self) -> None:
        """Write them to the outbox; see ``outbox.write``."""
        outbox.write(self.event, self.executions, using=self.using)


DEEPEST = 8
"""Saves of one instance inside each other; older slots are of saves that failed, and are dropped."""


def keep(spec: SignalSpec, instance: Model, record: Record | None) -> None:
    """Hold what a ``pre_*`` signal brought about, which may be nothing, until ``spec.held_until``.

    Saves of one instance may be nested (a receiver that saves again), so these are a stack; a save that matched
    nothing has its place on it too, or it would release what a failed one before it left.
    """
    waiting = instance._state.__dict__.setdefault(_ATTRIBUTE, {}).setdefault(spec.held_until, [])
    waiting.append(record)
    del waiting[:-DEEPEST]


def release(spec: SignalSpec, given: dict[str, Any]) -> Record | None:
    """Return what waited for this signal of this instance, with the key it has now."""
    instance = given.get("instance")
    if not isinstance(instance, Model):
        return None
    waiting = instance._state.__dict__.get(_ATTRIBUTE, {}).get(spec.key)
    record: Record | None = waiting.pop() if waiting else None
    if record is not None:
        # An insert had no key before the save.
        record.event.object_id = record.event.object_id or str(instance.pk)[:255]
    return record
