"""Every error that the engine raises on purpose.

Each class also derives from the builtin that a caller would catch. Data is in attributes, the readable
text in ``str(error)``, and the original error, where there is one, in ``__cause__``.
"""

from __future__ import annotations

from collections.abc import Sequence


class RulesEngineError(Exception):
    """Base of all errors of the rules engine; never raised itself."""


class UnknownKey(RulesEngineError, LookupError):
    """Nothing is registered under the key; ``suggestion`` holds the closest known one, or ``""``."""

    def __init__(self, noun: str, key: str, suggestion: str = "") -> None:
        self.noun, self.key, self.suggestion = noun, key, suggestion
        hint = f" Did you mean {suggestion!r}?" if suggestion else ""
        article = "an" if noun[0] in "aeiou" else "a"
        super().__init__(f"{key!r} is not {article} {noun} known here.{hint}")


class AlreadyRegistered(RulesEngineError, ValueError):
    """A key was registered twice; the message names both holders."""


class InvalidKey(RulesEngineError, ValueError):
    """A registered key is not of the form ``app.name``."""


class ConditionError(RulesEngineError, ValueError):
    """A condition cannot be compiled or evaluated.

    ``text`` is the whole condition, ``position`` the offset of the fault in it or ``None``, ``summary`` the
    message without the caret lines.
    """

    def __init__(self, summary: str, *, text: str = "", position: int | None = None) -> None:
        self.summary, self.text, self.position = summary, text, position
        super().__init__(summary)

    def __str__(self) -> str:
        if self.position is None or not self.text:
            return self.summary
        return f"{self.summary}\n{caret(self.text, self.position)}"


class ConditionSyntaxError(ConditionError):
    """The text is not a condition: it does not parse, or calls something that does not exist."""


class ConditionEvaluationError(ConditionError):
    """The condition is sound, but not for this context: a wrong type, or a limit was hit."""


class TemplateInvalid(RulesEngineError, ValueError):
    """A template does not parse, uses something that is not allowed, or renders too much."""


class ConfigInvalid(RulesEngineError, ValueError):
    """An action's configuration does not fit its schema.

    ``problems`` holds ``(path, message)`` pairs; a path is a tuple of keys and list positions.
    """

    def __init__(self, kind: str, problems: Sequence[tuple[tuple[str | int, ...], str]]) -> None:
        self.kind, self.problems = kind, list(problems)
        lines = [f"{'.'.join(str(part) for part in path) or kind}: {text}" for path, text in self.problems]
        super().__init__(" ".join(lines))


class ActionError(RulesEngineError, RuntimeError):
    """An action failed in a way that may pass: it is tried again. ``retry_after`` is in seconds."""

    def __init__(self, message: str, *, retry_after: float | None = None, detail: object = None) -> None:
        self.retry_after, self.detail = retry_after, detail
        super().__init__(message)


class ActionRefused(RulesEngineError, RuntimeError):
    """An action failed in a way that does not pass: it is not tried again.

    ``switch_off=True`` also disables the rule's action (an endpoint that answers 410 Gone).
    """

    def __init__(self, message: str, *, switch_off: bool = False, detail: object = None) -> None:
        self.switch_off, self.detail = switch_off, detail
        super().__init__(message)


class OutboundRefused(RulesEngineError, ValueError):
    """A URL or an address may not be called: wrong scheme, credentials in it, a private address …"""


class OutboundFailed(RulesEngineError, OSError):
    """A call that was allowed did not get an answer: refused connection, timeout, TLS, cut answer."""


class StaleRule(RulesEngineError, RuntimeError):
    """The rule was changed by somebody else since it was read. Nothing was written."""

    def __init__(self, name: str, expected: int, actual: int | None) -> None:
        self.expected, self.actual = expected, actual
        now = f"it is now at version {actual}" if actual is not None else "it no longer exists"
        super().__init__(
            f'Rule "{name}" was changed by someone else: you edited version {expected}, {now}. '
            "Nothing was saved. Look at the rule as it is now, then make your change again."
        )


class StateConflict(RulesEngineError, RuntimeError):
    """An execution is not in a state that allows what was asked, such as retrying one that is running."""


def caret(text: str, position: int) -> str:
    """Return the line of ``text`` that holds offset ``position``, with a caret line below it."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : end if end >= 0 else len(text)]
    # A long line is cut to a window around the fault, or the caret would stand far off the screen.
    left = max(0, position - start - 60)
    window = line[left : left + 110]
    return f"    {window}\n    {' ' * (position - start - left)}^"
