"""A settled county with a model in force, made once and copied for each test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import shutil
import struct
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from puhui import demo
from puhui.channel import Gate, open_gateway
from puhui.demo.nouns import DemoLogin, GuardCase, Person, SeededMerchant
from puhui.kernel import Actor, Node
from puhui.kernel.clock import FixedClock, business_date
from puhui.lending import keep_mapping
from puhui.node import open_node
from puhui.score import Table, champion, load_model, save_model, score_row, study, train
from puhui.web import build_pages
from tests.conftest import KEYS
from tests.web.browser import Browser, Page

SIZE = 30
SEED = 5
PRODUCT = "merchant_310"
OPERATOR = Actor("tester", frozenset({"operator", "system", "risk_analyst", "administrator"}))


@dataclass
class Town:
    """A node with its pages, and some of its people."""

    node: Node
    clock: FixedClock
    good: Person
    bad: Person
    other: Person
    spare: Person
    late: Person
    prompt: Person
    newcomer: Person

    def __post_init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.app = build_pages(self.node, Gate(self.node, open_gateway("127.0.0.1")))

    def browser(self) -> Browser:
        """A new browser, which knows nobody yet."""
        return Browser(self.app)

    def customer(self, person: Person) -> Browser:
        """A browser in which somebody has registered."""
        browser = self.browser()
        page = browser.register(person.phone, person.name, person.id_number)
        assert page.url.endswith("/me?welcome=1"), (page.url, page.text)
        return browser

    def staff(self, role: str) -> Browser:
        """A browser in which the first of the staff with that role has logged in."""
        return self.staff_login(next(one.login for one in self.logins() if one.role == role))

    def logins(self) -> tuple[DemoLogin, ...]:
        """The staff of the county."""
        return demo.demo_logins(self.node)

    def staff_login(self, login: str) -> Browser:
        """A browser in which somebody of the staff has logged in with both factors; the second is
        shown once, when it is set up.
        """
        browser = self.browser()
        password = next(one.password for one in self.logins() if one.login == login)
        page = browser.open("/desk/login")
        page = browser.send(page.form("/desk/login"), login=login, password=password)
        found = re.search(r'class="mono">([A-Z2-7]{16,})<', page.text)
        if found is not None:
            self.secrets[login] = found.group(1)
        digits = self.digits(self.secrets[login])
        page = browser.send(page.form("/desk/factor"), digits=digits)
        assert page.url.endswith("/desk"), (page.url, page.text)
        return browser

    def digits(self, secret: str) -> str:
        """The six digits of an authenticator at the clock's time (RFC 6238)."""
        key = base64.b32decode(secret + "=" * (-len(secret) % 8))
        step = struct.pack(">Q", self.clock.now_us() // 30_000_000)
        made = hmac.new(key, step, hashlib.sha1).digest()
        at = made[-1] & 15
        number = struct.unpack(">I", made[at : at + 4])[0] & 0x7FFFFFFF
        return f"{number % 10**6:06d}"

    def lend(self, browser: Browser) -> Page:
        """From the first step to money in the wallet."""
        return self.sign(browser, browser.send(browser.apply().form("/apply/check")))

    def sign(self, browser: Browser, page: Page) -> Page:
        """From an offer to money in the wallet."""
        page = browser.open(page.link("/contract"))
        page = browser.send(page.form("/contract"), agree="yes")
        return browser.send(page.form("/take"))


def build(home: Path, clock: FixedClock) -> dict[str, str]:
    """Settle a county and put a model in force; who is good and who is not, by what it says."""
    node = open_node(home, store_url=f"sqlite:///{home / 'puhui.sqlite'}", clock=clock, keys=KEYS)
    found = settle(node)
    node.close()
    return found


def settle(node: Node) -> dict[str, str]:
    """The number of the merchant for each part, as text: good, bad and so on."""
    county = demo.seed_county(node, size=SIZE, seed=SEED)
    today = business_date(node.clock.now_us())
    mapping = study.read_mapping(PRODUCT)
    keep_mapping(node.home, mapping, study.mapping_text(PRODUCT))
    columns = demo.training_table(SEED, county.day, size=400)
    table = Table(columns, len(columns["reference"]))
    model = train(table, mapping, "points", SEED, maker="tests", trained_on=str(today))
    save_model(node.home / "models", model)
    told = {"name": PRODUCT, "digest": model.digest}
    node.act("score.register_model", told, key="model", actor=OPERATOR)
    node.act("lending.open_books", {"currency": "CNY"}, key="books", actor=OPERATOR)
    with node.read() as tx:
        digest = champion(tx, PRODUCT)
    assert digest is not None
    used = load_model(node.home / "models", digest)
    persons = {
        one.party_id: one
        for one in county.merchants
        if one.merchant.firm is None and one.merchant.case is GuardCase.ORDINARY
    }
    ranked = sorted(
        (score_row(used, dict(made.row), mapping=mapping).pd, made.party_id)
        for made in demo.applications(node, county)
        if made.party_id in persons
    )
    sound = [party_id for _, party_id in ranked if can_carry(persons[party_id])]
    parts = dict(zip(("good", "other", "spare", "late", "prompt", "newcomer"), sound, strict=False))
    parts["bad"] = ranked[-1][1]
    return {part: str(persons[party_id].merchant.number) for part, party_id in parts.items()}


def can_carry(one: SeededMerchant) -> bool:
    """Whether debts elsewhere leave room for the loan that the journeys ask for."""
    income_minor = min(one.merchant.yearly_income_minor, 9_000_000)
    return one.merchant.existing_debt_minor + 2_000_000 <= 2 * income_minor


def open_town(template: Path, home: Path, clock: FixedClock, numbers: dict[str, str]) -> Town:
    """A town of its own for one test, out of the one that was made."""
    shutil.copytree(template, home, dirs_exist_ok=True)
    node = open_node(home, store_url=f"sqlite:///{home / 'puhui.sqlite'}", clock=clock, keys=KEYS)
    return town_of(node, clock, numbers)


def town_of(node: Node, clock: FixedClock, numbers: dict[str, str]) -> Town:
    """A node that was settled, with its pages."""
    county = demo.draw_county(SEED, SIZE, business_date(clock.now_us()))
    people = {part: county.merchants[int(number)].owner for part, number in numbers.items()}
    return Town(node, clock, **people)


def static_text(name: str) -> str:
    """A file that pages link to."""
    return (files("puhui.web") / "static" / name).read_text(encoding="utf-8")
