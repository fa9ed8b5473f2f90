"""``manage.py seed_demo``: people, products and rules for the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.claim import served_at
from shop.seeding import seed


class Command(BaseCommand):
    """Makes what is missing; safe to run again."""

    help = "Fill the demo with people, products and rules. What is there already stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reset", action="store_true", help="Put the seeded rules back to how they began.")

    def handle(self, *args: Any, **options: Any) -> None:
        served = served_at(Path(settings.DATABASES["default"]["NAME"]))
        if served not in (None, settings.DEMO_PORT):
            self._leave_to(served, reset=options["reset"])
            return
        done = seed(settings.DEMO_PORT, reset_rules=options["reset"])
        for line in done:
            self.stdout.write(f"  {line}")
        self.stdout.write(
            f"Seeded: {len(done)} made or changed." if done else "Seeded: everything was there already."
        )

    def _leave_to(self, port: int | None, *, reset: bool) -> None:
        """The rules of a demo that is being served belong to its port, not to this one."""
        told = f"A demo at port {port} serves this database and has seeded it."
        if reset:
            raise CommandError(f"{told} To reset its rules: DEMO_PORT={port} manage.py seed_demo --reset")
        self.stdout.write(told)
