"""Identifiers ordered by time, and the frozen event."""

from __future__ import annotations

import threading
import time
from dataclasses import FrozenInstanceError
from itertools import pairwise
from uuid import RFC_4122, UUID

import pytest

from rules_engine.events import new_id
from tests.actions.conftest import an_event


def test_identifier_is_a_uuid_of_version_seven() -> None:
    """As RFC 9562 lays it out: the first 48 bits are milliseconds."""
    before = time.time_ns() // 1_000_000

    found = new_id()

    assert (found.version, found.variant) == (7, RFC_4122)
    assert before <= found.int >> 80 <= time.time_ns() // 1_000_000 + 1


def test_identifiers_increase_strictly() -> None:
    """Also many of one millisecond."""
    found = [new_id() for _ in range(20_000)]

    assert all(a < b for a, b in pairwise(found))
    assert sorted(map(str, found)) == [str(item) for item in found]


def test_identifiers_of_many_threads_are_different() -> None:
    """And each thread's own increase."""
    found: list[list[UUID]] = [[] for _ in range(4)]

    def make(mine: list[UUID]) -> None:
        mine.extend(new_id() for _ in range(5_000))

    threads = [threading.Thread(target=make, args=(mine,)) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({item for mine in found for item in mine}) == 20_000
    assert all(mine == sorted(mine) for mine in found)


def test_identifiers_increase_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A correction of the clock does not make a later event look earlier."""
    first = new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 0)

    assert first < new_id() < new_id()


def test_part_that_is_random_differs() -> None:
    """Two processes do not meet."""
    assert len({new_id().int & 0x3FFF_FFFF_FFFF_FFFF for _ in range(1_000)}) == 1_000


def test_event_is_frozen() -> None:
    """An action cannot change what the next one sees of it."""
    with pytest.raises(FrozenInstanceError):
        an_event().signal = "other"  # type: ignore[misc]
