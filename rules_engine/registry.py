"""The one registry shape behind all three extension points: signals, actions, functions."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Generic, TypeVar

from rules_engine.exceptions import AlreadyRegistered, InvalidKey, UnknownKey

T = TypeVar("T")


class Registry(Generic[T]):
    """Objects by their key, in the order of registration.

    Built-in keys are bare (``webhook``); a host's are ``app.name``, because they are stored in the database
    and two apps must never claim the same one.
    """

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._items: dict[str, T] = {}
        self._holders: dict[str, str] = {}

    def add(self, key: str, item: T, *, holder: str, builtin: bool = False) -> None:
        """Register ``item``; ``holder`` names where it comes from, for error messages.

        Registering the same holder again replaces it, so that a reloaded module does no harm.
        Raises InvalidKey and AlreadyRegistered.
        """
        if not builtin:
            self._check_form(key)
        known = self._holders.get(key)
        if known is not None and known != holder:
            raise AlreadyRegistered(
                f"The {self.noun} {key!r} of {holder} is already registered by {known}. "
                "Choose another key: keys are stored in rules and must be unique."
            )
        self._items[key] = item
        self._holders[key] = holder

    def _check_form(self, key: str) -> None:
        parts = key.split(".")
        if len(parts) < 2 or not all(part.isidentifier() for part in parts):
            raise InvalidKey(f"The {self.noun} key {key!r} is not of the form 'app.name', such as 'shop.order_paid'.")

    def remove(self, key: str) -> None:
        """Forget a key (tests do this); raises UnknownKey."""
        self.get(key)
        del self._items[key], self._holders[key]

    def get(self, key: str) -> T:
        """Return what is registered under ``key``; raises UnknownKey with a suggestion."""
        try:
            return self._items[key]
        except KeyError:
            close = get_close_matches(key, self._items, n=1)
            raise UnknownKey(self.noun, key, close[0] if close else "") from None

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> list[tuple[str, T]]:
        """All (key, item) pairs."""
        return list(self._items.items())
