"""``register_action`` and the look-up of actions by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import rules_engine
from rules_engine.actions import Action, action_schema, all_actions, build_action, get_action, register_action
from rules_engine.actions.registry import _actions
from rules_engine.events import Event
from rules_engine.exceptions import AlreadyRegistered, ConfigInvalid, InvalidKey, UnknownKey


@pytest.fixture
def register() -> Iterator[Callable[..., Any]]:
    """``register_action``, undone after the test."""
    before = set(_actions)
    yield register_action
    for key in set(_actions) - before:
        _actions.remove(key)


def gift_card() -> type[Action]:
    """A host's action, as the documentation shows it."""

    @dataclass(frozen=True, kw_only=True)
    class GiftCard(Action):
        """Send the customer a gift card.

        More about it.
        """

        amount: int

        def __post_init__(self) -> None:
            if self.amount % 5:
                raise ValueError("amount: must be a multiple of 5.")

        def run(self, event: Event, run: rules_engine.Run) -> str:
            return f"{self.amount} sent"

    return GiftCard


def test_registered_action_is_selectable_and_built_from_its_configuration(register: Callable[..., Any]) -> None:
    """The decorator hands the class back."""
    cls = gift_card()

    assert register("shop.gift_card")(cls) is cls

    assert get_action("shop.gift_card") is cls
    assert all_actions()[-1] == ("shop.gift_card", cls)
    assert build_action("shop.gift_card", {"amount": 10}) == cls(amount=10)  # type: ignore[call-arg]


def test_title_and_description_come_from_key_and_docstring(register: Callable[..., Any]) -> None:
    """The first paragraph of it."""
    register("shop.gift_card")(gift_card())

    schema = action_schema("shop.gift_card")

    assert (schema["title"], schema["description"]) == ("Gift card", "Send the customer a gift card.")


def test_what_the_class_itself_refuses_is_a_problem_of_the_configuration(register: Callable[..., Any]) -> None:
    """Not a crash of the form."""
    register("shop.gift_card")(gift_card())

    with pytest.raises(ConfigInvalid, match=r"must be a multiple of 5\."):
        build_action("shop.gift_card", {"amount": 7})


def test_key_without_an_app_is_refused(register: Callable[..., Any]) -> None:
    """Bare keys are the engine's own."""
    with pytest.raises(InvalidKey, match=r"The action key 'gift' is not of the form 'app\.name'"):
        register("gift")(gift_card())


def test_second_class_under_a_key_is_refused_with_both_named(register: Callable[..., Any]) -> None:
    """Keys are stored in rules."""
    register("shop.gift_card")(gift_card())

    @dataclass(frozen=True, kw_only=True)
    class Other(Action):
        """Another one."""

    with pytest.raises(AlreadyRegistered, match=r"Other is already registered by .*GiftCard"):
        register("shop.gift_card")(Other)


def test_module_that_is_imported_again_replaces_its_action(register: Callable[..., Any]) -> None:
    """A development server reloads modules."""
    register("shop.gift_card")(gift_card())
    again = gift_card()

    register("shop.gift_card")(again)

    assert get_action("shop.gift_card") is again


@pytest.mark.parametrize("thing", [object(), int, lambda event, run: ""])
def test_anything_but_an_action_is_refused(register: Callable[..., Any], thing: Any) -> None:
    """With the key, so that the line is found."""
    with pytest.raises(
        TypeError, match=r"register_action\('shop\.x'\): .* is not a subclass of rules_engine\.Action"
    ):
        register("shop.x")(thing)


def test_class_that_is_no_dataclass_is_refused(register: Callable[..., Any]) -> None:
    """Its fields would silently be no part of the configuration."""

    class Forgotten(Action):
        """No @dataclass above it."""

        amount: int = 5

    with pytest.raises(
        TypeError, match=r"Forgotten is not a dataclass. Write @dataclass\(frozen=True, kw_only=True\)"
    ):
        register("shop.x")(Forgotten)


def test_action_must_implement_run() -> None:
    """The message names the class."""

    @dataclass(frozen=True, kw_only=True)
    class Idle(Action):
        """Does nothing."""

    with pytest.raises(NotImplementedError, match=r"Idle must implement run\(event, run\)"):
        Idle().run(None, None)  # type: ignore[arg-type]


def test_unknown_kind_has_a_suggestion() -> None:
    """The nearest one."""
    with pytest.raises(UnknownKey, match=r"'webhok' is not an action known here\. Did you mean 'webhook'\?"):
        build_action("webhok", {})
