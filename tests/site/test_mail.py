"""The mail backend and the mail page."""

from __future__ import annotations

import django
import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, send_mail
from django.test import Client, override_settings

from shop.models import OutgoingMail

# Django's test runner replaces the mail backend; here it is what is tested.
pytestmark = [pytest.mark.django_db]
BACKEND = "shop.mail.DatabaseBackend"
ours = (
    override_settings(MAILERS={"default": {"BACKEND": BACKEND}})
    if django.VERSION >= (6, 1)
    else override_settings(EMAIL_BACKEND=BACKEND)
)


@ours
def test_backend_keeps_text_and_html() -> None:
    """A mail is kept with sender, recipients, subject, both bodies and its Message-ID."""
    message = EmailMultiAlternatives(
        "Hello", "text", "a@example.org", ["b@example.org", "c@example.org"], headers={"Message-ID": "<1@x>"}
    )
    message.attach_alternative("<p>html</p>", "text/html")
    sent = message.send()

    mail = OutgoingMail.objects.get()
    assert sent == 1
    assert (mail.sender, mail.recipients) == ("a@example.org", "b@example.org, c@example.org")
    assert (mail.subject, mail.text, mail.html, mail.message_id) == ("Hello", "text", "<p>html</p>", "<1@x>")


@ours
def test_backend_refuses_line_breaks_in_headers() -> None:
    """A subject with a line break is refused, as a real mail backend does."""
    with pytest.raises(ValueError, match=r"Header values (can't|may not) contain"):
        send_mail("Hello\nBcc: all@example.org", "text", "a@example.org", ["b@example.org"])

    assert not OutgoingMail.objects.exists()


@ours
def test_backend_skips_mails_to_nobody() -> None:
    """A mail without recipients is not sent."""
    assert EmailMessage("Hello", "text", to=[]).send() == 0
    assert not OutgoingMail.objects.exists()


@ours
def test_page_shows_mails_escaped() -> None:
    """The page shows the mails, and nothing of them becomes markup."""
    send_mail("<b>Hello</b>", "<i>text</i>", "a@example.org", ["b@example.org"])
    text = Client().get("/mail/").content.decode()

    assert "&lt;b&gt;Hello&lt;/b&gt;" in text
    assert "&lt;i&gt;text&lt;/i&gt;" in text
