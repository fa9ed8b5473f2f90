"""Events to act on, and an endpoint on loopback that says what a test wants."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from rules_engine import jsontext
from rules_engine.actions import Run
from rules_engine.events import Event
from rules_engine.outbound import close_idle
from tests.outbound.servers import Request, Server, body, read_request

KEY = UUID("01890000-0000-7000-8000-000000000001")
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2Vj"


def an_event(**instance: Any) -> Event:
    """An event about an order with these values besides the usual ones."""
    data = {
        "signal": "post_save",
        "sender": "testapp.order",
        "instance": {"pk": 7, "number": "N-7", "total": Decimal("19.90"), **instance},
        "created": True,
    }
    return Event(
        id=UUID("01890000-0000-7000-8000-00000000000e"),
        signal="post_save",
        sender="testapp.order",
        object_id="7",
        created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        data=data,
        text=jsontext.dumps(data),
    )


@pytest.fixture
def event() -> Event:
    """An order was saved."""
    return an_event()


SECRETS = {"signing": SECRET, "token": "tok/en+1"}


@pytest.fixture
def run(settings: Any) -> Run:
    """The first attempt, in a project with two secrets."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "SECRETS": SECRETS}
    return Run(key=KEY, attempt=1, rule="paid", secrets=SECRETS)


@dataclass
class Endpoint:
    """What an HTTP server is told to answer, and what it was asked."""

    server: Server | None = None
    answers: list[bytes] = field(default_factory=list)
    """Given one after the other; the last one stays."""
    delay: float = 0.0

    @property
    def requests(self) -> list[Request]:
        """What came over the wire."""
        assert self.server is not None
        return self.server.requests

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.port}"

    def says(self, status: str, content: bytes = b"", *headers: str) -> None:
        """Answer so from now on."""
        self.answers = [body(content, *headers, status=status)]


@pytest.fixture
def endpoint(settings: Any) -> Iterator[Endpoint]:
    """A server that answers 200, and that rules may call."""
    found = Endpoint(answers=[body(b"thanks")])

    def script(server: Server, channel: Any) -> None:
        while (request := read_request(channel)) is not None:
            server.requests.append(request)
            time.sleep(found.delay)
            channel.sendall(found.answers.pop(0) if len(found.answers) > 1 else found.answers[0])

    found.server = Server(script)
    settings.RULES_ENGINE = {
        **settings.RULES_ENGINE,
        "SECRETS": SECRETS,
        "OUTBOUND": {"ALLOWED_HOSTS": [f"127.0.0.1:{found.server.port}"], "READ_SECONDS": 2},
    }
    yield found
    close_idle()
    found.server.close()


Configure = Callable[..., dict[str, Any]]
