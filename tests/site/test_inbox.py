"""The webhook inbox."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from standardwebhooks.webhooks import Webhook

from rules_engine.conf import settings
from shop import inbox
from shop.models import InboxMessage

pytestmark = pytest.mark.django_db
BODY = '{"order": "1001"}'


def post(body: str | bytes = BODY, **changed: str) -> Any:
    """Post a rightly signed message, with some headers changed."""
    now = datetime.now(tz=UTC)
    signature = Webhook(settings.SECRETS["inbox"]).sign("msg_1", now, BODY)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
        **changed,
    }
    return Client().post("/inbox/hook/", data=body, content_type="application/json", headers=headers)


def test_hook_takes_a_signed_message() -> None:
    """A message that is signed with the secret named `inbox` is kept as verified and answered with 200."""
    answer = post()

    assert (answer.status_code, answer.json()) == (200, {"received": "msg_1"})
    message = InboxMessage.objects.get()
    assert (message.verified, message.webhook_id, message.body, message.answered) == (True, "msg_1", BODY, 200)
    assert message.headers["webhook-id"] == "msg_1"


@pytest.mark.parametrize(
    ("body", "changed", "problem"),
    [
        ('{"order": "1002"}', {}, "No matching signature found"),
        (BODY, {"webhook-id": "msg_2"}, "No matching signature found"),
        (BODY, {"webhook-signature": "v1,AAAA"}, "No matching signature found"),
        (BODY, {"webhook-signature": "nonsense"}, "This is not a Standard Webhooks message"),
        (BODY, {"webhook-signature": ""}, "Missing required headers"),
        (BODY, {"webhook-timestamp": "1"}, "Message timestamp too old"),
        (BODY, {"webhook-timestamp": "soon"}, "Invalid Signature Headers"),
        (b"\xff\xfe", {}, "This is not a Standard Webhooks message"),
    ],
)
def test_hook_refuses_what_is_not_signed_right(body: str | bytes, changed: dict[str, str], problem: str) -> None:
    """A wrong signature, another body, an old or broken header: kept with the reason, answered with 400."""
    answer = post(body, **changed)

    assert answer.status_code == 400
    message = InboxMessage.objects.get()
    assert not message.verified
    assert problem in message.problem


def test_hook_answers_503_while_the_switch_is_on() -> None:
    """With the switch on every message is answered with 503 and a time to come back; off, all is well again."""
    inbox.set_broken(True)
    answer = post()
    inbox.set_broken(False)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert InboxMessage.objects.get().answered == 503
    assert post().status_code == 200


def test_hook_takes_only_posts() -> None:
    """Looking at the hook with a browser is no message."""
    assert Client().get("/inbox/hook/").status_code == 405
    assert not InboxMessage.objects.exists()


def test_page_shows_messages_escaped() -> None:
    """The page shows what came, and nothing of it becomes markup."""
    post("<script>alert(1)</script>")
    text = Client().get("/inbox/").content.decode()

    assert "signature wrong" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert(1)" not in text
