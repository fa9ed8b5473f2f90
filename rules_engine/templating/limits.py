"""What a template and its rendering may cost, counted so that the same input always ends the same way."""

from __future__ import annotations

MAX_TEMPLATE = 50_000
"""Most characters of a template."""
MAX_OUTPUT = 200_000
"""Most characters of a rendered text, and of any value on the way to it."""
MAX_WORK = 10_000_000
"""Most characters handled while rendering."""
STEP = 100
"""What a tag, a variable, a filter or a round of a loop costs, however little it handles."""
MAX_DEPTH = 20
"""Most blocks inside each other."""
MAX_TAG = 2_000
"""Most characters between two braces."""
MAX_IF_WORDS = 60
"""Most words of one ``{% if %}``; its operators nest, so this bounds recursion."""
MAX_WIDTH = 200
"""Widest column of ``ljust``, ``rjust`` and ``center``."""
MAX_PLACES = 30
"""Most decimal places of ``floatformat``."""
MAX_DIGITS = 200
"""Numbers with more digits are written with an exponent, and are not calculated with."""
