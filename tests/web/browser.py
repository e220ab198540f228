"""A browser without scripts over the test client: pages, their forms, and sending them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx2
from starlette.testclient import TestClient

from puhui.web.say import unglued


@dataclass
class Form:
    """A form of a page: where it goes, and what stands in its fields."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Reader(HTMLParser):
    """Finds forms, links, the heading and the words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.heading = ""
        self._in_heading = False
        self._area = ""
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(told.get("action", ""), told.get("method", "get")))
        elif tag == "a":
            self.links.append(told.get("href", ""))
        elif tag == "h1":
            self._in_heading = True
        elif tag == "textarea" and self.forms:
            self._area = told["name"]
            self.forms[-1].fields[self._area] = ""
        elif tag == "select" and self.forms:
            self._select = told["name"]
            self.forms[-1].fields[self._select] = ""
        elif tag == "option" and self._select and "selected" in told:
            self.forms[-1].fields[self._select] = told.get("value", "")
        elif tag == "input" and self.forms and "name" in told:
            is_choice = told.get("type") in ("radio", "checkbox")
            if not is_choice or "checked" in told:
                self.forms[-1].fields[told["name"]] = told.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "h1":
            self._in_heading = False
        elif tag == "textarea":
            self._area = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._in_heading:
            self.heading += data
        if self._area:
            self.forms[-1].fields[self._area] += data


@dataclass
class Page:
    """An answer as a person reads it."""

    status: int
    url: str
    text: str
    headers: Any
    forms: list[Form]
    links: list[str]
    heading: str

    def form(self, ending: str, **having: str) -> Form:
        """The form whose address ends so, one that changes something before one that looks; where
        there are several, the one whose fields stand so.
        """
        for one in sorted(self.forms, key=lambda form: form.method != "post"):
            is_it = having.items() <= one.fields.items()
            if is_it and one.action.split("?")[0].endswith(ending):
                return one
        raise AssertionError(f"{self.url} ({self.status}) has no form {ending}: {self.forms}")

    def has_form(self, ending: str) -> bool:
        """Whether there is such a form."""
        return any(one.action.split("?")[0].endswith(ending) for one in self.forms)

    def link(self, part: str) -> str:
        """The first link that contains ``part``."""
        for one in self.links:
            if part in one:
                return one
        raise AssertionError(f"{self.heading} ({self.url}) has no link {part}: {self.links}")


class Browser:
    """One person's browser, with its own cookies."""

    def __init__(self, app: Any, *, address: str = "") -> None:
        self.client: Any
        if address:
            self.client = httpx2.Client(base_url=address, follow_redirects=False, timeout=60)
        else:
            self.client = TestClient(app, follow_redirects=False, raise_server_exceptions=True)

    def _page(self, reply: Any) -> Page:
        reader = Reader()
        if "html" in reply.headers.get("content-type", ""):
            reader.feed(reply.text)
        return Page(
            reply.status_code,
            str(reply.request.url),
            unglued(reply.text),
            reply.headers,
            reader.forms,
            reader.links,
            unglued(reader.heading.strip()),
        )

    def ask(self, path: str) -> Page:
        """The answer to one GET, without going where it points."""
        return self._page(self.client.get(path))

    def open(self, path: str) -> Page:
        """A page, and where it leads."""
        return self._follow(self.client.get(path))

    def _follow(self, reply: Any) -> Page:
        for _ in range(8):
            if reply.status_code != 303:
                return self._page(reply)
            reply = self.client.get(reply.headers["location"])
        raise AssertionError("too many redirects")

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Page:
        """The answer to one POST, without going where it points."""
        return self._page(self.client.post(path, data=fields, headers=headers))

    def send(self, form: Form, **values: str) -> Page:
        """Fill a form in, send it, and go where the answer leads."""
        if form.method == "get":
            return self.open(f"{form.action}?{urlencode({**form.fields, **values})}")
        return self._follow(self.client.post(form.action, data={**form.fields, **values}))

    def log_in(self, phone: str) -> Page:
        """Log in by the code that the development gateway shows."""
        page = self.send(self.open("/login").form("/login"), phone=phone)
        found = re.search(r'class="code">(\d{6})<', page.text)
        assert found is not None, page.text
        return self.send(page.form("/login/code"), digits=found.group(1))

    def register(self, phone: str, name: str, number: str) -> Page:
        """Log in and say who one is."""
        page = self.log_in(phone)
        assert page.url.endswith("/register"), page.url
        page = self.send(page.form("/register/name"), name=name)
        return self.send(page.form("/register/number"), number=number, agree="yes")

    def apply(self, *, amount: str = "20000", income: str = "90000", debt: str = "0") -> Page:
        """The five steps, up to the page that checks them."""
        page = self.open("/apply/amount")
        page = self.send(page.form("/amount"), amount=amount)
        page = self.send(page.form("/plan"), months="12", use="stock")
        page = self.send(page.form("/income"), income=income, debt=debt, overdue="no")
        return self.send(page.form("/consent"), agree="yes")
