"""Promises: money waits for a day, a purpose or a reading, and goes back when they lapse."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.ledger import lookup_accounts
from puhui.party.nouns import ErasePerson
from puhui.payment.desk.promise import promise_account, promise_of
from puhui.payment.nouns.promise import Condition
from puhui.payment.rules import condition as rules
from puhui.payment.tables.code import READ_CODE
from puhui.payment.tables.promise import READ_PROMISE
from puhui.payment.window import codes_of, promises_of
from puhui.worker import close_day, deliver
from tests.payment.purse import STAFF, held_by, person, run, self_of, today
from tests.payment.test_condition import DAY, FROM, LATER, RAIN, SEED, UNTIL, both, either


def promised(node: Node, payer: str, condition: Condition, **more: Any) -> Any:
    told = {
        "payer_id": payer,
        "amount_minor": 30_000,
        "currency": "CNY",
        "condition": condition,
        "lapses_on": LATER,
        **more,
    }
    return run(node, "promise", self_of(payer), **told)


def read(node: Node, value: str, *, on: date = DAY, revision: int = 0) -> None:
    run(
        node,
        "record_reading",
        source=RAIN.source,
        name=RAIN.name,
        observed_on=on,
        value=value,
        revision=revision,
    )


def fulfil(node: Node, promise_id: str, payee: str) -> Any:
    return run(node, "fulfil", self_of(payee), promise_id=promise_id, payee_id=payee)


def in_escrow(node: Node, promise_id: str) -> int:
    with node.read() as tx:
        (found,) = lookup_accounts(tx, [promise_account(promise_id)])
    assert found is not None
    return found.credit_balance_minor


def test_money_waits_for_a_reading_and_a_wrong_one_never_frees_it(bank: Node) -> None:
    payer, payee = person(bank, 1, money=50_000), person(bank, 2)
    made = promised(bank, payer, RAIN, payee_id=payee)
    assert (held_by(bank, payer), held_by(bank, payee)) == (20_000, 0)
    with pytest.raises(Refused, match="not_met"):
        fulfil(bank, made.promise_id, payee)
    read(bank, "55")
    with pytest.raises(Refused, match=r"waits for rain_mm.may of weather.lankao lt 40"):
        fulfil(bank, made.promise_id, payee)
    read(bank, "12", on=DAY - timedelta(days=1))
    with pytest.raises(Refused, match="not_met"):
        fulfil(bank, made.promise_id, payee)  # observed before the promise was made
    assert held_by(bank, payee) == 0
    read(bank, "39.5", revision=1)
    with pytest.raises(Refused, match="four_eyes"):
        run(bank, "fulfil", STAFF, promise_id=made.promise_id, payee_id=payee)
    done = fulfil(bank, made.promise_id, payee)
    assert (done.status, done.digest) == ("kept", made.digest)
    assert (held_by(bank, payer), held_by(bank, payee)) == (20_000, 30_000)
    assert in_escrow(bank, made.promise_id) == 0
    with pytest.raises(Refused, match="promise_ended"):
        fulfil(bank, made.promise_id, payee)
    with bank.read() as tx:
        found = promise_of(tx, made.promise_id)
        assert promises_of(tx, payer) == promises_of(tx, payee) == (found,)
    assert (found.status, found.payment) == ("kept", done.payment)
    assert found.condition == rules.text_of(RAIN)
    assert found.digest == rules.digest_of(found.condition)


def test_money_for_a_purpose_goes_to_those_known_for_it(bank: Node) -> None:
    payer, shop, other = person(bank, 1, money=50_000), person(bank, 2), person(bank, 3)
    shown = {"currency": "CNY", "name": "SHOP", "city": "LANKAO", "kind": "static"}
    run(bank, "create_code", STAFF, party_id=other, category="5411", **shown)
    made = promised(bank, payer, both(SEED, UNTIL))
    for somebody in (shop, other):
        with pytest.raises(Refused, match=r"waits for a payee known for 0763 or 5261"):
            fulfil(bank, made.promise_id, somebody)
    run(bank, "create_code", STAFF, party_id=shop, category="5261", **shown)
    with pytest.raises(Refused, match="same_wallet"):
        fulfil(bank, made.promise_id, payer)
    fulfil(bank, made.promise_id, shop)
    assert (held_by(bank, payer), held_by(bank, shop), held_by(bank, other)) == (20_000, 30_000, 0)


def test_nobody_else_takes_it(bank: Node) -> None:
    payer, payee, other = person(bank, 1, money=50_000), person(bank, 2), person(bank, 3)
    made = promised(bank, payer, UNTIL, payee_id=payee)
    with pytest.raises(Refused, match="promise_payee"):
        fulfil(bank, made.promise_id, other)
    with pytest.raises(Refused, match="not_yours"):
        run(bank, "fulfil", self_of(other), promise_id=made.promise_id, payee_id=payee)
    with pytest.raises(Refused, match="promise_unknown"):
        fulfil(bank, "promise-0", payee)
    with bank.read() as tx, pytest.raises(Refused, match="promise_unknown"):
        promise_of(tx, "promise-0")


@pytest.fixture
def moving(bank: Node, clock: FixedClock) -> Any:
    def to(day: date) -> None:
        clock.set_us(clock.now_us() + (day - today(bank)).days * 86_400_000_000)

    return to


def test_what_lapses_goes_back(bank: Node, moving: Any) -> None:
    payer, payee = person(bank, 1, money=50_000), person(bank, 2)
    made = promised(bank, payer, RAIN, payee_id=payee, lapses_on=DAY + timedelta(days=2))
    kept = promised(bank, payer, UNTIL, payee_id=payee, amount_minor=1_000)
    moving(DAY + timedelta(days=2))
    run(bank, "lapse", day=today(bank), promise_ids=[made.promise_id])
    with pytest.raises(Refused, match="not_met"):
        fulfil(bank, made.promise_id, payee)  # its last day is not over
    moving(DAY + timedelta(days=3))
    read(bank, "1", on=DAY + timedelta(days=3))
    with pytest.raises(Refused, match="promise_lapsed"):
        fulfil(bank, made.promise_id, payee)
    assert held_by(bank, payer) == 19_000
    for count in (1, 0):
        done = run(bank, "lapse", day=today(bank), promise_ids=[made.promise_id, kept.promise_id])
        assert done.promises == count
    with bank.read() as tx:
        assert promise_of(tx, made.promise_id).status == "lapsed"
        assert promise_of(tx, kept.promise_id).status == "held"
    with pytest.raises(Refused, match="promise_ended"):
        fulfil(bank, made.promise_id, payee)
    assert (held_by(bank, payer), held_by(bank, payee)) == (49_000, 0)


SENSELESS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"lapses_on": DAY - timedelta(days=1)}, "bad_promise"),
    ({"lapses_on": DAY + timedelta(days=367)}, "bad_promise"),
    ({"condition": Condition("from", on=LATER + timedelta(days=1))}, "bad_promise"),
    ({"condition": both(FROM, Condition("until", on=DAY))}, "bad_promise"),
    ({"condition": Condition("sometimes")}, "bad_condition"),
    ({"payee_id": ""}, "bad_promise"),
    ({"payee_id": "", "condition": either(SEED, UNTIL)}, "bad_promise"),
    ({"payee_id": "party-none"}, "no_party"),
    ({"amount_minor": 50_001}, "wallet_short"),
    ({"amount_minor": 0}, "bad_amount"),
    ({"currency": "XXX"}, "no_currency"),
)


def test_promises_that_make_no_sense(bank: Node) -> None:
    payer, payee = person(bank, 1, money=50_000), person(bank, 2)
    for change, code in SENSELESS:
        with pytest.raises(Refused, match=code):
            promised(bank, payer, **{"payee_id": payee, "condition": UNTIL, **change})
    with pytest.raises(Refused, match="same_wallet"):
        promised(bank, payer, UNTIL, payee_id=payer)
    assert held_by(bank, payer) == 50_000


def test_promises_keep_to_the_limits_of_wallets(bank: Node) -> None:
    payer, payee = person(bank, 1, tier=4, money=900_000), person(bank, 2, tier=4, money=990_000)
    with pytest.raises(Refused, match="single_limit"):
        promised(bank, payer, UNTIL, payee_id=payee, amount_minor=200_001)
    made = promised(bank, payer, UNTIL, payee_id=payee, amount_minor=200_000)
    with pytest.raises(Refused, match="tier_balance"):
        fulfil(bank, made.promise_id, payee)
    promised(bank, payer, UNTIL, payee_id=payee, amount_minor=199_999)
    with pytest.raises(Refused, match="daily_limit"):
        promised(bank, payer, UNTIL, payee_id=payee, amount_minor=100_002)


def test_readings_are_kept_as_they_were_told(bank: Node) -> None:
    read(bank, "1.50")
    read(bank, "1.5")
    with pytest.raises(Refused, match="reading_differs"):
        read(bank, "1.6")
    with pytest.raises(Refused, match="bad_reading"):
        read(bank, "1", on=DAY + timedelta(days=1))
    with pytest.raises(Refused, match="bad_condition"):
        read(bank, "1e30")
    with pytest.raises(Refused, match="bad_reading"):
        run(bank, "record_reading", source="X Y", name="n", observed_on=DAY, value="1")
    with pytest.raises(Refused, match="role_missing"):
        run(
            bank, "record_reading", self_of("party-1"),
            source="s", name="n", observed_on=DAY, value="1",
        )  # fmt: skip


def test_closing_a_day_ends_promises(bank: Node, moving: Any) -> None:
    payer, payee = person(bank, 1, money=50_000), person(bank, 2)
    made = promised(bank, payer, UNTIL, payee_id=payee, lapses_on=DAY)
    moving(DAY + timedelta(days=1))
    close_day(bank, today(bank))
    with bank.read() as tx:
        assert promise_of(tx, made.promise_id).status == "lapsed"
    assert held_by(bank, payer) == 50_000


def test_an_erased_person_leaves_no_words(bank: Node) -> None:
    payer, shop = person(bank, 1, money=30_000), person(bank, 2)
    shown = {"currency": "CNY", "name": "ZHANG SAN", "city": "LANKAO", "kind": "static"}
    code = run(bank, "create_code", STAFF, party_id=shop, category="5261", **shown)
    made = promised(bank, payer, SEED, remark="给张三")
    fulfil(bank, made.promise_id, shop)
    run(bank, "withdraw", self_of(shop), party_id=shop, amount_minor=30_000, currency="CNY")
    run(bank, "close_wallet", self_of(shop), party_id=shop, currency="CNY")
    with bank.read() as tx:
        assert codes_of(tx, shop)[0].name == "ZHANG SAN"
    bank.act("party.erase_person", ErasePerson(shop), key="erase", actor=STAFF)
    deliver(bank)
    with bank.read() as tx:
        assert codes_of(tx, shop) == ()
        rows = tx.all(READ_CODE, digits=code.digits)
        assert [(row.name, row.status) for row in rows] == [("", "closed")]
        found = tx.one(READ_PROMISE, id=made.promise_id)
        assert found is not None
        assert (found.remark, found.amount_minor) == ("", 30_000)
