"""The fast lexer against the exact one."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from jmespath.exceptions import LexerError

from rules_engine.conditions.lexer import ExactLexer, tokenize
from tests.conditions.strategies import expressions

WORDS = "a b1 _c . [ ] [? [] == = != ! < <= > >= & && | || ( ) { } : , @ * - -1 12 0 é"
QUOTED = r"""'x' ' 'a\'b' 'é' "q" "q\n" " `1` `-0` `01` `1.50` `[1,2]` `x` `\`` ` `"a"` `null` `NaN`"""
PIECES = st.sampled_from([*WORDS.split(), *QUOTED.split(), " ", "\n", "\t", "\r"])


def tokens(lexer: Any, text: str) -> Any:
    """The tokens, or what the lexer says against the text."""
    try:
        return [(item["type"], repr(item["value"]), item["start"], item["end"]) for item in lexer(text)]
    except (LexerError, ValueError) as error:
        return type(error), getattr(error, "message", ""), getattr(error, "lexer_position", None)


@given(st.one_of(st.lists(PIECES, min_size=1, max_size=8).map("".join), st.text(min_size=1, max_size=6), expressions))
@example("a == `1` && b['x']  ")
@example("`" + "[" * 140 + "]" * 140 + "`")
@example("a[1234567890123456789]")
@example("`123456789012345678901`")
def test_both_ways_give_the_same_tokens(text: str) -> None:
    """Types, values and offsets are equal, and so are the complaints."""
    assert tokens(tokenize, text) == tokens(ExactLexer().tokenize, text)
