"""``manage.py seed_demo``: people, products and rules for the demo."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from shop.seeding import seed


class Command(BaseCommand):
    """Makes what is missing; safe to run again."""

    help = "Fill the demo with people, products and rules. What is there already stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reset", action="store_true", help="Put the seeded rules back to how they began.")

    def handle(self, *args: Any, **options: Any) -> None:
        done = seed(settings.DEMO_PORT, reset_rules=options["reset"])
        for line in done:
            self.stdout.write(f"  {line}")
        self.stdout.write(f"Seeded: {len(done)} new." if done else "Seeded: everything was there already.")
