"""Fixtures of the engine's tests; not loaded for the tests of the demo site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

MakeRule = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_rules_left() -> Iterator[None]:
    """Leave no receiver of one test to the next."""
    yield
    from rules_engine.receivers import loader

    loader.clear()


@pytest.fixture
def make_rule(request: pytest.FixtureRequest) -> MakeRule:
    """Return a function that makes a live rule with actions, checked and loaded; ``load=False`` leaves it at that."""

    def make(
        name: str = "Paid orders",
        *,
        signal: str = "post_save",
        sender: str = "testapp.order",
        condition: str = "",
        actions: list[dict[str, Any]] | None = None,
        mode: str = "live",
        load: bool = True,
        **values: Any,
    ) -> Any:
        from rules_engine import services, testing
        from rules_engine.models import Rule

        rule = Rule(name=name, signal=signal, sender=sender, condition=condition, mode=mode, **values)
        if actions is None:
            actions = [{"kind": "log", "config": {"message": "{{ signal }} {{ instance.pk }}"}}]
        services.save_rule(rule=rule, actions=actions, by=None)
        if load:
            testing.load_rules()
        return rule

    return make


class Statements:
    """The SQL statements that a block made, without transaction control."""

    CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")

    def __init__(self) -> None:
        self.all: list[str] = []

    @property
    def kinds(self) -> list[str]:
        """First word and table of each: ``INSERT rules_engine_event``."""
        return [f"{sql.split()[0]} {self.table(sql)}" for sql in self.all]

    @staticmethod
    def table(sql: str) -> str:
        """The first table that a statement names."""
        words = sql.replace("`", '"').split('"')
        before = ("INTO ", "FROM ", "UPDATE ")
        return next((words[n + 1] for n, word in enumerate(words[:-1]) if word.endswith(before)), "")


@pytest.fixture
def statements() -> Callable[[], Any]:
    """Return a context manager that yields the ``Statements`` of its block."""

    @contextmanager
    def capture() -> Iterator[Statements]:
        found = Statements()
        with CaptureQueriesContext(connection) as queries:
            yield found
        found.all = [q["sql"] for q in queries if not q["sql"].startswith(Statements.CONTROL)]

    return capture
