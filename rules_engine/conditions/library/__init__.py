"""The functions of conditions besides JMESPath's own, one module a subject."""

from __future__ import annotations

from collections.abc import Mapping

from rules_engine.conditions.forms import SpecialForm
from rules_engine.conditions.hostfunctions import HostFunction
from rules_engine.conditions.library import general

OWN: Mapping[str, HostFunction | SpecialForm] = {item.name: item for item in general.FUNCTIONS}
