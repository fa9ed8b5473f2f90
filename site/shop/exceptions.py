"""Errors that the shop raises on purpose."""

from __future__ import annotations


class ShopError(ValueError):
    """Something that the shop does not allow; the message is for the visitor."""


class DemoCrash(RuntimeError):
    """The crash page's error: raised to show what a rule makes of a crash."""
