"""The frozen record of one signal emission, as actions see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Event:
    """One signal emission that matched at least one rule.

    ``data`` is the whole context document (plain dicts, lists, text, ints, Decimals, booleans, None), the same
    that conditions saw; ``text`` is that document as the exact JSON text that is stored.
    """

    id: UUID
    signal: str
    """Key of the catalogue: ``post_save``, ``shop.order_paid``."""
    sender: str
    """Label of the sender, ``shop.order``; empty for signals without one."""
    object_id: str
    """Primary key of the instance as text; empty where there is none."""
    created_at: datetime
    data: dict[str, Any]
    text: str
