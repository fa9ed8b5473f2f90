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


def keep(spec: SignalSpec, instance: Model, record: Record) -> None:
    """Hold a match until ``spec.held_until``; a repeated ``pre_*`` of the same instance replaces it."""
    waiting = instance._state.__dict__.setdefault(_ATTRIBUTE, {})
    waiting[spec.held_until] = [record]


def release(spec: SignalSpec, given: dict[str, Any]) -> list[Record]:
    """Return what waited for this signal of this instance, with the key it has now."""
    instance = given.get("instance")
    if not isinstance(instance, Model):
        return []
    waiting = instance._state.__dict__.get(_ATTRIBUTE)
    if not waiting:
        return []
    records: list[Record] = waiting.pop(spec.key, [])
    for record in records:
        # An insert had no key before the save.
        record.event.object_id = record.event.object_id or str(instance.pk)[:255]
    return records
