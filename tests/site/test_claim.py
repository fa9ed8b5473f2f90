"""One demo for one database."""

from __future__ import annotations

from pathlib import Path

import pytest

from shop.claim import DatabaseServed, claimed, own_database, served_at


def test_claimed_database_names_the_port_and_is_free_afterwards(tmp_path: Path) -> None:
    """A file that an earlier demo left behind means nothing."""
    database = tmp_path / "demo.sqlite3"

    assert served_at(database) is None
    for port in (8000, 81):
        with claimed(database, port):
            assert served_at(database) == port
        assert served_at(database) is None


def test_second_claim_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    """The refusal says where the first demo listens."""
    database = tmp_path / "demo.sqlite3"

    with claimed(database, 8000):
        with pytest.raises(DatabaseServed, match="A demo at port 8000 serves this database") as refused:
            claimed(database, 8001).__enter__()
        assert served_at(database) == 8000

    assert refused.value.port == 8000


def test_own_database_stands_beside_the_other() -> None:
    """One file for each port."""
    assert own_database(Path("var/demo.sqlite3"), 8001) == Path("var/demo-8001.sqlite3")
