"""``manage.py demo``: the site, the scenario against it, a table of what the rules did."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from shop.logins import LOGINS
from shop.scenario.browser import BrowserError
from shop.scenario.expectations import missing, silent_rules, since, wait_until_finished
from shop.scenario.report import table
from shop.scenario.steps import Scenario
from shop.seeding import seed
from shop.server import HOST, bind, serving

PAGES = [
    ("", "buttons, and what the rules did"),
    ("products/TEA-01/", "a product page that is cached until a rule says otherwise"),
    ("inbox/", "webhooks that arrived"),
    ("mail/", "mails that were sent"),
    ("admin/", "rules and their history"),
    ("rules-api/docs/", "the API"),
]


class Command(BaseCommand):
    """Ends with status 1 and what is missing if the rules did not do what the scenario expects of them."""

    help = "Start the demo site, act on it as a customer and an administrator, and show what the rules did."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, help="First port to try; DEMO_PORT or 8000 by default.")
        parser.add_argument(
            "--no-serve", action="store_true", help="End after the table instead of serving; also DEMO_SERVE=0."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        server = bind(options["port"] or settings.DEMO_PORT)
        port = server.server_port
        if port != settings.DEMO_PORT:
            server.server_close()
            self._start_again(port)
        call_command("migrate", verbosity=0, interactive=False)
        seed(port)
        base = f"http://{HOST}:{port}/"
        # An interrupt and a polite kill end the demo alike.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with serving(server):
            self._say(f"The site listens at {base}\n")
            problems = self._run_scenario(base)
            self._show_addresses(base)
            if not options["no_serve"] and os.environ.get("DEMO_SERVE") != "0":
                self._keep_serving()
        if problems:
            sys.exit(1)

    def _start_again(self, port: int) -> NoReturn:
        # The port decides settings (the webhook allow-list, the names of cookies), and settings are read once.
        self._say(f"Port {settings.DEMO_PORT} is not free or not wanted; taking {port}.")
        sys.stdout.flush()
        environment = {**os.environ, "DEMO_PORT": str(port)}
        # The same command line as before, with this interpreter.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606

    def _run_scenario(self, base: str) -> list[str]:
        scenario = Scenario(base, tell=lambda text: self._say(f"  * {text}"))
        problems = []
        try:
            scenario.run()
        except BrowserError as error:
            problems.append(str(error))
        wait_until_finished(scenario.started_at, scenario.expected)
        rows = list(since(scenario.started_at))
        problems += missing(rows, scenario.expected)
        self._say("\nWhat the rules did\n")
        self._say(table(rows, silent_rules(rows)))
        self._say(f"\n{len(scenario.expected)} executions were expected, {len(rows)} rows are in the history.")
        if problems:
            self.stderr.write(self.style.ERROR("\nNot as expected:"))
            for problem in problems:
                self.stderr.write(self.style.ERROR(f"  - {problem}"))
            self.stderr.write("If somebody changed the rules, `manage.py seed_demo --reset` puts them back.")
        else:
            self._say(self.style.SUCCESS("Every expected execution succeeded."))
        return problems

    def _show_addresses(self, base: str) -> None:
        self._say("\nAddresses")
        for path, what in PAGES:
            self._say(f"  {base}{path:<20} {what}")
        self._say("Log-ins")
        for login in LOGINS:
            self._say(f"  {login.username:<6} password {login.password:<6} {login.role}")

    def _keep_serving(self) -> None:
        self._say("\nServing. Ctrl+C ends it.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            self._say("\nStopped.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
