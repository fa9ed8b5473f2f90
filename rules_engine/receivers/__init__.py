"""Receivers that follow the rules: connected only where a rule listens, current in every process."""

from __future__ import annotations

from rules_engine.receivers.emitting import emit
from rules_engine.receivers.loading import loader, sync
from rules_engine.receivers.primer import start

__all__ = ["emit", "loader", "start", "sync"]
