"""Templates and documents that fit each other, for properties."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c", "items"])
SCALARS = st.sampled_from([None, True, 0, 3, Decimal("2.50"), "", "text", "<b>", "2024-07-01"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=25,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)
PATHS = st.lists(NAMES | st.sampled_from(["0", "1"]), max_size=3).flatmap(
    lambda rest: NAMES.map(lambda root: ".".join([root, *rest]))
)
FILTERS = st.sampled_from(
    [
        "",
        "",
        "",
        "|first",
        "|last",
        "|slice:':1'",
        "|length",
        "|upper",
        "|join:'-'",
        "|json",
        "|default:{}",
        "|add:{}",
    ]
)
EXPRESSIONS = st.builds(lambda path, filter_, arg: path + filter_.format(arg), PATHS, FILTERS, PATHS)
LEAVES = st.one_of(
    EXPRESSIONS.map("{{{{ {} }}}}".format),
    st.just("{{ forloop.counter }}."),
    st.builds("{{% firstof {} {} %}}".format, EXPRESSIONS, EXPRESSIONS),
    st.builds("{{% firstof {} as {} %}}".format, EXPRESSIONS, NAMES),
)


def blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    bodies = st.lists(inner, max_size=3).map("".join)
    other = inner
    operators = st.sampled_from(["and", "or", "==", "!=", "in", "not in", "<"])
    return st.one_of(
        st.builds("{{% for {} in {} %}}{}-{{% empty %}}{}{{%endfor %}}".format, NAMES, EXPRESSIONS, bodies, other),
        st.builds("{{% for k, {} in {}.items %}}{{{{ k }}}}{}{{% endfor %}}".format, NAMES, PATHS, bodies),
        st.builds("{{% for k, {} in {} %}}{}{{% endfor %}}".format, NAMES, EXPRESSIONS, bodies),
        st.builds("{{% with {}={} %}}{}{{% endwith %}}".format, NAMES, EXPRESSIONS, bodies),
        st.builds(
            "{{% if {} {} {} %}}{}{{% else %}}{}{{% endif %}}".format,
            EXPRESSIONS, operators, EXPRESSIONS, bodies, bodies,
        ),
    )  # fmt: skip


TEMPLATES = st.lists(st.recursive(LEAVES, blocks, max_leaves=8), min_size=1, max_size=3).map("".join)
