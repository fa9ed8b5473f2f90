"""The functions of conditions besides JMESPath's own, one module a subject.

A module holds plain Python functions, whose annotations are the types that conditions may hand in and whose
docstrings, with their examples, are the reference and a test; ``FUNCTIONS`` lists what it offers.
"""

from __future__ import annotations

from collections.abc import Mapping

from rules_engine.conditions.library import changes, dates, general, numbers, patterns, people, text
from rules_engine.conditions.library.making import Made

SUBJECTS: Mapping[str, tuple[Made, ...]] = {
    "Choice": general.FUNCTIONS,
    "Texts": text.FUNCTIONS,
    "Regular expressions": patterns.FUNCTIONS,
    "Numbers": numbers.FUNCTIONS,
    "Dates and times": dates.FUNCTIONS,
    "Changes": changes.FUNCTIONS,
    "People": people.FUNCTIONS,
}
"""The functions by subject, in the order of the reference."""

OWN: Mapping[str, Made] = {item.name: item for items in SUBJECTS.values() for item in items}
