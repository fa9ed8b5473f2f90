"""Writes the generated parts of the reference pages: ``python docs/generate.py``.

A page holds marks such as ``<!-- generated: settings -->`` and ``<!-- end -->``; what stands between them comes from
the code, everything else is written by hand. The output does not depend on the settings under which this runs.
"""

from __future__ import annotations

import argparse
import inspect
import re
import runpy
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).resolve().parent / "reference"
REGION = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Write every page whose generated parts changed, and say which."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    sys.path.insert(0, str(REFERENCE.parent.parent))
    _set_up_django()
    for path in pages():
        old = path.read_text(encoding="utf-8")
        new = fresh(old)
        if new != old:
            path.write_text(new, encoding="utf-8")
            print(f"written: {path.relative_to(REFERENCE.parent.parent)}")


def _set_up_django() -> None:
    import django
    from django.conf import settings

    settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rules_engine"])
    django.setup()


def pages() -> list[Path]:
    """The pages that may hold generated parts."""
    return sorted(REFERENCE.glob("*.md"))


def fresh(page: str) -> str:
    """Return the text of a page with its generated parts made anew; raises KeyError for a mark nobody knows."""
    from django.utils import translation

    with translation.override("en"):
        return REGION.sub(lambda found: f"{found[1]}\n{PARTS[found['name']]().strip()}\n\n{found[3]}", page)


# --- Markdown ---------------------------------------------------------------------------------------------


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; cells become one line and their bars are escaped."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(text) for text in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    # Inside code too: GitHub reads the bar of a table before the backticks of a cell.
    return " ".join(str(text).split()).replace("|", "\\|")


def plain(text: str) -> str:
    """Turn the double backticks of a docstring into the single ones of Markdown."""
    return re.sub(r"``(.+?)``", r"`\1`", text)


def code(value: Any) -> str:
    """A value as Python writes it, in code type."""
    return f"`{value!r}`"


# --- parts ------------------------------------------------------------------------------------------------


def settings() -> str:
    """Every key of ``RULES_ENGINE``."""
    from rules_engine import conf

    rows = []
    for name, item in conf.declared().items():
        default = code(item.default) if item.default != conf.STANDARD_RETRY_SCHEDULE else "Standard Webhooks'"
        rows.append((f"`{name}`", default, item.doc))
    return table(("Setting", "Default", "Meaning"), rows)


def retry_schedule() -> str:
    """The default of ``RETRY_SCHEDULE``."""
    from rules_engine.conf import STANDARD_RETRY_SCHEDULE

    rows = [(str(n), _lasting(delay)) for n, delay in enumerate(STANDARD_RETRY_SCHEDULE, start=1)]
    return table(("Attempt", "Wait before it"), rows)


def _lasting(seconds: float) -> str:
    if not seconds:
        return "none"
    for size, word in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {word}"
    return f"{seconds} s"


def outbound() -> str:
    """The keys of ``RULES_ENGINE["OUTBOUND"]``."""
    from rules_engine.conf import OUTBOUND_KEYS

    rows = [(f"`{name}`", code(default), doc) for name, (default, _, doc) in OUTBOUND_KEYS.items()]
    return table(("Key", "Default", "Meaning"), rows)


def signals() -> str:
    """The built-in signals."""
    from rules_engine.catalog import all_signals

    return "\n\n".join(_signal(spec) for spec in all_signals() if "." not in spec.key)


SENDERS = {
    "model": "a model, such as `shop.order`, or any allowed one",
    "m2m": "a many-to-many field, such as `shop.order.tags`, or any of an allowed model",
    "user": "the user model",
    "none": "none to choose",
}


def _signal(spec: Any) -> str:
    lines = [f"### `{spec.key}`", "", _sentence(str(spec.title)), ""]
    if spec.description:
        lines += [str(spec.description), ""]
    lines += [f"Sender: {SENDERS[spec.kind.value]}.", ""]
    if spec.arguments:
        lines += [table(("Name in the context", "Holds"), [(f"`{k}`", v) for k, v in spec.arguments.items()])]
    else:
        lines += ["No arguments of its own."]
    return "\n".join(lines)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def actions() -> str:
    """The built-in actions with their configuration."""
    from rules_engine.actions import action_schema, all_actions

    return "\n\n".join(
        _action(kind, action, action_schema(kind)) for kind, action in sorted(all_actions()) if "." not in kind
    )


def _action(kind: str, action: Any, schema: Mapping[str, Any]) -> str:
    required = schema["required"]
    rows = []
    for name, item in schema["properties"].items():
        default = "required" if name in required else code(item.get("default"))
        rows.append((f"`{name}`", _type(item), default, f"{item.get('description', '')} {_limits(item)}"))
    title, description = f"{schema['title']}.", schema["description"]
    head = [f"### `{kind}`", "", title if title == description else f"{title} {description}", ""]
    head += [f"Phase: {action.phase.value.replace('_', ' ')}.", ""]
    return "\n".join([*head, table(("Field", "Type", "Default", "Meaning"), rows)])


def _type(item: Mapping[str, Any]) -> str:
    if "enum" in item:
        return ", ".join(f"`{value}`" for value in item["enum"])
    kinds = item.get("type", "any")
    if kinds == "array":
        inner = item["items"]
        if inner.get("type") == "object":
            return f"list of `{{{', '.join(inner['properties'])}}}`"
        return f"list of {_kind_of_text(item, inner['type'])}"
    return " or ".join(_kind_of_text(item, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _kind_of_text(item: Mapping[str, Any], kind: str) -> str:
    if item.get("x-expression"):
        return "JMESPath"
    if item.get("x-template"):
        return "HTML template" if item["x-template"] == "html" else "template"
    return {"string": "text", "integer": "whole number"}.get(kind, kind)


def _limits(item: Mapping[str, Any]) -> str:
    words = {"minimum": "at least {}", "maximum": "at most {}", "maxLength": "at most {:,} characters"}
    found = [words[key].format(item[key]) for key in words if key in item]
    return f"({', '.join(found)})" if found else ""


def function_reference() -> str:
    """Every function with its examples."""
    written: str = runpy.run_path(str(Path(__file__).with_name("generate_functions.py")))["function_reference"]()
    return written


def condition_limits() -> str:
    """What a condition may cost."""
    from rules_engine.conditions import limits
    from rules_engine.context import documents, values

    rows = [
        ("Characters of a condition", f"{limits.MAX_TEXT_LENGTH:,}"),
        ("Levels of nesting", f"{limits.MAX_DEPTH:,}"),
        ("Steps of one evaluation", f"{limits.MAX_STEPS:,}"),
        ("Characters that `join` or `to_string` builds", f"{limits.MAX_BUILT_TEXT:,}"),
        ("Queries for related objects, for each event", f"{documents.MAX_READS:,}"),
        ("Levels of nested data in the context", f"{values.MAX_DEPTH:,}"),
        ("Items of one list or object in the context", f"{values.MAX_ITEMS:,}"),
    ]
    return table(("What", "At most"), rows)


def secret_names() -> str:
    """The patterns of names that are never recorded."""
    from rules_engine.context.redaction import SECRET_NAMES

    return ", ".join(f"`{name}`" for name in SECRET_NAMES)


def tags() -> str:
    """The tags that templates may use."""
    from rules_engine.templating import ALLOWED_TAGS

    return ", ".join(f"`{name}`" for name in ALLOWED_TAGS)


def filters() -> str:
    """The filters that templates may use."""
    from rules_engine.templating import ALLOWED_FILTERS, HTML_ONLY_FILTERS

    everywhere = ", ".join(f"`{name}`" for name in ALLOWED_FILTERS)
    return f"{everywhere}\n\nIn HTML templates also: {', '.join(f'`{name}`' for name in HTML_ONLY_FILTERS)}"


def template_limits() -> str:
    """What a template may cost."""
    from rules_engine import templating

    rows = [
        ("Characters of a template", f"{templating.MAX_TEMPLATE:,}"),
        ("Characters of a rendered text", f"{templating.MAX_OUTPUT:,}"),
        ("Blocks inside each other", f"{templating.MAX_DEPTH:,}"),
        ("Characters handled while rendering", f"{templating.MAX_WORK:,}"),
    ]
    return table(("What", "At most"), rows)


def reasons() -> str:
    """The reasons of executions."""
    from rules_engine.models import Reason

    return table(("Reason", "Means"), [(f"`{item.value}`", str(item.label)) for item in Reason])


def models() -> str:
    """The public models with their fields."""
    from rules_engine.models import Attempt, Event, Execution, Rule, RuleAction, RuleVersion

    return "\n\n".join(_model(model) for model in (Rule, RuleAction, RuleVersion, Event, Execution, Attempt))


def _model(model: Any) -> str:
    rows = [
        (f"`{field.name}`", _column(field), _meaning(model, field))
        for field in model._meta.concrete_fields
        if not field.primary_key or (model.__name__, field.name) in MEANINGS
    ]
    doc = plain((inspect.getdoc(model) or "").split("\n\n")[0])
    return f"### `{model.__name__}`\n\n{doc}\n\n{table(('Field', 'Type', 'Meaning'), rows)}"


def _meaning(model: Any, field: Any) -> str:
    if field.help_text:
        return str(field.help_text)
    try:
        return MEANINGS[model.__name__, field.name]
    except KeyError:
        raise KeyError(f"docs/generate.py: MEANINGS has no line for {model.__name__}.{field.name}.") from None


MEANINGS = {
    ("Rule", "name"): "Name for people.",
    ("Rule", "description"): "What it is for.",
    ("Rule", "mode"): "See [modes](states.md#modes). A new rule is `shadow`.",
    ("Rule", "version"): "Counts the changes of the rule and its actions; a save from an older version is refused.",
    ("Rule", "problem"): "Why the rule is quarantined; empty if it is not.",
    ("Rule", "created_by"): "Who made it; null where no user is known.",
    ("Rule", "updated_by"): "Who changed it last; null where no user is known.",
    ("Rule", "created_at"): "When it was made.",
    ("Rule", "updated_at"): "When it was changed last.",
    ("RuleAction", "rule"): "The rule it belongs to.",
    ("RuleAction", "position"): "Its place in the order of the rule's actions, from 1.",
    ("RuleAction", "kind"): "Key of the action: `webhook`, `shop.gift_card`.",
    ("RuleAction", "config"): "Its configuration, as the kind's schema says.",
    ("RuleAction", "on_error"): "What becomes of the actions after it when it fails.",
    ("RuleAction", "enabled"): "Whether it runs.",
    ("RuleVersion", "rule"): "The rule; null once it is deleted.",
    ("RuleVersion", "rule_slug"): "Slug of the rule at the time.",
    ("RuleVersion", "number"): "The rule's `version` after the change.",
    ("RuleVersion", "change"): "What was done.",
    ("RuleVersion", "snapshot"): "The rule and its actions after the change; before it for a deleted rule.",
    ("RuleVersion", "created_at"): "When.",
    ("RuleVersion", "created_by"): "Who; null where no user is known.",
    ("Event", "id"): "Ordered by time (UUID of version 7).",
    ("Event", "signal"): "Key of the catalogue.",
    ("Event", "sender"): "Label of the sender; empty where there is none.",
    ("Event", "object_id"): "Primary key of the object as text; empty where there is none.",
    ("Event", "data"): "The whole [context](context.md), frozen.",
    ("Event", "created_at"): "When the signal was sent.",
    ("Event", "cause"): "The execution whose action brought this event about; null where nothing did.",
    ("Execution", "id"): "Also the idempotency key, the same for every attempt.",
    ("Execution", "event"): "What happened.",
    ("Execution", "rule"): "The rule; null once it is deleted.",
    ("Execution", "action"): "The action; null once it is removed from the rule.",
    ("Execution", "rule_slug"): "Slug of the rule at the time.",
    ("Execution", "rule_name"): "Name of the rule at the time.",
    ("Execution", "action_kind"): "Kind of the action; empty where the rule was skipped before any action.",
    ("Execution", "position"): "Position of the action.",
    ("Execution", "priority"): "Priority of the rule.",
    ("Execution", "state"): "See [states](states.md#states-of-an-execution).",
    (
        "Execution",
        "due_at",
    ): "When it may run; null while it waits for the action before it, and once finished.",
    ("Execution", "lease_until"): "Until when the claim counts.",
    ("Execution", "claim_token"): "Which claim holds it.",
    ("Execution", "attempts_made"): "Attempts started so far.",
    ("Execution", "reason"): "Why it is in its state, as a [word](states.md#reasons).",
    ("Execution", "note"): "The same as a sentence, the last error, or the line that the action returned.",
    ("Execution", "finished_at"): "When it came into a final state.",
    ("Attempt", "execution"): "What was tried.",
    ("Attempt", "number"): "1 for the first try.",
    ("Attempt", "rule_version"): "Version of the rule whose configuration was used.",
    ("Attempt", "started_at"): "When it began.",
    ("Attempt", "duration_ms"): "How long it took, in milliseconds.",
    ("Attempt", "outcome"): "What came of it.",
    ("Attempt", "error"): "What went wrong; empty if nothing did.",
    (
        "Attempt",
        "detail",
    ): "What the action noted, such as request and answer. Secrets are `***`.",
}
"""What fields without a help text are for; a new field needs a line here."""

COLUMNS = {
    "CharField": "text",
    "TextField": "text",
    "SlugField": "slug",
    "IntegerField": "whole number",
    "PositiveIntegerField": "whole number",
    "PositiveSmallIntegerField": "whole number",
    "BooleanField": "true or false",
    "DateTimeField": "date and time",
    "UUIDField": "UUID",
    "JSONField": "JSON",
    "JSONTextField": "JSON, as text",
}


def _column(field: Any) -> str:
    from django.contrib.auth import get_user_model

    if field.is_relation:
        model = field.related_model
        return "user" if model is get_user_model() else f"`{model.__name__}`"
    if field.choices:
        return ", ".join(f"`{value}`" for value, _ in field.choices)
    return COLUMNS[type(field).__name__]


def permissions() -> str:
    """The permissions that the models declare."""
    from django.apps import apps

    rows = []
    for model in apps.get_app_config("rules_engine").get_models():
        meta = model._meta
        codenames = [f"{verb}_{meta.model_name}" for verb in meta.default_permissions]
        codenames += [codename for codename, _ in meta.permissions]
        if codenames:
            rows.append((f"`{model.__name__}`", ", ".join(f"`rules_engine.{name}`" for name in codenames)))
    return table(("Model", "Permissions"), rows)


def checks() -> str:
    """The system checks, from the docstrings of their functions."""
    from rules_engine import checks as module

    rows = []
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if name.startswith("check_") and function.__module__ == module.__name__:
            text = " ".join(plain(inspect.getdoc(function) or "").split())
            for number, meaning in re.findall(r"([EIW]\d{3}): (.+?)(?=\s[EIW]\d{3}: |$)", text):
                rows.append((f"`rules_engine.{number}`", _sentence(meaning.rstrip("."))))
    return table(("Check", "Finds"), sorted(rows))


def command() -> str:
    """The verbs of ``manage.py rules``."""
    from rules_engine.management.commands.rules import Command

    parser = Command().create_parser("manage.py", "rules")
    (verbs,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    helps = {choice.dest: choice.help for choice in verbs._choices_actions}
    return "\n\n".join(_verb(name, helps[name] or "", sub) for name, sub in verbs.choices.items())


def _verb(name: str, summary: str, parser: argparse.ArgumentParser) -> str:
    # Every Django command has these.
    common = {
        *("--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback"),
        *("--no-color", "--force-color", "--skip-checks"),
    }
    rows = []
    for action in parser._actions:
        names = list(action.option_strings) or [str(action.metavar or action.dest)]
        if not common & set(names):
            shown = ", ".join(f"`{option}{_value(action)}`" for option in names)
            rows.append((shown, action.help or ""))
    options = f"\n\n{table(('Option', 'Meaning'), rows)}" if rows else ""
    return f"### `rules {name}`\n\n{summary}{options}"


def _value(action: argparse.Action) -> str:
    if not action.option_strings or action.nargs == 0:
        return ""
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    return f" {metavar}"


PARTS: dict[str, Callable[[], str]] = {
    "settings": settings,
    "retry-schedule": retry_schedule,
    "outbound": outbound,
    "signals": signals,
    "actions": actions,
    "function-reference": function_reference,
    "condition-limits": condition_limits,
    "secret-names": secret_names,
    "tags": tags,
    "filters": filters,
    "template-limits": template_limits,
    "reasons": reasons,
    "models": models,
    "permissions": permissions,
    "checks": checks,
    "command": command,
}

if __name__ == "__main__":
    main()
