"""Delete keys from one of the site's caches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.conf import settings as django_settings
from django.core.cache import caches
from django.core.cache.backends.base import InvalidCacheBackendError

from rules_engine.actions.base import Action, Problem, Run, without
from rules_engine.actions.registry import register_builtin
from rules_engine.events import Event
from rules_engine.exceptions import ActionError, ActionRefused


@register_builtin("cache_delete")
@dataclass(frozen=True, kw_only=True)
class CacheDelete(Action):
    """Delete keys from a cache."""

    title: ClassVar[str] = "Delete cache keys"

    keys: tuple[str, ...] = field(
        default=(),
        metadata={"help": "Templates, such as product:{{ instance.pk }}.", "template": True},
    )
    patterns: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Templates with * for any text; only for caches that can delete by pattern (django-redis).",
            "template": True,
        },
    )
    prefix: str = field(
        default="",
        metadata={
            "help": "Template of a text that stands before each key and pattern, such as shop:.",
            "template": True,
            "schema": {"maxLength": 200},
        },
    )
    alias: str = field(
        default="default",
        metadata={"title": "Cache", "help": "Alias in the site's CACHES setting.", "schema": {"maxLength": 100}},
    )
    version: int | None = field(default=None, metadata={"help": "Version of the keys; empty is the cache's own."})

    def problems(self) -> list[Problem]:
        found: list[Problem] = []
        if not self.keys and not self.patterns:
            found.append((("keys",), "Give at least one key or pattern."))
        if self.alias not in django_settings.CACHES:
            known = ", ".join(sorted(django_settings.CACHES))
            found.append((("alias",), f"There is no cache {self.alias!r}. Known: {known}."))
        elif self.patterns and not hasattr(caches[self.alias], "delete_pattern"):
            found.append((("patterns",), f"The cache {self.alias!r} cannot delete by pattern. Name the keys."))
        return found

    def run(self, event: Event, run: Run) -> str:
        cache = self._cache()
        keys, patterns = self._keys(event, run)
        shown_keys, shown_patterns = self._keys(event, None)
        run.detail.update(alias=self.alias, keys=shown_keys, patterns=shown_patterns)
        pairs = [*zip(keys, shown_keys, strict=True), *zip(patterns, shown_patterns, strict=True)]
        try:
            gone = sum(bool(cache.delete(key, version=self.version)) for key in keys)
            gone += sum(int(cache.delete_pattern(item, version=self.version) or 0) for item in patterns)
        except ValueError as error:
            raise ActionRefused(f"The cache does not take such a key: {without(str(error), pairs)}") from error
        except Exception as error:
            # Which exception a cache raises when its server is gone depends on its client library.
            said = f"{type(error).__name__}: {without(str(error), pairs)}"
            raise ActionError(f"The cache {self.alias!r} failed: {said}") from error
        return f"{gone} deleted" if patterns else f"{gone} of {len(keys)} deleted"

    def _keys(self, event: Event, run: Run | None) -> tuple[list[str], list[str]]:
        """Keys and patterns, rendered; secrets are ``***`` where ``run`` is None."""
        prefix = self.render("prefix", event, run)
        keys = [prefix + self.render_text(text, event, run, where="A key") for text in self.keys]
        return keys, [prefix + self.render_text(text, event, run, where="A pattern") for text in self.patterns]

    def _cache(self) -> Any:
        try:
            return caches[self.alias]
        except InvalidCacheBackendError as error:
            raise ActionRefused(f"There is no cache {self.alias!r}: {error}") from error
