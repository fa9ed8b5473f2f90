"""``manage.py rules <verb>``: parse, call a service, print."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from rules_engine import services
from rules_engine.conf import settings
from rules_engine.delivery import executors
from rules_engine.delivery.worker import drain, work
from rules_engine.models import Execution, Rule
from rules_engine.receivers import loader


class Command(BaseCommand):
    """Work with rules from the command line."""

    help = "Work with rules: list them, run what is due, delete old history."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="verb")
        verbs.add_parser("list", help="Show the rules, their mode, and what is wrong with them.")
        drainer = verbs.add_parser("drain", help="Run the executions that are due.")
        length = drainer.add_mutually_exclusive_group()
        length.add_argument("--loop", action="store_true", help="Go on until stopped (SIGTERM, Ctrl+C).")
        length.add_argument("--limit", type=int, help="Run at most this many, then stop.")
        pruner = verbs.add_parser("prune", help="Delete finished history that is older than RETENTION_DAYS.")
        pruner.add_argument("--days", type=float, help="Another age than RETENTION_DAYS.")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['verb']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        loader.sync()
        rules = Rule.objects.all()
        for rule in rules:
            sender = rule.sender or "any sender"
            self.stdout.write(f"{rule.mode:<7} {rule.slug:<30} {rule.signal} from {sender}")
            if rule.problem:
                self.stdout.write(self.style.ERROR(f"        quarantined: {rule.problem}"))
        if not rules:
            self.stdout.write("There are no rules yet. Make one in the admin or over the API.")

    def _drain(self, options: dict[str, Any]) -> None:
        if not settings.ENABLED:
            raise CommandError('RULES_ENGINE["ENABLED"] is False: nothing is run.')
        if options["limit"] is not None and options["limit"] < 1:
            raise CommandError("--limit must be at least 1.")
        if options["loop"]:
            self._loop()
            return
        done = drain(limit=options["limit"])
        left = Execution.objects.unfinished().count()
        self.stdout.write(f"{done.finished} run, {left} unfinished.")

    def _loop(self) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write("Draining; stop with SIGTERM or Ctrl+C.")
        while not stop.is_set():
            done = work(executors.ROUND_SECONDS)
            if done.finished:
                self.stdout.write(f"{done.finished} run.")
            connections.close_all()
            stop.wait(executors.pause(done.next_due))
        self.stdout.write("Stopped.")

    def _prune(self, options: dict[str, Any]) -> None:
        days = options["days"]
        if days is not None and not days >= 0:
            raise CommandError("--days must be a number of at least 0.")
        if days is None and settings.RETENTION_DAYS is None:
            self.stdout.write('RULES_ENGINE["RETENTION_DAYS"] is None: all is kept. Give --days to delete some.')
            return
        gone = services.prune(older_than_days=days)
        self.stdout.write(f"{gone} events deleted.")
