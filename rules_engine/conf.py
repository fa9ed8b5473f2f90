"""Every setting of ``settings.RULES_ENGINE`` once: name, type, default, reason.

Settings are read per access, so ``override_settings`` works. A wrong value never breaks start-up: the default
is used and ``checks`` reports the problem.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Any, Generic, TypeVar

from django.conf import settings as django_settings

T = TypeVar("T")

Check = Callable[[Any], str | None]
"""Takes a value; returns what is wrong with it ("must be …"), or None."""

LARGEST = 1_000_000_000
"""Largest number of a setting, where it has no bound of its own; as seconds, thirty years."""
OLDEST_DAYS = 100_000
"""Longest age: dates do not reach back much further."""

STANDARD_RETRY_SCHEDULE = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""Seconds before each attempt, from the Standard Webhooks 1.0.0 specification: ten attempts in three days."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in the settings."""

    path: str
    message: str
    hint: str
    unknown: bool = False


class Setting(Generic[T]):
    """One key of ``RULES_ENGINE``; reading the attribute gives its value, or the default if that is unusable."""

    def __init__(self, default: T, check: Check, doc: str) -> None:
        self.default, self.check, self.doc = default, check, doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type | None = None) -> T:
        values = _given()
        if self.name in values and not self.check(values[self.name]):
            given: T = values[self.name]
            return given
        return self.default_now()

    def default_now(self) -> T:
        """The default in this process."""
        return self.default


class _UnderTest(Setting[T]):
    """A setting with another default in a test run, because one added query would break hosts' query counts."""

    def __init__(self, default: T, test_default: T, check: Check, doc: str) -> None:
        super().__init__(default, check, doc)
        self.test_default = test_default

    def default_now(self) -> T:
        return self.test_default if under_test() else self.default


def _given() -> Mapping[str, Any]:
    values = getattr(django_settings, "RULES_ENGINE", {})
    return values if isinstance(values, Mapping) else {}


def under_test() -> bool:
    """Tell whether Django's test environment is set up (by its runner or by pytest-django)."""
    utils = sys.modules.get("django.test.utils")
    return utils is not None and hasattr(utils._TestState, "saved_data")


# --- checks of values -------------------------------------------------------------------------------------


def _a_bool(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be True or False"


def _a_text(value: Any) -> str | None:
    return None if isinstance(value, str) and value else "must be a text that is not empty"


def _number(*, minimum: float, maximum: float = LARGEST, optional: bool = False, whole: bool = False) -> Check:
    kinds = (int,) if whole else (int, float)

    def check(value: Any) -> str | None:
        if optional and value is None:
            return None
        # Written so that NaN, which no comparison holds for, is refused too.
        if isinstance(value, bool) or not isinstance(value, kinds) or not minimum <= value <= maximum:
            noun = "a whole number" if whole else "a number"
            return f"must be {noun} from {minimum:g} to {maximum:,.0f}" + (" or None" if optional else "")
        return None

    return check


def _one_of(*choices: str) -> Check:
    def check(value: Any) -> str | None:
        if value in choices:
            return None
        close = get_close_matches(str(value), choices, n=1)
        hint = f'; did you mean "{close[0]}"?' if close else ""
        return f"must be one of {', '.join(choices)}, not {value!r}{hint}"

    return check


def _texts(value: Any) -> str | None:
    if isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(item, str) for item in value):
        return None
    return "must be a list of texts"


def _optional(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _texts_or_star(value: Any) -> str | None:
    return None if value == "*" else _texts(value) and 'must be a list of texts, or "*"'


def _texts_by_text(value: Any) -> str | None:
    if isinstance(value, Mapping) and all(
        isinstance(key, str) and _texts(names) is None for key, names in value.items()
    ):
        return None
    return "must be a dict of texts to lists of texts"


def _secrets(value: Any) -> str | None:
    if isinstance(value, Mapping) and all(
        isinstance(key, str) and key.isidentifier() and isinstance(text, str) for key, text in value.items()
    ):
        return None
    # Never the values: this text is printed by `manage.py check`.
    return "must be a dict of names (letters, digits, underscores) to texts"


def _schedule(value: Any) -> str | None:
    seconds = _number(minimum=0)
    if isinstance(value, (list, tuple)) and value and all(seconds(item) is None for item in value):
        return None
    return "must be a list of seconds, one for each attempt, such as (0, 5, 300)"


def _networks(value: Any) -> str | None:
    if _texts(value):
        return "must be a list of networks such as '10.1.0.0/16'"
    for item in value:
        try:
            ip_network(item)
        except ValueError as error:
            return f"holds {item!r}, which is not a network: {error}"
    return None


OUTBOUND_KEYS: dict[str, tuple[Any, Check, str]] = {
    "ALLOWED_HOSTS": (
        (),
        _texts,
        "`host` or `host:port` that may be called although its address is private.",
    ),
    "ALLOWED_NETWORKS": ((), _networks, "Networks that may be called although they are private."),
    "DENIED_HOSTS": ((), _texts, "Hosts that are never called; `.example.com` stands for all below it."),
    "DENIED_NETWORKS": ((), _networks, "Networks that are never called."),
    "REQUIRE_HTTPS": (False, _a_bool, "Refuse `http://` addresses."),
    "CONNECT_SECONDS": (5.0, _number(minimum=0.1), "Longest wait for a connection."),
    "READ_SECONDS": (15.0, _number(minimum=0.1), "Longest wait for the next bytes of an answer."),
    "TOTAL_SECONDS": (20.0, _number(minimum=0.1), "Longest time for a whole call, however it drips."),
    "MAX_REQUEST_BYTES": (1_000_000, _number(minimum=1, whole=True), "Larger bodies are refused."),
    "MAX_RESPONSE_BYTES": (
        65_536,
        _number(minimum=0, whole=True),
        "What is read of an answer; the rest is cut.",
    ),
}
"""Keys of ``RULES_ENGINE["OUTBOUND"]``: default, check, reason."""


def _outbound(value: Any) -> str | None:
    return None if isinstance(value, Mapping) else "must be a dict"


class Settings:
    """The settings in force; ``settings`` below is the one instance."""

    ENABLED = Setting[bool](True, _a_bool, "`False` connects nothing and runs nothing: rules stay as they are.")
    EXECUTOR = Setting[str](
        "thread",
        _one_of("thread", "inline", "none"),
        "Who runs actions: `thread` (a worker thread in each serving process), `inline` (in the process that "
        "committed, for tests), `none` (only `manage.py rules drain`).",
    )
    SYNC_INTERVAL_SECONDS = _UnderTest[float | None](
        1.0,
        None,
        _number(minimum=0, optional=True),
        "How often a process looks whether rules changed elsewhere; `None` never looks. `None` is the default "
        "in a test run.",
    )
    ALLOWED_SENDERS = Setting[list[str] | None](
        None,
        _optional(_texts),
        "Models that rules may listen to, as `app.model` or `app.*`; `None` is all but the engine's own, "
        "sessions, the admin log, content types and permissions.",
    )
    EVENT_FIELDS = Setting[dict[str, list[str]]](
        {},
        _texts_by_text,
        "Which columns of a model are recorded, by label: `{'shop.customer': ['id', 'name']}`; all by default.",
    )
    REDACT = Setting[list[str]](
        [],
        _texts,
        "Names shown as `***` besides the built-in ones: field names with `*` as wildcard, or `app.model.field`.",
    )
    SECRETS = Setting[dict[str, str]]({}, _secrets, "Secrets by name, for `{{ secrets.NAME }}` and signing.")
    ATOMIC_SAVES = Setting[list[str] | str](
        [],
        _texts_or_star,
        "Models (`app.model`, or `*` for all with live rules) whose saves are wrapped in a transaction, so that a "
        "crash cannot come between the row and its event.",
    )
    OUTBOUND = Setting[dict[str, Any]]({}, _outbound, "Limits of outgoing HTTP calls; keys below.")
    MAIL_DOMAINS = Setting[list[str] | None](
        None, _optional(_texts), "Domains that rules may send mail to; `None` is any."
    )
    RETENTION_DAYS = Setting[float | None](
        30,
        _number(minimum=0, maximum=OLDEST_DAYS, optional=True),
        "Age at which finished history is pruned; `None` keeps all.",
    )
    RULES_MODULE = Setting[str]("rules", _a_text, "Module looked for in each installed app at start-up.")
    RETRY_SCHEDULE = Setting[tuple[float, ...] | list[float]](
        STANDARD_RETRY_SCHEDULE,
        _schedule,
        "Seconds before each attempt; its length is the number of attempts.",
    )
    BATCH_SIZE = Setting[int](
        50, _number(minimum=1, maximum=1_000, whole=True), "Executions that a worker claims at once."
    )
    LEASE_SECONDS = Setting[float](
        120, _number(minimum=1), "How long a claim counts before another worker may take over."
    )
    POLL_SECONDS = Setting[float](
        5, _number(minimum=0.05), "How often a worker thread looks for due executions when nothing wakes it."
    )
    MAX_DEPTH = Setting[int](
        8, _number(minimum=1, whole=True), "Longest chain of events that cause each other through rules."
    )
    MAX_RELATED = Setting[int](
        100, _number(minimum=1, whole=True), "Most related objects read for one to-many relation."
    )
    MAX_TEXT_LENGTH = Setting[int](
        65_536, _number(minimum=100, whole=True), "Longer texts are cut, for conditions and history alike."
    )


settings = Settings()


def declared() -> dict[str, Setting[Any]]:
    """All settings by name, for checks and for the reference page."""
    return {name: item for name, item in vars(Settings).items() if isinstance(item, Setting)}


def outbound(name: str) -> Any:
    """One value of ``RULES_ENGINE["OUTBOUND"]``, or its default if it is missing or unusable."""
    default, check, _ = OUTBOUND_KEYS[name]
    value = settings.OUTBOUND.get(name, default)
    return default if check(value) else value


def problems() -> list[Problem]:
    """What is wrong in ``settings.RULES_ENGINE``; never raises, never shows a secret's value."""
    given = getattr(django_settings, "RULES_ENGINE", {})
    if not isinstance(given, Mapping):
        return [Problem("RULES_ENGINE", "must be a dict", "Defaults are in force for every setting.")]
    found = _problems_of("RULES_ENGINE", given, {name: item.check for name, item in declared().items()})
    if isinstance(given.get("OUTBOUND"), Mapping):
        checks = {name: check for name, (_, check, _) in OUTBOUND_KEYS.items()}
        found += _problems_of('RULES_ENGINE["OUTBOUND"]', given["OUTBOUND"], checks)
    return found


def _problems_of(prefix: str, given: Mapping[str, Any], checks: Mapping[str, Check]) -> list[Problem]:
    found = []
    for name, value in given.items():
        path = f'{prefix}["{name}"]'
        if name not in checks:
            close = get_close_matches(str(name).upper(), checks, n=1)
            hint = f'Did you mean "{close[0]}"?' if close else f"Known: {', '.join(sorted(checks))}."
            found.append(Problem(path, "is not a setting", hint, unknown=True))
        elif message := checks[name](value):
            found.append(Problem(path, message, "The default is used instead until this is mended."))
    return found
