"""Django receivers, exactly one for each (signal, sender) pair in use."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from rules_engine.catalog import Kind, SignalSpec, get_signal
from rules_engine.catalog.senders import label_of
from rules_engine.receivers.atomic_saves import wrap_saves
from rules_engine.receivers.book import Book, Pair

_lock = threading.Lock()
_connected: dict[Pair, tuple[SignalSpec, Any]] = {}
"""Replaced, never changed, so that other threads may read it."""

_primed = threading.local()
"""The call of ``Signal.send`` whose emission a primer of this thread has served."""

Handle = Callable[[SignalSpec, str, Any, dict[str, Any]], None]


class Receiver:
    """Receives one signal from one sender and hands it on; held strongly, so that Django does not drop it."""

    __slots__ = ("label", "spec")

    def __init__(self, spec: SignalSpec, label: str) -> None:
        self.spec, self.label = spec, label

    def __call__(self, sender: Any = None, **given: Any) -> None:
        if _served_by_primer(sys._getframe(1)):
            return
        given.pop("signal", None)
        label = self.label
        if self.spec.kind in (Kind.USER, Kind.CUSTOM):
            label = label_of(self.spec, sender, given)
        _handler(self.spec, label, sender, given)


def note_primed(send: FrameType) -> None:
    """Note that a primer served the emission of this call of ``Signal.send``."""
    _primed.send = send


def _served_by_primer(send: FrameType) -> bool:
    """Tell whether this very call of ``Signal.send`` went to a primer too.

    Both are in its list if it began while rules were being connected. The frame is what the two calls share.
    """
    noted = getattr(_primed, "send", None)
    if noted is None:
        return False
    _primed.send = None
    return noted is send


def _not_set(spec: SignalSpec, label: str, sender: Any, given: dict[str, Any]) -> None:
    raise RuntimeError("rules_engine.receivers.handler has not been imported")


_handler: Handle = _not_set


def set_handler(handler: Handle) -> None:
    """Name the function that receives all emissions; the handler's module does this when it is imported."""
    global _handler
    _handler = handler


def follow(book: Book) -> None:
    """Connect what the book needs and is not connected, then disconnect what it no longer needs."""
    global _connected
    wanted = _wanted(book)
    with _lock:
        before = _connected
        for pair, (spec, sender) in wanted.items():
            if pair not in before:
                spec.signal.connect(Receiver(spec, pair[1]), sender=sender, weak=False, dispatch_uid=_uid(pair))
        _connected = wanted
        for pair, (spec, sender) in before.items():
            if pair not in wanted:
                spec.signal.disconnect(sender=sender, dispatch_uid=_uid(pair))
    wrap_saves(book.live)


def _wanted(book: Book) -> dict[Pair, tuple[SignalSpec, Any]]:
    wanted: dict[Pair, tuple[SignalSpec, Any]] = {}
    for (key, label), sender in book.senders.items():
        spec = get_signal(key)
        if spec.kind in (Kind.USER, Kind.CUSTOM, Kind.NONE):
            # One receiver for the signal; its rules' senders are compared when it is sent.
            label, sender = "", None
        wanted[key, label] = (spec, sender)
        if spec.held_until:
            wanted[spec.held_until, label] = (get_signal(spec.held_until), sender)
    return wanted


def _uid(pair: Pair) -> tuple[str, str, str]:
    return ("rules_engine", *pair)


def label_for(key: str, sender: Any) -> str | None:
    """The label under which ``sender`` is connected to signal ``key``, or None if it is not."""
    for (signal, label), (_, connected) in _connected.items():
        if signal == key and (connected is sender or connected is None):
            return label
    return None


def connected_pairs() -> frozenset[Pair]:
    """The pairs that have a receiver, for tests and status pages."""
    return frozenset(_connected)
