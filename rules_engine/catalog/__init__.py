"""The catalogue: which signals a rule may listen to, with their senders, arguments and example data."""

from __future__ import annotations

from rules_engine.catalog.registry import all_signals, get_signal, register_signal
from rules_engine.catalog.senders import (
    Sender,
    model_label,
    resolve_sender,
    sender_choices,
    sender_model,
)
from rules_engine.catalog.shapes import context_shape
from rules_engine.catalog.spec import Kind, SignalSpec

__all__ = [
    "Kind",
    "Sender",
    "SignalSpec",
    "all_signals",
    "context_shape",
    "get_signal",
    "model_label",
    "register_signal",
    "resolve_sender",
    "sender_choices",
    "sender_model",
]
