"""Calls to HTTP endpoints: what is sent, how it is signed, and what every answer means."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from rules_engine import jsontext
from rules_engine.actions import Run, build_action, default_run
from rules_engine.actions.webhook import retry_after, sign, signing_key
from rules_engine.exceptions import ActionError, ActionRefused, ConfigInvalid
from tests.actions.conftest import KEY, SECRET, Endpoint, an_event
from tests.outbound.servers import body as answer


def call(endpoint: Endpoint, run: Run, event: Any = None, **config: Any) -> str:
    """Run a webhook on the endpoint."""
    action = build_action("webhook", {"url": f"{endpoint.url}/hook", **config})
    return action.run(event or an_event(), run)


def problems(**config: Any) -> dict[str, str]:
    """What is wrong with a configuration, by path."""
    with pytest.raises(ConfigInvalid) as caught:
        build_action("webhook", {"url": "https://example.com/", **config})
    return {".".join(map(str, path)): message for path, message in caught.value.problems}


class TestRequest:
    """What goes over the wire."""

    def test_whole_event_is_the_default_body(self, endpoint: Endpoint, run: Run) -> None:
        """Byte for byte as it is stored, numbers with their digits."""
        call(endpoint, run)

        (request,) = endpoint.requests
        assert request.line == "POST /hook HTTP/1.1"
        assert request.values("content-type") == ["application/json"]
        assert request.body.decode() == an_event().text
        assert b'"total":19.90' in request.body

    def test_body_is_an_expression(self, endpoint: Endpoint, run: Run) -> None:
        """Always valid JSON, whatever the data."""
        call(endpoint, run, an_event(name='a "quoted"\nname'), body="{name: instance.name, total: instance.total}")

        assert json.loads(endpoint.requests[0].body) == {"name": 'a "quoted"\nname', "total": 19.90}
        assert b"19.90" in endpoint.requests[0].body

    def test_body_may_be_null(self, endpoint: Endpoint, run: Run) -> None:
        """What is not there is null, which is JSON."""
        call(endpoint, run, body="instance.nothing")

        assert endpoint.requests[0].body == b"null"

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "GET", "DELETE"])
    def test_method(self, endpoint: Endpoint, run: Run, method: str) -> None:
        """GET and DELETE have no body, and say nothing of its type."""
        call(endpoint, run, method=method)

        (request,) = endpoint.requests
        has_body = method not in ("GET", "DELETE")
        assert request.line.startswith(f"{method} /hook ")
        assert bool(request.body) is has_body
        assert bool(request.values("content-type")) is has_body

    def test_url_and_headers_are_templates(self, endpoint: Endpoint, run: Run) -> None:
        """Over the event and with secrets by name."""
        call(
            endpoint,
            run,
            url=f"{endpoint.url}/orders/{{{{ instance.pk }}}}?by={{{{ instance.name|urlencode }}}}",
            headers=[
                {"name": "Authorization", "value": "Bearer {{ secrets.token }}"},
                {"name": "X-Number", "value": "{{ instance.number }}"},
            ],
            event=an_event(name="a b&c"),
        )

        (request,) = endpoint.requests
        assert request.line == "POST /orders/7?by=a%20b%26c HTTP/1.1"
        assert request.values("authorization") == ["Bearer tok/en+1"]
        assert request.values("x-number") == ["N-7"]

    def test_content_type_of_ones_own_replaces_the_usual_one(self, endpoint: Endpoint, run: Run) -> None:
        """Not a second header of the same name."""
        call(endpoint, run, headers=[{"name": "Content-Type", "value": "application/vnd.api+json"}])

        assert endpoint.requests[0].values("content-type") == ["application/vnd.api+json"]

    def test_key_of_the_execution_is_the_id_of_the_message(self, endpoint: Endpoint, run: Run) -> None:
        """The same for every attempt; the timestamp is that of the attempt."""
        before = int(datetime.now(UTC).timestamp())

        call(endpoint, run)

        (request,) = endpoint.requests
        assert request.values("webhook-id") == [str(KEY)]
        (stamp,) = request.values("webhook-timestamp")
        assert before <= int(stamp) <= before + 60


class TestSignature:
    """As Standard Webhooks 1.0.0 asks, judged by its own library."""

    @pytest.mark.parametrize("config", [{}, {"body": "{a: instance.number}"}, {"body": "'€'"}, {"method": "PUT"}])
    def test_receiver_can_verify(self, endpoint: Endpoint, run: Run, config: dict[str, Any]) -> None:
        """Whatever the body."""
        call(endpoint, run, secret="signing", **config)

        (request,) = endpoint.requests
        headers = {name.lower(): value for name, value in request.headers}
        assert Verifier(SECRET).verify(request.body, headers) == json.loads(request.body)

    def test_changed_body_is_noticed(self, endpoint: Endpoint, run: Run) -> None:
        """The signature is over exactly these bytes."""
        call(endpoint, run, secret="signing")

        (request,) = endpoint.requests
        headers = {name.lower(): value for name, value in request.headers}
        with pytest.raises(WebhookVerificationError):
            Verifier(SECRET).verify(request.body + b" ", headers)

    def test_empty_body_is_signed_too(self, endpoint: Endpoint, run: Run) -> None:
        """Id and time are."""
        call(endpoint, run, secret="signing", method="GET")

        (request,) = endpoint.requests
        (stamp,) = request.values("webhook-timestamp")
        expected = sign(signing_key(SECRET), str(KEY), int(stamp), b"")
        assert request.values("webhook-signature") == [expected]

    def test_without_a_secret_nothing_is_signed(self, endpoint: Endpoint, run: Run) -> None:
        """There is no empty signature."""
        call(endpoint, run)

        assert endpoint.requests[0].values("webhook-signature") == []

    def test_plain_text_of_24_characters_may_sign(self) -> None:
        """For receivers that are not of the standard's making."""
        assert signing_key("x" * 24) == b"x" * 24

    @pytest.mark.parametrize(
        ("secret", "message"),
        [
            ("short", "it must be whsec_ and base64, or at least 24 characters of text."),
            ("whsec_%%%", "what follows whsec_ is not base64."),
            ("whsec_c2hvcnQ=", "a signing key has 24 to 64 bytes; this one has 5."),
            ("whsec_" + "A" * 120, "a signing key has 24 to 64 bytes; this one has 90."),
        ],
    )
    def test_secret_that_cannot_sign_is_refused_when_the_rule_is_saved(
        self, settings: Any, secret: str, message: str
    ) -> None:
        """Its name is shown, its value never."""
        settings.RULES_ENGINE = {"SECRETS": {"bad": secret}}

        found = problems(secret="bad")["secret"]

        assert found == f"The secret 'bad' cannot sign: {message}"
        assert secret not in found

    def test_secret_that_is_gone_when_it_runs_is_final(self, endpoint: Endpoint) -> None:
        """Nothing unsigned is sent in its place."""
        with pytest.raises(ActionRefused, match="There is no secret named 'signing'"):
            call(endpoint, default_run(secrets={}), secret="signing")

        assert endpoint.requests == []


class TestAnswers:
    """2xx is success and nothing else is."""

    @pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Fine"])
    def test_success(self, endpoint: Endpoint, run: Run, status: str) -> None:
        """The line says status and time."""
        endpoint.says(status)

        line = call(endpoint, run)

        assert line.startswith(f"HTTP {status[:3]} in ")
        assert line.endswith(" ms")

    @pytest.mark.parametrize(
        "status",
        ["408 Request Timeout", "425 Too Early", "429 Too Many Requests", "500 Oops", "502 Bad", "503 Busy", "599 X"],
    )
    def test_failure_that_may_pass_is_tried_again(self, endpoint: Endpoint, run: Run, status: str) -> None:
        """With the receiver's wish, if it has one."""
        endpoint.says(status, b"", "Retry-After: 120")

        with pytest.raises(ActionError, match=f"^HTTP {status[:3]} in") as caught:
            call(endpoint, run)

        assert caught.value.retry_after == 120

    @pytest.mark.parametrize(
        "status", ["400 Bad", "401 Who", "403 No", "404 Where", "409 What", "422 How", "451 Law"]
    )
    def test_other_client_errors_are_final(self, endpoint: Endpoint, run: Run, status: str) -> None:
        """The same call would be refused again."""
        endpoint.says(status)

        with pytest.raises(ActionRefused) as caught:
            call(endpoint, run)

        assert str(caught.value).endswith("the endpoint refused the call, and would refuse it again.")
        assert caught.value.switch_off is False

    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "304 Same", "307 There", "308 There"])
    def test_redirects_are_not_followed(self, endpoint: Endpoint, run: Run, status: str) -> None:
        """A redirect could lead anywhere; it is final, and the history shows where it wanted to lead."""
        endpoint.says(status, b"", "Location: http://127.0.0.1:1/elsewhere")

        with pytest.raises(ActionRefused, match=r"redirects are not followed\. Use the final address"):
            call(endpoint, run)

        assert len(endpoint.requests) == 1
        assert run.detail["response"]["headers"]["location"] == "http://127.0.0.1:1/elsewhere"

    def test_gone_switches_the_action_off(self, endpoint: Endpoint, run: Run) -> None:
        """410, as Standard Webhooks asks."""
        endpoint.says("410 Gone")

        with pytest.raises(ActionRefused, match="the endpoint is gone, so this action was switched off") as caught:
            call(endpoint, run)

        assert caught.value.switch_off is True

    def test_refused_connection_is_tried_again(self, endpoint: Endpoint, run: Run, settings: Any) -> None:
        """The service may be starting."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings.RULES_ENGINE = {"OUTBOUND": {"ALLOWED_HOSTS": ["127.0.0.1"]}}

        with pytest.raises(ActionError, match=f"http://127.0.0.1:{port} refused the connection"):
            build_action("webhook", {"url": f"http://127.0.0.1:{port}/"}).run(an_event(), run)

    def test_time_limit_is_for_the_whole_call(self, endpoint: Endpoint, run: Run) -> None:
        """Tried again: the service may be busy."""
        endpoint.delay = 0.6

        with pytest.raises(ActionError, match=r"did not answer in full within 0\.2 s"):
            call(endpoint, run, timeout_seconds=0.2)

    def test_answer_that_is_no_http_is_tried_again(self, endpoint: Endpoint, run: Run) -> None:
        """A proxy may be in the way for now."""
        endpoint.answers = [b"SSH-2.0-OpenSSH\r\n\r\n"]

        with pytest.raises(ActionError, match="answered with something that is not HTTP"):
            call(endpoint, run)

    def test_private_address_is_refused_for_good(self, run: Run, settings: Any) -> None:
        """When saved, and again when sent: the settings may have changed in between."""
        settings.RULES_ENGINE = {"OUTBOUND": {"ALLOWED_HOSTS": ["10.0.0.5"]}}
        action = build_action("webhook", {"url": "https://10.0.0.5/"})
        settings.RULES_ENGINE = {}

        with pytest.raises(ActionRefused, match=r"10\.0\.0\.5"):
            action.run(an_event(), run)


class TestRetryAfter:
    """RFC 9110, 10.2.3."""

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("120", 120),
            (" 0 ", 0),
            ("99999999999", 99_999_999_999),
            ("", None),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("٣", None),
            ("Wed, 99 Oct 2026 07:28:00 GMT", None),
            ("Wed, 21 Oct 99999999 07:28:00 GMT", None),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
            ("Wednesday, 21-Oct-15 07:28:00 GMT", 0),
            ("Wed Oct 21 07:28:00 2015", 0),
        ],
    )
    def test_number_or_date(self, value: str, seconds: float | None) -> None:
        """Moments of the past are now; what is neither is no wish."""
        assert retry_after(value) == seconds

    def test_date_to_come_is_told_in_seconds_from_now(self) -> None:
        """In GMT, whatever the project's zone."""
        when = datetime.now(UTC) + timedelta(seconds=600)

        found = retry_after(format_datetime(when, usegmt=True))

        assert found is not None
        assert 595 < found <= 600

    def test_date_reaches_the_schedule(self, endpoint: Endpoint, run: Run) -> None:
        """As seconds."""
        when = datetime.now(UTC) + timedelta(seconds=600)
        endpoint.says("503 Busy", b"", f"Retry-After: {format_datetime(when, usegmt=True)}")

        with pytest.raises(ActionError) as caught:
            call(endpoint, run)

        assert caught.value.retry_after is not None
        assert 590 < caught.value.retry_after <= 600


class TestHistory:
    """What is kept with the attempt."""

    def test_request_and_answer_are_kept(self, endpoint: Endpoint, run: Run) -> None:
        """Enough to see what happened."""
        endpoint.says("200 OK", b'{"ok": true}', "X-Request: 5", "Set-Cookie: a=b")

        call(endpoint, run, headers=[{"name": "X-Number", "value": "{{ instance.number }}"}])

        request, response = run.detail["request"], run.detail["response"]
        assert (request["method"], request["url"]) == ("POST", f"{endpoint.url}/hook")
        assert request["headers"]["X-Number"] == "N-7"
        assert request["headers"]["webhook-id"] == str(KEY)
        assert (request["body"], request["bytes"]) == (an_event().text, len(an_event().text))
        assert (response["status"], response["body"], response["truncated"]) == (200, '{"ok": true}', False)
        assert response["headers"]["x-request"] == "5"
        assert "set-cookie" not in response["headers"]

    def test_request_is_kept_also_when_nothing_came_back(self, endpoint: Endpoint, run: Run) -> None:
        """And no answer is made up."""
        endpoint.answers = [b""]

        with pytest.raises(ActionError):
            call(endpoint, run, timeout_seconds=0.3)

        assert run.detail["request"]["method"] == "POST"
        assert "response" not in run.detail

    def test_long_bodies_are_cut(self, endpoint: Endpoint, run: Run) -> None:
        """The history is not an archive."""
        endpoint.says("200 OK", b"y" * 100_000)

        call(endpoint, run, an_event(note="x" * 20_000))

        assert len(run.detail["request"]["body"]) == len(run.detail["response"]["body"]) == 4_000
        assert run.detail["request"]["bytes"] > 20_000
        assert run.detail["response"]["truncated"] is True

    @pytest.mark.parametrize("status", ["200 OK", "503 Busy", "404 No"])
    def test_secrets_are_never_kept(
        self, endpoint: Endpoint, run: Run, status: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not the one that signs, not the ones that are sent, not those that the endpoint sends back."""
        echo = f"you sent tok/en+1 and tok%2Fen%2B1 and {SECRET} "
        # The last one lies across the place where the history cuts the answer.
        echo = f"{echo:x<3996}tok/en+1"
        endpoint.says(status, echo.encode(), "X-Echo: tok/en+1")
        caplog.set_level("DEBUG")

        try:
            said = call(
                endpoint,
                run,
                url=f"{endpoint.url}/{{{{ secrets.token|urlencode }}}}?t={{{{ secrets.token|urlencode:'' }}}}",
                headers=[
                    {"name": "X-Plain", "value": "{{ secrets.token }}"},
                    {"name": "Authorization", "value": "Bearer {{ secrets.token }}"},
                ],
                secret="signing",
            )
        except (ActionError, ActionRefused) as error:
            said = str(error)

        (request,) = endpoint.requests
        assert request.line.startswith("POST /tok/en%2B1?t=tok%2Fen%2B1 ")
        kept = jsontext.dumps({"said": said, **run.detail["request"], "body": run.detail["response"]["body"]})
        for form in ("tok/", "tok%2F", SECRET, request.values("webhook-signature")[0]):
            assert form not in kept
            assert form not in caplog.text
        assert run.detail["request"]["headers"]["webhook-signature"] == "***"

    def test_preview_shows_the_body_that_would_be_sent(self, endpoint: Endpoint, run: Run) -> None:
        """The event by default, nothing for a call without a body."""
        event = an_event()

        def shown(**config: Any) -> Any:
            action = build_action("webhook", {"url": endpoint.url, **config})
            return action.preview(event, default_run("paid"))["body"]

        assert shown() == event.data
        assert shown(body="instance.number") == "N-7"
        assert shown(method="GET") is None


class TestRefusedWhenSaved:
    """One clear error where it was made."""

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("ftp://example.com/", "The URL must start with https:// or http://"),
            ("example.com/hook", "The URL must start with https:// or http://"),
            ("https://user:pa55@example.com/", "user name or password"),
            ("https://10.0.0.5/", "10.0.0.5"),
            ("https://127.0.0.1/", "127.0.0.1"),
            ("https://[::1]/", "::1"),
            ("https://2130706433/", "127.0.0.1"),
            ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
            ("https://exa mple.com/", "space"),
            ("https://example.com/\r\nX: y", "invisible character"),
            ("https://example.com/#part", "fragment"),
            ("https://example.com/{{ instance.pk }}#part", "fragment"),
            ("https://example.com/{{ instance.pk }}?a b", "space"),
            ("https://example.com:99999/", "port"),
            ("{{ instance.url }}", "A template may stand in the path and the query only"),
            ("https://{{ instance.host }}/", "A template may stand in the path and the query only"),
            ("https://example.com{{ instance.tail }}", "A template may stand in the path and the query only"),
            ("https://example.com:{{ instance.port }}/", "A template may stand in the path and the query only"),
            ("https:{{ instance.rest }}", "A template may stand in the path and the query only"),
            ("https:/{{ instance.rest }}", "A template may stand in the path and the query only"),
            ("https:///{{ instance.rest }}", "exactly two slashes"),
            ("https://example.com\\{{ instance.rest }}", "A template may stand in the path and the query only"),
            ("{% if created %}https://a.example/{% endif %}", "A template may stand in the path and the query only"),
        ],
    )
    def test_url(self, url: str, said: str) -> None:
        """Another scheme, credentials, a private address, or a host that data would choose."""
        found = problems(url=url)

        assert list(found) == ["url"]
        assert said in found["url"]
        assert "pa55" not in found["url"]

    @pytest.mark.parametrize(
        "url",
        ["https://example.com?q={{ instance.pk }}", "https://example.com/{% if created %}new{% endif %}/{{ x }}/a?b"],
    )
    def test_url_with_a_template_behind_the_host_is_accepted(self, url: str) -> None:
        """Path and query may hold data; what they lead to is judged when it is sent."""
        assert build_action("webhook", {"url": url})

    @pytest.mark.parametrize(
        ("header", "path", "said"),
        [
            (("X-A", "a\r\nX-B: b"), "headers.0.value", "holds a line break"),
            (("X-A", "a\nb"), "headers.0.value", "holds a line break"),
            (("X A", "a"), "headers.0.name", "is not a header name"),
            (("X-A\r\nX-B", "a"), "headers.0.name", "is not a header name"),
            (("Host", "internal"), "headers.0.name", "is set by the HTTP client itself"),
            (("Content-Length", "1"), "headers.0.name", "is set by the HTTP client itself"),
            (("Webhook-Signature", "v1,forged"), "headers.0.name", "is set by the engine itself"),
            (("Authorization", "Bearer abc"), "headers.0.value", "write {{ secrets.NAME }} here"),
            (("X-Api-Key", "abc"), "headers.0.value", "write {{ secrets.NAME }} here"),
            (("X-A", "日本"), "headers.0.value", "not Latin-1"),
        ],
    )
    def test_header(self, header: tuple[str, str], path: str, said: str) -> None:
        """At the part of it that is wrong; a value that may be a secret is not repeated."""
        found = problems(headers=[{"name": header[0], "value": header[1]}])

        assert list(found) == [path]
        assert said in found[path]
        assert "abc" not in found[path]

    def test_everything_is_told_at_once(self) -> None:
        """Not one error after the other."""
        found = problems(url="ftp://x/", body="(", secret="nope", headers=[{"name": "Host", "value": "x"}])

        assert set(found) == {"url", "body", "secret", "headers.0.name"}

    @pytest.mark.parametrize("seconds", [0, 61, float("nan"), float("inf"), "15"])
    def test_time_limit_out_of_bounds(self, seconds: Any) -> None:
        """From a tenth of a second to a minute."""
        assert list(problems(timeout_seconds=seconds)) == ["timeout_seconds"]

    def test_unknown_secret_names_the_known_ones(self, settings: Any) -> None:
        """By their names."""
        settings.RULES_ENGINE = {"SECRETS": {"signing": SECRET}}

        assert problems(secret="sining")["secret"] == (
            "There is no secret named 'sining'. Add it to RULES_ENGINE[\"SECRETS\"]; known: signing."
        )


class TestHostileData:
    """What the event's data can do to a URL and to headers: nothing but fill its place."""

    @pytest.mark.parametrize(
        "value", ["@evil.example/", "//evil.example/", "?a=1", "&admin=1", "%2e%2e", ";a", ":80", "€ "]
    )
    def test_host_and_headers_stay_what_they_are(self, endpoint: Endpoint, run: Run, value: str) -> None:
        """The host ends before the first place that a template may stand in."""
        call(endpoint, run, an_event(value=value.strip()), url=f"{endpoint.url}/a{{{{ instance.value }}}}?b=1")

        (request,) = endpoint.requests
        assert request.line.startswith("POST /a")
        assert request.values("host") == [endpoint.url.removeprefix("http://")]

    @pytest.mark.parametrize("value", ["a b", "a\r\nHost: evil", "a\x00", "a\x85b", "a#b", "a\\b"])
    def test_character_that_cannot_stand_in_a_url_is_final(self, endpoint: Endpoint, run: Run, value: str) -> None:
        """Nothing is sent; the message says which, and never the value."""
        with pytest.raises(ActionRefused, match=r"^The URL holds a"):
            call(endpoint, run, an_event(value=value), url=f"{endpoint.url}/{{{{ instance.value }}}}")

        assert endpoint.requests == []

    @pytest.mark.parametrize(
        "value",
        [
            *("..", "../admin", "x/../../admin", "%2e%2e/admin", "..%2Fadmin", ".%2E", "..?x", "a/..%5cb"),
            *("..;/admin", "..;a=b/admin", "..%3b/admin", "%2e%2e%3Ba/admin", "%252e%252e/admin", "..%253b/admin"),
            *("..%3fx", "..%23x", "..%00", "..%20/admin", "%09../admin", "..%255cadmin"),
        ],
    )
    def test_path_cannot_be_led_upwards(self, endpoint: Endpoint, run: Run, value: str) -> None:
        """To another place of the host than the one that the rule names."""
        with pytest.raises(ActionRefused, match=r"would lead the URL's path upwards"):
            call(endpoint, run, an_event(value=value), url=f"{endpoint.url}/a/{{{{ instance.value }}}}/b")

        assert endpoint.requests == []

    @pytest.mark.parametrize("value", ["..a", "a..", "...", "a..b", "1.5"])
    def test_dots_in_a_name_are_only_dots(self, endpoint: Endpoint, run: Run, value: str) -> None:
        """Not every two dots lead upwards."""
        call(endpoint, run, an_event(value=value), url=f"{endpoint.url}/a/{{{{ instance.value }}}}/b")

        assert endpoint.requests[0].line == f"POST /a/{value}/b HTTP/1.1"

    def test_query_right_after_the_host_is_no_path(self) -> None:
        """It has slashes of its own."""
        assert build_action("webhook", {"url": "https://example.com?file=/../x"})

    @pytest.mark.parametrize("query", ["?file=../x", "?a=/../b", "?a=%2f..%2f"])
    def test_query_is_no_path(self, endpoint: Endpoint, run: Run, query: str) -> None:
        """What it means is the endpoint's business."""
        call(endpoint, run, url=f"{endpoint.url}/a{query}")

        assert endpoint.requests[0].line == f"POST /a{query} HTTP/1.1"

    @pytest.mark.parametrize(
        "path",
        [
            *("/a/../{{ instance.pk }}", "/..", "/../a?b=1", "/a/..;/b", "/a/%2e%2E/b", "/a/..%2fb", "/a/..%5cb"),
            *("/{{ instance.pk }}/../y", "/a/{% if created %}../{% endif %}b", "/a/.{# x #}./b", "/%252e%252e/"),
        ],
    )
    def test_path_that_leads_upwards_is_refused_when_the_rule_is_saved(self, path: str) -> None:
        """It would be a place that the rule does not show."""
        with pytest.raises(ConfigInvalid) as caught:
            build_action("webhook", {"url": f"https://example.com{path}"})

        assert caught.value.problems == [
            (("url",), "The path leads upwards (..). Write the path that is meant."),
        ]

    def test_two_dots_between_values_are_accepted(self, endpoint: Endpoint, run: Run) -> None:
        """A range, as some APIs write it; values that are empty make it a step upwards, which is refused."""
        url = f"{endpoint.url}/compare/{{{{ instance.old }}}}..{{{{ instance.new }}}}"

        call(endpoint, run, an_event(old="v1", new="v2"), url=url)
        with pytest.raises(ActionRefused, match=r"would lead the URL's path upwards"):
            call(endpoint, run, an_event(old="", new=""), url=url)

        assert [request.line for request in endpoint.requests] == ["POST /compare/v1..v2 HTTP/1.1"]

    def test_answer_that_repeats_the_request_keeps_no_secret(self, endpoint: Endpoint, run: Run) -> None:
        """Neither in its body nor in its headers: plain, in other letters, encoded, or what a filter made of it."""
        echo = b"/x?k=tok/en+1 TOK/EN+1 tok%2fen%2B1 dG9rL2VuKzE= tok\\/en+1 Up to"
        endpoint.says("200 OK", echo, "X-Echo: Bearer tok/en+1", "X-Up: Up to")

        call(
            endpoint,
            run,
            url=f"{endpoint.url}/x?k={{{{ secrets.token }}}}",
            headers=[
                {"name": "Authorization", "value": "Bearer {{ secrets.token }}"},
                {"name": "X-Up", "value": "Up {{ secrets.token|slice:':2' }}"},
            ],
        )

        response = run.detail["response"]
        assert endpoint.requests[0].values("x-up") == ["Up to"]
        assert response["body"] == "/x?k=*** *** *** ***= *** Up **"
        assert response["headers"]["x-up"] == "Up **"

    @pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\x00b", "日本"])
    def test_header_value_that_cannot_be_sent_is_final(self, endpoint: Endpoint, run: Run, value: str) -> None:
        """A line break in the data adds no header; the message names the header and not its value."""
        with pytest.raises(ActionRefused, match=r"^The value of the header X-Name holds") as caught:
            call(endpoint, run, an_event(value=value), headers=[{"name": "X-Name", "value": "{{ instance.value }}"}])

        assert value not in str(caught.value)
        assert endpoint.requests == []

    def test_body_that_is_too_large_is_final(self, endpoint: Endpoint, run: Run, settings: Any) -> None:
        """It would be too large the next time."""
        outbound = {**settings.RULES_ENGINE["OUTBOUND"], "MAX_REQUEST_BYTES": 1_000}
        settings.RULES_ENGINE = {**settings.RULES_ENGINE, "OUTBOUND": outbound}

        with pytest.raises(ActionRefused, match="at most 1000 are sent"):
            call(endpoint, run, an_event(note="x" * 2_000))

    def test_expression_that_fails_on_the_data_is_final(self, endpoint: Endpoint, run: Run) -> None:
        """With its place in the text."""
        with pytest.raises(ActionRefused, match=r"^body cannot be evaluated: "):
            call(endpoint, run, body="length(instance.total)")


def test_connection_is_kept_alive(endpoint: Endpoint, run: Run) -> None:
    """A second call to the same endpoint needs no second connection."""
    endpoint.answers = [answer(b"one"), answer(b"two")]

    call(endpoint, run)
    call(endpoint, run)

    assert endpoint.server is not None
    assert (len(endpoint.requests), endpoint.server.connections) == (2, 1)
