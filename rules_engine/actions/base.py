"""The contract of an action."""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cached_property
from html import escape
from typing import Any, ClassVar, Self
from urllib.parse import quote, quote_plus
from uuid import UUID

from rules_engine import jsontext
from rules_engine.actions.schema import schema_of, validate
from rules_engine.conditions import compile_condition
from rules_engine.conf import settings
from rules_engine.context import REDACTED
from rules_engine.events import Event
from rules_engine.exceptions import ActionRefused, ConditionError, ConfigInvalid, RulesEngineError, TemplateInvalid
from rules_engine.templating import compile_template

Problem = tuple[tuple[str | int, ...], str]

SHORTEST_BASE64 = 8
"""Shorter pieces of base64 are found by chance in any long text of it."""


class Phase(Enum):
    """When an action runs."""

    AFTER_COMMIT = "after_commit"
    """Recorded with the change, run once it is committed, tried again on failure."""
    IN_SIGNAL = "in_signal"
    """Run inside the signal, in the sender's transaction, never tried again."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What an action knows of the execution it runs for."""

    key: UUID
    """Id of the execution, the same for every attempt: the idempotency key to hand on."""
    attempt: int
    """1 for the first try."""
    rule: str
    """Slug of the rule."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Secrets by name. Values that reach the detail, the result or an error are masked before they are stored; see
    ``masked`` for what that finds."""
    detail: dict[str, Any] = field(default_factory=dict)
    """What the action puts here (request, response …) is kept with the attempt and shown in the history."""

    def masked(self, text: str) -> str:
        """Return ``text`` with the values of all secrets replaced by ``***``.

        In any mixture of upper and lower case, and as JSON, HTML, URLs and base64 write them: whoever is sent a
        secret may answer with it. What a filter made of a secret is not found (``slice``): for what is kept, render
        with ``run=None``.
        """
        return self._spellings.sub(REDACTED, text) if self._spellings else text

    @cached_property
    def _spellings(self) -> re.Pattern[str] | None:
        found = {form for value in self.secrets.values() if value for form in spellings(value)}
        # Longest first: a secret that begins with another must not lose just that beginning.
        ordered = sorted(found, key=lambda form: (-len(form), form))
        return re.compile("|".join(map(re.escape, ordered)), re.IGNORECASE) if ordered else None


def spellings(secret: str) -> Iterator[str]:
    """The ways in which a text that quotes ``secret`` may write it, beside changes of case."""
    for plain in {secret, secret.upper(), secret.lower()}:
        escaped = json.dumps(plain)[1:-1]
        yield from (plain, escaped, escaped.replace("/", "\\/"), json.dumps(plain, ensure_ascii=False)[1:-1])
        yield from (quote(plain, safe=""), quote(plain), quote_plus(plain), escape(plain))
        yield from _base64_forms(plain.encode("utf-8", "replace"))


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Base64 of the secret alone, and the characters that it makes inside a longer text (``user:secret``)."""
    for encode in (b64encode, urlsafe_b64encode):
        yield encode(secret).decode().rstrip("=")
        for before in range(3):
            # A character stands for 6 bits: those that the neighbours' bits go into are not the secret's alone.
            inner = encode(bytes(before) + secret).decode()[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
            if len(inner) >= SHORTEST_BASE64:
                yield inner


def default_run(rule: str = "", **values: Any) -> Run:
    """A ``Run`` for previews and tests; the key is all zeros."""
    return Run(**{"key": UUID(int=0), "attempt": 1, "rule": rule, **values})


@dataclass(frozen=True, kw_only=True)
class Action:
    """Base of all actions: a frozen dataclass whose fields are the configuration.

    The JSON Schema of the configuration is made from the fields: annotations give the types (``str``, ``int``,
    ``float``, ``bool``, ``Literal``, lists and nested dataclasses of those), and ``field(metadata={...})`` gives
    ``help``, ``title``, further JSON Schema keywords under ``schema``, and ``template`` (the text is a Django
    template over the event), ``template: "html"``, or ``expression`` (the text is JMESPath over the event).

    A subclass implements ``run``; it may override ``problems`` for checks that a schema cannot express, and
    ``preview``. It must not hold state, open a transaction or retry: all that is done around it.
    """

    phase: ClassVar[Phase] = Phase.AFTER_COMMIT
    title: ClassVar[str] = ""
    """Shown in the form; the last part of the key by default."""

    def run(self, event: Event, run: Run) -> str:
        """Do it; return one line for the history.

        Raises ActionError to be tried again, ActionRefused to stop for good. Any other exception counts as a
        failure that is tried again.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement run(event, run).")

    def preview(self, event: Event, run: Run) -> dict[str, Any]:
        """Return what ``run`` would do, with nothing done: each field, rendered, secrets as ``***``."""
        return self._previewed(self, event)

    def _previewed(self, node: Any, event: Event) -> dict[str, Any]:
        return {item.name: self._shown(getattr(node, item.name), item.metadata, event) for item in fields(node)}

    def _shown(self, value: Any, metadata: Mapping[str, Any], event: Event) -> Any:
        if isinstance(value, tuple):
            return [self._shown(entry, metadata, event) for entry in value]
        if is_dataclass(value):
            return self._previewed(value, event)
        mark = _mark(metadata)
        if not isinstance(value, str) or not value.strip() or not mark:
            return value
        try:
            if mark == "expression":
                return self.evaluate_text(value, event)
            return self.render_text(value, event, None, html=mark == "html")
        except RulesEngineError as error:
            return f"({error})"

    def render(self, name: str, event: Event, run: Run | None) -> str:
        """Render the template field ``name``; secrets are ``***`` where ``run`` is None: in what is shown or kept.

        Raises ActionRefused if it cannot be rendered: no retry would mend that.
        """
        return self.render_text(getattr(self, name), event, run, html=self._is_html(name), where=name)

    def render_text(self, text: str, event: Event, run: Run | None, *, html: bool = False, where: str = "") -> str:
        """Render one template text, such as an item of a list; raises ActionRefused."""
        try:
            return compile_template(text, html=html).render(event.data, secrets=run.secrets if run else None)
        except TemplateInvalid as error:
            raise ActionRefused(f"{where or 'A template'} cannot be rendered: {error}") from error

    def evaluate(self, name: str, event: Event) -> Any:
        """Evaluate the expression field ``name`` over the event; raises ActionRefused if that fails."""
        return self.evaluate_text(getattr(self, name), event, where=name)

    def evaluate_text(self, text: str, event: Event, *, where: str = "") -> Any:
        """Evaluate one expression, such as an item of a list; raises ActionRefused."""
        try:
            return compile_condition(text).evaluate(event.data)
        except ConditionError as error:
            raise ActionRefused(f"{where or 'An expression'} cannot be evaluated: {error}") from error

    @classmethod
    def _is_html(cls, name: str) -> bool:
        return any(item.name == name and item.metadata.get("template") == "html" for item in fields(cls))

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """The JSON Schema (draft 2020-12) of the configuration."""
        # mypy judges the class by the hash of its instances.
        return schema_of(cls)  # type: ignore[arg-type]

    @classmethod
    def from_config(cls, kind: str, config: Any) -> Self:
        """Return the action of a stored configuration; raises ConfigInvalid with all that is wrong."""
        problems = validate(cls.schema(), config)
        if problems:
            raise ConfigInvalid(kind, problems)
        try:
            action = cls(**_arguments(cls, config))
        except (TypeError, ValueError) as error:
            # A __post_init__ that refuses what the schema allows.
            raise ConfigInvalid(kind, [((), str(error))]) from error
        problems = [*action._text_problems(), *action.problems()]
        if problems:
            raise ConfigInvalid(kind, problems)
        return action

    def problems(self) -> list[Problem]:
        """Return (path, message) pairs for what the schema cannot express; checked when a rule is saved."""
        return []

    def _text_problems(self) -> list[Problem]:
        return [problem for path, text, mark in self.texts() for problem in _check_text(path, text, mark)]

    def texts(self) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        """Yield (path, text, mark) of every template and expression; marks: ``text``, ``html``, ``expression``."""
        yield from _texts_of(self, ())

    def paths(self) -> frozenset[tuple[str, ...]]:
        """The paths of the event that templates and expressions read, so that the event records them."""
        found: set[tuple[str, ...]] = set()
        for _, text, mark in self.texts():
            if mark == "expression":
                found |= compile_condition(text).paths if text.strip() else set()
            else:
                found |= compile_template(text, html=mark == "html").paths
        return frozenset(found)


def _arguments(cls: type[Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments for the dataclass: nested objects become their dataclass where the field says so."""
    arguments = dict(config)
    for item in fields(cls):
        nested = item.metadata.get("items")
        if nested is not None and item.name in arguments:
            arguments[item.name] = tuple(nested(**entry) for entry in arguments[item.name])
        elif isinstance(arguments.get(item.name), list):
            arguments[item.name] = tuple(arguments[item.name])
    return arguments


def _texts_of(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    for item in fields(node):
        value = getattr(node, item.name)
        mark = _mark(item.metadata)
        here = (*path, item.name)
        if isinstance(value, str) and mark:
            yield here, value, mark
        elif isinstance(value, tuple):
            for number, entry in enumerate(value):
                if isinstance(entry, str) and mark:
                    yield (*here, number), entry, mark
                elif not isinstance(entry, str) and item.metadata.get("items"):
                    yield from _texts_of(entry, (*here, number))


def _mark(metadata: Mapping[str, Any]) -> str:
    if metadata.get("expression"):
        return "expression"
    template = metadata.get("template")
    return "html" if template == "html" else "text" if template else ""


def _check_text(path: tuple[str | int, ...], text: str, mark: str) -> list[Problem]:
    try:
        if mark == "expression":
            compile_condition(text)
            return []
        wanted = compile_template(text, html=mark == "html").secrets
    except (ConditionError, TemplateInvalid) as error:
        return [(path, str(error))]
    return [(path, no_such_secret(name)) for name in sorted(wanted - settings.SECRETS.keys())]


def no_such_secret(name: str) -> str:
    """The message for a name that ``RULES_ENGINE["SECRETS"]`` does not hold."""
    known = ", ".join(sorted(settings.SECRETS)) or "there are none yet"
    return f'There is no secret named {name!r}. Add it to RULES_ENGINE["SECRETS"]; known: {known}.'


def event_text(event: Event) -> bytes:
    """The event's document as the exact bytes that are stored."""
    return (event.text or jsontext.dumps(event.data)).encode()


def without(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Return ``text`` with each rendered text replaced by the one that may be shown, wherever the two differ.

    For what others say of a rendered text: an error, an answer. ``pairs`` are (rendered, shown).
    """
    for rendered, shown in sorted(pairs, key=lambda pair: -len(pair[0])):
        if rendered and rendered != shown:
            text = text.replace(rendered, shown)
    return text
