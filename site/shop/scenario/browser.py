"""A very small browser: pages, forms, cookies, CSRF tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

SECONDS = 30


class BrowserError(RuntimeError):
    """A page is not what the scenario expects; the message says which and why."""


@dataclass
class Form:
    """One form of a page with the values it starts with."""

    action: str
    method: str
    values: list[tuple[str, str]] = field(default_factory=list)

    def names(self) -> set[str]:
        """Names of the fields."""
        return {name for name, _ in self.values}


@dataclass(frozen=True)
class Page:
    """What the site answered."""

    url: str
    status: int
    text: str

    @cached_property
    def forms(self) -> list[Form]:
        """The forms, with the values that a browser would send."""
        parser = _Forms()
        parser.feed(self.text)
        return parser.forms

    def form(self, *names: str, action: str | None = None) -> Form:
        """The first form that has these fields and sends to this address; raises BrowserError."""
        for form in self.forms:
            if set(names) <= form.names() and action in (None, form.action):
                return form
        raise BrowserError(f"{self.url} (status {self.status}) has no form with {names or action}.")


class Browser:
    """One visitor."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._cookies = CookieJar()
        # No proxy variables: the site is on this machine.
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self._cookies))

    def get(self, path: str, *, status: int = 200) -> Page:
        """Open a page; raises BrowserError unless it answers with ``status``."""
        return self._open("GET", urljoin(self.base, path), status)

    def submit(self, page: Page, form: Form, values: Mapping[str, Any] | None = None) -> Page:
        """Send a form of a page with some values changed, and follow where it leads."""
        changed = {name: str(value) for name, value in (values or {}).items()}
        missing = changed.keys() - form.names()
        if missing:
            raise BrowserError(f"The form at {page.url} has no field {sorted(missing)}.")
        body = urlencode([(name, changed.get(name, value)) for name, value in form.values]).encode()
        return self._open(form.method, urljoin(page.url, form.action), 200, body, {"Referer": page.url})

    def call(self, method: str, path: str, data: Any = None, *, status: int = 200) -> Any:
        """Call the shop's API as the page's own script would, and return the JSON of the answer."""
        headers = {"Content-Type": "application/json", "Referer": self.base, "X-CSRFToken": self._csrf_token()}
        body = None if data is None else json.dumps(data).encode()
        return json.loads(self._open(method, urljoin(self.base, path), status, body, headers).text)

    def log_in(self, path: str, username: str, password: str) -> Page:
        """Log in through a form; raises BrowserError if the name and the password are refused."""
        page = self.get(path)
        answer = self.submit(page, page.form("username"), {"username": username, "password": password})
        if answer.url == page.url:
            raise BrowserError(f"{username} cannot log in at {path}.")
        return answer

    def _open(
        self,
        method: str,
        url: str,
        status: int,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        # Only addresses of `base`, which the demo itself chose.
        request = Request(url, body, dict(headers or {}), method=method)  # noqa: S310
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                page = _page(answer)
        except HTTPError as error:
            with error:
                page = _page(error)
        except OSError as error:
            raise BrowserError(f"{method} {url} got no answer: {error}") from error
        if page.status != status:
            raise BrowserError(f"{method} {url} answered {page.status} instead of {status}: {page.text[:300]!r}")
        return page

    def _csrf_token(self) -> str:
        return next((cookie.value or "" for cookie in self._cookies if "csrf" in cookie.name), "")


def _page(answer: HTTPResponse | HTTPError) -> Page:
    return Page(answer.geturl() or "", answer.status or 0, answer.read().decode("utf-8", "replace"))


class _Forms(HTMLParser):
    """Collects forms and the values of their fields."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []
        self._textarea: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").upper())
            self.forms.append(self._form)
        elif self._form is None or "disabled" in given:
            return
        elif tag == "input" and given.get("name"):
            self._input(self._form, given)
        elif tag == "select":
            self._select, self._options = given.get("name", ""), []
        elif tag == "option":
            self._options.append((given.get("value", ""), "selected" in given))
        elif tag == "textarea":
            self._textarea = (given.get("name", ""), [])

    def _input(self, form: Form, given: Mapping[str, str]) -> None:
        kind = given.get("type", "text")
        if kind in {"submit", "button", "image", "file", "reset"}:
            return
        if kind in {"checkbox", "radio"} and "checked" not in given:
            return
        form.values.append((given["name"], given.get("value", "on" if kind == "checkbox" else "")))

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self._textarea[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if self._form is None:
            return
        if tag == "select" and self._select:
            self._form.values += [(self._select, value) for value in self._chosen()]
            self._select = None
        elif tag == "textarea" and self._textarea:
            name, parts = self._textarea
            # HTML drops the line break that follows the start tag.
            self._form.values.append((name, "".join(parts).removeprefix("\n")))
            self._textarea = None

    def _chosen(self) -> list[str]:
        chosen = [value for value, selected in self._options if selected]
        return chosen or [value for value, _ in self._options[:1]]
