"""``ATOMIC_SAVES``: a model's save and its events in one transaction, also in autocommit.

In autocommit Django commits the row before it sends ``post_save``; a crash between the two loses the match. The
only place to put both into one transaction is around ``save_base``, which sends the signals.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from django.apps import apps
from django.db import connections, router, transaction
from django.db.models import Model

from rules_engine.conf import settings

_wrapped: dict[type[Model], Any] = {}
"""Wrapped models, each with the ``save_base`` of its own class, or None where it inherits it."""


def wrap_saves(live: Iterable[str] = ()) -> None:
    """Make the saves of the models named by ``ATOMIC_SAVES`` atomic, and those of others as they were.

    ``live`` holds the labels that live rules listen to, which ``"*"`` stands for.
    """
    wanted = _wanted(live)
    for model in _wrapped.keys() - wanted:
        own = _wrapped.pop(model)
        if own is None:
            del model.save_base
        else:
            model.save_base = own  # type: ignore[method-assign]
    for model in wanted - _wrapped.keys():
        _wrapped[model] = model.__dict__.get("save_base")
        model.save_base = _atomic(model.save_base)  # type: ignore[method-assign]


def _wanted(live: Iterable[str]) -> set[type[Model]]:
    names = settings.ATOMIC_SAVES
    labels = live if names == "*" else names
    found = set()
    for label in labels:
        try:
            found.add(apps.get_model(label))
        except (LookupError, ValueError):
            continue  # not a model: a many-to-many sender, or a name that the system check reports
    return found


def _atomic(save_base: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(save_base)
    def wrapper(self: Model, *args: Any, **kwargs: Any) -> None:
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        if connections[using].in_atomic_block:
            # Atomic already. A block here would doom the host's transaction when a receiver vetoes the save.
            save_base(self, *args, **kwargs)
            return
        with transaction.atomic(using=using):
            save_base(self, *args, **kwargs)

    return wrapper


def is_atomic(model: type[Model]) -> bool:
    """Tell whether saves of a model are wrapped at present."""
    return model in _wrapped
