"""Functions on users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules_engine.conditions.hostfunctions import HostFunction


def in_group(user: Mapping[str, Any] | None, group: str, *more: str) -> bool:
    """Whether a user is in a group of that name, or in one of several; false where there is no user.

    Examples:
        in_group(user, 'Staff') on {"user": {"groups": [{"name": "Staff"}]}} -> true
        in_group(user, 'Staff', 'Sales') on {"user": {"groups": [{"name": "Sales"}]}} -> true
        in_group(user, 'Staff') on {"user": {"groups": []}} -> false
        in_group(user, 'Staff') on {"user": null} -> false
    """
    groups = user.get("groups") if user is not None else None
    wanted = {group, *more}
    return isinstance(groups, (list, tuple)) and any(_name(item) in wanted for item in groups)


def _name(group: Any) -> Any:
    name = group.get("name") if isinstance(group, Mapping) else group
    return name if isinstance(name, str) else None


FUNCTIONS = (HostFunction.of("in_group", in_group),)
