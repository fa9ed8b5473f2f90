"""Delivery: the outbox, its worker and who calls it."""

from __future__ import annotations
