"""Every form as somebody uses it who types something odd, or who was away for too long."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from puhui.demo.nouns import Person
from puhui.web.kept import KEPT_BYTES_MAX, SECRETS, places
from puhui.web.routes import ROUTES
from puhui.web.who import Who
from tests.web.browser import Browser, Page
from tests.web.every_page import prepare
from tests.web.town import Town

MINUTES_US = 60_000_000
TYPED = frozenset("text tel search date textarea".split())
ODD = "qzx7"
ID = re.compile(r"[a-z_]+-[0-9a-f]{20,}|[0-9a-f]{32}|[0-9]{6,}")
ASIDE = ("/settings", "/login", "/desk/login")


@dataclass
class Shown:
    """A form of a page: where it goes, what it carries, and what is typed into it."""

    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)


class Forms(HTMLParser):
    """The forms of a page that something is typed into, and the ids of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.found: list[Shown] = []
        self.is_post = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.ids.add(told.get("id", ""))
        if tag == "form":
            self.is_post = told.get("method") == "post"
            if self.is_post:
                self.found.append(Shown(told["action"]))
        elif tag in ("input", "textarea") and self.is_post and told.get("name"):
            kind = told.get("type", "text") if tag == "input" else tag
            if kind in TYPED:
                self.found[-1].typed.append(told["name"])
            elif kind == "hidden":
                self.found[-1].hidden[told["name"]] = told.get("value", "")


def forms_of(people: dict[str, tuple[Browser, list[str]]], *who: str) -> Iterator[tuple[str, Page]]:
    """Each page once that has a form to type into: who sees it, and the page."""
    seen = set()
    for name in who:
        browser, paths = people[name]
        for path in paths:
            page = browser.open(path)
            for one in Forms(page.text).found:
                mark = ID.sub("", one.action)
                if one.typed and mark not in seen:
                    seen.add(mark)
                    yield name, page


def is_there(text: str, value: str) -> bool:
    """Whether a value stands in a field of a page."""
    return f'value="{value}"' in text or f">{value}</textarea>" in text


@pytest.mark.timeout(300)
def test_what_is_odd_is_said_at_its_field_and_kept(town: Town) -> None:
    people = prepare(town)
    asked, wrong = 0, []
    for who, page in forms_of(
        people, "citizen", "loan_officer", "operator", "risk_analyst", "administrator"
    ):
        for one in Forms(page.text).found:
            if not one.typed:
                continue
            odd = {name: f"{ODD}{place}" for place, name in enumerate(one.typed)}
            reply = people[who][0].post(one.action, {**one.hidden, **odd})
            if reply.status != 422:
                continue
            asked += 1
            found = Forms(reply.text)
            lost = [name for name, value in odd.items() if not is_there(reply.text, value)]
            if lost and any(form.action == one.action for form in found.found):
                wrong.append((one.action, "lost", lost))
            summary = reply.text.partition('<div class="summary"')[2].partition("</div>")[0]
            links = re.findall(r'href="#([^"]+)"', summary)
            said = re.findall(r">([^<>]+)</(?:a|span)>", summary)
            if not said:
                wrong.append((one.action, "says nothing", []))
            if len(set(said)) < len(said):
                wrong.append((one.action, "says the same twice", said))
            if not set(links) <= found.ids:
                wrong.append((one.action, "points nowhere", links))
    assert not wrong, wrong
    assert asked > 30, asked


def come_back(town: Town, browser: Browser, late: Page, who: Person | None = None) -> Page:
    """Log in again from the page that a late form led to, up to where it leads."""
    page = browser.send(late.form("/login"), phone=(who or town.good).phone)
    found = re.search(r'class="code">(\d{6})<', page.text)
    assert found is not None, page.text
    return browser.send(page.form("/login/code"), digits=found.group(1))


LATE = (
    ("/complaints/new", "/new", {"subject": "other", "words": "a\n<i>"}, "a\n&lt;i&gt;</textarea>"),
    ("/apply/amount", "/amount", {"amount": "12345"}, 'value="12345"'),
    ("/apply/plan", "/plan", {"months": "12", "use": "rent"}, 'value="rent" checked'),
    ("/pay", "/pay", {"who": "15400000032"}, 'value="15400000032"'),
    ("/wallet/withdraw", "/withdraw", {"amount": "77.10"}, 'value="77.10"'),
    ("/credit", "/lower", {"way": "", "amount": "4321"}, 'value="4321"'),
    ("/aside", "/aside", {"who": "154", "amount": "9", "remark": "种子"}, 'value="种子"'),
)  # fmt: skip


@pytest.mark.parametrize("path, ending, typed, shown", LATE)
def test_what_was_typed_outlives_the_session(
    town: Town, path: str, ending: str, typed: dict[str, str], shown: str
) -> None:
    """Logged out in between: nothing is done, and after the login the form stands as it was."""
    browser = town.customer(town.good)
    browser.open("/apply")
    browser.send(browser.open("/apply/amount").form("/amount"), amount="20000")
    form = browser.open(path).form(ending)
    town.clock.set_us(town.clock.now_us() + 31 * MINUTES_US)
    late = browser.post(form.action, {**form.fields, **typed})
    assert "没有办理任何事情" in late.text
    page = come_back(town, browser, late)
    assert page.heading == "登录好了", page.text
    again = browser.send(page.form(form.action))
    assert again.status == 200
    assert shown in again.text
    assert again.form(ending).fields["key"] != form.fields["key"]


def test_nothing_is_taken_along_from_elsewhere(town: Town) -> None:
    """A form of another site, or without its proof, leads to a login that knows nothing of it."""
    browser = town.customer(town.good)
    form = browser.open("/pay").form("/pay")
    town.clock.set_us(town.clock.now_us() + 31 * MINUTES_US)
    typed = {**form.fields, "who": "15400000099"}
    for wrong in ({"csrf": ""}, {"csrf": "0" * 32}):
        late = browser.post("/pay", {**typed, **wrong})
        assert late.status == 303
        assert late.headers["location"] == "/login?next=%2Fpay"
    stranger = town.browser()
    assert stranger.post("/pay", typed).status == 303, "another browser has not had this session"
    large = {**form.fields, "who": "9" * (KEPT_BYTES_MAX + 1)}
    assert browser.post("/pay", large).status == 303


def late_form(town: Town, browser: Browser) -> Page:
    """The login that a form leads to which was sent after the session had run out."""
    form = browser.open("/pay").form("/pay")
    town.clock.set_us(town.clock.now_us() + 31 * MINUTES_US)
    return browser.post("/pay", {**form.fields, "who": "15400000099"})


def test_nobody_else_is_shown_what_was_typed(town: Town) -> None:
    """On a phone that two share: not in the page, not by logging in, not by a made-up seal."""
    town.customer(town.other)
    late = late_form(town, browser := town.customer(town.good))
    kept = late.form("/login").fields["kept"]
    assert "15400000099" not in late.text
    assert b"15400000099" not in base64.b64decode(kept)
    other = come_back(town, browser, late, town.other)
    assert other.url.endswith("/pay"), other.url
    assert "15400000099" not in other.text
    again = town.browser()
    login = again.open("/login").form("/login")
    code = again.send(login, phone=town.good.phone, kept=kept[:-8] + "AAAAAAA=")
    found = re.search(r'class="code">(\d{6})<', code.text)
    assert found is not None
    assert again.send(code.form("/login/code"), digits=found.group(1)).heading != "登录好了"


def test_after_a_log_out_nothing_is_taken_along(town: Town) -> None:
    """Whoever logs out, here or on another device, leaves nothing for whoever comes next."""
    browser = town.customer(town.good)
    form = browser.open("/pay").form("/pay")
    elsewhere = town.browser()
    elsewhere.log_in(town.good.phone)
    elsewhere.send(elsewhere.open("/settings").form("/settings/close"))
    late = browser.post("/pay", {**form.fields, "who": "15400000099"})
    assert late.status == 303
    assert late.headers["location"] == "/login?next=%2Fpay"


def test_what_was_typed_opens_for_an_hour(town: Town) -> None:
    late = late_form(town, browser := town.customer(town.good))
    town.clock.set_us(town.clock.now_us() + 61 * MINUTES_US)
    assert come_back(town, browser, late).heading != "登录好了"


def test_passwords_and_codes_go_nowhere() -> None:
    """Each field of a template that a browser hides, or fills with a code, is left out."""
    secret = re.compile(r"f\.text\('(\w+)'[^}]*(?:type='password'|auto='one-time-code')")
    found = set()
    for template in (files("puhui.web") / "templates").iterdir():
        found |= set(secret.findall(template.read_text(encoding="utf-8")))
    assert {"password", "digits"} <= found <= SECRETS


def test_whoever_may_send_a_form_may_see_its_page() -> None:
    """A form that is only looked at draws its page under the rights of the form."""
    may = {path: who for method, path, _, who in ROUTES if method == "GET"}
    stands = places(ROUTES)
    for method, path, _, who in ROUTES:
        if method == "POST":
            shown = may[stands[path][0]]
            assert shown is Who.ANYONE or who.value <= shown.value, path


def test_a_late_button_leads_back_to_its_page(town: Town) -> None:
    """Many buttons have an address of their own that no page is at."""
    browser = town.customer(town.good)
    loan = town.lend(browser).url.removeprefix("http://testserver").split("?")[0]
    town.clock.set_us(town.clock.now_us() + 31 * MINUTES_US)
    for path, place in (
        (f"{loan}/take", loan), ("/credit/lower", "/credit"), ("/mine/erase", "/mine"),
        ("/aside/hold/x/take", "/aside"), ("/consent/consent-1/revoke", "/consent/consent-1"),
    ):  # fmt: skip
        reply = browser.post(path, {})
        assert reply.headers["location"] == f"/login?next={place.replace('/', '%2F')}"
    desk = town.staff("operator")
    reply = town.browser().post("/desk/settlement/x/settle", {})
    assert reply.headers["location"] == "/desk/login?next=%2Fdesk%2Fwindows"
    assert desk.ask("/desk/windows").status == 200


def test_a_page_comes_back_as_it_was_in_another_size(town: Town) -> None:
    """Also where the form on it was sent wrongly, and where its address says more."""
    browser = town.customer(town.good)
    page = browser.open("/credit")
    odd = browser.send(page.form("/lower", way="now"), way="other", amount="x")
    assert odd.status == 422
    assert browser.open(odd.link("/view?size=1")).heading == "我的全部债务和额度"
    asked = browser.open("/exchange?source=CNY&target=USD&kind=send&amount=1000")
    assert 'value="1000"' in browser.open(asked.link("/view?size=2")).text
