"""Keys deleted from the site's caches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache

from rules_engine.actions import Run, build_action, default_run
from rules_engine.exceptions import ActionError, ActionRefused, ConfigInvalid
from tests.actions.conftest import an_event


class Patterned(LocMemCache):
    """A cache that deletes by pattern, as django-redis does."""

    asked: list[tuple[str, int | None]] = []

    def delete_pattern(self, pattern: str, version: int | None = None) -> int:
        self.asked.append((pattern, version))
        return 3


class Broken(LocMemCache):
    """A cache whose server is away."""

    def delete(self, key: Any, version: int | None = None) -> bool:
        raise ConnectionError("redis is away")


class Picky(LocMemCache):
    """A cache that refuses keys, as memcached does."""

    def delete(self, key: Any, version: int | None = None) -> bool:
        raise ValueError(f"control character in key {key!r}")


@pytest.fixture(autouse=True)
def _caches(settings: Any) -> Iterator[None]:
    here = "tests.actions.test_cache_delete"
    settings.CACHES = {
        **settings.CACHES,
        **{name.lower(): {"BACKEND": f"{here}.{name}"} for name in ("Patterned", "Broken", "Picky")},
    }
    Patterned.asked.clear()
    for alias in ("default", "other"):
        caches[alias].clear()
    yield
    cache.clear()


def test_keys_are_templates_and_are_deleted(run: Run) -> None:
    """The line says how many there were; others stay."""
    for key in ("order:7", "order:8"):
        cache.set(key, "x")

    line = build_action("cache_delete", {"keys": ["order:{{ instance.pk }}", "orders"]}).run(an_event(), run)

    assert line == "1 of 2 deleted"
    assert (cache.get("order:7"), cache.get("order:8")) == (None, "x")
    assert run.detail == {"alias": "default", "keys": ["order:7", "orders"], "patterns": []}


def test_prefix_stands_before_each_key_and_pattern(run: Run) -> None:
    """Written once."""
    config = {"keys": ["a", "b"], "patterns": ["c*"], "prefix": "{{ sender }}:", "alias": "patterned"}

    build_action("cache_delete", config).run(an_event(), run)

    assert run.detail["keys"] == ["testapp.order:a", "testapp.order:b"]
    assert Patterned.asked == [("testapp.order:c*", None)]


def test_secret_in_a_key_is_used_and_not_kept(run: Run) -> None:
    """Whatever a filter made of it."""
    cache.set("k:TOK", "x")
    config = {"keys": ["k:{{ secrets.token|upper|slice:':3' }}"], "prefix": ""}

    line = build_action("cache_delete", config).run(an_event(), run)

    assert line == "1 of 1 deleted"
    assert run.detail["keys"] == ["k:***"]


def test_secret_in_a_pattern_is_used_and_not_kept(run: Run) -> None:
    """As in a key, and in the prefix."""
    config = {"patterns": ["k*"], "prefix": "{{ secrets.token|slice:':3' }}:", "alias": "patterned"}

    build_action("cache_delete", config).run(an_event(), run)

    assert Patterned.asked == [("tok:k*", None)]
    assert run.detail["patterns"] == ["***:k*"]


def test_secret_in_a_key_is_not_in_the_caches_error(run: Run) -> None:
    """Some caches quote the key that they refuse."""
    with pytest.raises(ActionRefused) as caught:
        build_action("cache_delete", {"keys": ["k:{{ secrets.token|slice:':3' }}"], "alias": "picky"}).run(
            an_event(), run
        )

    assert str(caught.value) == "The cache does not take such a key: control character in key 'k:***'"


def test_alias_and_version_are_those_of_the_configuration(run: Run) -> None:
    """The same key in another cache, or of another version, stays."""
    cache.set("a", "x")
    caches["other"].set("a", "x", version=2)
    caches["other"].set("a", "x", version=1)

    build_action("cache_delete", {"keys": ["a"], "alias": "other", "version": 2}).run(an_event(), run)

    assert cache.get("a") == "x"
    assert caches["other"].get("a", version=1) == "x"
    assert caches["other"].get("a", version=2) is None


def test_patterns_are_counted(run: Run) -> None:
    """With the number that the cache tells."""
    config = {"patterns": ["order:*"], "keys": ["a"], "alias": "patterned", "version": 4}

    line = build_action("cache_delete", config).run(an_event(), run)

    assert line == "3 deleted"
    assert Patterned.asked == [("order:*", 4)]


def test_cache_that_is_away_is_tried_again(run: Run) -> None:
    """Whatever error its client library has for that."""
    with pytest.raises(ActionError) as caught:
        build_action("cache_delete", {"keys": ["a"], "alias": "broken"}).run(an_event(), run)

    assert str(caught.value) == "The cache 'broken' failed: ConnectionError: redis is away"


def test_key_that_a_cache_refuses_is_final(run: Run) -> None:
    """It would be refused again."""
    with pytest.raises(ActionRefused, match="The cache does not take such a key: control character in key 'a'"):
        build_action("cache_delete", {"keys": ["a"], "alias": "picky"}).run(an_event(), run)


@pytest.mark.parametrize(
    ("config", "path", "said"),
    [
        ({}, "keys", "Give at least one key or pattern."),
        (
            {"keys": ["a"], "alias": "redis"},
            "alias",
            "There is no cache 'redis'. Known: broken, default, other, patterned, picky.",
        ),
        ({"patterns": ["a*"]}, "patterns", "The cache 'default' cannot delete by pattern. Name the keys."),
        ({"keys": [""]}, "keys.0", "must not be empty."),
        ({"keys": ["a"], "version": "2"}, "version", "must be a whole number or null, not a text."),
        ({"keys": ["x"] * 101}, "keys", "must have at most 100 items."),
    ],
)
def test_configuration_that_cannot_work_is_refused(config: dict[str, Any], path: str, said: str) -> None:
    """When the rule is saved."""
    with pytest.raises(ConfigInvalid) as caught:
        build_action("cache_delete", config)

    assert {".".join(map(str, place)): message for place, message in caught.value.problems} == {path: said}


def test_cache_that_was_removed_since_is_an_error_of_the_configuration(run: Run, settings: Any) -> None:
    """The action names what is missing."""
    action = build_action("cache_delete", {"keys": ["a"], "alias": "other"})
    settings.CACHES = {"default": settings.CACHES["default"]}

    with pytest.raises(ActionRefused, match="There is no cache 'other'"):
        action.run(an_event(), run)


def test_preview_shows_the_keys() -> None:
    """Rendered, in a list, and nothing deleted."""
    cache.set("order:7", "x")

    shown = build_action("cache_delete", {"keys": ["order:{{ instance.pk }}"]}).preview(an_event(), default_run())

    assert shown == {"keys": ["order:7"], "patterns": [], "prefix": "", "alias": "default", "version": None}
    assert cache.get("order:7") == "x"
