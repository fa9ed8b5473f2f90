"""The conditions of ``{% if %}``: Django's operators between our expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.template import TemplateSyntaxError
from django.template.smartif import IfParser, Literal

from rules_engine.templating.expressions import Expression
from rules_engine.templating.limits import MAX_IF_WORDS, STEP
from rules_engine.templating.problem import Problem
from rules_engine.templating.run import Run
from rules_engine.templating.values import weigh


def parse_condition(words: list[str], read: Callable[[str], Expression]) -> Any:
    """Return the condition that the words of a tag spell; ``read`` parses each operand."""
    if not words or len(words) > MAX_IF_WORDS:
        raise Problem(f"{{% if %}} takes 1 to {MAX_IF_WORDS} words, such as {{% if instance.total > 5 %}}.")
    return _ConditionParser(words, read).parse()


def holds(condition: Any, run: Run) -> bool:
    """Tell whether a condition of ``parse_condition`` holds; raises what an operand raised."""
    test = _Test(run)
    answer = condition.eval(test)
    if test.failure is not None:
        raise test.failure
    return bool(answer)


@dataclass
class _Test:
    """One evaluation of a condition of ``{% if %}``."""

    run: Run
    failure: Exception | None = None


class _Operand(Literal):
    """A value in ``{% if %}``.

    Django's operators answer False whatever an operand raises. That suits comparing a text with a number; a
    failing operand must not pass for an answer, so it is kept for the tag to raise.
    """

    def __init__(self, expression: Expression, text: str, *, compared: bool) -> None:
        self.expression, self.text, self.compared = expression, text, compared

    def display(self) -> str:
        return self.text

    def eval(self, context: Any) -> Any:
        test = cast("_Test", context)
        try:
            value = self.expression.value(test.run)
            test.run.charge(STEP + (weigh(value) if self.compared else 0))
        except Exception as error:
            test.failure = error
            raise
        return value


class _ConditionParser(IfParser):
    error_class = TemplateSyntaxError

    def __init__(self, words: list[str], read: Callable[[str], Expression]) -> None:
        self.read = read
        # Comparing and searching look at all of a value, ``and``, ``or`` and ``not`` do not.
        self.compares = not {"==", "!=", "<", "<=", ">", ">=", "in", "is"}.isdisjoint(words)
        super().__init__(cast("list[Any]", words))

    def create_var(self, value: Any) -> _Operand:
        return _Operand(self.read(value), value, compared=self.compares)
