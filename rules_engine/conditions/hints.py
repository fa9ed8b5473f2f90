"""Why a text is not a condition, in words that help: the beginner's mistakes that do not parse."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rules_engine.exceptions import ConditionSyntaxError

Token = dict[str, Any]

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)

WORDS = {
    "and": "'and' is written &&, as in: a && b.",
    "or": "'or' is written ||, as in: a || b.",
    "not": "'not' is written !, as in: !(a.b).",
    "is": "'is' is written ==, as in: a == `null` or a != `null`.",
    "in": '\'in\' is written contains(list, value), as in: contains(`["paid", "sent"]`, status).',
    "like": "'like' is written contains(text, part), starts_with(text, part) or ends_with(text, part).",
    "between": "'between' is written as two comparisons, as in: a >= `1` && a <= `9`.",
}
"""Operators of other languages, and what they are here."""

_NO_ARITHMETIC = (
    "Conditions have no arithmetic signs: write add(a, b), subtract(a, b), multiply(a, b) or divide(a, b)."
)

_CHARACTERS = {
    "=": "One = does not compare. Write ==, as in: a == 'x'.",
    "-": f'{_NO_ARITHMETIC} If this is a hyphen in a name, put the name in double quotes: "first-name".',
    "+": _NO_ARITHMETIC,
    "/": _NO_ARITHMETIC,
    "%": "The remainder of a division is written modulo(a, b). A condition is also not a template: it stands without "
    "{% %} and {{ }}.",
    **dict.fromkeys("‘’‚‛′´“”„‟«»", "Texts stand in straight single quotes: 'paid'."),  # noqa: RUF001 - these it is
}

_CLOSERS = {"'": "text", '"': "quoted name", "`": "literal"}


@dataclass(frozen=True)
class _Spot:
    """The token at which parsing stopped."""

    text: str
    tokens: list[Token]
    index: int

    @property
    def here(self) -> Token:
        return self.tokens[self.index]

    def type(self, offset: int = 0) -> str:
        """Type of the token ``offset`` places away, or ``""``."""
        index = self.index + offset
        return str(self.tokens[index]["type"]) if 0 <= index < len(self.tokens) else ""


Hint = tuple[str, int]


def failure(text: str, tokens: list[Token], position: int) -> ConditionSyntaxError:
    """Return the error for a parse that stopped at the token at ``position``."""
    index = next((i for i, token in enumerate(tokens) if token["start"] >= position), len(tokens) - 1)
    spot = _Spot(text, tokens, index)
    for rule in _RULES:
        if hint := rule(spot):
            return ConditionSyntaxError(hint[0], text=text, position=hint[1])
    return ConditionSyntaxError(_plain(spot), text=text, position=spot.here["start"])


def lexer_failure(text: str, tokens: list[Token], position: int, message: str) -> ConditionSyntaxError:
    """Return the error for a character or a quote that is no token, at ``position``."""
    word = _word_before(text, tokens)
    if word is not None:
        return ConditionSyntaxError(word[0], text=text, position=word[1])
    character = text[position]
    if message.startswith("Unclosed"):
        summary = f"This {_CLOSERS[character]} is not closed: a second {character} is missing."
    elif message.startswith("Unknown token"):
        summary = _CHARACTERS.get(character) or f"{character!r} has no meaning here."
        if character == "=" and tokens and tokens[-1]["end"] == position:
            summary = "Comparisons are written ==, !=, <, <=, > and >=."
    elif character == '"':
        summary = f"This quoted name is not valid: {message}."
    else:
        summary = message
    return ConditionSyntaxError(summary, text=text, position=position)


def _word_before(text: str, tokens: list[Token]) -> Hint | None:
    """A text with a stray apostrophe or hyphen often has ``and`` in it; that is not the reason it fails."""
    for index in range(1, len(tokens)):
        token = tokens[index]
        if token["type"] == "unquoted_identifier" and token["value"] in WORDS:
            before = tokens[index - 1]["type"]
            if before in _ENDS_A_VALUE:
                return WORDS[token["value"]], token["start"]
    return None


_ENDS_A_VALUE = frozenset({"unquoted_identifier", "quoted_identifier", "literal", "rparen", "rbracket", "number"})


# --- one function a mistake -------------------------------------------------------------------------------


def _a_word(spot: _Spot) -> Hint | None:
    # `a and b` stops at "and", `not a` at the token behind "not". `a not in b` and `a is not b` are best
    # answered at their last word, which says what to write.
    for offset in (0, -1):
        token = spot.tokens[spot.index + offset] if spot.index + offset >= 0 else None
        if token and token["type"] == "unquoted_identifier" and token["value"].lower() in WORDS:
            word = token["value"].lower()
            follower = spot.tokens[min(spot.index + offset + 1, len(spot.tokens) - 1)]
            if word == "not" and follower["value"] in ("in", "like", "between"):
                summary = f"{WORDS[follower['value']]} Put !(…) around it to negate it."
                return summary, token["start"]
            return WORDS[word], token["start"]
    return None


def _a_number(spot: _Spot) -> Hint | None:
    if spot.type() != "number" or spot.type(-1) == "lbracket":
        return None
    start = spot.here["start"]
    if spot.type(-1) == "dot":
        return f"An item of a list is read with brackets, as in: a[{spot.here['value']}].", start
    match = _NUMBER.match(spot.text, start)
    digits = match.group() if match else str(spot.here["value"])
    return f"Numbers stand in backticks: `{digits}`.", start


def _a_key_in_brackets(spot: _Spot) -> Hint | None:
    if spot.type(-1) != "lbracket" or spot.type() != "literal":
        return None
    return 'A field is read with a dot, as in: a.b, or a."first name".', spot.here["start"]


def _a_quoted_function(spot: _Spot) -> Hint | None:
    if (spot.type(), spot.type(1)) != ("quoted_identifier", "lparen"):
        return None
    return f"The name of a function stands without quotes: {spot.here['value']}(…).", spot.here["start"]


def _one_ampersand(spot: _Spot) -> Hint | None:
    if spot.type() != "expref":
        return None
    return "'and' is written with two ampersands: &&.", spot.here["start"]


def _not_equal(spot: _Spot) -> Hint | None:
    if (spot.type(-1), spot.type()) != ("lt", "gt"):
        return None
    return "'Not equal' is written !=, as in: a != 'x'.", spot.here["start"] - 1


def _a_template(spot: _Spot) -> Hint | None:
    if "lbrace" not in (spot.type(), spot.type(-1)) or "{{" not in spot.text:
        return None
    return "A condition stands without {{ }}.", spot.text.index("{{")


def _arithmetic(spot: _Spot) -> Hint | None:
    if spot.type() != "star" and not (spot.type() == "number" and spot.here["value"] < 0):
        return None
    return (_NO_ARITHMETIC, spot.here["start"]) if spot.type(-1) in _ENDS_A_VALUE else None


def _an_open_bracket(spot: _Spot) -> Hint | None:
    if spot.type() != "eof" or spot.type(-1) not in _ENDS_A_VALUE:
        return None
    waiting = []
    for token in spot.tokens:
        if token["type"] in _BRACKETS:
            waiting.append(token)
        elif token["type"] in _BRACKETS.values() and waiting:
            waiting.pop()
    if not waiting:
        return None
    return f"This {waiting[-1]['value']} is not closed.", waiting[-1]["start"]


_BRACKETS = {"lparen": "rparen", "lbracket": "rbracket", "filter": "rbracket", "lbrace": "rbrace"}


_RULES: tuple[Callable[[_Spot], Hint | None], ...] = (
    _a_template,
    _a_word,
    _arithmetic,
    _a_number,
    _a_key_in_brackets,
    _a_quoted_function,
    _one_ampersand,
    _not_equal,
    _an_open_bracket,
)


def _plain(spot: _Spot) -> str:
    here = spot.here
    before = spot.tokens[spot.index - 1] if spot.index else None
    shown = spot.text[before["start"] : before["end"]] if before else ""
    if here["type"] == "eof":
        return f"The condition ends too early: something is missing after {shown}"
    wrong = spot.text[here["start"] : here["end"]]
    if before is None:
        return f"A condition cannot begin with {wrong}"
    if before["type"] in _ENDS_A_VALUE and here["type"] in _ENDS_A_VALUE - {"rparen", "rbracket"}:
        return f"An operator (==, &&, || …) is missing between {shown} and {wrong}"
    return f"{wrong} cannot follow {shown}"
