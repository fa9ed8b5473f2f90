"""Templates that administrators write: Django's syntax over the JSON document of an event, with nothing to call.

Only Django's grammar is used (lexer, filter expressions, the operators of ``{% if %}``); looking up values and
rendering are done here. So there is no template engine that could load, include or reverse anything, and a
path reads keys of objects and positions of lists, never an attribute: ``{{ x.items }}`` is the key "items" or
empty. As in Django, a name that begins with an underscore is refused.

- Values: missing and null are the same and render as empty text; booleans render as ``true`` and ``false``;
  numbers exactly, in every language (``1234.50``); lists and objects as compact JSON.
- Language and time zone are the project's, whoever was active, so that a retry renders the same text. ``date``
  and ``time`` read the ISO texts of events.
- ``{% for k, v in x.items %}`` and ``{% for k, v in x %}`` run over the pairs of an object; one name runs over
  a list. Anything else that is not empty is an error, since it would silently render nothing.
- ``html=True`` escapes every value, and nothing can switch that off: there is neither ``safe`` nor
  ``autoescape``. Literals in the template are its author's own text and stay.
- ``{{ secrets.NAME }}`` reads a secret; ``secrets`` alone is refused.
- ``add`` is exact for decimals and joins texts also with numbers (``"Order "|add:instance.id``);
  ``floatformat`` always writes a point, with the suffix ``g`` commas between thousands.
- Text, nesting, work and output are limited; the limits count pieces of work, so that the same template over
  the same data always ends the same way.

A rendered text may hold line breaks that came with the data. Who puts it into a header (a mail subject, an
HTTP header) must refuse or replace them.
"""

from __future__ import annotations

from rules_engine.templating.filters import ALLOWED_FILTERS, HTML_ONLY_FILTERS
from rules_engine.templating.limits import MAX_DEPTH, MAX_OUTPUT, MAX_TEMPLATE, MAX_WORK
from rules_engine.templating.tags import ALLOWED_TAGS
from rules_engine.templating.template import CompiledTemplate, compile_template

__all__ = [
    "ALLOWED_FILTERS",
    "ALLOWED_TAGS",
    "HTML_ONLY_FILTERS",
    "MAX_DEPTH",
    "MAX_OUTPUT",
    "MAX_TEMPLATE",
    "MAX_WORK",
    "CompiledTemplate",
    "compile_template",
]
