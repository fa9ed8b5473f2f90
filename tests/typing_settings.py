"""Settings for mypy's Django plugin alone: the models of the suite and of the demo site in one project."""

from __future__ import annotations

import sys
from pathlib import Path

# The plugin imports this file without pytest's or manage.py's path.
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "site"))

from demo.settings import DEMO_PORT as DEMO_PORT
from tests.settings import *
from tests.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "shop"]
