"""Tables and ladders of sets, against the plain way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.conditions import masks
from rules_engine.conditions.masks import Ladder, Table, bits_of

NUMBERS = [-(10**400), -3, 0, Decimal("0.1"), 1, Decimal("1.5"), 2, 2**53, 2**53 + 1, Decimal(2**53) + Decimal("0.5")]
NUMBERS += [Decimal("1e400"), 10**400, 10**400 + 1, Decimal("-1e999"), Decimal("0.1000000000000000000001")]
TEXTS = ["", "a", "ab", "b", "é"]


def mask(bits: set[int]) -> int:
    """The number of a set."""
    return sum(1 << bit for bit in bits)


@given(st.sets(st.integers(0, 300)))
def test_the_bits_of_a_mask_are_its_members_in_order(bits: set[int]) -> None:
    """Each once, the lowest first."""
    assert list(bits_of(mask(bits))) == sorted(bits)


CHANGES = st.lists(st.tuples(st.booleans(), st.sampled_from("xyz"), st.integers(0, 12)), max_size=40)


@given(CHANGES)
def test_a_table_holds_what_was_put_in_and_not_taken_out(changes: list[tuple[bool, str, int]]) -> None:
    """Small sets and large ones behave alike; a key without a set is gone."""
    table, expected = Table(), {key: set[int]() for key in "xyz"}

    for is_added, key, bit in changes:
        (table.add if is_added else table.remove)(key, bit)
        (expected[key].add if is_added else expected[key].discard)(bit)

        assert [table.get(key) for key in "xyz"] == [mask(expected[key]) for key in "xyz"]
        assert set(table) == {key for key in "xyz" if expected[key]}
        assert len(table) == len(set(table))


@pytest.mark.parametrize("bounds", [NUMBERS, TEXTS], ids=["numbers", "texts"])
@given(data=st.data())
def test_a_ladder_knows_the_steps_that_a_value_reaches(bounds: list[Any], data: st.DataObject) -> None:
    """A step with 0 is reached by its bound itself, one with 1 only by what stands above; after every change."""
    ladder, steps = Ladder(), set[tuple[Any, int, int]]()
    drawn = st.tuples(st.booleans(), st.sampled_from(bounds), st.integers(0, 1), st.integers(0, 70))

    for is_added, bound, kind, bit in data.draw(st.lists(drawn, max_size=30)):
        if is_added:
            ladder.add((bound, kind), bit)
            steps.add((bound, kind, bit))
        else:
            ladder.remove((bound, kind), bit)
            steps.discard((bound, kind, bit))
        value = data.draw(st.sampled_from(bounds))

        reached = {bit for bound, kind, bit in steps if value > bound or (value == bound and kind == 0)}
        assert ladder.below(value) == mask(reached)

    for value in bounds:
        reached = {bit for bound, kind, bit in steps if value > bound or (value == bound and kind == 0)}
        assert ladder.below(value) == mask(reached)
    assert len(ladder) == len({step[:2] for step in steps})


def test_a_ladder_does_not_remember_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers stay right when what was remembered is dropped."""
    monkeypatch.setattr(masks, "_REMEMBERED", 5)
    ladder = Ladder()
    for number in range(100):
        ladder.add((number, 0), number)

    for value in [99, 3, 50, 51, 7, 98, 0, -1, 20, 50]:
        assert ladder.below(value) == (1 << value + 1) - 1
    assert len(ladder._below) < 20
