"""Special forms: functions that see the root of the context, or that decide which arguments are evaluated.

An ordinary function (``HostFunction``) gets the values of its arguments. A special form gets its arguments
unevaluated, as ``Evaluate`` callables, with the root and the current value of the call, and calls those that it
needs::

    form.run(call)                          # call.root, call.current, call.arguments, call.spend

    if(a, b, c)       call.value(0), then call.value(1) or call.value(2)
    became(e)         call.arguments[0](root, root), then call.arguments[0](before, before)
    changed('status') call.value(0), looked up in call.root["changes"]

The contract of an evaluator, interpreter or generated code alike:

* ``find_function(name, library)`` (``lookup.py``) gives a ``HostFunction`` or a ``SpecialForm``. What a name is can
  be decided when a condition is compiled: nothing can be registered under a form's name, and functions handed to
  ``compile_condition`` do not change.
* Every sub-expression is a function of two values, ``(root, current)``. At the top both are the context; projections,
  pipes and ``&expressions`` change ``current`` alone; only a form calls its arguments with another ``root``
  (``became`` does). So nothing but the two may be captured: a value that was computed from one root, and kept for
  the evaluation, must not be used under another.
* ``arguments`` raise what evaluating them raises; a form raises ``Fault``. The evaluator adds the position.
* A form checks its own arguments and returns a value that is ``present``.

Where the meaning is plain, generated code may do without ``run``: ``if`` is Python's conditional expression over
``is_true``, ``coalesce`` takes the first value that is not null.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rules_engine.conditions.hostfunctions import HostFunction
from rules_engine.conditions.signatures import Signature

Evaluate = Callable[[Any, Any], Any]
"""A sub-expression: ``evaluate(root, current)`` returns its value."""

Path = tuple[str, ...]


@dataclass(slots=True)
class Call:
    """One call of a special form."""

    root: Any
    current: Any
    arguments: Sequence[Evaluate]
    spend: Callable[[int], None]

    def value(self, index: int) -> Any:
        """Evaluate an argument as an ordinary function's would be."""
        return self.arguments[index](self.root, self.current)


@dataclass(frozen=True)
class SpecialForm:
    """A function that is called with its arguments unevaluated; see the module's docstring."""

    name: str
    signature: Signature
    run: Callable[[Call], Any]
    doc: str = ""
    returns: tuple[str, ...] = ()
    """The JMESPath types of what it returns; empty for any."""
    reads: tuple[Path, ...] = ()
    """What it reads from the root besides its arguments; ``paths.py`` knows those that read more."""
    plain: HostFunction | None = None
    """The ordinary function behind it, where there is one: what it takes is known more closely."""
