"""A mail backend that keeps mails in a table, so that the mail page shows them and nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from shop.models import OutgoingMail


class DatabaseBackend(BaseEmailBackend):
    """Stores each mail as a row of ``OutgoingMail``."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Store the mails and return how many there were."""
        rows = [_row(message) for message in email_messages if message.recipients()]
        OutgoingMail.objects.bulk_create(rows)
        return len(rows)


def _row(message: EmailMessage) -> OutgoingMail:
    # The finished MIME message: its headers have been checked for line breaks, as SMTP would do.
    mime = message.message()
    alternatives = getattr(message, "alternatives", [])
    return OutgoingMail(
        sender=message.from_email,
        recipients=", ".join(message.recipients()),
        subject=str(message.subject),
        text=str(message.body),
        html=next((str(content) for content, kind in alternatives if kind == "text/html"), ""),
        message_id=str(mime["Message-ID"] or ""),
    )
