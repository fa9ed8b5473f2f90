"""``emit``: send an event by hand, where Django sends no signal."""

from __future__ import annotations

from typing import Any

from rules_engine.catalog import get_signal
from rules_engine.catalog.senders import label_of
from rules_engine.conf import settings
from rules_engine.receivers import handler
from rules_engine.receivers.loading import loader


def emit(signal: str, *, sender: Any = None, **data: Any) -> None:
    """Let the rules on catalogue signal ``signal`` see an event, as if it had been sent.

    For what Django sends no signal for, such as ``QuerySet.update()``: ``emit("post_save", sender=Order,
    instance=order, created=False)``. ``sender`` is a model class, a label or None; ``data`` are the signal's
    arguments. Other receivers of the signal hear nothing.

    Raises UnknownKey for a signal that is not in the catalogue. What rules do with it never raises.
    """
    spec = get_signal(signal)
    if not settings.ENABLED:
        return
    if not loader.book.loaded:
        loader.sync()
    handler.handle(spec, label_of(spec, sender, data), sender, data)
