"""The frozen record of one signal emission, as actions see it."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

_lock = threading.Lock()
_last = 0


def new_id() -> UUID:
    """Return a UUID of version 7 (RFC 9562): ordered by time, and within this process strictly increasing.

    Method 3 of section 6.2: the 12 bits below the milliseconds are a finer clock, pushed on by one where two
    identifiers would be equal. Python has ``uuid.uuid7`` only from 3.14 on.
    """
    global _last
    now = time.time_ns()
    stamp = (now // 1_000_000 << 12) | (now % 1_000_000 * 4096 // 1_000_000)
    with _lock:
        _last = stamp = max(stamp, _last + 1)
    high = (stamp >> 12 << 16) | 0x7000 | (stamp & 0xFFF)
    low = 0x8000_0000_0000_0000 | (int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF)
    return UUID(int=(high << 64) | low)


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
