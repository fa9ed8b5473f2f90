"""Keeps the errors that the demo makes on purpose off the console."""

from __future__ import annotations

import logging


class NotDeliberate(logging.Filter):
    """Drops the records of requests whose failure is part of the show.

    The crash page and the inbox's 503 mark their request with ``deliberate``; they are seen in the browser and in
    the rules' history instead.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is to be shown."""
        return not getattr(getattr(record, "request", None), "deliberate", False)
