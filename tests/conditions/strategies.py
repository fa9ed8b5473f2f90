"""Random documents and conditions for property tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "c", "d")

names = st.sampled_from(NAMES)
texts = st.sampled_from(["", "a", "b", "ab", "x y", "1", "é"])
# 0 and 1 stay out where jmespath.py is compared with: inside lists it takes them for false and true.
numbers = st.integers(2, 9)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
documents = st.dictionaries(
    names,
    st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)),
        max_leaves=8,
    ),
    max_size=4,
)


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    return {None: "`null`", True: "`true`", False: "`false`"}.get(value, f"`{value}`")


_SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
_LITERALS = scalars.map(_literal)


def _paths(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Something with a step behind it: a field, an index, a projection, a filter …"""
    steps = st.one_of(
        names.map(lambda name: f".{name}"),
        st.sampled_from(["[0]", "[-1]", "[1:]", "[::-1]", "[*]", "[]", ".*"]),
        inner.map(lambda test: f"[?{test}]"),
        inner.map(lambda item: f".[{item}]"),
        st.tuples(names, inner).map(lambda pair: f".{{{pair[0]}: {pair[1]}}}"),
    )
    return st.tuples(inner, st.lists(steps, min_size=1, max_size=3)).map(
        lambda parts: _bracketed(parts[0]) + "".join(parts[1])
    )


def _bracketed(text: str) -> str:
    return text if text.isidentifier() else f"({text})"


def _calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    one = st.tuples(st.sampled_from(["length", "type", "to_array", "to_string", "keys", "values", "reverse"]), inner)
    by = st.tuples(st.sampled_from(["sort_by", "max_by", "min_by"]), inner, inner)
    return st.one_of(
        one.map(lambda call: f"{call[0]}({call[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"not_null({pair[0]}, {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"contains({pair[0]}, {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"map(&{_bracketed(pair[0])}, {pair[1]})"),
        by.map(lambda call: f"{call[0]}({call[1]}, &{_bracketed(call[2])})"),
    )


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        _paths(inner),
        _paths(inner),
        _calls(inner),
        st.tuples(inner, _SIGNS, inner).map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"),
        st.tuples(inner, st.sampled_from(["||", "&&", "|"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
        inner.map(lambda text: f"!({text})"),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: f"[{', '.join(parts)}]"),
    )


expressions = st.recursive(st.one_of(names, names, st.just("@"), _LITERALS), _combined, max_leaves=6)
"""Conditions that compile, over the names of ``documents``."""


class Lazy(Mapping[str, Any]):
    """A document behind the Mapping interface alone, as live contexts are; lists are tuples."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def __getitem__(self, key: str) -> Any:
        return lazy(self._document[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._document)

    def __len__(self) -> int:
        return len(self._document)


def lazy(value: Any) -> Any:
    """The lazy form of a plain document."""
    if isinstance(value, dict):
        return Lazy(value)
    return tuple(lazy(item) for item in value) if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """The plain form of a lazy document."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value
