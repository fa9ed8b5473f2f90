"""Functions on what has changed. They see the context's root anywhere, inside projections too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import getdoc
from typing import Any

from rules_engine.conditions.forms import Call, SpecialForm
from rules_engine.conditions.library.making import rooted
from rules_engine.conditions.moments import canonical_moment
from rules_engine.conditions.signatures import Signature
from rules_engine.conditions.values import BOOLEAN, NULL, Spend, equal, is_true, kind_of

CHANGES, INSTANCE, PREVIOUS = "changes", "instance", "previous"


def changed(field: str, *more: str, root: Any = None, spend: Spend = lambda steps: None) -> bool:
    """Whether a field of the instance has changed, or one of several.

    Examples:
        changed('status') on {"changes": {"status": {"old": "new", "new": "paid"}}} -> true
        changed('total') on {"changes": {"status": {"old": "new", "new": "paid"}}} -> false
        changed('total', 'status') on {"changes": {"status": {"old": "new", "new": "paid"}}} -> true
        changed('status') on {"changes": null} -> false
        lines[?changed('status')] on {"lines": [1], "changes": {"status": {"old": 0, "new": 1}}} -> [1]
    """
    return any(_change(root, name, spend) is not None for name in (field, *more))


def changed_to(field: str, value: Any, *, root: Any = None, spend: Spend = lambda steps: None) -> bool:
    """Whether a field of the instance has changed and now has this value.

    Examples:
        changed_to('status', 'paid') on {"changes": {"status": {"old": "new", "new": "paid"}}} -> true
        changed_to('status', 'new') on {"changes": {"status": {"old": "new", "new": "paid"}}} -> false
        changed_to('status', 'paid') on {"changes": {}} -> false
    """
    change = _change(root, field, spend)
    return change is not None and equal(change.get("new"), _canonical(value), spend)


def changed_from(field: str, value: Any, *, root: Any = None, spend: Spend = lambda steps: None) -> bool:
    """Whether a field of the instance has changed and had this value before.

    Examples:
        changed_from('status', 'new') on {"changes": {"status": {"old": "new", "new": "paid"}}} -> true
        changed_from('status', 'paid') on {"changes": {"status": {"old": "new", "new": "paid"}}} -> false
    """
    change = _change(root, field, spend)
    return change is not None and equal(change.get("old"), _canonical(value), spend)


def _canonical(value: Any) -> Any:
    """A date-time in the form of contexts, as the operands of comparisons are brought to it; else the value."""
    return canonical_moment(value) if isinstance(value, str) and value[10:11] == "T" else value


def _change(root: Any, field: str, spend: Spend) -> Mapping[str, Any] | None:
    """The change of a field, if it has one."""
    # Plain dicts first: isinstance() of an abstract class is slow.
    changes = root.get(CHANGES) if type(root) is dict or isinstance(root, Mapping) else None
    change = changes.get(field) if type(changes) is dict or isinstance(changes, Mapping) else None
    if not (type(change) is dict or isinstance(change, Mapping)):
        return None
    if equal(change.get("old"), change.get("new"), spend):
        return None
    return change


_STEPS = 16
"""What the two evaluations count as: ``became(became(…))`` doubles them with each level."""


def _became(call: Call) -> bool:
    """Whether an expression is true now, and was not before the instance changed.

    It is evaluated on the whole context, wherever it stands, and once more with what the instance was in place of
    what it is. Where there was nothing before, as for a new object, it is enough that it is true now.

    Examples:
        became(instance.total > `100`) on {"instance": {"total": 120}, "previous": {"total": 80}} -> true
        became(instance.total > `100`) on {"instance": {"total": 120}, "previous": {"total": 110}} -> false
        became(instance.total > `100`) on {"instance": {"total": 120}, "previous": null} -> true
        lines[?became(instance.ok)] on {"lines": [1], "instance": {"ok": true}, "previous": {"ok": false}} -> [1]
    """
    root = call.root
    call.spend(_STEPS)
    if not is_true(call.arguments[0](root, root)):
        return False
    if not isinstance(root, Mapping) or kind_of(root.get(PREVIOUS)) == NULL:
        return True
    before = {**root, INSTANCE: root[PREVIOUS]} if type(root) is dict else _Before(root)
    return not is_true(call.arguments[0](before, before))


class _Before(Mapping[str, Any]):
    """A lazy context with the previous instance in place of the instance; it reads what it is asked for."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def __getitem__(self, name: str) -> Any:
        return self._root[PREVIOUS if name == INSTANCE else name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._root)

    def __len__(self) -> int:
        return len(self._root)


FUNCTIONS = (
    rooted("changed", changed, (CHANGES,)),
    rooted("changed_to", changed_to, (CHANGES,)),
    rooted("changed_from", changed_from, (CHANGES,)),
    SpecialForm("became", Signature(((),), 1), _became, getdoc(_became) or "", (BOOLEAN,), ((PREVIOUS,),)),
)
