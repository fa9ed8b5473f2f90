"""``register_signal`` and the look-up of signals by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.dispatch import Signal

from rules_engine.catalog.builtin import BUILTIN
from rules_engine.catalog.spec import Kind, SignalSpec
from rules_engine.registry import Registry

_signals: Registry[SignalSpec] = Registry("signal")
for _spec in BUILTIN:
    _signals.add(_spec.key, _spec, holder="rules_engine", builtin=True)


def register_signal(
    key: str,
    signal: Signal,
    *,
    title: str = "",
    description: str = "",
    arguments: Mapping[str, str] | Sequence[str] = (),
    example: Mapping[str, Any] | None = None,
    senders: Sequence[str] = (),
    instance: str = "",
) -> None:
    """Let rules listen to ``signal`` under ``key`` (``app.name``); call it in ``yourapp/rules.py``.

    ``arguments`` names the signal's arguments, with one line on each where it is a dict; they enter the context
    under their own names. ``example`` holds arguments of a typical emission for help and dry runs. ``senders``
    limits the labels a rule may choose. ``instance`` names the argument that is the model instance the event
    is about, if there is one: its columns are recorded and its key becomes the event's ``object_id``.

    Raises InvalidKey for a key without an app, AlreadyRegistered naming both holders, and TypeError if
    ``signal`` is not a Django signal.
    """
    if not isinstance(signal, Signal):
        raise TypeError(f"register_signal({key!r}): {signal!r} is not a django.dispatch.Signal.")
    described = dict(arguments) if isinstance(arguments, Mapping) else dict.fromkeys(arguments, "")
    known = {**dict.fromkeys(example or {}, ""), **described}
    spec = SignalSpec(
        key=key,
        signal=signal,
        kind=Kind.CUSTOM,
        title=title or key.rpartition(".")[2].replace("_", " "),
        description=description,
        arguments=known,
        example=dict(example or {}),
        senders=tuple(senders),
        read=lambda sender, given: {**dict.fromkeys(known), **given},
        instance=instance,
    )
    _signals.add(key, spec, holder=f"the signal at {key.rpartition('.')[0]} ({id(signal):#x})")


def get_signal(key: str) -> SignalSpec:
    """Return the signal registered under ``key``; raises UnknownKey with a suggestion."""
    return _signals.get(key)


def all_signals() -> list[SignalSpec]:
    """Every signal of the catalogue, built-in ones first."""
    return [spec for _, spec in _signals.items()]
