"""The paths that a template reads, and that they are all it reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from rules_engine.templating import compile_template
from tests.templating.rendering import outcome
from tests.templating.strategies import DOCUMENTS, TEMPLATES


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("plain {{ 'a' }} {{ 5 }} {{ True }} {{ secrets.x }}", []),
        ("{{ instance.customer.email }}", ["instance.customer.email"]),
        ("{{ instance.lines.0.sku }}", ["instance.lines.sku"]),
        ("{{ a|default:b.c|add:d }}", ["a", "b.c", "d"]),
        ("{% if a.b and not c|length > d.e %}{{ f }}{% elif g in h %}{{ i }}{% else %}{{ j }}{% endif %}",
         ["a.b", "c", "d.e", "f", "g", "h", "i", "j"]),
        ("{% for line in instance.lines %}{{ line.sku }}{% endfor %}", ["instance.lines.sku"]),
        ("{% for line in instance.lines %}{{ line }}{% endfor %}", ["instance.lines"]),
        ("{% for line in instance.lines %}x{% endfor %}", ["instance.lines"]),
        ("{% for line in instance.lines %}{% with l=line %}x{% endwith %}{% endfor %}", ["instance.lines"]),
        ("{% for a in x.l %}{% for b in a.m %}{{ b.n }}{{ a.o }}{% endfor %}{% endfor %}", ["x.l.m.n", "x.l.o"]),
        ("{% for a in l %}{{ forloop.counter }}{{ a.b }}{% empty %}{{ a.c }}{% endfor %}{{ a.d }}",
         ["a.c", "a.d", "l.b"]),
        ("{% for line in x.lines|slice:n %}{{ line.sku }}{% endfor %}", ["n", "x.lines.sku"]),
        ("{% with f=x.lines|first %}{{ f.sku }}{% endwith %}", ["x.lines.sku"]),
        ("{% for line in x.lines|default:y %}{{ line.sku }}{% endfor %}", ["x.lines", "y"]),
        ("{% for k, v in changes.items %}{{ k }}{{ v.old }}{% endfor %}", ["changes"]),
        ("{% for k, v in x.pairs %}{{ v.old }}{% endfor %}", ["x.pairs"]),
        ("{% for line in x.items %}{{ line.sku }}{% endfor %}", ["x.items.sku"]),
        ("{% with c=instance.customer d=user %}{{ c.email }}{% endwith %}{{ c.name }}",
         ["c.name", "instance.customer.email"]),
        ("{% with c=a|upper %}{{ c.x }}{% endwith %}", ["a"]),
        ("{% with c=a %}{% with c=c.b %}{{ c.d }}{% endwith %}{% endwith %}", ["a.b.d"]),
        ("{% firstof a.b c 'x' as y %}{{ y }}", ["a.b", "c"]),
        ("{{ y }}{% firstof a as y %}", ["a", "y"]),
        ("{% comment %}{{ a }}{% endcomment %}{% verbatim %}{{ b }}{% endverbatim %}{# {{ c }} #}", []),
        ("{% spaceless %}{{ a }}{% endspaceless %}{{ b.secrets }}", ["a", "b.secrets"]),
    ],
)  # fmt: skip
def test_paths_are_what_rendering_can_read(text: str, paths: list[str]) -> None:
    """Names that tags bind are followed to the data, positions are dropped, secrets are not paths."""
    assert sorted(".".join(path) for path in compile_template(text).paths) == paths


def pruned(value: Any, paths: set[tuple[str, ...]]) -> Any:
    """What is left when only the paths are recorded: through lists, whole where a path ends."""
    if () in paths:
        return value
    if isinstance(value, list):
        return [pruned(item, paths) for item in value]
    if isinstance(value, dict):
        below = {key: {path[1:] for path in paths if path[0] == key} for key in value}
        return {key: pruned(value[key], below[key]) for key in value if below[key]}
    return value


@settings(max_examples=400, deadline=None)
@given(text=TEMPLATES, data=DOCUMENTS)
def test_rendering_recorded_paths_equals_rendering_everything(text: str, data: dict[str, Any]) -> None:
    """A replay, which has only the recorded paths, renders what the event rendered, failures included."""
    paths = compile_template(text).paths
    assert outcome(text, pruned(data, set(paths))) == outcome(text, data)
