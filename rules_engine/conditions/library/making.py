"""How the modules beside this one make functions of plain Python functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rules_engine.conditions.forms import Call, Path, SpecialForm
from rules_engine.conditions.hostfunctions import HostFunction

Made = HostFunction | SpecialForm


def rooted(name: str, function: Callable[..., Any], *reads: Path) -> SpecialForm:
    """A function of its arguments and of the context: the keyword argument ``root``, of which it reads ``reads``."""
    host = HostFunction.of(name, function)

    def run(call: Call) -> Any:
        arguments = [call.value(index) for index in range(len(call.arguments))]
        host.signature.check(name, arguments, call.spend)
        return host.call(arguments, call.spend, root=call.root)

    return SpecialForm(name, host.signature, run, host.doc, host.returns, reads, host)
