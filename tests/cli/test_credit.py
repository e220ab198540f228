"""The credit desk from the command line: products, partners, offers, guarantees, two lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest

from puhui.kernel import Actor
from puhui.kernel.act import SYSTEM
from puhui.lending.formats import shelf
from puhui.lending.window import guarantee
from puhui.node import open_node
from tests.cli.program import Ended, Program
from tests.lending.bank import Bank, open_bank
from tests.lending.test_offer import offerable
from tests.servicing.shares import Keep

pytestmark = pytest.mark.xdist_group("cli")

STAFF = Actor("tests", frozenset({"operator", "loan_officer", "risk_analyst", "system", "customer",
                                  "administrator"}))  # fmt: skip


def bank_of(program: Program, folder: Path) -> Bank:
    """A bank on the home of the program; its node must be closed before the program runs."""
    return open_bank(open_node(program.home), STAFF, folder / "bank")


@dataclass(frozen=True, slots=True)
class Fresh:
    """The program with the shelf of a process that begins: what it has on it else stays there."""

    program: Program

    @property
    def home(self) -> Path:
        return self.program.home

    def __call__(self, *words: object) -> Ended:
        shelf.OWN.clear()
        shelf.load_product.cache_clear()
        return self.program(*words)


@pytest.fixture
def fresh(program: Program, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fresh]:
    """Each command begins with an empty shelf; the next test is given back the one there was."""
    monkeypatch.setattr(shelf, "OWN", {})
    yield Fresh(program)
    shelf.load_product.cache_clear()


def test_products_are_listed_with_the_folder_for_own_ones(fresh: Fresh) -> None:
    for words in (("products", "--json"), ("products", "list", "--json")):
        ended = fresh(*words)
        assert ended.code == 0
        assert "crop_season" in ended.out
        assert str(fresh.home / "products") in ended.out
        assert ended.figures["own"] == 0


def test_a_faulty_one_is_named(fresh: Fresh) -> None:
    (fresh.home / "products").mkdir(parents=True)
    (fresh.home / "products" / "x.toml").write_text("name = 3", encoding="utf-8")
    ended = fresh("products")
    assert ended.code == 2
    assert "x.toml" in ended.err


def test_a_product_is_checked_and_put_on_the_shelf(fresh: Fresh, tmp_path: Path) -> None:
    text = (files("puhui.lending") / "products" / "crop_season.toml").read_text(encoding="utf-8")
    file = tmp_path / "own_season.toml"
    file.write_text(text.replace('name = "crop_season"', 'name = "own_season"'), encoding="utf-8")
    home = fresh.home
    checked = fresh("products", "check", file, "--json")
    assert checked.figures["name"] == "own_season", checked.said
    assert not (home / "products").exists()
    added = fresh("products", "add", file, "--json")
    assert added.code == 0, added.said
    assert (home / "products" / "own_season.toml").read_text(encoding="utf-8") == file.read_text()
    assert fresh("products", "--json").figures["own"] == 1
    again = fresh("products", "add", file)
    assert again.code == 0, "the same again changes nothing"
    file.write_text(file.read_text().replace("春耕贷", "夏收贷"))
    for word in ("check", "add"):
        other = fresh("products", word, file)
        assert (other.code, "(lending.product_twice)" in other.err) == (2, True), other.said
    wrong = tmp_path / "other_name.toml"
    wrong.write_text(file.read_text())
    named = fresh("products", "check", wrong)
    assert (named.code, "(lending.bad_product)" in named.err) == (2, True)


def test_a_partner_is_registered(program: Program, tmp_path: Path) -> None:
    bank = bank_of(program, tmp_path)
    firm = bank.person()
    bank.node.close()
    before = program("partners", "list", "--json")
    assert "not registered" in before.out
    assert before.figures["missing"] > 0
    done = program("partners", "register", "city_bank", firm, "--json")
    assert done.figures == {"name": "city_bank", "party": firm}
    after = program("partners", "list", "--json").figures["missing"]
    assert after == before.figures["missing"] - 1
    wrong = program("partners", "register", "two words", firm)
    assert (wrong.code, "(servicing.bad_partner)" in wrong.err) == (2, True)


def test_what_is_kept_for_a_lender_is_paid_out(program: Program, tmp_path: Path) -> None:
    bank = bank_of(program, tmp_path)
    firm = bank.person()
    bank.node.act("bench.keep", Keep(firm, 5_000), key="keep", actor=SYSTEM)
    bank.node.close()
    listed = program("partners", "list", "--json")
    assert listed.figures["kept_minor_CNY"] == 5_000
    assert "50.00" in listed.out
    paid = program("partners", "pay-out", firm, "--json")
    assert paid.figures == {"party": firm, "currency": "CNY", "amount_minor": 5_000}
    again = program("partners", "pay-out", firm)
    assert (again.code, "(servicing.nothing_kept)" in again.err) == (2, True)


def test_offers_of_a_file_keep_to_the_rule(program: Program, tmp_path: Path) -> None:
    bank = bank_of(program, tmp_path)
    willing, silent = offerable(bank, "1"), bank.person()
    bank.node.close()
    file, refused = tmp_path / "offers.csv", tmp_path / "refused.csv"
    file.write_text(
        "party,product,amount,channel\n"
        f"{willing},merchant_310,3000.00,sms\n"
        f"{willing},merchant_310,9000000,sms\n"
        f"{silent},merchant_310,1000,sms\n"
        f"{willing},no_such,1000,sms\n"
        f"{willing},merchant_310,much,sms\n",
        encoding="utf-8",
    )
    tried = program("offers", "make", file, "--dry-run", "--json")
    assert tried.figures == {"rows": 5, "offers": 1, "refused_rows": 4}, tried.said
    for _ in range(2):
        made = program("offers", "make", file, "--refused", refused, "--json")
        assert made.figures == {"rows": 5, "offers": 1, "refused_rows": 4}, made.said
    told = refused.read_text(encoding="utf-8-sig").splitlines()
    codes = [line.split(",")[5] for line in told[1:]]
    assert codes == ["lending.offer_over_need", "data.no_consent", "lending.no_product",
                     "kernel.bad_amount"]  # fmt: skip
    listed = program("offers", "list", willing, "--json")
    assert listed.figures == {"offers": 1, "is_wanted": True}, "the same file offers nothing twice"
    assert "open" in listed.out
    file.write_text("who,what\n", encoding="utf-8")
    wrong = program("offers", "make", file)
    assert (wrong.code, "(cli.bad_file)" in wrong.err) == (2, True)
    file.write_bytes(b"\xff\xfe\xfa")
    odd = program("offers", "make", file)
    assert (odd.code, "(cli.file_unreadable)" in odd.err) == (2, True)


def test_a_guarantor_is_asked_and_sees_nothing_yet(program: Program, tmp_path: Path) -> None:
    bank = bank_of(program, tmp_path)
    borrower, parent, aunt = bank.person(), bank.person(), bank.person()
    contract = bank.lend(borrower, "1")
    told = {"loan_id": contract, "reason": "illness", "days": 30}
    bank.act("servicing.ask_relief", "ill", **told)
    bank.node.close()
    asked = program("guarantees", "ask", contract, parent, "--share", "50", "--income",
                    "120000.00", "--json")  # fmt: skip
    assert asked.figures["status"] == "asked", asked.said
    listed = program("guarantees", "list", contract, "--json")
    assert listed.figures == {"asked": 1, "signed": 0, "shown": 0}
    assert "50%" in listed.out
    node = open_node(program.home)
    with node.read() as tx:
        assert guarantee.asked_of(node, tx, parent)[0].contract_id == ""
    node.close()
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"a signed paper")
    alone = program("guarantees", "agree", asked.figures["ask"], "--evidence", scan)
    assert (alone.code, "(party.four_eyes)" in alone.err) == (2, True), alone.said
    node = open_node(program.home)
    officer = Actor("officer", frozenset({"loan_officer"}))
    told = {"contract_id": contract, "guarantor_id": aunt, "share_millionths": 10_000}
    second = node.act("lending.ask_guarantee", told, key="second", actor=officer).ask_id
    node.close()
    agreed = program("guarantees", "agree", second, "--way", "voice", "--evidence", scan, "--json")
    assert agreed.figures["evidence"] == sha256(b"a signed paper").hexdigest(), agreed.said
    assert program("guarantees", "list", contract, "--json").figures["shown"] == 1
    gone = program("guarantees", "withdraw", asked.figures["ask"], "--json")
    assert gone.figures["status"] == "withdrawn"
    for words, code in (
        (("list", "contract-x"), "lending.no_contract"),
        (("withdraw", "nothing"), "lending.no_guarantee_ask"),
        (("ask", contract, borrower), "servicing.bad_guarantee"),
        (("ask", contract, parent, "--income", "much"), "kernel.bad_amount"),
    ):
        ended = program("guarantees", *words)
        assert (ended.code, f"({code})" in ended.err) == (2, True), ended.said
    assert program("guarantees", "ask", contract, parent, "--share", "half").code == 2
    out = tmp_path / "relief.csv"
    waiting = program("relief", "--kind", "household", "--out", out, "--json")
    assert waiting.figures == {"requests": 1}, waiting.said
    assert "illness" not in waiting.out + out.read_text(encoding="utf-8-sig")
    assert contract in out.read_text(encoding="utf-8-sig")
    assert program("relief", "--kind", "trade", "--json").figures == {"requests": 0}
    assert program("relief", "--kind", "health").code == 2
    assert program("limits", "--json").figures == {"changes": 0}
