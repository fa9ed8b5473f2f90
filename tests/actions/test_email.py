"""Emails through Django's mail backend."""

from __future__ import annotations

from smtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives

from rules_engine import jsontext
from rules_engine.actions import Run, build_action, default_run
from rules_engine.actions.email import MAX_RECIPIENTS
from rules_engine.exceptions import ActionError, ActionRefused, ConfigInvalid
from tests.actions.conftest import KEY, an_event

CONFIG: dict[str, Any] = {
    "to": "ops@example.com",
    "subject": "Order {{ instance.number }}",
    "body": "Total {{ instance.total }}",
}


def send(run: Run, event: Any = None, **config: Any) -> EmailMultiAlternatives:
    """Send one email and return it."""
    build_action("email", {**CONFIG, **config}).run(event or an_event(), run)
    (message,) = mail.outbox
    assert isinstance(message, EmailMultiAlternatives)
    return message


def test_message_is_rendered_and_sent(run: Run, settings: Any) -> None:
    """From the site's address, as text, marked as sent by a machine."""
    settings.DEFAULT_FROM_EMAIL = "Shop <shop@example.com>"

    message = send(run)

    assert (message.from_email, message.to, message.subject) == (
        "Shop <shop@example.com>",
        ["ops@example.com"],
        "Order N-7",
    )
    assert message.body == "Total 19.90"
    assert message.alternatives == []
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


def test_line_for_the_history_names_everybody(run: Run) -> None:
    """Copies included."""
    line = build_action("email", {**CONFIG, "cc": "a@example.com", "bcc": "b@example.com"}).run(an_event(), run)

    assert line == "sent to ops@example.com, a@example.com, b@example.com"


def test_every_header_can_be_set(run: Run) -> None:
    """Recipients are templates, separated by commas or semicolons."""
    message = send(
        run,
        an_event(email="kim@example.com"),
        to="{{ instance.email }}, ops@example.com; ",
        cc="cc@example.com",
        bcc="bcc@example.com",
        reply_to="{{ instance.email }}",
        from_email="Sales <sales@example.com>",
    )

    assert message.to == ["kim@example.com", "ops@example.com"]
    assert (message.cc, message.bcc) == (["cc@example.com"], ["bcc@example.com"])
    assert (message.reply_to, message.from_email) == (["kim@example.com"], "Sales <sales@example.com>")
    assert "bcc@example.com" not in message.message().as_string()


def test_optional_address_that_renders_empty_is_left_out(run: Run) -> None:
    """An order without an email address still reaches those who are named."""
    message = send(run, an_event(email=None), cc="{{ instance.email }}", reply_to="{{ instance.email }}")

    assert (message.cc, message.reply_to) == ([], [])


def test_html_is_an_alternative_with_its_values_escaped(run: Run) -> None:
    """The text stays beside it, unescaped."""
    message = send(run, an_event(note="<b>&"), body="{{ instance.note }}", html="<p>{{ instance.note }}</p>")

    assert message.body == "<b>&"
    ((content, kind),) = [tuple(item) for item in message.alternatives]
    assert (content, kind) == ("<p>&lt;b&gt;&amp;</p>", "text/html")


@pytest.mark.parametrize(
    ("sender", "domain"),
    [("shop@example.com", "example.com"), ("Shop <a@b.example>", "b.example"), ("root", "localhost")],
)
def test_message_id_is_the_same_for_every_attempt(settings: Any, sender: str, domain: str) -> None:
    """A mailbox can recognise a repetition."""
    settings.DEFAULT_FROM_EMAIL = sender

    for attempt in (1, 2):
        build_action("email", CONFIG).run(an_event(), Run(key=KEY, attempt=attempt, rule="paid"))

    assert {message.extra_headers["Message-ID"] for message in mail.outbox} == {f"<{KEY}@{domain}>"}


def test_subject_is_one_line(run: Run) -> None:
    """Data with a line break adds no header."""
    message = send(run, an_event(number="7\r\nBcc: evil@example.com\n"))

    assert message.subject == "Order 7 Bcc: evil@example.com"
    assert message.message()["Bcc"] is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nobody", "'nobody' is not an email address."),
        ("a@example.com\r\nBcc: b@example.com", "is not an email address."),
        ("Kim <kim@example.com>", "'Kim <kim@example.com>' is not an email address."),
        ("", "the template of the recipients rendered empty"),
        (" , ; ", "the template of the recipients rendered empty"),
        (",".join(f"u{number}@example.com" for number in range(MAX_RECIPIENTS + 1)), "51 recipients are more than"),
    ],
)
def test_bad_recipient_is_final(run: Run, text: str, said: str) -> None:
    """Nothing is sent to the others either."""
    with pytest.raises(ActionRefused, match=said):
        build_action("email", {**CONFIG, "to": "{{ instance.email }}"}).run(an_event(email=text), run)

    assert mail.outbox == []


@pytest.mark.parametrize("name", ["to", "cc", "bcc"])
def test_mail_domains_bound_every_recipient(run: Run, settings: Any, name: str) -> None:
    """Copies too; where answers go is not where mail is sent to."""
    settings.RULES_ENGINE = {"MAIL_DOMAINS": ["Example.com"]}
    action = build_action("email", {**CONFIG, name: "kim@EXAMPLE.com, eve@evil.example"})

    with pytest.raises(ActionRefused) as caught:
        action.run(an_event(), run)

    assert str(caught.value) == (
        'Rules may not send mail to evil.example. Add it to RULES_ENGINE["MAIL_DOMAINS"] if intended.'
    )
    assert mail.outbox == []
    assert send(run, reply_to="kim@elsewhere.example")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (ConnectionRefusedError("refused"), ActionError, "The mail server cannot be reached: refused"),
        (SMTPServerDisconnected("gone"), ActionError, "The mail server cannot be reached: gone"),
        (TimeoutError("slow"), ActionError, "The mail server cannot be reached: slow"),
        (SMTPDataError(451, b"later"), ActionError, "The mail server answered 451"),
        (SMTPDataError(554, b"spam"), ActionRefused, "The mail server answered 554"),
        (SMTPSenderRefused(550, b"who", "a@b.c"), ActionRefused, "The mail server answered 550"),
        (SMTPAuthenticationError(535, b"pw"), ActionError, "The mail server refused the site's log-in (535)."),
        (
            SMTPRecipientsRefused({"a@b.c": (550, b"unknown")}),
            ActionRefused,
            "The mail server refused the recipients: ['a@b.c'].",
        ),
        (
            SMTPRecipientsRefused({"a@b.c": (450, b"greylisted")}),
            ActionError,
            "The mail server refused the recipients: ['a@b.c'].",
        ),
        (ValueError("Header values can't contain newlines"), ActionRefused, "The message cannot be built"),
        (UnicodeEncodeError("ascii", "é", 0, 1, "no"), ActionRefused, "The message cannot be built"),
    ],
)
def test_what_the_mail_server_says_decides_about_a_retry(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception], said: str
) -> None:
    """4xx and lost connections may pass, 5xx does not; a wrong log-in is mended by the site's people."""

    def fail(self: EmailMessage) -> int:
        raise error

    monkeypatch.setattr(EmailMessage, "send", fail)

    with pytest.raises(kind) as caught:
        build_action("email", CONFIG).run(an_event(), run)

    assert str(caught.value).startswith(said)
    assert type(caught.value) is kind


def test_history_keeps_the_message_without_its_secrets(run: Run) -> None:
    """They are sent, and never kept."""
    message = send(run, subject="Key {{ secrets.token }}", body="Key {{ secrets.token }}" + "x" * 5_000)

    assert message.subject == "Key tok/en+1"
    kept = run.detail["message"]
    assert (kept["subject"], kept["to"]) == ("Key ***", ["ops@example.com"])
    assert len(kept["body"]) == 4_000
    assert "tok/en" not in jsontext.dumps(run.detail)


@pytest.mark.parametrize("name", ["to", "cc", "bcc", "reply_to"])
def test_secret_in_an_address_is_used_and_not_kept(run: Run, name: str) -> None:
    """Neither in the detail nor in the line, whatever a filter made of it."""
    action = build_action("email", {**CONFIG, name: "{{ secrets.token|slice:':3'|upper }}@example.com"})

    line = action.run(an_event(), run)

    assert getattr(mail.outbox[0], name) == ["TOK@example.com"]
    assert run.detail["message"][name] == ["***@example.com"]
    assert "TOK" not in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ secrets.token|upper }}", "'***' is not an email address."),
        ("{{ secrets.token|slice:':3' }} x", "'*** x' is not an email address."),
        (
            "a@{{ secrets.token|slice:':3' }}.example",
            'Rules may not send mail to ***.example. Add it to RULES_ENGINE["MAIL_DOMAINS"] if intended.',
        ),
    ],
)
def test_secret_in_a_refused_address_is_not_named(run: Run, settings: Any, text: str, said: str) -> None:
    """The message goes into the history."""
    settings.RULES_ENGINE = {**settings.RULES_ENGINE, "MAIL_DOMAINS": ["example.com"]}

    with pytest.raises(ActionRefused) as caught:
        build_action("email", {**CONFIG, "to": text}).run(an_event(), run)

    assert str(caught.value) == said


def test_secret_that_is_a_list_of_addresses_is_not_named(settings: Any) -> None:
    """Not even how many characters they have."""
    secrets = {"people": "a@example.com,b@example.com"}
    settings.RULES_ENGINE = {"SECRETS": secrets}
    run = Run(key=KEY, attempt=1, rule="paid", secrets=secrets)

    line = build_action("email", {**CONFIG, "to": "{{ secrets.people }}"}).run(an_event(), run)

    assert mail.outbox[0].to == ["a@example.com", "b@example.com"]
    assert line == "sent to ***, ***"


def test_secret_in_a_mail_servers_answer_is_not_kept(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers name whom they refuse."""

    def fail(self: EmailMessage) -> int:
        raise SMTPRecipientsRefused({self.to[0]: (550, b"unknown")})

    monkeypatch.setattr(EmailMessage, "send", fail)

    with pytest.raises(ActionRefused) as caught:
        build_action("email", {**CONFIG, "to": "{{ secrets.token|slice:':3' }}@b.example"}).run(an_event(), run)

    assert str(caught.value) == "The mail server refused the recipients: ['***@b.example']."


@pytest.mark.parametrize("sender", ["nobody", "a@b", "Eve <evil>", "a@example.com\r\nBcc: b@example.com"])
def test_sender_is_checked_when_the_rule_is_saved(sender: str) -> None:
    """It is no template: what is wrong with it is wrong now."""
    with pytest.raises(ConfigInvalid) as caught:
        build_action("email", {**CONFIG, "from_email": sender})

    ((path, message),) = caught.value.problems
    assert path == ("from_email",)
    assert message.endswith("is neither an address nor Name <address>.")


@pytest.mark.parametrize("name", ["to", "subject", "body"])
def test_empty_member_is_refused(name: str) -> None:
    """An email without them is a mistake."""
    with pytest.raises(ConfigInvalid, match=f"{name}: must not be empty"):
        build_action("email", {**CONFIG, name: ""})


def test_preview_shows_the_whole_message() -> None:
    """Rendered, not sent."""
    shown = build_action("email", {**CONFIG, "html": "<p>{{ instance.number }}</p>"}).preview(
        an_event(), default_run()
    )

    assert shown == {
        "to": "ops@example.com",
        "cc": "",
        "bcc": "",
        "subject": "Order N-7",
        "body": "Total 19.90",
        "html": "<p>N-7</p>",
        "from_email": "",
        "reply_to": "",
    }
    assert mail.outbox == []
