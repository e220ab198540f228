"""Codes to scan: digits to enter, static, dynamic and shown codes, limits by level of risk."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.kernel.dump import dump_store
from puhui.kernel.replay import replay
from puhui.payment.desk import level as level_desk
from puhui.payment.desk.level import risk_levels
from puhui.payment.formats.emv_qr import build_qr, merchant_of, parse_qr, payload_of
from puhui.payment.rules import code as rules
from puhui.payment.window import (
    code_of,
    codes_of,
    draw_shown_code,
    payload_text,
    payment_of,
)
from tests.payment.purse import STAFF, held_by, open_books, person, run, self_of

SHOP = {
    "category": "5411",
    "name": "ZHANG GROCERY",
    "city": "LANKAO",
    "name_local": "张记杂货铺",
    "city_local": "兰考",
}
SECOND_US = 1_000_000


def static(node: Node, party_id: str, **more: Any) -> Any:
    return run(node, "create_code", STAFF, party_id=party_id, kind="static", **{**SHOP, **more})


def dynamic(node: Node, party_id: str, amount: int | None, **more: Any) -> Any:
    told = {"party_id": party_id, "kind": "dynamic", "amount_minor": amount, **more}
    return run(node, "create_code", self_of(party_id), **told)


def scan(node: Node, payer: str, code: str, amount: int = 0, **more: Any) -> Any:
    told = {"payer_id": payer, "code": code, "amount_minor": amount, **more}
    return run(node, "pay_by_code", self_of(payer), **told)


def test_a_printed_code_is_scanned_or_its_digits_entered(bank: Node) -> None:
    payer, shop = person(bank, 1, money=100_000), person(bank, 2)
    made = static(bank, shop)
    assert re.fullmatch("[0-9]{12}", made.digits)
    said = merchant_of(parse_qr(made.payload))
    assert (said.digits, said.is_dynamic, said.name_local) == (made.digits, False, "张记杂货铺")
    paid = scan(bank, payer, made.payload, 1_250)
    assert (paid.payee_id, paid.amount_minor, paid.level) == (shop, 1_250, "D")
    again = scan(bank, payer, f" {rules.grouped(made.digits)} ".replace(" ", "-", 1), 750)
    assert again.payee_id == shop
    assert (held_by(bank, payer), held_by(bank, shop)) == (98_000, 2_000)
    with bank.read() as tx:
        assert payment_of(tx, paid.payment).purpose == "5411"
        (found,) = codes_of(tx, shop)
        assert code_of(tx, made.digits) == found
        assert payload_text(found) == made.payload
        with pytest.raises(Refused, match="code_unknown"):
            code_of(tx, rules.merchant_digits(5))


def test_a_dynamic_code_pays_once(bank: Node, clock: FixedClock) -> None:
    payer, shop = person(bank, 1, money=100_000), person(bank, 2)
    with pytest.raises(Refused, match="code_not_approved"):
        dynamic(bank, shop, 1_250)
    static(bank, shop)
    made = dynamic(bank, shop, 1_250, reference="B-17")
    said = merchant_of(parse_qr(made.payload))
    assert (said.amount_minor, said.reference, said.is_dynamic) == (1_250, "B-17", True)
    with pytest.raises(Refused, match="code_amount"):
        scan(bank, payer, made.payload, 1_000)
    paid = scan(bank, payer, made.payload)
    assert (paid.amount_minor, paid.level) == (1_250, "C")
    with bank.read() as tx:
        assert payment_of(tx, paid.payment).remark == "B-17"
        assert payload_text(code_of(tx, made.digits)) == made.payload
    with pytest.raises(Refused, match="code_ended"):
        scan(bank, payer, made.digits)
    late = dynamic(bank, shop, 100, minutes=1)
    clock.set_us(clock.now_us() + 60 * SECOND_US)
    with pytest.raises(Refused, match="code_ended"):
        scan(bank, payer, late.digits)
    assert held_by(bank, shop) == 1_250


def test_a_closed_code_takes_nothing(bank: Node) -> None:
    payer, shop, other = person(bank, 1, money=1_000), person(bank, 2), person(bank, 3)
    made = static(bank, shop)
    with pytest.raises(Refused, match="not_yours"):
        run(bank, "close_code", self_of(other), digits=made.digits)
    assert run(bank, "close_code", self_of(shop), digits=made.digits).status == "closed"
    with pytest.raises(Refused, match="code_ended"):
        scan(bank, payer, made.digits, 100)
    with pytest.raises(Refused, match="code_ended"):
        run(bank, "close_code", self_of(shop), digits=made.digits)
    with bank.read() as tx:
        assert codes_of(tx, shop) == ()


UNMADE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"kind": "round"}, "code_kind"),
    ({"category": "54"}, "code_category"),
    ({"amount_minor": 5}, "code_amount"),
    ({"minutes": 5}, "code_amount"),
    ({"currency": "XXX"}, "no_currency"),
    ({"name": "N" * 26}, "code_malformed"),
    ({"city": ""}, "code_incomplete"),
    ({"name": ""}, "code_incomplete"),
    ({"party_id": "party-none"}, "party.unknown"),
)


def test_codes_that_cannot_be_made(bank: Node) -> None:
    shop = person(bank, 1)
    for change, code in UNMADE:
        told = {"party_id": shop, "kind": "static", **SHOP, **change}
        with pytest.raises(Refused, match=code):
            run(bank, "create_code", STAFF, **told)


def test_dynamic_codes_that_cannot_be_made(bank: Node) -> None:
    shop, other = person(bank, 1), person(bank, 2)
    static(bank, shop)
    for told, code in (
        ({"amount_minor": None}, "code_amount"),
        ({"amount_minor": 0}, "bad_amount"),
        ({"minutes": 1_441}, "code_minutes"),
        ({"minutes": -1}, "code_minutes"),
        ({"currency": "USD"}, "code_not_approved"),
    ):
        with pytest.raises(Refused, match=code):
            run(
                bank,
                "create_code",
                self_of(shop),
                **{"party_id": shop, "kind": "dynamic", "amount_minor": 5, **told},
            )
    with pytest.raises(Refused, match="code_not_approved"):
        run(bank, "create_code", self_of(shop), party_id=shop, kind="static", **SHOP)
    with pytest.raises(Refused, match="not_yours"):
        run(bank, "create_code", self_of(other), party_id=shop, kind="dynamic", amount_minor=5)


def test_what_is_scanned_is_what_was_made(bank: Node) -> None:
    """A code with another amount, merchant's category or scheme is none of ours."""
    payer, shop = person(bank, 1, money=100_000), person(bank, 2)
    made = static(bank, shop)
    said = merchant_of(parse_qr(made.payload))
    for changed, code in (
        (replace(said, amount_minor=1, is_dynamic=True), "code_altered"),
        (replace(said, category="7995"), "code_altered"),
        (replace(said, currency="USD"), "code_altered"),
        (replace(said, scheme="other.example"), "code_foreign"),
        (replace(said, digits=rules.merchant_digits(1)), "code_unknown"),
        (replace(said, digits="1"), "code_digits"),
    ):
        with pytest.raises(Refused, match=code):
            scan(bank, payer, build_qr(payload_of(changed)), 100)
    wrong = made.digits[:-1] + str((int(made.digits[-1]) + 1) % 10)
    for text, code in (
        (wrong, "code_digits"),
        (made.digits[:-1], "code_digits"),
        ("", "code_digits"),
        ("１２３４５６７８９０１２", "code_digits"),
        (made.payload[:-1], "code_malformed"),
        (made.payload.replace("LANKAO", "LANKA0"), "code_checksum"),
    ):
        with pytest.raises(Refused, match=code):
            scan(bank, payer, text, 100)
    with pytest.raises(Refused, match="bad_amount"):
        scan(bank, payer, made.digits)
    with pytest.raises(Refused, match="same_wallet"):
        scan(bank, shop, made.digits, 100)
    assert held_by(bank, payer) == 100_000


def test_levels_of_risk_bound_a_day(bank: Node, clock: FixedClock) -> None:
    payer, shop = person(bank, 1, money=2_000_000), person(bank, 2)
    made = static(bank, shop)
    scan(bank, payer, made.digits, 50_000)
    with pytest.raises(Refused, match=r"code_daily_limit.*level D at most 500 yuan"):
        scan(bank, payer, made.digits, 1)
    scan(bank, payer, dynamic(bank, shop, 100_000).digits)
    with pytest.raises(Refused, match=r"level C at most 1,000 yuan"):
        scan(bank, payer, dynamic(bank, shop, 1).digits)
    code = dynamic(bank, shop, 500_000).digits
    with pytest.raises(Refused, match="code_factors"):
        scan(bank, payer, code, factors=["two"])
    told = {"payer_id": payer, "code": code, "factors": ["two"]}
    assert run(bank, "pay_by_code", STAFF, **told).level == "B"
    told = {"payer_id": payer, "code": dynamic(bank, shop, 600_000).digits}
    with pytest.raises(Refused, match=r"level B at most 5,000 yuan"):
        run(bank, "pay_by_code", STAFF, factors=["two"], **told)
    with pytest.raises(Refused, match="code_factors"):
        run(bank, "pay_by_code", STAFF, factors=["three"], **told)
    assert run(bank, "pay_by_code", STAFF, factors=["two", "certified"], **told).level == "A"
    assert held_by(bank, shop) == 1_250_000
    clock.set_us(clock.now_us() + 86_400 * SECOND_US)
    scan(bank, payer, made.digits, 50_000)


def test_two_at_once_do_not_both_just_fit(bank: Node) -> None:
    payer, shop = person(bank, 1, money=2_000_000), person(bank, 2)
    made = static(bank, shop)

    def once(number: int) -> str:
        told = {"payer_id": payer, "code": made.digits, "amount_minor": 20_000}
        try:
            bank.act("payment.pay_by_code", told, key=f"at once {number}", actor=self_of(payer))
        except Refused as refused:
            return refused.code
        return "paid"

    with ThreadPoolExecutor(4) as pool:
        found = sorted(pool.map(once, range(6)))
    assert (
        found == ["paid"] * 2 + ["payment.code_daily_limit"] * 4
        or found
        == [
            *["paid"] * 2,
            *["payment.code_daily_limit"] * 4,
        ][::-1]
    ), found
    assert held_by(bank, shop) == 40_000


def show(node: Node, party_id: str) -> str:
    digits, digest = draw_shown_code()
    run(node, "present_code", self_of(party_id), party_id=party_id, digest=digest)
    return digits


def collect(node: Node, payee: str, digits: str, amount: int, **more: Any) -> Any:
    told = {"payee_id": payee, "digits": digits, "amount_minor": amount, **more}
    return run(node, "collect_code", self_of(payee), **told)


def test_a_shown_code_is_taken_once(bank: Node) -> None:
    payer, shop = person(bank, 1, money=100_000), person(bank, 2)
    digits = show(bank, payer)
    assert digits.startswith(rules.SHOWN_START)
    paid = collect(bank, shop, rules.grouped(digits), 3_000)
    assert (paid.level, held_by(bank, payer), held_by(bank, shop)) == ("C", 97_000, 3_000)
    with pytest.raises(Refused, match="code_ended"):
        collect(bank, shop, digits, 3_000)


def test_a_shown_code_ends_by_time_and_by_the_next(bank: Node, clock: FixedClock) -> None:
    payer, shop = person(bank, 1, money=100_000), person(bank, 2)
    first = show(bank, payer)
    second = show(bank, payer)
    with pytest.raises(Refused, match="code_ended"):
        collect(bank, shop, first, 100)
    clock.set_us(clock.now_us() + 60 * SECOND_US)
    with pytest.raises(Refused, match="code_ended"):
        collect(bank, shop, second, 100)
    assert held_by(bank, payer) == 100_000


def test_shown_codes_that_will_not_do(bank: Node) -> None:
    payer, shop = person(bank, 1, money=1_000_000), person(bank, 2)
    digits = show(bank, payer)
    for changed, code in (
        (digits[:-1] + str((int(digits[-1]) + 1) % 10), "code_digits"),
        (rules.shown_digits(7), "code_unknown"),
        ("", "code_digest"),
    ):
        with pytest.raises(Refused, match=code):
            collect(bank, shop, changed, 100)
    with pytest.raises(Refused, match="other_currency"):
        collect(bank, shop, digits, 100, currency="USD")
    with pytest.raises(Refused, match="code_factors"):
        collect(bank, shop, digits, 100, factors=["two"])
    with pytest.raises(Refused, match="code_daily_limit"):
        collect(bank, shop, digits, 100_001)
    with pytest.raises(Refused, match="bad_amount"):
        collect(bank, shop, digits, 0)
    with pytest.raises(Refused, match="not_yours"):
        run(bank, "collect_code", self_of(payer), payee_id=shop, digits=digits, amount_minor=1)
    with pytest.raises(Refused, match="code_digest"):
        run(bank, "present_code", self_of(payer), party_id=payer, digest="00")
    same = rules.digest_of(digits)
    with pytest.raises(Refused, match="code_digest"):
        run(bank, "present_code", self_of(payer), party_id=payer, digest=same)
    assert collect(bank, shop, digits, 100_000).amount_minor == 100_000, "refusals use nothing up"


def test_digits_that_are_shown_are_kept_nowhere(bank: Node) -> None:
    payer, shop = person(bank, 1, money=1_000), person(bank, 2)
    digits = show(bank, payer)
    collect(bank, shop, digits, 100)
    lines = [line for _, line in dump_store(bank.store)]
    assert any(rules.digest_of(digits) in line for line in lines)
    assert not any(digits in line for line in lines)


def test_no_number_is_given_twice(bank: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = person(bank, 1)
    made = static(bank, shop)
    monkeypatch.setattr(rules, "merchant_digits", lambda number: made.digits)
    with pytest.raises(Refused, match="code_numbers"):
        static(bank, shop)


def test_codes_and_promises_replay(
    sqlite_node: Node, tmp_path: Path, open_at: Callable[..., Node]
) -> None:
    """What was drawn from the secret source is in the acts as a digest, so all comes out equal."""
    open_books(sqlite_node)
    payer, shop = person(sqlite_node, 1, money=100_000), person(sqlite_node, 2)
    scan(sqlite_node, payer, static(sqlite_node, shop).payload, 100)
    scan(sqlite_node, payer, dynamic(sqlite_node, shop, 200).digits)
    collect(sqlite_node, shop, show(sqlite_node, payer), 300)
    told = {"payer_id": payer, "amount_minor": 400, "currency": "CNY", "payee_id": ""}
    condition = {"kind": "purpose", "purposes": ["5411"]}
    made = run(sqlite_node, "promise", STAFF, **told, condition=condition, lapses_on="2026-03-09")
    run(sqlite_node, "fulfil", self_of(shop), promise_id=made.promise_id, payee_id=shop)
    assert held_by(sqlite_node, shop) == 1_000
    second = open_at(f"sqlite:///{tmp_path / 'second.sqlite'}", writers=1)
    assert replay(sqlite_node, second).differences == ()


def test_the_institution_takes_no_more_than_its_own_limit_of_a_day(
    bank: Node, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted over all customers, beside the limit of each; a refusal uses nothing up."""
    levels = tuple(replace(one, institution_minor_max=60_000) for one in risk_levels())
    monkeypatch.setattr(level_desk, "risk_levels", lambda on=None: levels)
    one, two = person(bank, 1, money=500_000), person(bank, 2, money=500_000)
    shop = person(bank, 3)
    made = static(bank, shop)
    scan(bank, one, made.digits, 40_000)
    with pytest.raises(Refused, match=r"code_institution_limit.*level D"):
        scan(bank, two, made.digits, 20_001)
    scan(bank, two, made.digits, 20_000)
    with pytest.raises(Refused, match="code_institution_limit"):
        scan(bank, one, made.digits, 1)
    assert held_by(bank, shop) == 60_000
    with pytest.raises(Refused, match=r"code_institution_limit.*level C"):
        collect(bank, shop, show(bank, two), 60_001)
    clock.set_us(clock.now_us() + 86_400 * SECOND_US)
    scan(bank, one, made.digits, 40_000)
