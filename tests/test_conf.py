"""The settings: typed, defaulted, checked; a wrong value never breaks start-up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rules_engine import conf
from rules_engine.conf import OUTBOUND_KEYS, declared, outbound, problems

WRONG: dict[str, list[Any]] = {
    "ENABLED": [1, "yes", None],
    "EXECUTOR": ["threads", None, [], 5],
    "SYNC_INTERVAL_SECONDS": [-1, "1", float("nan"), True],
    "ALLOWED_SENDERS": ["shop.order", [1], 5],
    "EVENT_FIELDS": [["id"], {"shop.order": "id"}, {5: ["id"]}],
    "REDACT": ["password", [5]],
    "SECRETS": [["a"], {"a b": "x"}, {"a": 5}, {5: "x"}],
    "ATOMIC_SAVES": ["shop.order", [5], None],
    "OUTBOUND": [[], "x", None],
    "MAIL_DOMAINS": ["example.com", [5]],
    "RETENTION_DAYS": [-1, "30", float("inf"), 1_000_000],
    "RULES_MODULE": ["", None, 5],
    "RETRY_SCHEDULE": [[], "0,5", [-1], [0, "5"], [float("inf")], [float("nan")], [10**12], 5],
    "BATCH_SIZE": [0, 1.5, 10_000, "50"],
    "LEASE_SECONDS": [0, float("inf"), None],
    "POLL_SECONDS": [0, float("nan"), None],
    "MAX_DEPTH": [0, 1.5],
    "MAX_RELATED": [0, None],
    "MAX_TEXT_LENGTH": [99, "x"],
}
"""Values that no setting may have, by name."""

RIGHT: dict[str, list[Any]] = {
    "ENABLED": [False],
    "EXECUTOR": ["inline", "none", "thread"],
    "SYNC_INTERVAL_SECONDS": [0, 0.5, None],
    "ALLOWED_SENDERS": [[], ["shop.*"], None],
    "EVENT_FIELDS": [{"shop.order": ["id"]}],
    "REDACT": [["ssn", "shop.order.*"]],
    "SECRETS": [{"a": "x"}],
    "ATOMIC_SAVES": ["*", ["shop.order"], ()],
    "OUTBOUND": [{}],
    "MAIL_DOMAINS": [["example.com"], None],
    "RETENTION_DAYS": [0, 0.5, None],
    "RULES_MODULE": ["automation"],
    "RETRY_SCHEDULE": [(0,), [0, 5.5]],
    "BATCH_SIZE": [1, 1_000],
    "LEASE_SECONDS": [1, 0.5e9],
    "POLL_SECONDS": [0.05],
    "MAX_DEPTH": [1],
    "MAX_RELATED": [1],
    "MAX_TEXT_LENGTH": [100],
}
"""Values that each may have."""

WRONG_OUTBOUND: dict[str, list[Any]] = {
    "ALLOWED_HOSTS": ["10.0.0.1"],
    "ALLOWED_NETWORKS": [["10.0.0.0/99"], ["10.0.0.1/8"], "10.0.0.0/8"],
    "DENIED_HOSTS": ["x"],
    "DENIED_NETWORKS": [["x"]],
    "REQUIRE_HTTPS": [1],
    "CONNECT_SECONDS": [0, float("nan")],
    "READ_SECONDS": [0],
    "TOTAL_SECONDS": ["20"],
    "MAX_REQUEST_BYTES": [0],
    "MAX_RESPONSE_BYTES": [-1, 1.5],
}


def cases(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    """Name and value of each entry."""
    return [(name, value) for name, values in table.items() for value in values]


def test_every_setting_is_in_the_tables() -> None:
    """A new setting is put into RIGHT and WRONG above, and so through all of this."""
    assert set(RIGHT) == set(WRONG) == set(declared())
    assert set(WRONG_OUTBOUND) == set(OUTBOUND_KEYS)


@pytest.mark.parametrize(("name", "value"), cases(RIGHT))
def test_right_value_is_in_force(settings: Any, name: str, value: Any) -> None:
    """Read per access, so ``override_settings`` works."""
    settings.RULES_ENGINE = {name: value}

    assert getattr(conf.settings, name) == value
    assert problems() == []


@pytest.mark.parametrize(("name", "value"), cases(WRONG))
def test_wrong_value_gives_the_default_and_a_problem(settings: Any, name: str, value: Any) -> None:
    """Start-up goes on; the check says which setting, and what it must be."""
    settings.RULES_ENGINE = {}
    default = getattr(conf.settings, name)
    settings.RULES_ENGINE = {name: value}

    assert getattr(conf.settings, name) == default
    (problem,) = problems()
    assert problem.path == f'RULES_ENGINE["{name}"]'
    assert problem.message.startswith("must be ")
    assert problem.hint == "The default is used instead until this is mended."


@pytest.mark.parametrize(("name", "value"), cases(WRONG_OUTBOUND))
def test_wrong_limit_of_calls_gives_the_default_and_a_problem(settings: Any, name: str, value: Any) -> None:
    """The address guard never opens by a mistake."""
    settings.RULES_ENGINE = {"OUTBOUND": {name: value}}

    assert outbound(name) == OUTBOUND_KEYS[name][0]
    (problem,) = problems()
    assert problem.path == f'RULES_ENGINE["OUTBOUND"]["{name}"]'


@pytest.mark.parametrize(
    ("given", "path", "hint"),
    [
        ({"LEASE_SECOND": 5}, 'RULES_ENGINE["LEASE_SECOND"]', 'Did you mean "LEASE_SECONDS"?'),
        ({"lease_seconds": 5}, 'RULES_ENGINE["lease_seconds"]', 'Did you mean "LEASE_SECONDS"?'),
        (
            {"OUTBOUND": {"ALLOW_HOSTS": []}},
            'RULES_ENGINE["OUTBOUND"]["ALLOW_HOSTS"]',
            'Did you mean "ALLOWED_HOSTS"?',
        ),
        ({5: 5}, 'RULES_ENGINE["5"]', f"Known: {', '.join(sorted(declared()))}."),
    ],
)
def test_unknown_name_has_a_suggestion(settings: Any, given: dict[Any, Any], path: str, hint: str) -> None:
    """Or the whole list, where nothing is near."""
    settings.RULES_ENGINE = given

    (problem,) = problems()

    assert (problem.path, problem.message, problem.hint, problem.unknown) == (path, "is not a setting", hint, True)


@pytest.mark.parametrize("value", [None, [], "x", 5])
def test_anything_but_a_dict_leaves_the_defaults(settings: Any, value: Any) -> None:
    """With one problem for all."""
    settings.RULES_ENGINE = value

    assert conf.settings.EXECUTOR == "thread"
    assert [(item.path, item.message) for item in problems()] == [("RULES_ENGINE", "must be a dict")]


def test_missing_dict_is_no_problem(settings: Any) -> None:
    """The engine works without any setting."""
    del settings.RULES_ENGINE

    assert problems() == []
    assert conf.settings.ENABLED is True


def test_choice_has_a_suggestion(settings: Any) -> None:
    """What was probably meant."""
    settings.RULES_ENGINE = {"EXECUTOR": "threads"}

    assert problems()[0].message == "must be one of thread, inline, none, not 'threads'; did you mean \"thread\"?"


@pytest.mark.parametrize("secrets", [{"a b": "hunter2"}, {"a": b"hunter2"}, ["hunter2"]])
def test_problem_never_shows_a_secret(settings: Any, secrets: Any) -> None:
    """It is printed by ``manage.py check``."""
    settings.RULES_ENGINE = {"SECRETS": secrets}

    assert "hunter2" not in str(problems())


def test_network_that_is_none_is_named_with_the_reason(settings: Any) -> None:
    """Host bits, a wrong mask."""
    settings.RULES_ENGINE = {"OUTBOUND": {"ALLOWED_NETWORKS": ["10.0.0.1/8"]}}

    assert problems()[0].message == "holds '10.0.0.1/8', which is not a network: 10.0.0.1/8 has host bits set"


def test_every_setting_has_a_default_that_passes_its_own_check_and_a_line_of_documentation() -> None:
    """The reference page is made of these."""
    for name, setting in declared().items():
        assert setting.check(setting.default) is None, name
        assert len(setting.doc) > 20, name
        assert setting.doc.endswith("."), name
    for name, (default, check, doc) in OUTBOUND_KEYS.items():
        assert check(default) is None, name
        assert doc.endswith("."), name


def test_processes_do_not_look_for_changed_rules_in_a_test_run(settings: Any) -> None:
    """One added query would break hosts' query counts; whoever asks for it gets it."""
    settings.RULES_ENGINE = {}
    assert conf.under_test() is True
    assert conf.settings.SYNC_INTERVAL_SECONDS is None

    settings.RULES_ENGINE = {"SYNC_INTERVAL_SECONDS": 2}
    assert conf.settings.SYNC_INTERVAL_SECONDS == 2


def test_processes_look_every_second_outside_a_test_run() -> None:
    """In a process of its own: nothing of Django's test environment is set up there."""
    script = (
        "from django.conf import settings as s; s.configure()\n"
        "from rules_engine.conf import settings, under_test\n"
        "print(under_test(), settings.SYNC_INTERVAL_SECONDS)\n"
        "import django.test.utils\n"
        "print(under_test())\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[1],
        env=environment,
    )

    assert (done.stdout, done.stderr) == ("False 1.0\nFalse\n", "")
