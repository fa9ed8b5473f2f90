"""One sending of a signal: what of it enters the context."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model
from django.utils import timezone

from rules_engine.catalog.spec import SignalSpec
from rules_engine.context import REDACTED, ModelDocument, Plan, is_secret_name, typed
from rules_engine.context.documents import Reads
from rules_engine.events import new_id


@dataclass(frozen=True)
class Cause:
    """The event and rule whose action caused this emission."""

    event: UUID
    execution: UUID
    rule: str
    depth: int
    chain: frozenset[tuple[int, str]]
    """(rule id, object) pairs that ran already in this chain; see ``receivers.guards``."""


current_cause: ContextVar[Cause | None] = ContextVar("rules_engine_cause", default=None)
"""Set while an action runs, so that what it changes is known to be caused by it."""


@dataclass(frozen=True)
class Emission:
    """One sending of a catalogued signal, with the identity that its event will have if a rule matches."""

    spec: SignalSpec
    label: str
    sender: Any
    given: dict[str, Any]
    cause: Cause | None = None
    id: UUID = field(default_factory=new_id)
    at: datetime = field(default_factory=timezone.now)

    @property
    def instance(self) -> Model | None:
        """The object the event is about, if there is one."""
        found = self.given.get(self.spec.instance) if self.spec.instance else None
        return found if isinstance(found, Model) else None

    @property
    def object_id(self) -> str:
        """Primary key of the instance as text, or the empty text."""
        instance = self.instance
        if instance is None or instance.pk is None:
            return ""
        return str(typed(instance.pk))[:255]

    @property
    def using(self) -> str:
        """Alias of the connection on which the signal's change is made."""
        given = self.given.get("using")
        if isinstance(given, str):
            return given
        instance = self.instance
        return (instance._state.db if instance is not None else None) or DEFAULT_DB_ALIAS

    def context(self, plan: Plan) -> dict[str, Any]:
        """Return the live context: arguments are read already, objects are lazy documents."""
        reads, document = Reads(), self.envelope()
        for name, value in self.spec.read(self.sender, self.given).items():
            document[name] = self._argument(name, value, plan, reads)
        return document

    def envelope(self) -> dict[str, Any]:
        """Return what every context has, whatever the signal: which signal, from whom, when, and why."""
        return {
            "signal": self.spec.key,
            "sender": self.label,
            "event": {
                "id": str(self.id),
                "time": typed(self.at),
                # For `today()` and `hour()`, and kept with the event: a replay answers as the event did.
                "timezone": timezone.get_default_timezone_name(),
            },
            "cause": self._cause_document(),
        }

    def _argument(self, name: str, value: Any, plan: Plan, reads: Reads) -> Any:
        if is_secret_name(name) and not isinstance(value, dict):
            return REDACTED
        if isinstance(value, Model):
            return ModelDocument(value, plan.below(name), reads, settled=self.spec.settled)
        return typed(value)

    def _cause_document(self) -> dict[str, Any] | None:
        if self.cause is None:
            return None
        return {"event": str(self.cause.event), "rule": self.cause.rule, "depth": self.cause.depth}
