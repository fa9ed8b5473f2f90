"""The comparison of the history with what the scenario expects."""

from __future__ import annotations

import pytest

from rules_engine.models import Attempt, Event, Execution, Rule
from shop.scenario.expectations import Expected, missing, silent_rules
from shop.scenario.report import table

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]
LOW = Expected("low-stock", "log", "product TEA-01")


def execution(state: str, *errors: str) -> Execution:
    """A row of the low-stock rule's first action, with one attempt for each error ("" is a success)."""
    rule = Rule.objects.get(slug=LOW.rule)
    event = Event.objects.create(
        signal="post_save", sender="shop.product", object_id="1", data={"instance": {"sku": "TEA-01"}}
    )
    row = Execution.objects.create(
        event=event,
        rule=rule,
        rule_slug=rule.slug,
        rule_name=rule.name,
        action_kind="log",
        state=state,
        attempts_made=len(errors),
    )
    for number, error in enumerate(errors, start=1):
        Attempt.objects.create(
            execution=row,
            number=number,
            started_at=event.created_at,
            duration_ms=7,
            outcome="retry" if error else "succeeded",
            error=error,
        )
    return row


def test_missing_is_content_with_what_was_expected() -> None:
    """An execution in the expected state, as often as expected, leaves nothing to say."""
    assert missing([execution("succeeded", "")], [LOW]) == []


@pytest.mark.parametrize(
    ("rows", "expected", "line"),
    [
        ([], [LOW], "low-stock: log on product TEA-01 should be succeeded, but there is no such execution: "),
        ([("failed", "HTTP 400")], [LOW], "but is failed after 1 attempts: HTTP 400"),
        ([("pending",)], [LOW], "but is pending after 0 attempts: no attempt was made"),
        ([("succeeded", ""), ("failed", "no")], [LOW], "but is failed after 1 attempts: no"),
        ([("succeeded", "")], [LOW, LOW], "2 times, but only 1 are there"),
        ([("succeeded", "")], [Expected(LOW.rule, "log", LOW.about, attempts=2)], "succeeded after 1 attempts"),
    ],
)
def test_missing_says_what_is_wrong(rows: list[tuple[str, ...]], expected: list[Expected], line: str) -> None:
    """What is not there, not often enough or ended otherwise is one line that says why."""
    (told,) = missing([execution(*row) for row in rows], expected)

    assert line in told


def test_missing_knows_why_a_rule_is_silent() -> None:
    """A rule that is off or gone is named as the reason."""
    Rule.objects.filter(slug=LOW.rule).update(mode="off")
    assert missing([], [LOW])[0].endswith("no such execution: the rule is off")
    Rule.objects.get(slug=LOW.rule).delete()
    assert missing([], [LOW])[0].endswith("no such execution: the rule was deleted")


def test_table_shows_executions_and_silent_rules() -> None:
    """The table has a line for each execution, and one for each rule that no event matched."""
    rows = [execution("succeeded", "HTTP 503", "")]
    text = table(rows, silent_rules(rows)).splitlines()

    assert text[0].split() == ["rule", "signal", "object", "action", "outcome", "ms"]
    assert text[2].split() == [
        "Low",
        "stock",
        "post_save",
        "product",
        "TEA-01",
        "log",
        *["succeeded", "at", "try", "2", "7"],
    ]
    assert sum("did not match" in line for line in text) == Rule.objects.count() - 1
