"""The one registry shape behind signals, actions and functions."""

from __future__ import annotations

import pytest

from rules_engine.exceptions import AlreadyRegistered, InvalidKey, UnknownKey
from rules_engine.registry import Registry


@pytest.fixture
def registry() -> Registry[int]:
    """Two keys."""
    found: Registry[int] = Registry("thing")
    found.add("built_in", 1, holder="rules_engine", builtin=True)
    found.add("shop.paid", 2, holder="shop.rules")
    return found


def test_items_keep_the_order_of_registration(registry: Registry[int]) -> None:
    """Built-in ones come first because they are registered first."""
    assert registry.items() == [("built_in", 1), ("shop.paid", 2)]
    assert list(registry) == ["built_in", "shop.paid"]
    assert (len(registry), "shop.paid" in registry, "shop.x" in registry) == (2, True, False)
    assert registry.get("shop.paid") == 2


@pytest.mark.parametrize("key", ["paid", "", ".", "shop.", ".paid", "shop paid.x", "shop.order-paid", "1.x"])
def test_key_of_another_form_is_refused(registry: Registry[int], key: str) -> None:
    """Two apps must never claim the same one."""
    with pytest.raises(InvalidKey) as caught:
        registry.add(key, 3, holder="x")

    assert str(caught.value) == f"The thing key {key!r} is not of the form 'app.name', such as 'shop.order_paid'."


def test_deeper_keys_are_accepted(registry: Registry[int]) -> None:
    """``app.part.name``."""
    registry.add("shop.orders.paid", 3, holder="x")

    assert registry.get("shop.orders.paid") == 3


def test_second_holder_is_refused_with_both_named(registry: Registry[int]) -> None:
    """And the first one stays."""
    with pytest.raises(AlreadyRegistered) as caught:
        registry.add("shop.paid", 3, holder="other.rules")

    assert str(caught.value) == (
        "The thing 'shop.paid' of other.rules is already registered by shop.rules. "
        "Choose another key: keys are stored in rules and must be unique."
    )
    assert registry.get("shop.paid") == 2


def test_same_holder_replaces_what_it_registered(registry: Registry[int]) -> None:
    """A reloaded module does no harm."""
    registry.add("shop.paid", 3, holder="shop.rules")

    assert registry.items() == [("built_in", 1), ("shop.paid", 3)]


def test_unknown_key_has_the_nearest_as_a_suggestion(registry: Registry[int]) -> None:
    """In the text and as data; it is a LookupError."""
    with pytest.raises(LookupError) as caught:
        registry.get("shop.padi")

    assert isinstance(caught.value, UnknownKey)
    assert (caught.value.noun, caught.value.key, caught.value.suggestion) == ("thing", "shop.padi", "shop.paid")
    assert str(caught.value) == "'shop.padi' is not a thing known here. Did you mean 'shop.paid'?"


def test_key_like_no_other_has_no_suggestion(registry: Registry[int]) -> None:
    """Better none than a wrong one."""
    with pytest.raises(UnknownKey, match=r"^'zzz' is not a thing known here\.$"):
        registry.get("zzz")


def test_removed_key_is_free_again(registry: Registry[int]) -> None:
    """For anybody; removing what is not there says so."""
    registry.remove("shop.paid")
    registry.add("shop.paid", 3, holder="other.rules")

    assert registry.get("shop.paid") == 3
    with pytest.raises(UnknownKey):
        registry.remove("shop.nothing")
