"""Lines written to the site's loggers."""

from __future__ import annotations

import logging

import pytest

from rules_engine.actions import Run, build_action
from rules_engine.exceptions import ConfigInvalid
from tests.actions.conftest import KEY, an_event


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_line_is_written_at_its_level_with_what_it_belongs_to(
    run: Run, caplog: pytest.LogCaptureFixture, level: str
) -> None:
    """For formatters that show rule, event and execution."""
    caplog.set_level("DEBUG", "shop.audit")
    config = {
        "message": "Order {{ instance.number }}: {{ instance.total }} %s",
        "level": level,
        "logger": "shop.audit",
    }

    line = build_action("log", config).run(an_event(), run)

    (record,) = caplog.records
    assert (record.name, record.levelno) == ("shop.audit", getattr(logging, level.upper()))
    assert record.getMessage() == "Order N-7: 19.90 %s"
    assert (record.__dict__["rule"], record.__dict__["execution_id"]) == ("paid", str(KEY))
    assert record.__dict__["event_id"] == str(an_event().id)
    assert line == f"{level}: Order N-7: 19.90 %s"


def test_defaults_are_info_on_a_logger_of_its_own(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """So that it can be routed apart from the engine's own messages."""
    caplog.set_level("INFO", "rules_engine.log")

    build_action("log", {"message": "x"}).run(an_event(), run)

    assert [(record.name, record.levelname) for record in caplog.records] == [("rules_engine.log", "INFO")]


@pytest.mark.parametrize("glue", ["\n", "\r\n", "\x0b", "\x85", "\u2028"])
def test_one_event_is_one_line(run: Run, caplog: pytest.LogCaptureFixture, glue: str) -> None:
    """A line break in the data must not forge a second one."""
    caplog.set_level("INFO", "rules_engine.log")

    build_action("log", {"message": "{{ instance.note }}"}).run(an_event(note=f"a{glue}2026 ERROR forged"), run)

    assert caplog.records[0].getMessage() == "a 2026 ERROR forged"


@pytest.mark.parametrize(
    "template", ["{{ secrets.token }}", "{{ secrets.token|upper }}", "{{ secrets.token|slice:':3' }}"]
)
def test_secret_is_never_logged(run: Run, caplog: pytest.LogCaptureFixture, template: str) -> None:
    """A log is read by many: whatever a filter makes of a secret, it is made of three asterisks."""
    caplog.set_level("INFO", "rules_engine.log")

    line = build_action("log", {"message": f"key {template}"}).run(an_event(), run)

    assert caplog.records[0].getMessage() == "key ***"
    assert line == "info: key ***"
    assert run.detail["message"] == "key ***"


def test_data_that_quotes_a_secret_is_masked(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """Also in other letters."""
    caplog.set_level("INFO", "rules_engine.log")

    build_action("log", {"message": "{{ instance.note }}"}).run(an_event(note="TOK/en+1"), run)

    assert caplog.records[0].getMessage() == "***"


def test_long_line_is_cut_for_the_history_only(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """The log has all of it."""
    caplog.set_level("INFO", "rules_engine.log")

    line = build_action("log", {"message": "{{ instance.note }}"}).run(an_event(note="x" * 900), run)

    assert (len(line), len(caplog.records[0].getMessage())) == (500, 900)


@pytest.mark.parametrize("name", ["", "a b", "1a", "a\n", "a\nb", "../x", "x" * 201])
def test_name_that_is_no_loggers_is_refused(name: str) -> None:
    """It stands in every line that is written."""
    with pytest.raises(ConfigInvalid, match=r"^logger: "):
        build_action("log", {"message": "x", "logger": name})


@pytest.mark.parametrize("name", ["a", "shop.orders", "_x", "django.request", "my-app.log"])
def test_usual_names_are_accepted(name: str) -> None:
    """Dots and hyphens."""
    assert build_action("log", {"message": "x", "logger": name})


def test_unknown_level_names_the_known_ones() -> None:
    """As the form does."""
    with pytest.raises(ConfigInvalid, match="level: must be one of debug, info, warning, error, critical"):
        build_action("log", {"message": "x", "level": "loud"})
