"""The first load: rules are read when something happens, never in ``AppConfig.ready``."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from django.core.signals import request_started
from django.db.models import Model
from django.db.models.signals import post_migrate, pre_migrate

from rules_engine.catalog import Kind, SignalSpec, all_signals
from rules_engine.catalog.senders import NEVER, label_of
from rules_engine.conf import settings, under_test
from rules_engine.delivery import executors
from rules_engine.receivers import handler
from rules_engine.receivers.atomic_saves import wrap_saves
from rules_engine.receivers.connections import label_for, note_primed
from rules_engine.receivers.loading import loader
from rules_engine.signals import rules_changed

logger = logging.getLogger("rules_engine")

_UID = "rules_engine.primer"
_guard = threading.local()


class _State:
    """Whether migrations are being run in this process."""

    migrating = False


_state = _State()


def start() -> None:
    """Connect what makes this process follow the rules; called by ``AppConfig.ready`` and makes no query."""
    if not settings.ENABLED:
        return
    rules_changed.connect(_reload, weak=False, dispatch_uid="rules_engine.reload")
    request_started.connect(_at_request, weak=False, dispatch_uid="rules_engine.request")
    pre_migrate.connect(_migrating, weak=False, dispatch_uid="rules_engine.migrating")
    post_migrate.connect(_migrated, weak=False, dispatch_uid="rules_engine.migrated")
    wrap_saves()
    for spec in all_signals():
        spec.signal.connect(_primer(spec), sender=None, weak=False, dispatch_uid=_UID)


def _primer(spec: SignalSpec) -> Callable[..., None]:
    def prime(sender: Any = None, **given: Any) -> None:
        try:
            if _load_for(sender, given):
                _serve(spec, sender, given, sys._getframe(1))
        except Exception:
            logger.exception("rules: %s was sent while rules were first loaded, and no rule ran for it", spec.key)

    return prime


def _load_for(sender: Any, given: dict[str, Any]) -> bool:
    """Load the rules at this signal, or wait until they are loaded; tell whether they are."""
    if under_test():
        # Tests say themselves when rules are loaded; without primers they keep their fast deletes.
        remove_primers()
        return False
    if _ignored(sender, given) or getattr(_guard, "priming", False):
        return False
    _guard.priming = True
    try:
        loader.keep_current()
    finally:
        _guard.priming = False
    if loader.book.loaded:
        remove_primers()
    return loader.book.loaded


def _serve(spec: SignalSpec, sender: Any, given: dict[str, Any], send: FrameType) -> None:
    """Hand on the very signal at which the rules were loaded.

    Django lists a signal's receivers before it calls the first, so those that were just connected are not called for
    it; if one is all the same, it finds the note.
    """
    label = label_for(spec.key, sender)
    if label is None:
        return
    if spec.kind in (Kind.USER, Kind.CUSTOM):
        label = label_of(spec, sender, given)
    given.pop("signal", None)
    note_primed(send)
    handler.handle(spec, label, sender, given)


def _ignored(sender: Any, given: dict[str, Any]) -> bool:
    """Fixtures, migrations (whose tables may not exist yet) and our own rows are no reason to load rules."""
    if given.get("raw") or _state.migrating:
        return True
    is_model = isinstance(sender, type) and issubclass(sender, Model)
    return is_model and (sender.__module__ == "__fake__" or sender._meta.app_label in NEVER)


def remove_primers() -> None:
    """Disconnect the one-shot receivers: from now on only what rules listen to is connected."""
    for spec in all_signals():
        spec.signal.disconnect(sender=None, dispatch_uid=_UID)


def _migrating(**kwargs: Any) -> None:
    _state.migrating = True


def _migrated(**kwargs: Any) -> None:
    _state.migrating = False


def _reload(**kwargs: Any) -> None:
    loader.sync()
    if loader.book.loaded:
        remove_primers()


def _at_request(**kwargs: Any) -> None:
    """A serving process: look for changed rules, and see that due retries do not sleep."""
    if under_test():
        return
    _state.migrating = False  # whoever serves requests is not migrating, however the last migration ended
    try:
        loader.sync_if_due()
        if loader.book.loaded:
            remove_primers()
        executors.current().serve()
    except Exception:
        logger.exception("rules: the look for changed rules failed; the request goes on")
