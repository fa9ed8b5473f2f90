"""Send an email through Django's mail backend."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.errors import MessageError
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import ClassVar

from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import BadHeaderError
from django.core.validators import validate_email

from rules_engine.actions.base import Action, Run
from rules_engine.actions.registry import register_builtin
from rules_engine.conf import settings
from rules_engine.events import Event
from rules_engine.exceptions import ActionError, ActionRefused

MAX_RECIPIENTS = 50


@register_builtin("email")
@dataclass(frozen=True, kw_only=True)
class Email(Action):
    """Send an email."""

    title: ClassVar[str] = "Send an email"

    to: str = field(
        metadata={
            "help": "Addresses, separated by commas; may be a template such as {{ instance.customer.email }}.",
            "template": True,
            "schema": {"minLength": 1, "maxLength": 2_000},
        }
    )
    subject: str = field(
        metadata={"help": "Template.", "template": True, "schema": {"minLength": 1, "maxLength": 1_000}}
    )
    body: str = field(
        metadata={
            "help": "Template of the text.",
            "template": True,
            "schema": {"minLength": 1, "format": "textarea"},
        }
    )
    html: str = field(
        default="",
        metadata={
            "title": "HTML",
            "help": "Template of an HTML version; optional. Values are escaped.",
            "template": "html",
            "schema": {"format": "textarea"},
        },
    )
    from_email: str = field(
        default="",
        metadata={"title": "From", "help": "Sender; empty is the site's.", "schema": {"maxLength": 300}},
    )
    reply_to: str = field(
        default="", metadata={"help": "Template; optional.", "template": True, "schema": {"maxLength": 300}}
    )

    def run(self, event: Event, run: Run) -> str:
        recipients = addresses(self.render("to", event, run))
        # A subject is one line: data with a line break must not add a header.
        subject = " ".join(self.render("subject", event, run).split())
        body = self.render("body", event, run)
        sender = self.from_email or django_settings.DEFAULT_FROM_EMAIL
        message = EmailMultiAlternatives(
            subject=subject,
            body=body,
            from_email=sender,
            to=recipients,
            reply_to=addresses(self.render("reply_to", event, run)) if self.reply_to.strip() else None,
            headers={"Message-ID": message_id(run, sender), "Auto-Submitted": "auto-generated"},
        )
        if self.html.strip():
            message.attach_alternative(self.render("html", event, run), "text/html")
        run.detail["message"] = {"from": sender, "to": recipients, "subject": subject, "body": body[:4_000]}
        _send(message)
        return f"sent to {', '.join(recipients)}"[:500]


def addresses(text: str) -> list[str]:
    """Return the addresses of a comma-separated text; raises ActionRefused for a bad, missing or foreign one."""
    found = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    if not found:
        raise ActionRefused("There is no address to send to: the template of the recipients rendered empty.")
    if len(found) > MAX_RECIPIENTS:
        raise ActionRefused(f"{len(found)} recipients are more than the {MAX_RECIPIENTS} that one email may have.")
    for address in found:
        _check_address(address)
    return found


def _check_address(address: str) -> None:
    try:
        validate_email(address)
    except ValidationError as error:
        raise ActionRefused(f"{address[:100]!r} is not an email address.") from error
    allowed = settings.MAIL_DOMAINS
    domain = address.rpartition("@")[2].lower()
    if allowed is not None and domain not in {item.lower() for item in allowed}:
        raise ActionRefused(
            f'Rules may not send mail to {domain}. Add it to RULES_ENGINE["MAIL_DOMAINS"] if intended.'
        )


def message_id(run: Run, sender: str) -> str:
    """A Message-ID that is the same for every attempt, so that a mailbox can recognise a repetition."""
    domain = sender.rpartition("@")[2].strip("> ") or "localhost"
    return f"<{run.key}@{domain}>"


def _send(message: EmailMultiAlternatives) -> None:
    try:
        message.send(fail_silently=False)
    except (BadHeaderError, MessageError, UnicodeError) as error:
        raise ActionRefused(f"The message cannot be built: {error}") from error
    except SMTPRecipientsRefused as error:
        raise ActionRefused(f"The mail server refused the recipients: {sorted(error.recipients)}.") from error
    except SMTPResponseException as error:
        refused = ActionRefused if 500 <= error.smtp_code < 600 else ActionError
        raise refused(f"The mail server answered {error.smtp_code}: {error.smtp_error!r}.") from error
    except OSError as error:
        raise ActionError(f"The mail server cannot be reached: {error}") from error
