"""What every test shares: the suite's plugins, and which folder belongs to which settings."""

from __future__ import annotations

import os

from hypothesis import settings as hypothesis_settings

OF_THE_SITE = os.environ.get("DJANGO_SETTINGS_MODULE") == "demo.settings"

pytest_plugins = ["pytester", "tests.ci_skips", "tests.loopback"]
if not OF_THE_SITE:
    pytest_plugins.append("tests.fixtures")

# The demo's models are installed under its own settings only: its tests are a run of their own.
collect_ignore = [] if OF_THE_SITE else ["site"]
# A project to be copied elsewhere, not tests.
collect_ignore.append("hostproject")

# How long one example takes says more about the machine than about the code.
hypothesis_settings.register_profile("suite", deadline=None, print_blob=True)
hypothesis_settings.load_profile("suite")
