"""Fixtures of the engine's tests; not loaded for the tests of the demo site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

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
