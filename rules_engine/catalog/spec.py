"""What the catalogue knows of one signal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from django.dispatch import Signal


class Kind(Enum):
    """What a signal's sender is, which decides how receivers are connected."""

    MODEL = "model"
    """A model class: one receiver for each model in use."""
    M2M = "m2m"
    """The through model of a many-to-many field, ``app.model.field``: one receiver for each field in use."""
    USER = "user"
    """The user model, or nothing that tells users apart: one receiver."""
    NONE = "none"
    """Nothing that a rule could choose: one receiver."""
    CUSTOM = "custom"
    """Whatever the host sends: one receiver; a rule's sender is compared with the sender's label."""


Read = Callable[[Any, dict[str, Any]], dict[str, Any]]
"""Takes sender and signal arguments; returns the arguments that enter the context (typed when built)."""


def no_arguments(sender: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """For signals of which nothing but their name is told."""
    return {}


@dataclass(frozen=True, kw_only=True)
class SignalSpec:
    """One signal that rules may listen to."""

    key: str
    signal: Signal
    kind: Kind
    title: str
    """What happened, as the form and the sentence of a rule say it: "an object was saved"."""
    description: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Names in the context, each with one line of explanation."""
    example: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of a typical emission; drives help, dry runs and docs."""
    senders: tuple[str, ...] = ()
    """For custom signals: the labels a rule may choose; empty lets it name any."""
    read: Read = no_arguments
    instance: str = ""
    """Name of the argument that is the object the event is about; empty if there is none."""
    held_until: str = ""
    """Key of the signal that must follow before deferred actions are written (``post_save`` for ``pre_save``)."""

    @property
    def settled(self) -> bool:
        """Whether the instance's row is written when the signal is sent."""
        return not self.key.startswith("pre_")
