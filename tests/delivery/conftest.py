"""An action whose behaviour a test writes down, and executions made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rules_engine.actions import Action, Run, register_action
from rules_engine.actions.registry import _actions
from rules_engine.events import Event
from rules_engine.models import Event as EventRow
from rules_engine.models import Execution, Rule, recording

Behaviour = Callable[[Event, Run], Any]


@dataclass
class Stage:
    """What ``testapp.scripted`` does by name, and what it did."""

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    ran: list[tuple[str, int]] = field(default_factory=list)
    """Name and attempt of each run, in order."""

    def __call__(self, name: str, behaviour: Behaviour | Exception | None = None) -> dict[str, Any]:
        """Say what the action ``name`` does (return, call, or raise an error); return it as values of an action."""
        if isinstance(behaviour, Exception):
            self.behaviours[name] = _raising(behaviour)
        elif behaviour is not None:
            self.behaviours[name] = behaviour
        return {"kind": "testapp.scripted", "config": {"name": name}}

    @property
    def names(self) -> list[str]:
        """What ran, in order."""
        return [name for name, _ in self.ran]


def keep(values: list[Any], value: Any) -> str:
    """Note a value: what a behaviour of one line does."""
    values.append(value)
    return "noted"


def _raising(error: Exception) -> Behaviour:
    def behave(event: Event, run: Run) -> str:
        raise error

    return behave


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Register ``testapp.scripted`` for one test."""
    scene = Stage()

    @register_action("testapp.scripted")
    @dataclass(frozen=True, kw_only=True)
    class Scripted(Action):
        """Does what the test says."""

        name: str

        def run(self, event: Event, run: Run) -> str:
            scene.ran.append((self.name, run.attempt))
            behave = scene.behaviours.get(self.name)
            if behave is None:
                return f"{self.name} done"
            result: str = behave(event, run)
            return result

    yield scene
    _actions.remove("testapp.scripted")


MakeExecutions = Callable[..., list[Execution]]


@pytest.fixture
def executions(stage: Stage) -> MakeExecutions:
    """Return a function that makes a live rule with scripted actions and one due event for it, as a match would."""

    def make(*names: str, on_error: str = "continue", slug: str = "paid", **values: Any) -> list[Execution]:
        with recording():
            rule = Rule.objects.filter(slug=slug).first()
            if rule is None:
                rule = Rule.objects.create(name=slug.capitalize(), slug=slug, signal="post_save", mode="live")
                for name in names:
                    rule.actions.create(**stage(name), on_error=on_error)
        return add_event(rule, **values)

    return make


def add_event(rule: Rule, **values: Any) -> list[Execution]:
    """One event of a rule with an execution for each action: the first is due, the others wait."""
    now = timezone.now() - timedelta(seconds=1)
    event = EventRow.objects.create(
        signal="post_save", sender="testapp.order", object_id="1", data={}, created_at=now
    )
    rows = [
        Execution(
            event=event,
            rule=rule,
            action=action,
            rule_slug=rule.slug,
            rule_name=rule.name,
            action_kind=action.kind,
            position=action.position,
            due_at=now if number == 0 else None,
            **values,
        )
        for number, action in enumerate(rule.actions.order_by("position"))
    ]
    Execution.objects.bulk_create(rows)
    return rows


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that makes whatever waits for its time due now."""

    def wind() -> None:
        rows = Execution.objects.filter(state="pending", due_at__isnull=False)
        rows.update(due_at=timezone.now() - timedelta(seconds=1))

    return wind
