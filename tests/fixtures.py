"""Fixtures of the engine's tests; not loaded for the tests of the demo site."""

from __future__ import annotations
