"""Sets of rules as bits of one number, and tables of such sets.

Combining sets of ten thousand rules is one operation on 1,250 bytes. Bit ``n`` stands for alternative number ``n`` of
a rule set.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from math import inf
from typing import Any

SPARSE = 4
"""So few members are kept as a tuple of their numbers: a number with one high bit is long."""


def bits_of(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


class Table:
    """Sets by key."""

    __slots__ = ("_sets",)

    def __init__(self) -> None:
        self._sets: dict[Any, int | tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self._sets)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._sets)

    def get(self, key: Any) -> int:
        """The set of a key."""
        found = self._sets.get(key, 0)
        if type(found) is int:
            return found
        mask = 0
        for bit in found:  # type: ignore[union-attr]
            mask |= 1 << bit
        return mask

    def add(self, key: Any, bit: int) -> None:
        """Put a bit into the set of a key."""
        found = self._sets.get(key, ())
        if type(found) is int:
            self._sets[key] = found | 1 << bit
        elif bit not in found:  # type: ignore[operator]
            more = (*found, bit)  # type: ignore[misc]
            self._sets[key] = more if len(more) <= SPARSE else sum(1 << each for each in more)

    def remove(self, key: Any, bit: int) -> None:
        """Take a bit out of the set of a key."""
        found = self._sets.get(key, ())
        left: int | tuple[int, ...]
        if type(found) is int:
            left = found & ~(1 << bit)
        else:
            left = tuple(each for each in found if each != bit)  # type: ignore[union-attr]
        if left:
            self._sets[key] = left
        else:
            self._sets.pop(key, None)


class Ladder:
    """Sets by bound, in order: which of many bounds does a value reach?

    A step is a bound and 0 or 1; a value stands above the steps up to ``(value, 0)``. What stands before a step is
    remembered when it has been asked for, until a change before it.
    """

    __slots__ = ("_below", "_floats", "_sets", "_steps")

    def __init__(self) -> None:
        self._steps: list[tuple[Any, int]] = []
        self._floats: list[float] = []
        self._sets = Table()
        self._below: dict[int, int] = {0: 0}

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, step: tuple[Any, int], bit: int) -> None:
        """Put a bit on a step."""
        position = bisect_left(self._steps, step)
        if position == len(self._steps) or self._steps[position] != step:
            self._steps.insert(position, step)
            self._floats.insert(position, nearest(step[0]))
        self._sets.add(step, bit)
        self._forget(position)

    def remove(self, step: tuple[Any, int], bit: int) -> None:
        """Take a bit from a step."""
        position = bisect_left(self._steps, step)
        if position == len(self._steps) or self._steps[position] != step:
            return
        self._sets.remove(step, bit)
        if not self._sets.get(step):
            del self._steps[position], self._floats[position]
        self._forget(position)

    def _forget(self, position: int) -> None:
        for known in [known for known in self._below if known > position]:
            del self._below[known]

    def below(self, value: Any) -> int:
        """The sets of all steps that ``value`` reaches."""
        position = self._position(value)
        known = self._below.get(position)
        return known if known is not None else self._sum(position)

    def _position(self, value: Any) -> int:
        # Comparing Decimals is slow; where the nearest floats differ, they differ in the same direction.
        close = nearest(value)
        low = bisect_left(self._floats, close)
        high = bisect_right(self._floats, close, low)
        return bisect_right(self._steps, (value, 0), low, high) if low < high else low

    def _sum(self, position: int) -> int:
        if len(self._below) > _REMEMBERED:
            self._below = {0: 0}
        # Another thread may replace it meanwhile.
        remembered = self._below
        start = position
        while start not in remembered:
            start -= 1
        mask = remembered[start]
        for number in range(start, position):
            mask |= self._sets.get(self._steps[number])
            if (number + 1) % _EVERY == 0:
                remembered[number + 1] = mask
        remembered[position] = mask
        return mask


_EVERY = 16
_REMEMBERED = 1024


def nearest(value: Any) -> float:
    """The float nearest to a number, which may be an infinity; 0 for texts, which are compared themselves."""
    if isinstance(value, str):
        return 0.0
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf
