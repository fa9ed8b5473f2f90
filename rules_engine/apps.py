"""Wiring, no logic."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class RulesEngineConfig(AppConfig):
    """The rules engine as a Django app."""

    name = "rules_engine"
    verbose_name = _("Rules")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Find the host's ``rules.py`` modules and connect; makes no query."""
        from rules_engine import checks, receivers
        from rules_engine.conf import settings
        from rules_engine.delivery.worker import before_batch

        checks.register_all()
        autodiscover_modules(settings.RULES_MODULE)
        before_batch(receivers.loader.sync_if_due)
        receivers.start()
