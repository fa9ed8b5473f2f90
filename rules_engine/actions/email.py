"""Send an email through Django's mail backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import MessageError
from email.utils import parseaddr
from smtplib import SMTPAuthenticationError, SMTPRecipientsRefused, SMTPResponseException
from typing import ClassVar, NamedTuple

from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email

from rules_engine.actions.base import Action, Problem, Run, without
from rules_engine.actions.registry import register_builtin
from rules_engine.conf import settings
from rules_engine.context import REDACTED
from rules_engine.events import Event
from rules_engine.exceptions import ActionError, ActionRefused

MAX_RECIPIENTS = 50
"""Most addresses of one email, copies included."""
KEPT_CHARACTERS = 4_000
"""Length of the text that is kept with an attempt."""

_COPIES = {"template": True, "schema": {"maxLength": 2_000}}


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
    cc: str = field(default="", metadata={**_COPIES, "help": "Addresses that get a copy; optional."})
    bcc: str = field(
        default="", metadata={**_COPIES, "help": "Addresses that get a copy unseen by the others; optional."}
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
        metadata={
            "title": "From",
            "help": "Address, also as Name <address>; empty is the site's.",
            "schema": {"maxLength": 300},
        },
    )
    reply_to: str = field(default="", metadata={**_COPIES, "help": "Where answers go; optional."})

    def problems(self) -> list[Problem]:
        return list(self._sender_problems())

    def _sender_problems(self) -> Iterator[Problem]:
        if not self.from_email:
            return
        if len(self.from_email.splitlines()) > 1 or not is_address(parseaddr(self.from_email)[1]):
            yield ("from_email",), f"{self.from_email!r} is neither an address nor Name <address>."

    def run(self, event: Event, run: Run) -> str:
        people = {name: self._recipients(name, event, run) for name in ("to", "cc", "bcc", "reply_to")}
        everyone = [*people["to"], *people["cc"], *people["bcc"]]
        _check_recipients(people["to"], everyone)
        message = self._message(event, run, {name: [item.address for item in people[name]] for name in people})
        run.detail["message"] = {
            "from": message.from_email,
            **{name: [item.shown for item in people[name]] for name in people},
            "subject": " ".join(self.render("subject", event, None).split()),
            "body": self.render("body", event, None)[:KEPT_CHARACTERS],
        }
        _send(message, everyone)
        return f"sent to {', '.join(item.shown for item in everyone)}"[:500]

    def _recipients(self, name: str, event: Event, run: Run) -> list[Recipient]:
        return recipients(self.render(name, event, run), self.render(name, event, None))

    def _message(self, event: Event, run: Run, people: dict[str, list[str]]) -> EmailMultiAlternatives:
        sender = self.from_email or django_settings.DEFAULT_FROM_EMAIL
        message = EmailMultiAlternatives(
            # A subject is one line: data with a line break must not add a header.
            subject=" ".join(self.render("subject", event, run).split()),
            body=self.render("body", event, run),
            from_email=sender,
            headers={"Message-ID": message_id(run, sender), "Auto-Submitted": "auto-generated"},
            to=people["to"],
            cc=people["cc"],
            bcc=people["bcc"],
            reply_to=people["reply_to"],
        )
        if self.html.strip():
            message.attach_alternative(self.render("html", event, run), "text/html")
        return message


class Recipient(NamedTuple):
    """An address, and what may be shown of it: a template may have put a secret into it."""

    address: str
    shown: str


def recipients(text: str, shown: str) -> list[Recipient]:
    """Return the addresses of a text, separated by commas or semicolons; raises ActionRefused for a bad one.

    ``shown`` is the same text with its secrets as ``***``.
    """
    found, kept = _parts(text), _parts(shown)
    if len(found) != len(kept):
        # A secret that is a list of addresses, or none at all.
        kept = [REDACTED] * len(found)
    for address, label in zip(found, kept, strict=True):
        if not is_address(address):
            raise ActionRefused(f"{label[:100]!r} is not an email address.")
    return [Recipient(*pair) for pair in zip(found, kept, strict=True)]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]


def is_address(text: str) -> bool:
    """Tell whether a text is one plain email address."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _check_recipients(to: list[Recipient], everyone: list[Recipient]) -> None:
    if not to:
        raise ActionRefused("There is no address to send to: the template of the recipients rendered empty.")
    if len(everyone) > MAX_RECIPIENTS:
        raise ActionRefused(f"{len(everyone)} recipients are more than the {MAX_RECIPIENTS} that one email may have.")
    if settings.MAIL_DOMAINS is None:
        return
    allowed = {item.lower() for item in settings.MAIL_DOMAINS}
    for item in everyone:
        if _domain(item.address) not in allowed:
            raise ActionRefused(
                f"Rules may not send mail to {_domain(item.shown)}. "
                'Add it to RULES_ENGINE["MAIL_DOMAINS"] if intended.'
            )


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def message_id(run: Run, sender: str) -> str:
    """A Message-ID that is the same for every attempt, so that a mailbox can recognise a repetition."""
    domain = parseaddr(sender)[1].partition("@")[2] or "localhost"
    return f"<{run.key}@{domain}>"


def _send(message: EmailMultiAlternatives, everyone: list[Recipient]) -> None:
    try:
        message.send()
    except (ValueError, MessageError) as error:
        # Line breaks in a header, an address that cannot be encoded: the message itself is at fault.
        raise ActionRefused(f"The message cannot be built: {without(str(error), everyone)}") from error
    except SMTPRecipientsRefused as error:
        # A code below 500 is "not now", such as a server that wants every new sender to come twice.
        final = all(code >= 500 for code, _ in error.recipients.values())
        refused = ActionRefused if final else ActionError
        said = without(str(sorted(error.recipients)), everyone)
        raise refused(f"The mail server refused the recipients: {said}.") from error
    except SMTPAuthenticationError as error:
        raise ActionError(f"The mail server refused the site's log-in ({error.smtp_code}).") from error
    except SMTPResponseException as error:
        refused = ActionRefused if 500 <= error.smtp_code < 600 else ActionError
        said = without(repr(error.smtp_error), everyone)
        raise refused(f"The mail server answered {error.smtp_code}: {said}.") from error
    except OSError as error:
        raise ActionError(f"The mail server cannot be reached: {error}") from error
