"""The shop's own signals."""

from __future__ import annotations

from django.dispatch import Signal

stock_counted = Signal()
"""Sent by ``shop.stock.count`` with ``sku``, ``expected``, ``counted``, ``difference`` and ``counted_by``."""
