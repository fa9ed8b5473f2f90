#!/usr/bin/env python
"""Django's command line for the demo site in ``site/``."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Run one command with the demo's settings, from whatever directory this file was called."""
    # `site/` is a plain folder, because the standard library owns the module name: its packages (`demo`, `shop`)
    # are found by putting the folder itself on the path. After the first entry, which is this file's own folder.
    sys.path.insert(1, str(Path(__file__).resolve().parent / "site"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise ImportError(
            "Django is not installed for this Python. `make demo` installs it into .venv and starts the site."
        ) from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
