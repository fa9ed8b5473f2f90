"""People who call the API, and a client that reads numbers exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from rules_engine import jsontext

ROOT = "/rules-api/"


@dataclass
class Answer:
    """What the API answered."""

    response: Any

    @property
    def status(self) -> int:
        return int(self.response.status_code)

    @property
    def text(self) -> str:
        return str(self.response.content.decode())

    @property
    def body(self) -> Any:
        """The JSON of the answer, numbers with a fraction as Decimals."""
        return jsontext.loads(self.text)


class Api:
    """Calls the API as one person; bodies are JSON."""

    def __init__(self, user: User | None = None) -> None:
        self.client = Client()
        if user is not None:
            self.client.force_login(user)

    def call(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: Any) -> Answer:
        """Send a request; ``headers`` as ``if_match='"1"'``."""
        data = raw if raw is not None else b"" if body is None else jsontext.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content_type = named.pop("content-type", "application/json")
        return Answer(self.client.generic(method, ROOT + path, data, content_type, headers=named))

    def get(self, path: str, **headers: Any) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: Any) -> Answer:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: Any) -> Answer:
        return self.call("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: Any) -> Answer:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: Any) -> Answer:
        return self.call("DELETE", path, **headers)


MakePerson = Callable[..., User]


@pytest.fixture
def person(db: None) -> MakePerson:
    """Return a function that makes a staff user with permissions such as ``rules_engine.view_rule``."""

    def make(*permissions: str, staff: bool = True, name: str = "pat") -> User:
        user = User.objects.create_user(name, is_staff=staff)
        for permission in permissions:
            app, codename = permission.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        return user

    return make


@pytest.fixture
def admin(db: None) -> User:
    """A superuser."""
    return User.objects.create_superuser("admin")


@pytest.fixture
def api(admin: User) -> Api:
    """The API as a superuser calls it."""
    return Api(admin)


@pytest.fixture
def paid() -> dict[str, Any]:
    """A rule as a client sends it."""
    return {
        "name": "Paid orders",
        "signal": "post_save",
        "sender": "testapp.order",
        "condition": "instance.status == 'paid'",
        "actions": [{"kind": "log", "config": {"message": "Order {{ instance.number }} was paid."}}],
    }
