"""The page that is generated from the docstrings."""

from __future__ import annotations

import runpy
from pathlib import Path

from rules_engine.conditions import function_help

ROOT = Path(__file__).resolve().parents[3]
GENERATOR = runpy.run_path(str(ROOT / "docs" / "generate_functions.py"))


def test_the_page_is_what_the_docstrings_say() -> None:
    """docs/reference/functions.md holds every function as the code describes it now."""
    page = (ROOT / "docs" / "reference" / "functions.md").read_text(encoding="utf-8")

    assert GENERATOR["fresh"](page) == page, "Run: python docs/generate_functions.py"
    assert all(f"### `{item.name}(" in page for item in function_help() if item.subject)
