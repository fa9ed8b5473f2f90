"""``manage.py demo`` from the outside."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from shop.claim import claimed

ROOT = Path(__file__).resolve().parent.parent.parent


def run(command: list[str], database: Path) -> subprocess.CompletedProcess[str]:
    """Run the root's manage.py on a database of its own, from another folder."""
    environment = {
        **os.environ,
        "DEMO_DATABASE": str(database),
        "DJANGO_SETTINGS_MODULE": "demo.settings",
        "PYTHONWARNINGS": "error",
    }
    environment.pop("DEMO_PORT", None)
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *command],
        env=environment,
        cwd=database.parent,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.slow
def test_demo_succeeds_twice_beside_a_taken_port(tmp_path: Path) -> None:
    """The demo takes the next free port, does what it promises, and does it again on the same database."""
    database = tmp_path / "with a space" / "demo.sqlite3"
    database.parent.mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        first, second = (run(["demo", "--no-serve", "--port", str(port)], database) for _ in range(2))

    for result in (first, second):
        assert result.returncode == 0, result.stdout + result.stderr
        assert "Every expected execution succeeded." in result.stdout
        assert f"Port {port} is taken: the demo uses " in result.stdout
        assert "The site has stopped." in result.stdout
        assert "Log-ins" not in result.stdout, "addresses and log-ins are of no use once the site has stopped"
        assert "ALLOWED_HOSTS" not in result.stderr, "the seeded address moves before the rules are loaded"
        assert f"http://127.0.0.1:{port}/" not in result.stdout
        assert "database is locked" not in result.stderr
        assert "Traceback" not in result.stderr
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.slow
def test_demo_with_a_rule_off_names_what_is_missing(tmp_path: Path) -> None:
    """With a rule switched off the demo ends with 1 and says which execution is missing, and why."""
    database = tmp_path / "demo.sqlite3"
    code = "from rules_engine.models import Rule; Rule.objects.filter(slug='page-crashed').update(mode='off')"
    for command in (["migrate", "-v0"], ["seed_demo"], ["shell", "-c", code]):
        assert run(command, database).returncode == 0
    result = run(["demo", "--no-serve", "--port", "8750"], database)

    assert result.returncode == 1
    assert "page-crashed: log on page /crash/ should be succeeded" in result.stderr
    assert "there is no such execution: the rule is off" in result.stderr


@pytest.mark.slow
def test_demo_beside_another_one_takes_a_database_of_its_own(tmp_path: Path) -> None:
    """Two demos of one database would take each other's work: the second says so and uses another file."""
    database = tmp_path / "demo.sqlite3"
    with claimed(database, 8000):
        result = run(["demo", "--no-serve", "--port", "8770"], database)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "Another demo serves demo.sqlite3 at http://127.0.0.1:8000/: this one uses demo-8" in result.stdout
    # Some versions of Django make the file when they check the settings; the demo puts nothing into it.
    with closing(sqlite3.connect(database)) as found:
        assert found.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_seeding_leaves_a_served_database_to_its_demo(tmp_path: Path) -> None:
    """Its inbox is at another port; who wants the rules back is told the command."""
    database = tmp_path / "demo.sqlite3"
    with claimed(database, 8780):
        seeded, reset = run(["seed_demo"], database), run(["seed_demo", "--reset"], database)

    assert (seeded.returncode, reset.returncode) == (0, 1)
    assert seeded.stdout == "A demo at port 8780 serves this database and has seeded it.\n"
    assert "DEMO_PORT=8780 manage.py seed_demo --reset" in reset.stderr


def test_makemigrations_finds_nothing_new(tmp_path: Path) -> None:
    """The shop's migrations match its models."""
    result = run(["makemigrations", "--check", "--dry-run", "shop"], tmp_path / "demo.sqlite3")

    assert result.returncode == 0, result.stdout


def test_check_finds_no_problem(tmp_path: Path) -> None:
    """Django's and the engine's system checks are content with the demo's settings."""
    result = run(["check", "--fail-level", "INFO"], tmp_path / "demo.sqlite3")

    assert result.returncode == 0, result.stderr
