"""Lazy documents over model instances, and their frozen form.

Nothing is read before it is asked for, the host's instance is never changed (a deferred column that is read
through ``getattr`` would make the host's next ``save()`` write it), and a failing read poisons no transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.signals import setting_changed
from django.db import connections, models, router, transaction
from django.db.models import Model
from django.db.models.fields.related import ForeignObject
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.dispatch import receiver

from rules_engine.conf import settings
from rules_engine.context.plan import EMPTY, Plan
from rules_engine.context.redaction import REDACTED, is_secret_field
from rules_engine.context.values import typed
from rules_engine.exceptions import ConditionEvaluationError

logger = logging.getLogger("rules_engine")

_TEXT_COLUMNS = (models.CharField, models.TextField, models.FileField, models.JSONField, models.BinaryField)

MAX_READS = 50
"""Queries that the documents of one event may make."""


class Reads:
    """Counts the queries of one event, and makes each in a savepoint where there is a transaction to lose."""

    def __init__(self) -> None:
        self.made = 0

    def run(self, using: str, query: Callable[[], Any]) -> Any:
        """Return the result of ``query``; raises ConditionEvaluationError above the limit."""
        self.made += 1
        if self.made > MAX_READS:
            raise ConditionEvaluationError(
                f"More than {MAX_READS} queries for related objects: the rules on this signal read too much."
            )
        connection = connections[using]
        # PostgreSQL alone gives up the whole transaction after one failed statement.
        if not connection.in_atomic_block or connection.vendor != "postgresql":
            return query()
        with transaction.atomic(using=using):
            return query()


class ModelDocument(Mapping[str, Any]):
    """The columns of one instance by attname, ``pk``, and the relations of the plan by name; read lazily.

    Secrets read as ``***``. To-many relations are lists of documents, at most ``MAX_RELATED`` long. ``settled``
    tells that the row is written, so that the value of an F() expression can be read back.
    """

    __slots__ = ("_cache", "_instance", "_plan", "_reads", "_settled", "_shape")

    def __init__(
        self, instance: Model, plan: Plan = EMPTY, reads: Reads | None = None, *, settled: bool = True
    ) -> None:
        self._instance = instance
        self._plan = plan
        self._reads = reads or Reads()
        self._settled = settled
        self._shape = shape_of(type(instance))
        self._cache: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        cache = self._cache
        if key in cache:
            return cache[key]
        if key not in self:
            return default
        value = cache[key] = self._read(key)
        return value

    def _read(self, key: str) -> Any:
        if key in self._shape.secret:
            return REDACTED
        if key in self._shape.columns:
            return self._column(key)
        if key == "pk":
            return typed(self._instance.pk)
        return self._relation(key, self._shape.relations[key])

    def _column(self, key: str) -> Any:
        values = self._instance.__dict__
        if key in values and not is_expression(values[key]):
            return typed(self._as_stored(key, values[key]))
        if key in values and not self._settled:
            raise ConditionEvaluationError(f"{key!r} is an SQL expression here: it has no value before the save.")
        self._read_deferred()
        return self._cache.get(key)

    def _as_stored(self, key: str, value: Any) -> Any:
        """What the database will give back for a text in a column of another type: ``total="12.50"`` is a number."""
        field = self._shape.columns[key]
        if type(value) is not str or isinstance(field, _TEXT_COLUMNS):
            return value
        try:
            return field.to_python(value)
        except Exception:  # noqa: BLE001 - a host's field; the text itself is all there is then
            return value

    def _read_deferred(self) -> None:
        """Read all deferred columns in one query, into this document and not into the host's instance."""
        shape, values = self._shape, self._instance.__dict__
        missing = [
            key
            for key in shape.columns
            if key not in shape.secret and (key not in values or is_expression(values[key]))
        ]
        using = self._using()
        manager = type(self._instance)._base_manager.using(using)
        row = self._reads.run(using, lambda: manager.filter(pk=self._instance.pk).values(*missing).first())
        self._cache.update({name: typed((row or {}).get(name)) for name in missing})

    def _using(self) -> str:
        return self._instance._state.db or router.db_for_read(type(self._instance), instance=self._instance)

    def _relation(self, key: str, field: Any) -> Any:
        plan = self._plan.below(key)
        if field.one_to_many or field.many_to_many:
            return [ModelDocument(item, plan, self._reads) for item in self._related_list(key)]
        target = self._forward(field) if isinstance(field, ForeignObject) else self._reverse_one(key, field)
        return None if target is None else ModelDocument(target, plan, self._reads)

    def _forward(self, field: Any) -> Model | None:
        if field.is_cached(self._instance):
            found: Model | None = field.get_cached_value(self._instance)
            return found
        wanted = {remote.attname: self._raw(local.attname) for local, remote in field.related_fields}
        if any(value is None for value in wanted.values()):
            return None
        using = self._using()
        manager = field.remote_field.model._base_manager.using(using)
        target: Model | None = self._reads.run(using, manager.filter(**wanted).first)
        return target

    def _raw(self, attname: str) -> Any:
        """A column as the database has it (a key, not its context form), also when it is deferred."""
        if attname in self._instance.__dict__:
            return self._instance.__dict__[attname]
        using = self._using()
        manager = type(self._instance)._base_manager.using(using)
        row = self._reads.run(using, manager.filter(pk=self._instance.pk).values_list(attname).first)
        return row[0] if row else None

    def _reverse_one(self, key: str, field: Any) -> Model | None:
        if field.is_cached(self._instance):
            found: Model | None = field.get_cached_value(self._instance)
            return found
        if self._instance.pk is None:
            return None
        using = self._using()
        remote = field.field
        manager = field.related_model._base_manager.using(using)
        target: Model | None = self._reads.run(using, manager.filter(**{remote.name: self._instance.pk}).first)
        return target

    def _related_list(self, key: str) -> list[Model]:
        if self._instance.pk is None:
            return []
        prefetched = getattr(self._instance, "_prefetched_objects_cache", {})
        related = getattr(self._instance, key)
        limit = settings.MAX_RELATED
        if key in prefetched or getattr(related, "prefetch_cache_name", None) in prefetched:
            return list(related.all()[:limit])
        using = self._using()
        query = related.using(using).order_by("pk")[:limit]
        found: list[Model] = self._reads.run(using, lambda: list(query))
        return found

    def __getitem__(self, key: str) -> Any:
        if key in self:
            return self.get(key)
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        shape = self._shape
        if key in shape.shown or key == "pk":
            return True
        # What an expression of the pair names is there too; all else is not, live and frozen alike.
        return key in self._plan.names and (key in shape.columns or key in shape.relations)

    def __iter__(self) -> Iterator[str]:
        yield from (key for key in self._shape.columns if key in self)
        yield "pk"
        yield from (name for name in self._plan.names if name in self._shape.relations and name != "pk")

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<ModelDocument of {type(self._instance)._meta.label_lower}>"


@dataclass(frozen=True)
class Shape:
    """What is known of a model once: its columns by attname, the shown and the secret ones, its relations."""

    columns: dict[str, models.Field[Any, Any]]
    shown: frozenset[str]
    secret: frozenset[str]
    relations: dict[str, Any]


_shapes: dict[type[Model], Shape] = {}


def shape_of(model: type[Model]) -> Shape:
    """Return the shape of a model, made once; changed settings (in tests) make it anew."""
    shape = _shapes.get(model)
    if shape is None:
        shape = _shapes[model] = _make_shape(model)
    return shape


def _make_shape(model: type[Model]) -> Shape:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    wanted = settings.EVENT_FIELDS.get(model._meta.label_lower)
    shown = fields if wanted is None else [key for key, field in fields.items() if {key, field.name} & set(wanted)]
    secret = [key for key, field in fields.items() if is_secret_field(model, field)]
    return Shape(fields, frozenset(shown), frozenset(secret), _relations(model))


def _relations(model: type[Model]) -> dict[str, Any]:
    """The relations of a model by the name an expression uses: forward, reverse and many-to-many."""
    found = {}
    for field in model._meta.get_fields():
        if not field.is_relation or not isinstance(field.related_model, type):
            continue
        name = field.get_accessor_name() if isinstance(field, ForeignObjectRel) else field.name
        if name:
            found[name] = field
    return found


@receiver(setting_changed, dispatch_uid="rules_engine.context.shapes")
def _forget_shapes(*, setting: str, **kwargs: Any) -> None:
    if setting == "RULES_ENGINE":
        _shapes.clear()


def is_expression(value: Any) -> bool:
    """Tell whether a column holds an SQL expression (``F("stock") - 1``) in place of a value."""
    return hasattr(value, "resolve_expression")


def freeze(node: Any) -> Any:
    """Return the plain document of a live one: dicts, lists, text, ints, Decimals, booleans and None.

    What cannot be read is left out, so that a replay answers *unknown* for it.
    """
    if isinstance(node, Mapping):
        frozen = {}
        for key in node:
            try:
                frozen[key] = freeze(node[key])
            except Exception as error:  # noqa: BLE001 - a host's manager, a missing table: the other rules must run
                logger.warning("rules: %r is not recorded: %s: %s", key, type(error).__name__, error)
        return frozen
    if isinstance(node, (list, tuple)):
        return [freeze(item) for item in node]
    return node


def names_at(root: str, model: type[Model]) -> Callable[[tuple[str, ...]], frozenset[str] | None]:
    """Return a function from a path to the names that a live document may have there; see ``missing_paths``.

    ``root`` is the key under which the instance of ``model`` stands. The function answers None where anything may
    stand: outside the instance, and inside a JSON column.
    """

    def names(path: tuple[str, ...]) -> frozenset[str] | None:
        if not path or path[0] != root:
            return None
        current: type[Model] = model
        for name in path[1:]:
            field = shape_of(current).relations.get(name)
            if field is None:
                return None
            current = field.related_model
        shape = shape_of(current)
        return frozenset({*shape.columns, *shape.relations, "pk"})

    return names
