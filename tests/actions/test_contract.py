"""What every registered action promises: each kind passes the same cases."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from typing import Any
from warnings import catch_warnings, simplefilter

import pytest
from django.core import mail
from django.core.cache import cache
from jsonschema import Draft202012Validator

from rules_engine import jsontext
from rules_engine.actions import Action, Phase, Run, action_schema, all_actions, build_action, default_run
from rules_engine.exceptions import ActionError, ActionRefused, ConfigInvalid
from tests.actions.conftest import Endpoint, an_event

EXAMPLES: dict[str, dict[str, Any]] = {
    "log": {"message": "Order {{ instance.number }}"},
    "email": {"to": "ops@example.com", "subject": "Order {{ instance.number }}", "body": "{{ instance.total }}"},
    "cache_delete": {"keys": ["order:{{ instance.pk }}"]},
    "webhook": {
        "url": "URL/orders/{{ instance.pk }}",
        "body": "{number: instance.number}",
        "headers": [{"name": "X-Order", "value": "{{ instance.number }}"}],
        "secret": "signing",
    },
}
"""A configuration of each built-in kind that works; ``URL`` stands for the endpoint of the test."""

TEMPLATES: dict[str, dict[str, Any]] = {
    "log": {"message": "TEXT"},
    "email": {"to": "ops@example.com", "cc": "", "subject": "TEXT", "body": "TEXT", "html": "<p>TEXT</p>"},
    "cache_delete": {"keys": ["a:TEXT"], "prefix": "TEXT:"},
    "webhook": {"url": "URL/TEXT?q=TEXT", "headers": [{"name": "X-Text", "value": "TEXT"}]},
}
"""Every place of each kind that takes a template, with ``TEXT`` for it."""

WRONG: list[Any] = [None, 7, {"deep": [{}]}, [[[]]], [None]]
"""Values that no member of the examples takes."""

KINDS = [kind for kind, _ in all_actions() if "." not in kind]


def test_every_kind_has_examples() -> None:
    """A new built-in action is put into EXAMPLES and TEMPLATES above, and so through all of this."""
    assert set(EXAMPLES) == set(TEMPLATES) == set(KINDS)


def filled(node: Any, **words: str) -> Any:
    """A configuration with its placeholders replaced."""
    if isinstance(node, str):
        for word, text in words.items():
            node = node.replace(word, text)
        return node
    if isinstance(node, list):
        return [filled(item, **words) for item in node]
    if isinstance(node, dict):
        return {key: filled(item, **words) for key, item in node.items()}
    return node


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each built-in kind."""
    found: str = request.param
    return found


@pytest.fixture
def config(kind: str, endpoint: Endpoint) -> dict[str, Any]:
    """Its example."""
    found: dict[str, Any] = filled(EXAMPLES[kind], URL=endpoint.url)
    return found


@pytest.fixture
def action(kind: str, config: dict[str, Any]) -> Action:
    """The action of its example."""
    return build_action(kind, config)


@pytest.fixture(autouse=True)
def _clean_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


# --- the configuration --------------------------------------------------------------------------------------


def test_schema_is_a_valid_schema(kind: str) -> None:
    """Draft 2020-12, closed, with a title and a description for the form."""
    schema = action_schema(kind)

    Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert schema["title"]
    assert schema["description"].endswith(".")
    for name, member in schema["properties"].items():
        assert member["title"], f"{name} has no title"
        assert "description" in member or "enum" in member, f"{name} explains itself in metadata['help']"


def test_schema_is_a_copy(kind: str) -> None:
    """Forms adorn it; the one that configurations are checked against stays as it is."""
    before = copy.deepcopy(action_schema(kind))

    action_schema(kind)["properties"].clear()

    assert action_schema(kind) == before


def test_example_is_valid(kind: str, config: dict[str, Any]) -> None:
    """For the schema alone, and for the action's own checks."""
    assert Draft202012Validator(action_schema(kind)).is_valid(config)
    assert build_action(kind, config).problems() == []


def test_unknown_key_is_refused(kind: str, config: dict[str, Any]) -> None:
    """A typo is not silently ignored."""
    with pytest.raises(ConfigInvalid, match=r"'colour' is not a setting here\. Known: "):
        build_action(kind, {**config, "colour": "red"})


def test_wrong_types_are_refused_and_never_raise_anything_else(kind: str, config: dict[str, Any]) -> None:
    """Whatever comes in from the API: a message at the member, no crash."""
    for name in config:
        for value in WRONG:
            with pytest.raises(ConfigInvalid) as caught:
                build_action(kind, {**config, name: value})
            assert any(path[:1] == (name,) for path, _ in caught.value.problems)
    for value in WRONG:
        if isinstance(value, dict):
            continue
        with pytest.raises(ConfigInvalid, match="must be an object"):
            build_action(kind, value)


def test_required_member_is_asked_for(kind: str, config: dict[str, Any]) -> None:
    """By name."""
    for name in action_schema(kind)["required"]:
        left = {key: value for key, value in config.items() if key != name}
        with pytest.raises(ConfigInvalid, match=rf"\b{name}\b.* is required\."):
            build_action(kind, left)


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_text_that_databases_refuse_is_refused_here(kind: str, endpoint: Endpoint, text: str) -> None:
    """Where it was made, not when the row is written."""
    with pytest.raises(ConfigInvalid):
        build_action(kind, filled(TEMPLATES[kind], URL=endpoint.url, TEXT=text))


def test_broken_template_is_refused_at_its_place(kind: str, endpoint: Endpoint) -> None:
    """When the rule is saved, with the path of the member."""
    with pytest.raises(ConfigInvalid) as caught:
        build_action(kind, filled(TEMPLATES[kind], URL=endpoint.url, TEXT="{% include 'x' %}"))

    places = {path[0] for path, _ in caught.value.problems}
    assert places == {name for name, value in TEMPLATES[kind].items() if "TEXT" in str(value)}


def test_secret_that_does_not_exist_is_refused_at_its_place(kind: str, endpoint: Endpoint) -> None:
    """A misspelt name is found when the rule is saved; values are never shown."""
    with pytest.raises(ConfigInvalid) as caught:
        build_action(kind, filled(TEMPLATES[kind], URL=endpoint.url, TEXT="{{ secrets.tokne }}"))

    assert {message for _, message in caught.value.problems} == {
        "There is no secret named 'tokne'. Add it to RULES_ENGINE[\"SECRETS\"]; known: signing, token."
    }


# --- the object ---------------------------------------------------------------------------------------------


def test_action_is_frozen_and_a_value(kind: str, config: dict[str, Any], action: Action) -> None:
    """It holds its configuration and no state: two of the same configuration are equal and have the same hash."""
    name = next(iter(config))
    with pytest.raises(FrozenInstanceError):
        setattr(action, name, "other")

    assert action == build_action(kind, config)
    assert hash(action) == hash(build_action(kind, config))
    assert action.phase in Phase


def test_action_is_the_same_after_a_run(kind: str, config: dict[str, Any], action: Action, run: Run) -> None:
    """One object may serve any number of executions."""
    before = dict(vars(action))

    action.run(an_event(), run)

    assert vars(action) == before
    assert build_action(kind, config) == action


def test_paths_that_it_reads_are_reported(kind: str, endpoint: Endpoint) -> None:
    """So that the event records them."""
    action = build_action(kind, filled(TEMPLATES[kind], URL=endpoint.url, TEXT="{{ instance.customer.name }}"))

    assert ("instance", "customer", "name") in action.paths()
    assert {mark for _, _, mark in action.texts()} <= {"text", "html", "expression"}


# --- running and previewing ---------------------------------------------------------------------------------


def test_run_returns_one_line(action: Action, run: Run) -> None:
    """For the history; what it notes besides is plain data."""
    line = action.run(an_event(), run)

    assert isinstance(line, str)
    assert line
    assert "\n" not in line
    assert len(line) <= 500
    assert run.detail
    assert jsontext.dumps(run.detail)


def test_preview_does_nothing(
    kind: str, action: Action, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """No call, no mail, no deleted key, no line in the log; and it shows every member of the configuration."""
    cache.set("order:7", "kept")
    caplog.set_level(logging.DEBUG)

    shown = action.preview(an_event(), default_run("paid"))

    assert set(shown) == set(action_schema(kind)["properties"])
    assert jsontext.dumps(shown)
    assert endpoint.requests == []
    assert mail.outbox == []
    assert cache.get("order:7") == "kept"
    assert caplog.records == []


def test_preview_renders_templates_and_masks_secrets(kind: str, endpoint: Endpoint) -> None:
    """Also those inside lists; no secret is there even where a run has them."""
    text = "{{ instance.number }}-{{ secrets.token }}"
    action = build_action(kind, filled(TEMPLATES[kind], URL=endpoint.url, TEXT=text))

    shown = jsontext.dumps(action.preview(an_event(), default_run("paid", secrets={"token": "tok/en+1"})))

    assert shown.count("N-7-***") == str(TEMPLATES[kind]).count("TEXT")
    assert "tok/en" not in shown


def test_preview_shows_what_is_wrong_instead_of_raising(kind: str, endpoint: Endpoint) -> None:
    """A person is looking at it."""
    text = "{% for x in instance.number %}{% endfor %}"
    action = build_action(kind, filled(TEMPLATES[kind], URL=endpoint.url, TEXT=text))

    shown = jsontext.dumps(action.preview(an_event(), default_run("paid")))

    assert "cannot be rendered" in shown


HOSTILE = [
    "line\r\nbreak: injected",
    "nul\x00",
    "\u2028\u2029\x85\x0b",
    "{{ secrets.token }} {% include 'x' %} ${jndi:x}",
    "<script>alert(1)</script>",
    "../../admin",
    "..",
    "@evil.example/#?&=%00%zz",
    "x" * 60_000,
    "😀 \u202e€",
    "\ud800",
    {"nested": {"deep": ["x"] * 50}},
    ["a", None, 1],
    None,
    True,
    10**200,
    "",
]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_data_ends_in_success_or_in_an_error_of_the_contract(
    kind: str, endpoint: Endpoint, run: Run, value: Any
) -> None:
    """Never any other exception, never a second line, never what the data would like to be."""
    action = build_action(kind, filled(TEMPLATES[kind], URL=endpoint.url, TEXT="{{ instance.value }}"))
    event = an_event(value=value)

    try:
        with catch_warnings():
            simplefilter("ignore")  # of cache keys that memcached would not take
            line = action.run(event, run)
    except (ActionError, ActionRefused) as error:
        line = str(error)

    assert "\n" not in line.partition("\n    ")[0]
    assert action.preview(event, default_run("paid"))
    for request in endpoint.requests:
        assert request.line.startswith("POST /")
        assert request.values("host") == [endpoint.url.removeprefix("http://")]
        assert request.values("break") == []
    for message in mail.outbox:
        sent = message.message()
        assert sent["break"] is None
        assert (message.to, message.cc, message.bcc) == (["ops@example.com"], [], [])
