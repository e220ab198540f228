"""Wallets: who may have which tier, and what each tier lets through, to the fen."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel import Node, Refused
from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import FixedClock, start_of_day_us
from puhui.ledger.desk.account import CreateAccounts
from puhui.party import read_party_file
from puhui.party.nouns import ErasePerson
from puhui.payment import admit, wallet_account
from puhui.payment.desk.wallet import deposit
from puhui.payment.rules.batch import Held, judge_batch
from puhui.payment.window import count_wallets, payment_of, read_wallet, tiers, wallets_of
from puhui.worker import close_day, deliver
from tests.party.people import register_person
from tests.payment.purse import (
    STAFF,
    batch,
    held_by,
    identify,
    pay,
    pay_batch,
    person,
    run,
    self_of,
    today,
    top_up,
)


@pytest.mark.parametrize(
    "method, best", [("", 4), ("name_and_number", 3), ("face_video", 2), ("in_person", 1)]
)
def test_identity_checks_decide_the_tier(bank: Node, method: str, best: int) -> None:
    anna = register_person(bank)
    if method:
        identify(bank, anna, method)
    made = run(bank, "open_wallet", self_of(anna), party_id=anna, currency="CNY")
    assert made.tier == best, "without a wish the best that the checks allow"
    if best > 1:
        with pytest.raises(Refused, match=r"payment\.not_entitled"):
            run(bank, "set_tier", self_of(anna), party_id=anna, currency="CNY", tier=best - 1)
    lower = run(bank, "set_tier", self_of(anna), party_id=anna, currency="CNY", tier=4)
    assert lower.tier == 4
    with bank.read() as tx:
        (counted,) = count_wallets(tx)
    assert (counted.tier, counted.status, counted.wallets) == (4, "open", 1)


def test_a_check_that_failed_later_or_ran_out_entitles_to_nothing(
    bank: Node, clock: FixedClock
) -> None:
    anna, bo = register_person(bank, 1), register_person(bank, 2)
    identify(bank, anna, "in_person")
    identify(bank, anna, "face_video", is_passed=False)
    assert run(bank, "open_wallet", party_id=anna, currency="CNY").tier == 4
    identify(bank, bo, "in_person", valid_until=today(bank))
    clock.set_us(start_of_day_us(today(bank) + timedelta(days=2)))
    assert run(bank, "open_wallet", party_id=bo, currency="CNY").tier == 4


def test_what_is_refused_of_wallets(bank: Node) -> None:
    anna, bo = person(bank, 1, tier=1, money=1_000_001), register_person(bank, 2)
    told = {"party_id": anna, "currency": "CNY"}
    for name, change, code in (
        ("open_wallet", {}, "wallet_exists"),
        ("open_wallet", {"currency": "XXX"}, "no_currency"),
        ("set_tier", {"tier": 9}, "no_tier"),
        ("set_tier", {"tier": 4}, "tier_balance"),
        ("set_tier", {"tier": 4, "party_id": bo}, "no_wallet"),
        ("close_wallet", {}, "wallet_not_empty"),
        ("close_wallet", {"party_id": bo}, "no_wallet"),
    ):
        with pytest.raises(Refused, match=rf"payment\.{code}"):
            run(bank, name, **(told | change))
    with pytest.raises(Refused, match=r"party\.not_yours"):
        run(bank, "close_wallet", self_of(bo), **told)


def test_single_daily_and_balance_limits_hold_to_the_fen(bank: Node, clock: FixedClock) -> None:
    anna, shop = person(bank, 1, tier=4, money=1_000_000), person(bank, 2, tier=4)
    with pytest.raises(Refused, match=r"payment\.single_limit"):
        pay(bank, anna, shop, 200_001)
    for amount in (200_000, 200_000, 100_000):
        pay(bank, anna, shop, amount)
    with pytest.raises(Refused, match=r"payment\.daily_limit"):
        pay(bank, anna, shop, 1)
    clock.set_us(start_of_day_us(today(bank) + timedelta(days=1)))
    for amount in (200_000, 200_000, 100_000):
        pay(bank, anna, shop, amount)
    assert held_by(bank, shop) == 1_000_000
    rich = person(bank, 3, money=10)
    with pytest.raises(Refused, match=r"payment\.tier_balance"):
        pay(bank, rich, shop, 1)
    with pytest.raises(Refused, match=r"payment\.tier_balance"):
        top_up(bank, shop, 1)
    run(bank, "withdraw", party_id=shop, amount_minor=1, currency="CNY")
    pay(bank, rich, shop, 1)


def test_a_repeat_is_answered_though_the_limit_is_used_up(bank: Node) -> None:
    anna, bo = person(bank, 1, tier=4, money=600_000), person(bank, 2)
    lines = [(f"{n}", anna, bo, 200_000) for n in range(3)]
    made = pay_batch(bank, batch(*lines))
    assert (made.posted, made.refused) == (2, ((2, "payment.daily_limit"),))
    again = pay_batch(bank, batch(*lines))
    assert (again.repeated, again.refused) == ((0, 1), ((2, "payment.daily_limit"),))
    assert pay(bank, anna, bo, 200_000, payment_id="0").is_repeat
    pay(bank, anna, bo, 100_000)


def test_what_was_paid_long_ago_is_not_counted_apart_for_ever(
    bank: Node, clock: FixedClock
) -> None:
    anna, bo = person(bank, 1, tier=4, money=600_000), person(bank, 2)
    pay(bank, anna, bo, 200_000)
    day = today(bank)
    for later, deleted in ((35, 0), (36, 1), (36, 0)):
        before = day + timedelta(days=later - 35)
        made = run(bank, "forget_usage", SYSTEM, before=before)
        assert made.days == deleted
    clock.set_us(start_of_day_us(day + timedelta(days=40)))
    pay(bank, anna, bo, 200_000)
    close_day(bank, today(bank))
    pay(bank, anna, bo, 200_000)
    with pytest.raises(Refused, match=r"payment\.daily_limit"):
        pay(bank, anna, bo, 100_001)


def test_many_at_once_never_pass_the_day(bank: Node) -> None:
    anna, bo = person(bank, 1, tier=4, money=1_000_000), person(bank, 2)
    refused = []

    def spend() -> None:
        for _ in range(5):
            try:
                pay(bank, anna, bo, 60_000)
            except Refused as no:
                refused.append(no.code)

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held_by(bank, bo) == 480_000, "eight of twenty fit into 5,000 yuan"
    assert refused == ["payment.daily_limit"] * 12


def test_lending_asks_before_money_comes(bank: Node) -> None:
    anna, bo = person(bank, 1, tier=4, money=999_999), register_person(bank, 2)
    with bank.read() as tx:
        admit(tx, anna, "CNY", 1)
        admit(tx, bo, "CNY", 10**12)  # nothing is on record of it: tier 1, no limit
        with pytest.raises(Refused, match=r"payment\.tier_balance"):
            admit(tx, anna, "CNY", 2)
    assert tiers().by_number[tiers().unrecorded].balance_minor_max is None


def test_a_closed_wallet_takes_and_pays_nothing(bank: Node) -> None:
    anna, bo = person(bank, 1), person(bank, 2, money=100)
    with bank.read() as tx:
        assert [one.reason for one in read_party_file(tx, anna, today(bank)).holds] == [
            "wallet_balance"
        ]
    run(bank, "close_wallet", self_of(anna), party_id=anna, currency="CNY")
    for act in (
        lambda: pay(bank, bo, anna, 1),
        lambda: pay(bank, anna, bo, 1),
        lambda: top_up(bank, anna, 1),
        lambda: run(bank, "withdraw", party_id=anna, amount_minor=1, currency="CNY"),
        lambda: run(bank, "close_wallet", party_id=anna, currency="CNY"),
        lambda: run(bank, "set_tier", party_id=anna, currency="CNY", tier=4),
    ):
        with pytest.raises(Refused, match=r"payment\.wallet_closed"):
            act()
    with bank.read() as tx:
        assert read_party_file(tx, anna, today(bank)).holds == ()
        with pytest.raises(Refused, match=r"payment\.wallet_closed"):
            admit(tx, anna, "CNY", 1)


def test_an_erased_person_leaves_sums_and_no_words(bank: Node) -> None:
    anna, bo = person(bank, 1), person(bank, 2, money=100)
    paid = pay(bank, bo, anna, 100, remark="给安娜")
    pay(bank, anna, bo, 100, remark="还给波")
    run(bank, "close_wallet", party_id=anna, currency="CNY")
    bank.act("party.erase_person", ErasePerson(anna), key="erase", actor=STAFF)
    deliver(bank)
    with bank.read() as tx:
        assert payment_of(tx, paid.id).remark == ""
        assert read_wallet(tx, anna, "CNY").status == "closed"
        assert [one.status for one in wallets_of(tx, anna)] == ["closed"]


def test_an_unrecorded_wallet_of_an_erased_person_is_closed_too(bank: Node) -> None:
    anna, bo = register_person(bank, 1), person(bank, 2, money=100)
    given = CreateAccounts((deposit(wallet_account(anna, "CNY"), "CNY"),))
    bank.act("ledger.create_accounts", given, key="account", actor=STAFF)
    pay(bank, bo, anna, 1)
    with pytest.raises(Refused, match=r"payment\.wallet_not_empty"):
        bank.act("party.erase_person", ErasePerson(anna), key="too soon", actor=STAFF)
    run(bank, "withdraw", party_id=anna, amount_minor=1, currency="CNY")
    bank.act("party.erase_person", ErasePerson(anna), key="erase", actor=STAFF)
    deliver(bank)
    with pytest.raises(Refused, match=r"payment\.wallet_closed"):
        pay(bank, bo, anna, 1)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 300_000)), max_size=40),
    st.integers(0, 500_000),
)
def test_no_order_of_payments_passes_a_limit(
    lines: list[tuple[int, int, int]], spent_before: int
) -> None:
    """Goal: limits hold whatever comes. Method: two of four wallets are of tier 4; what is let
    through is added up again."""
    four = tiers().by_number[4]
    held = Held({0: four, 1: four}, {3}, {0: spent_before}, {1: 900_000})
    payers, payees, amounts = ([one[n] for one in lines] for n in range(3))
    refused = judge_batch(held, payers, payees, amounts)
    spent, balances = {0: spent_before}, {1: 900_000}
    for place, (payer, payee, amount) in enumerate(lines):
        if place in refused:
            continue
        assert 3 not in (payer, payee)
        spent[payer] = spent.get(payer, 0) + amount
        balances[payer] = balances.get(payer, 0) - amount
        balances[payee] = balances.get(payee, 0) + amount
        if payer < 2:
            assert amount <= four.single_minor_max and spent[payer] <= four.daily_minor_max
        if payee < 2:
            assert balances[payee] <= four.balance_minor_max
