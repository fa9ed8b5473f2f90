"""Hosts with settings of their own, and hosts without the optional packages: the API is the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
OPTIONAL = ("drf_spectacular", "drf_spectacular_sidecar")


def use(settings: str, *blocked: str) -> subprocess.CompletedProcess[str]:
    """Use the API in a process of its own, because REST framework reads most settings at import."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": settings,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'site'}",
    }
    command = [sys.executable, "-W", "error", "-m", "tests.api.hostile", *blocked]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)


def answers(settings: str, *blocked: str) -> dict[str, Any]:
    """What the API answered."""
    done = use(settings, *blocked)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(found: dict[str, Any]) -> None:
    """What holds on every host."""
    assert set(found["anonymous"]) <= {401, 403, 404}
    assert found["anonymous"][:2] == [403, 403]
    assert (found["created"], found["broken"], found["second"]) == (201, 400, 201)
    assert [row["slug"] for row in found["listed"]["results"]] == ["a", "b"]
    assert found["listed"]["count"] == 2
    assert found["listed"]["results"][0]["created_at"].endswith("Z")
    assert found["missing"]["code"] == "not_found"
    assert (found["stale"], found["filtered"], found["options"]) == (412, 200, 200)
    assert (found["refused"], found["exact"]) == ([400] * 3, 0)


@pytest.mark.slow
def test_hostile_settings_neither_break_nor_open_the_api() -> None:
    """Foreign permissions, parsers, renderers, pages, versions, throttles and handlers change nothing."""
    found = answers("tests.api.hostile_settings")

    check(found)
    assert found["anonymous"] == [403] * 5
    assert found["docs"] == 200
    accepted = yaml.safe_load((Path(__file__).parent / "openapi.yml").read_text())
    assert found["schema"] == {**accepted, "servers": [{"url": "/rules-api"}]}


@pytest.mark.slow
def test_without_optional_packages_all_but_schema_and_docs_is_there() -> None:
    """The API needs REST framework and django-filter; describing itself needs drf-spectacular."""
    found = answers("tests.api.hostile_settings", *OPTIONAL)

    check(found)
    assert (found["schema"], found["docs"]) == (404, 404)


@pytest.mark.slow
def test_without_django_filter_the_error_says_what_to_install() -> None:
    """A host that includes the API without its requirements learns of it at start, not at the first list."""
    done = use("tests.api.hostile_settings", "django_filters")

    assert done.returncode != 0
    assert done.stderr.splitlines()[-1] == (
        "django.core.exceptions.ImproperlyConfigured: The REST API of the rules engine needs django-filter, which is "
        'not installed. Install it with: pip install "django-rules-engine[api]"'
    )


@pytest.mark.slow
def test_without_the_sidecar_there_is_a_schema_and_no_page() -> None:
    """The document needs drf-spectacular alone."""
    found = answers("tests.api.hostile_settings", "drf_spectacular_sidecar")

    check(found)
    assert found["schema"]["openapi"] == "3.1.1"
    assert found["docs"] == 404
