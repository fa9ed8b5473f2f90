"""The last line of a CI run adds up what its stages closed with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / ".ci" / "total.py"


def total(log: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run the script on a log with this text."""
    log.write_text(text, encoding="utf-8")
    return subprocess.run([sys.executable, str(SCRIPT), str(log)], capture_output=True, text=True, check=False)


def test_total_of_two_stages_is_their_sum_with_errors_as_failures(tmp_path: Path) -> None:
    """Passed, failed and skipped tests are added; an error counts as a failure; other counts are left out."""
    done = total(
        tmp_path / "log",
        "===== 3 passed, 1 skipped, 2 warnings in 0.12s =====\n"
        "12 passed in a sentence\n"
        "== 1 failed, 40 passed, 2 errors, 5 deselected in 75.20s (0:01:15) ==\n",
    )

    assert (done.stdout, done.returncode) == ("tests: 43 passed, 3 failed, 1 skipped\n", 0)


def test_total_without_a_test_fails(tmp_path: Path) -> None:
    """A run in which nothing was executed is not a success."""
    done = total(tmp_path / "log", "===== no tests ran in 0.01s =====\n")

    assert (done.stdout, done.returncode) == ("tests: 0 passed, 0 failed, 0 skipped\n", 1)
