"""``manage.py demo``: the site, the scenario against it, a table of what the rules did."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.core.servers.basehttp import ThreadedWSGIServer

from shop.claim import DatabaseServed, claimed, own_database
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
        database = Path(settings.DATABASES["default"]["NAME"])
        wanted = options["port"] or settings.DEMO_PORT
        server = bind(wanted)
        port = server.server_port
        if port != settings.DEMO_PORT:
            server.server_close()
            self._say(
                f"Port {wanted} is taken: the demo uses {port}." if port != wanted else f"The demo uses port {port}."
            )
            self._start_again(DEMO_PORT=port)
        try:
            with claimed(database, port):
                problems = self._run(server, keep=not options["no_serve"] and os.environ.get("DEMO_SERVE") != "0")
        except DatabaseServed as other:
            server.server_close()
            own = own_database(database, port)
            self._say(
                f"Another demo serves {database.name} at http://{HOST}:{other.port}/: this one uses {own.name}."
            )
            self._start_again(DEMO_DATABASE=own)
        if problems:
            sys.exit(1)

    def _run(self, server: ThreadedWSGIServer, *, keep: bool) -> list[str]:
        """Seed, serve, run the scenario; return its problems. With ``keep``, when somebody ends the demo."""
        call_command("migrate", verbosity=0, interactive=False)
        seed(server.server_port)
        base = f"http://{HOST}:{server.server_port}/"
        # An interrupt and a polite kill end the demo alike.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with serving(server):
            self._say(f"The site listens at {base}\n")
            problems = self._run_scenario(base)
            if keep:
                self._show_addresses(base)
                self._keep_serving()
        if not keep:
            self._say("The site has stopped. Without DEMO_SERVE=0 and --no-serve it keeps serving.")
        return problems

    def _start_again(self, **environment: object) -> NoReturn:
        # The port and the database decide settings (the webhook allow-list, the names of cookies), which are read
        # once.
        sys.stdout.flush()
        changed = {name: str(value) for name, value in environment.items()}
        # The same command line as before, with this interpreter.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **changed})  # noqa: S606

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
        self._say(f"\n{len(rows)} executions are in the history; the scenario expected {len(scenario.expected)}.")
        if len(rows) > len(scenario.expected):
            self._say("The others answer what visitors did meanwhile, or rules that were changed.")
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
