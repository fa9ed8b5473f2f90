"""Print the sum of all pytest closing lines in a log: ``tests: 12 passed, 0 failed, 1 skipped``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

CLOSING = re.compile(r"^=+ (?P<counts>[0-9].*) in [0-9.]+s")
COUNT = re.compile(r"([0-9]+) (passed|failed|errors?|skipped)")


def main() -> int:
    """Return 1 when the log holds no test that was executed."""
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for line in Path(sys.argv[1]).read_text(encoding="utf-8", errors="replace").splitlines():
        if closing := CLOSING.match(line):
            for number, outcome in COUNT.findall(closing["counts"]):
                total["failed" if outcome.startswith("error") else outcome] += int(number)
    print("tests: " + ", ".join(f"{number} {outcome}" for outcome, number in total.items()))
    return 0 if total["passed"] + total["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
