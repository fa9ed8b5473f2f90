"""The demo's webhook inbox: checks the signature, keeps the message, answers."""

from __future__ import annotations

from collections.abc import Mapping

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from rules_engine.conf import settings
from shop.models import InboxMessage, Switch

BROKEN = "inbox-answers-503"
RETRY_AFTER_SECONDS = 2


def is_broken() -> bool:
    """Tell whether the inbox answers 503 to everything."""
    return Switch.objects.filter(name=BROKEN, on=True).exists()


def set_broken(on: bool) -> None:
    """Make the inbox answer 503 to everything, or work again."""
    Switch.objects.update_or_create(name=BROKEN, defaults={"on": on})


def receive(headers: Mapping[str, str], body: bytes) -> InboxMessage:
    """Check and keep one request; ``answered`` of the result is the status to answer with."""
    problem = _fault(headers, body)
    return InboxMessage.objects.create(
        webhook_id=headers.get("webhook-id", "")[:200],
        verified=not problem,
        problem=problem,
        headers=dict(headers),
        body=body.decode("utf-8", errors="replace"),
        answered=503 if is_broken() else 400 if problem else 200,
    )


def _fault(headers: Mapping[str, str], body: bytes) -> str:
    """What is wrong with the signature, or nothing."""
    try:
        # The raw bytes are what was signed: parsed and written again, the JSON could look different.
        Webhook(settings.SECRETS["inbox"]).verify(body, dict(headers))
    except WebhookVerificationError as error:
        return str(error)[:200]
    except ValueError as error:
        # The library lets these through: a signature without a comma, base64 or a body that is none, other bytes.
        return f"This is not a Standard Webhooks message: {error}"[:200]
    return ""
