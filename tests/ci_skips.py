"""A pytest plugin: in CI, a test that skips because something is missing fails.

The convention of the suite: a skip for want of a service or a program has a reason that starts with
``needs ``, such as ``needs chromium: install it to run these tests``. On a laptop pytest prints it and goes on.
With ``CI=true`` it is a failure, unless the reason matches the regular expression in ``ALLOW_SKIPS``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from typing import TypeVar

import pytest

MISSING = re.compile(r"needs |could not import ")
"""How reasons start that name something missing; the second is that of ``pytest.importorskip``."""

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def missing(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """Return what a skipped report lacks, or None if it was not skipped for that, or may be."""
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return None
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    allowed = os.environ.get("ALLOW_SKIPS")
    if not MISSING.match(reason) or (allowed and re.search(allowed, reason)):
        return None
    return reason


def _failed(report: Report) -> Report:
    if reason := missing(report):
        report.outcome = "failed"
        report.longrepr = f"Skipped, and nothing may be missing in CI: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge skips of tests."""
    return _failed((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge skips of whole modules."""
    return _failed((yield))
