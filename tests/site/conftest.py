"""Tests of the demo site; they need its settings: ``DJANGO_SETTINGS_MODULE=demo.settings pytest tests/site``."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings


class OtherSettings(pytest.Module):
    """Stands for a test file that cannot even be imported under the settings of the app's own tests."""

    def collect(self) -> list[Any]:
        pytest.skip("needs DJANGO_SETTINGS_MODULE=demo.settings", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> OtherSettings | None:
    """Say what is missing, instead of failing to import, where somebody runs this folder under other settings."""
    if "shop" in django_settings.INSTALLED_APPS or module_path.parent != Path(__file__).parent:
        return None
    return OtherSettings.from_parent(parent, path=module_path)


@pytest.fixture
def port() -> Iterator[int]:
    """A port that is taken and answers nobody: the inbox of the seeded rules cannot be reached."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def demo_settings(port: int, settings: Any, tmp_path: Path) -> Any:
    """The demo's settings for this port: rules run where something is committed, caches and passwords are cheap."""
    settings.RULES_ENGINE = {
        **settings.RULES_ENGINE,
        "EXECUTOR": "inline",
        "OUTBOUND": {"ALLOWED_HOSTS": [f"127.0.0.1:{port}"]},
    }
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(tmp_path)}
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return settings


@pytest.fixture
def seeded(db: None, port: int, demo_settings: Any) -> Iterator[None]:
    """People, products and rules, and the rules are in force."""
    from rules_engine.testing import rules_loaded
    from shop.seeding import seed

    seed(port)
    with rules_loaded():
        yield
