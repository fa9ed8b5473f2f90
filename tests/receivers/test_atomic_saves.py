"""ATOMIC_SAVES: the row and its events in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.signals import post_save, pre_save

from rules_engine.models import Event
from rules_engine.receivers.atomic_saves import is_atomic, wrap_saves
from tests.testapp.models import Order, Tag

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _unwrap(settings: Any) -> Iterator[None]:
    """Leave the models as they were."""
    yield
    settings.RULES_ENGINE = {}
    wrap_saves()


@contextmanager
def vetoed(signal: Any) -> Iterator[None]:
    """Have a receiver of the host connected, after ours, that raises for orders numbered "veto"."""

    def veto(instance: Order, **kwargs: Any) -> None:
        if instance.number == "veto":
            raise ValidationError("no")

    signal.connect(veto, sender=Order, weak=False)
    try:
        yield
    finally:
        signal.disconnect(veto, sender=Order)


def save_vetoed() -> None:
    """Save an order whose save is vetoed after its row and event were written."""
    with pytest.raises(ValidationError):
        Order.objects.create(number="veto")


def test_in_autocommit_row_and_event_are_two_commits(make_rule: Any) -> None:
    """Without the setting Django has committed the row before post_save is sent: both are there."""
    make_rule(load=False)
    with vetoed(post_save):
        save_vetoed()

    assert (Order.objects.count(), Event.objects.count()) == (1, 1)


@pytest.mark.parametrize("names", [["testapp.order"], "*"], ids=["named", "all with live rules"])
def test_with_the_setting_they_are_one(make_rule: Any, settings: Any, names: Any) -> None:
    """With it, what comes between row and end of the save takes both back."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "ATOMIC_SAVES": names}
    make_rule(load=False)
    with vetoed(post_save):
        save_vetoed()

    assert (Order.objects.count(), Event.objects.count()) == (0, 0)


def test_star_stands_for_models_with_live_rules(make_rule: Any, settings: Any) -> None:
    """A shadow rule and a model without rules need no transaction."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "ATOMIC_SAVES": "*"}
    make_rule("Live", load=False)
    make_rule("Shadow", sender="testapp.tag", mode="shadow", load=False)

    assert (is_atomic(Order), is_atomic(Tag)) == (True, False)


def test_veto_that_a_host_catches_inside_its_own_transaction_does_not_doom_it(make_rule: Any, settings: Any) -> None:
    """Inside atomic() a save is as it was: a caught ValidationError leaves the transaction usable."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "ATOMIC_SAVES": ["testapp.order"]}
    make_rule(load=False)

    with vetoed(pre_save), transaction.atomic():
        save_vetoed()
        Order.objects.create(number="fine")

    assert list(Order.objects.values_list("number", flat=True)) == ["fine"]
