"""Functions on texts; names and meanings are those of JMESPath Community where it has them."""

from __future__ import annotations

from rules_engine.conditions.faults import Fault
from rules_engine.conditions.hostfunctions import HostFunction
from rules_engine.conditions.limits import MAX_BUILT_TEXT, check_built_text
from rules_engine.conditions.values import Spend


def lower(text: str) -> str:
    """The text in small letters.

    Examples:
        lower('PAID') -> "paid"
        lower(name) == 'ärger' on {"name": "ÄRGER"} -> true
    """
    return text.lower()


def upper(text: str) -> str:
    """The text in capital letters.

    Examples:
        upper('de') -> "DE"
        upper('straße') -> "STRASSE"
    """
    return text.upper()


def trim(text: str, characters: str = "") -> str:
    """The text without white space at both ends, or without the characters that the second argument lists.

    Examples:
        trim('  paid ') -> "paid"
        trim('--a-b--', '-') -> "a-b"
        trim('<br/>', '</>') -> "br"
    """
    return text.strip(characters or None)


def split(text: str, separator: str, count: int = -1, *, spend: Spend = lambda steps: None) -> list[str]:
    """The parts of a text between the separators; with a number, no more separators than that count.

    An empty separator parts the text into its characters.

    Examples:
        split('a,b,c', ',') -> ["a", "b", "c"]
        split('a,b,c', ',', `1`) -> ["a", "b,c"]
        split('abc', '') -> ["a", "b", "c"]
        split('', ',') -> [""]
        split(email, '@')[1] on {"email": "ada@example.com"} -> "example.com"
    """
    if separator:
        parts = text.split(separator, count)
    else:
        cut = len(text) if count < 0 else min(count, len(text))
        parts = [*text[:cut], *([text[cut:]] if cut < len(text) else [])]
    spend(len(parts))
    return parts


def replace(text: str, old: str, new: str, count: int = -1) -> str:
    """The text with another in place of a part, wherever it stands; with a number, no more often than that.

    Examples:
        replace('a-b-c', '-', '') -> "abc"
        replace('a-b-c', '-', '+', `1`) -> "a+b-c"
        replace('abc', 'x', 'y') -> "abc"
    """
    found = text.count(old) if count < 0 else min(count, text.count(old))
    check_built_text(len(text) + found * (len(new) - len(old)), "replace")
    return text.replace(old, new, count)


def pad_left(text: str, width: int, character: str = " ") -> str:
    """The text with a character, a space if none is given, put in front until it is as long as the number says.

    Examples:
        pad_left('7', `3`, '0') -> "007"
        pad_left('7', `3`) -> "  7"
        pad_left('1234', `3`, '0') -> "1234"
        pad_left(to_string(number), `5`, '0') on {"number": 42} -> "00042"
        pad_left('7', `3`, 'ab') -> error: pad_left() fills up with one character, not 2.
    """
    return _padded("pad_left", text, width, character) + text


def pad_right(text: str, width: int, character: str = " ") -> str:
    """The text with a character, a space if none is given, put behind until it is as long as the number says.

    Examples:
        pad_right('ab', `4`, '.') -> "ab.."
        pad_right('ab', `4`) -> "ab  "
    """
    return text + _padded("pad_right", text, width, character)


def _padded(name: str, text: str, width: int, character: str) -> str:
    if len(character) != 1:
        raise Fault(f"{name}() fills up with one character, not {len(character)}.")
    if width > MAX_BUILT_TEXT:
        check_built_text(width, name)
    return character * (width - len(text))


FUNCTIONS = tuple(
    HostFunction.of(function.__name__, function)
    for function in (lower, upper, trim, split, replace, pad_left, pad_right)
)
