"""Write a line to a logger."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from rules_engine.actions.base import Action, Run
from rules_engine.actions.registry import register_builtin
from rules_engine.events import Event


@register_builtin("log")
@dataclass(frozen=True, kw_only=True)
class Log(Action):
    """Write a line to one of the site's loggers."""

    title: ClassVar[str] = "Log a line"

    message: str = field(
        metadata={
            "help": "Template over the event, such as: Order {{ instance.number }} was paid.",
            "template": True,
            "schema": {"minLength": 1, "maxLength": 5_000, "format": "textarea"},
        }
    )
    level: Literal["debug", "info", "warning", "error", "critical"] = field(
        default="info", metadata={"help": "Level of the line."}
    )
    logger: str = field(
        default="rules_engine.log",
        metadata={
            "help": "Name of the logger, as in the site's LOGGING setting.",
            "schema": {"minLength": 1, "maxLength": 200, "pattern": r"^[A-Za-z_][\w.-]*(?!\s)$"},
        },
    )

    def run(self, event: Event, run: Run) -> str:
        # One event is one line: a line break in the data must not forge a second one.
        # A log is read by many: secrets are never rendered into it.
        line = " ".join(run.masked(self.render("message", event, None)).splitlines())
        extra = {"rule": run.rule, "event_id": str(event.id), "execution_id": str(run.key)}
        logging.getLogger(self.logger).log(getattr(logging, self.level.upper()), "%s", line, extra=extra)
        run.detail.update(logger=self.logger, level=self.level, message=line)
        return f"{self.level}: {line}"[:500]
