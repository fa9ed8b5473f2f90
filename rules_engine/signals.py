"""Signals that the engine itself sends, for metrics and alerts in the host project.

Receivers run in the worker, outside any transaction. They are sent with ``send_robust``: a receiver that
raises is logged and does not change what becomes of the execution.
"""

from __future__ import annotations

from django.dispatch import Signal

execution_started = Signal()
"""Sent with ``execution`` (the ``Execution`` row) just before its action runs."""

execution_finished = Signal()
"""Sent with ``execution`` and ``attempt`` after each attempt, whatever its outcome."""

rules_changed = Signal()
"""Sent in the process that changed rules, after the commit."""
