"""Functions by their name, where an evaluator and the checks look them up."""

from __future__ import annotations

from collections.abc import Mapping

from rules_engine.conditions.forms import SpecialForm
from rules_engine.conditions.hostfunctions import HostFunction, Library
from rules_engine.conditions.library import OWN


def find_function(name: str, library: Library) -> HostFunction | SpecialForm | None:
    """Return a function besides JMESPath's own: one of ``library``, or this package's.

    Nothing is registered under the names of this package; only functions that are handed to ``compile_condition``
    can take their place.
    """
    return library.get(name) or OWN.get(name)


def find_form(name: str, library: Library) -> SpecialForm | None:
    """Return the special form of this name, if it is one."""
    found = find_function(name, library)
    return found if isinstance(found, SpecialForm) else None


def own_functions() -> Mapping[str, HostFunction | SpecialForm]:
    """The functions of this package besides JMESPath's own."""
    return OWN
