"""What comes of one run of an action: every kind of error, and nothing secret or unstorable kept."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from rules_engine import jsontext
from rules_engine.actions import Action
from rules_engine.conf import settings as engine_settings
from rules_engine.delivery.running import Result, frozen_event, run_action, stand_in_the_way
from rules_engine.exceptions import ActionError, ActionRefused, UnknownKey
from rules_engine.models import Event, Execution, Rule, RuleAction
from rules_engine.models.fields import FrozenText
from tests.delivery.conftest import Behaviour, MakeExecutions, Stage, keep

pytestmark = pytest.mark.django_db

RunOne = Callable[..., Result]
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2Vj"


class Hostile:
    """A value whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class HostileError(Exception):
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.fixture
def run_one(executions: MakeExecutions, stage: Stage) -> RunOne:
    """Return a function that runs one action which behaves so."""

    def run(behaviour: Behaviour | Exception, attempts_made: int = 1) -> Result:
        stage("a", behaviour)
        (row,) = executions("a", attempts_made=attempts_made)
        return run_action(Execution.objects.select_related("event", "rule", "action").get(pk=row.pk))

    return run


def test_success_keeps_the_line_and_what_the_action_noted(run_one: RunOne) -> None:
    """The detail is plain data; the line is in it, too."""

    def behave(event: Any, run: Any) -> str:
        run.detail["numbers"] = (1, Decimal("2.50"))
        return "3 sent"

    result = run_one(behave)

    assert (result.outcome, result.line, result.error) == ("succeeded", "3 sent", "")
    assert result.detail == {"numbers": [1, Decimal("2.50")], "result": "3 sent"}


def test_action_gets_the_frozen_event_and_its_key(run_one: RunOne) -> None:
    """What it needs, handed in: it reads no model."""
    seen: list[Any] = []

    run_one(lambda event, run: keep(seen, (event, run)), attempts_made=3)

    ((event, run),) = seen
    row = Execution.objects.get()
    assert (event.id, event.signal, event.sender, event.object_id) == (
        row.event_id,
        "post_save",
        "testapp.order",
        "1",
    )
    assert (run.key, run.attempt, run.rule, dict(run.secrets)) == (row.pk, 3, "paid", {"signing": SECRET})


def test_frozen_event_has_the_exact_text_that_is_stored() -> None:
    """It is what webhooks sign."""
    text = '{"total":19.90,"name":"\\u20ac","big":1E+5}'
    Event.objects.create(signal="x", data=FrozenText(text))

    event = frozen_event(Event.objects.get())

    assert event.text == text
    assert event.data == jsontext.loads(text)


def test_action_error_is_tried_again(run_one: RunOne) -> None:
    """After the schedule's delay, or the one that was wished for."""
    soon = run_one(ActionError("HTTP 503"))
    late = run_one(ActionError("HTTP 429", retry_after=900))

    assert (soon.outcome, soon.error, soon.reason) == ("retry", "HTTP 503", "")
    assert soon.delay is not None
    assert 4 <= soon.delay <= 6
    assert late.delay == 900


def test_action_error_after_the_last_attempt_is_final(run_one: RunOne) -> None:
    """The schedule is used up."""
    result = run_one(ActionError("HTTP 503"), attempts_made=10)

    assert (result.outcome, result.reason, result.delay) == ("failed", "exhausted", None)


def test_refused_action_is_not_tried_again(run_one: RunOne) -> None:
    """No retry would mend it."""
    result = run_one(ActionRefused("HTTP 404"))

    assert (result.outcome, result.reason, result.error) == ("failed", "refused", "HTTP 404")
    assert RuleAction.objects.get().enabled is True


def test_refused_action_may_be_switched_off(run_one: RunOne) -> None:
    """As a change of the rule like any other."""
    run_one(ActionRefused("HTTP 410", switch_off=True))

    assert RuleAction.objects.get().enabled is False
    assert Rule.objects.get().version == 2


@pytest.mark.parametrize("error", [ValueError("boom"), KeyError("boom"), UnknownKey("signal", "boom")])
def test_any_other_exception_is_tried_again(
    run_one: RunOne, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """It may pass, it names its class, and the log has the traceback."""
    result = run_one(error)

    assert result.outcome == "retry"
    assert result.error == f"{type(error).__name__}: {error}"
    assert "rules: action 'testapp.scripted' of rule 'paid' raised\nTraceback" in caplog.text


@pytest.mark.parametrize("detail", [{"status": 500}, ["status", 500], "status 500"])
@pytest.mark.parametrize("kind", [ActionError, ActionRefused])
def test_detail_of_an_error_is_kept(run_one: RunOne, kind: type[Exception], detail: Any) -> None:
    """Names go in as they are, anything else as the error's."""
    result = run_one(kind("no", detail=detail))  # type: ignore[call-arg]

    assert result.detail == (detail if isinstance(detail, dict) else {"error": detail})


def test_kind_that_is_not_installed_fails_with_the_app_named(executions: MakeExecutions, stage: Stage) -> None:
    """The configuration stays; whoever installs the app again can retry."""
    executions("a")
    Execution.objects.update(action_kind="shop.gift_card")
    RuleAction.objects.update(kind="shop.gift_card")

    result = run_action(Execution.objects.select_related("event", "rule", "action").get())

    assert (result.outcome, result.reason) == ("failed", "not_installed")
    assert result.error == (
        "'shop.gift_card' is not an action known here. Is the app 'shop' still in INSTALLED_APPS? "
        "Install it, then retry."
    )


def test_configuration_that_no_longer_fits_fails_with_its_problem(executions: MakeExecutions, stage: Stage) -> None:
    """The action is not run."""
    executions("a")
    RuleAction.objects.update(config={"nam": "a"})

    result = run_action(Execution.objects.select_related("event", "rule", "action").get())

    assert (result.outcome, result.reason) == ("failed", "config_invalid")
    assert "name is required." in result.error
    assert "'nam' is not a setting here. Known: name." in result.error
    assert result.error.endswith("Mend the action, then retry.")
    assert stage.ran == []


def test_check_of_a_configuration_that_raises_is_tried_again(
    executions: MakeExecutions, stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake in a host's ``problems`` must not end the worker."""

    def fail(self: Action) -> Any:
        raise RuntimeError("no such table")

    executions("a")
    monkeypatch.setattr(Action, "problems", fail)

    result = run_action(Execution.objects.select_related("event", "rule", "action").get())

    assert (result.outcome, result.error) == ("retry", "RuntimeError: no such table")
    assert "rules: action 'testapp.scripted' of rule 'paid' raised\nTraceback" in caplog.text


# --- secrets ------------------------------------------------------------------------------------------------


def everything(result: Result) -> str:
    """All texts of a result."""
    return f"{result.line}\n{result.error}\n{jsontext.dumps(result.detail)}"


def note(event: Any, run: Any) -> str:
    run.detail.update(
        {
            "plain": run.secrets["signing"],
            "nested": [{"deep": (f"Bearer {run.secrets['signing']}!",)}],
            run.secrets["signing"]: "as a name",
            "object": ValueError(run.secrets["signing"]),
        }
    )
    return f"sent with {run.secrets['signing']}"


def fail(error: type[Exception]) -> Behaviour:
    def behave(event: Any, run: Any) -> str:
        note(event, run)
        raise error(f"no: {run.secrets['signing']}")

    return behave


@pytest.mark.parametrize(
    "behave",
    [note, fail(ActionError), fail(ActionRefused), fail(ValueError)],
    ids=["success", "error", "refused", "any exception"],
)
def test_secret_is_masked_wherever_it_would_be_kept(
    run_one: RunOne, behave: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    """In the line, the error, the detail and the log."""
    with caplog.at_level(logging.DEBUG):
        result = run_one(behave)

    assert SECRET not in everything(result)
    assert SECRET not in caplog.text
    assert "***" in (result.line or result.error)
    assert result.detail["nested"] == [{"deep": ["Bearer ***!"]}]
    assert result.detail["***"] == "as a name"


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ('pa"ss/w\\ord', '{"x": "pa\\"ss/w\\\\ord"}'),
        ("a b/c+d=", "https://example.com/?key=a%20b%2Fc%2Bd%3D"),
        ("a b/c+d=", "https://example.com/?key=a+b%2Fc%2Bd%3D"),
        ("a b/c+d=", "https://example.com/a%20b/c%2Bd%3D"),
        ("naïve€", "na\\u00efve\\u20ac"),
    ],
)
def test_secret_is_masked_as_json_and_urls_write_it(run_one: RunOne, settings: Any, secret: str, shown: str) -> None:
    """A library that quotes it does not give it away."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "SECRETS": {"key": secret}}

    result = run_one(ActionRefused(shown))

    assert "***" in result.error
    assert shown.rpartition("=")[2].rpartition("/")[2] not in result.error


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("PL4NTED/VALUE <9876>", "***"),
        ("pl4nted/value <9876>", "***"),
        ("pL4nted/Value <9876>", "***"),
        ("Pl4nted%2fValue%20%3c9876%3e", "***"),
        ("Pl4nted\\/Value <9876>", "***"),
        ("Pl4nted/Value &lt;9876&gt;", "***"),
        (b64encode(b"Pl4nted/Value <9876>").decode(), "***="),
        (b64encode(b"pl4nted/value <9876>").decode(), "***="),
    ],
)
def test_secret_is_masked_however_it_is_quoted(run_one: RunOne, settings: Any, said: str, shown: str) -> None:
    """In other letters, as URLs, PHP's JSON, HTML and base64 write it."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "SECRETS": {"key": "Pl4nted/Value <9876>"}}

    result = run_one(ActionRefused(f"no: {said}!"))

    assert result.error == f"no: {shown}!"


@pytest.mark.parametrize("user", ["", "a", "ab", "abc"])
def test_secret_inside_longer_base64_is_masked(run_one: RunOne, settings: Any, user: str) -> None:
    """As in basic authentication: what is left at its edges is shared with the neighbours."""
    secret = "Pl4nted-Secret-Value-9876"
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "SECRETS": {"key": secret}}
    text = b64encode(f"{user}:{secret}\n".encode()).decode()

    error = run_one(ActionRefused(f"Basic {text}")).error

    before, _, after = error.removeprefix("Basic ").partition("***")
    assert (before, after) == (text[: len(before)], text[-len(after) :])
    assert len(before) <= -(-(len(user) + 1) * 8 // 6)
    assert len(after) <= 4


def test_short_secret_is_no_reason_to_mask_all_base64(run_one: RunOne, settings: Any) -> None:
    """Pieces that any long text of base64 holds by chance are left."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "SECRETS": {"pin": "1234"}}

    assert run_one(ActionRefused("pin 1234, AyMzQA")).error == "pin ***, AyMzQA"


def test_secret_that_begins_with_another_is_masked_whole(run_one: RunOne, settings: Any) -> None:
    """Not just the part that both have."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "SECRETS": {"a": "hunter", "b": "hunter2secret", "empty": ""}}

    assert run_one(ActionRefused("hunter2secret hunter")).error == "*** ***"


def test_secret_at_the_place_where_a_text_is_cut_is_masked(run_one: RunOne) -> None:
    """Half a secret would not be recognised: it is masked first, then cut."""
    text = "x" * (engine_settings.MAX_TEXT_LENGTH - 10) + SECRET

    def behave(event: Any, run: Any) -> str:
        run.detail["text"] = text
        raise ActionRefused(text)

    result = run_one(behave)

    assert SECRET[:8] not in everything(result)


# --- what cannot be stored ----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_text_that_databases_refuse_is_made_storable(run_one: RunOne, text: str) -> None:
    """NUL and lone surrogates, in lines, errors and notes alike."""
    line, error = run_one(lambda event, run: text), run_one(ActionError(text))

    assert (line.line, error.error) == ("a\N{REPLACEMENT CHARACTER}b",) * 2


@pytest.mark.parametrize("value", [None, "", 7, ["x"], Hostile()])
def test_action_may_return_whatever_it_likes(run_one: RunOne, value: Any) -> None:
    """The history shows its text; a text that cannot be had is named."""
    result = run_one(lambda event, run: value)

    assert result.outcome == "succeeded"
    assert isinstance(result.line, str)
    assert jsontext.dumps(result.detail)


@pytest.mark.parametrize("kind", [HostileError, type("Refused", (HostileError, ActionRefused), {})])
def test_error_without_a_text_is_described(run_one: RunOne, kind: type[Exception]) -> None:
    """It does not end the worker."""
    result = run_one(kind("x"))

    assert "its message cannot be shown: __str__ raised RuntimeError" in result.error


def test_hostile_detail_is_stored_as_far_as_it_goes(run_one: RunOne) -> None:
    """A cycle, an object without a text, bytes, NaN and keys that are no text."""
    cycle: list[Any] = []
    cycle.append(cycle)

    def behave(event: Any, run: Any) -> str:
        run.detail.update({"cycle": cycle, "object": Hostile(), "bytes": b"\x00", "nan": float("nan"), 1: "one"})
        return "done"

    result = run_one(behave)

    assert result.outcome == "succeeded"
    assert (result.detail["bytes"], result.detail["nan"], result.detail["1"]) == ("<1 bytes>", None, "one")
    assert len(jsontext.dumps(result.detail)) < 10_000


@pytest.mark.parametrize("wish", ["soon", object(), float("nan")])
def test_wish_that_is_no_number_is_ignored(run_one: RunOne, wish: Any) -> None:
    """A mistake in a host's action must not end the worker."""
    result = run_one(ActionError("no", retry_after=wish))

    assert result.delay is not None
    assert 4 <= result.delay <= 6


# --- obstacles ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda: Rule.objects.update_quietly(mode="off"), "rule_off"),
        (lambda: Rule.objects.update_quietly(mode="shadow"), "rule_shadow"),
        (lambda: RuleAction.objects.update(enabled=False), "action_off"),
        (lambda: RuleAction.objects.all().delete(), "action_removed"),
        (lambda: Execution.objects.update(rule=None), "rule_deleted"),
    ],
)
def test_change_since_the_match_stands_in_the_way(
    executions: MakeExecutions, change: Callable[[], Any], reason: str
) -> None:
    """The action must not run any more, and the note says why."""
    executions("a")
    change()

    obstacle = stand_in_the_way(Execution.objects.get())

    assert obstacle is not None
    assert (obstacle.state, obstacle.reason) == ("cancelled", reason)
    assert obstacle.note.endswith("before this ran.")


def test_nothing_stands_in_the_way_of_a_live_rule(executions: MakeExecutions) -> None:
    """The usual case."""
    executions("a")

    assert stand_in_the_way(Execution.objects.get()) is None
