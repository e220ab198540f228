"""Requests, split bills, standing orders, money held, and the statement of it all."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock, start_of_day_us
from puhui.payment import statement
from puhui.payment.nouns.ask import RunOrders
from puhui.payment.rules.ask import day_after, shares_of, split_equally
from puhui.payment.window import orders_of, payment_of, requests_of
from puhui.worker import close_day
from tests.payment.purse import STAFF, held_by, pay, person, run, self_of, today, top_up


def to_day(node: Node, clock: FixedClock, day: date) -> None:
    """Move to the morning of a day."""
    clock.set_us(start_of_day_us(day) + 9 * 3_600_000_000)
    assert today(node) == day


def asked(node: Node, payee: str, payer: str, amount: int = 300, **more: str) -> str:
    told = {"payee_id": payee, "payer_id": payer, "amount_minor": amount, "currency": "CNY"}
    return str(run(node, "request", self_of(payee), **(told | more)).request_id)


def test_a_request_is_paid_once(bank: Node) -> None:
    anna, bo = person(bank, 1, money=1_000), person(bank, 2)
    request_id = asked(bank, bo, anna, remark="午饭")
    with pytest.raises(Refused, match=r"party\.not_yours"):
        run(bank, "pay_request", self_of(bo), request_id=request_id)
    moved = run(bank, "pay_request", self_of(anna), request_id=request_id)
    assert (moved.status, held_by(bank, bo)) == ("paid", 300)
    with pytest.raises(Refused, match=r"payment\.request_ended"):
        run(bank, "pay_request", self_of(anna), request_id=request_id)
    with bank.read() as tx:
        (found,) = requests_of(tx, anna)
        assert (found.status, found.payment) == ("paid", moved.payment)
        assert payment_of(tx, moved.payment).remark == "午饭"
    with pytest.raises(Refused, match=r"payment\.no_request"):
        run(bank, "pay_request", STAFF, request_id="none")


def test_a_request_is_declined_cancelled_or_ends(bank: Node, clock: FixedClock) -> None:
    anna, bo = person(bank, 1, money=1_000), person(bank, 2)
    first, second, third = (asked(bank, bo, anna) for _ in range(3))
    run(bank, "decline_request", self_of(anna), request_id=first)
    with pytest.raises(Refused, match=r"party\.not_yours"):
        run(bank, "cancel_request", self_of(anna), request_id=second)
    run(bank, "cancel_request", self_of(bo), request_id=second)
    start = today(bank)
    to_day(bank, clock, start + timedelta(days=8))
    with pytest.raises(Refused, match=r"payment\.request_ended"):
        run(bank, "pay_request", self_of(anna), request_id=third)
    close_day(bank, start + timedelta(days=8))
    with bank.read() as tx:
        found = {one.id: one.status for one in requests_of(tx, bo)}
    assert found == {first: "declined", second: "cancelled", third: "expired"}


@pytest.mark.parametrize(
    "change, code",
    [
        ({"amount_minor": 0}, "bad_amount"),
        ({"currency": "XXX"}, "no_currency"),
        ({"remark": "x" * 141}, "bad_text"),
        ({"payer_id": "party-nobody"}, "no_party"),
    ],
)
def test_what_nobody_is_asked_for(bank: Node, change: dict[str, object], code: str) -> None:
    anna, bo = person(bank, 1), person(bank, 2)
    told = {"payee_id": bo, "payer_id": anna, "amount_minor": 1, "currency": "CNY"}
    with pytest.raises(Refused, match=rf"payment\.{code}"):
        run(bank, "request", self_of(bo), **(told | change))
    with pytest.raises(Refused, match=r"payment\.same_wallet"):
        run(bank, "request", self_of(bo), **(told | {"payer_id": bo}))


def test_nobody_is_flooded_with_requests(sqlite_node: Node) -> None:
    anna, bo = person(sqlite_node, 1), person(sqlite_node, 2)
    for _ in range(100):
        asked(sqlite_node, bo, anna, 1)
    with pytest.raises(Refused, match=r"payment\.too_many_requests"):
        asked(sqlite_node, bo, anna, 1)


def test_a_bill_is_split_to_the_last_fen(bank: Node) -> None:
    anna, bo, cleo = (person(bank, order, money=1_000) for order in (1, 2, 3))
    told = {"payee_id": anna, "total_minor": 1_000, "currency": "CNY"}
    made = run(bank, "split_bill", self_of(anna), party_ids=(anna, bo, cleo), **told)
    assert made.shares_minor == (334, 333, 333)
    assert made.request_ids[0] == "", "one's own share is nobody's to pay"
    for party_id, request_id in zip((bo, cleo), made.request_ids[1:], strict=True):
        run(bank, "pay_request", self_of(party_id), request_id=request_id)
    assert held_by(bank, anna) == 1_666
    uneven = run(bank, "split_bill", party_ids=(bo, cleo), shares_minor=(999, 1), **told)
    assert uneven.shares_minor == (999, 1)
    for parties, shares in (
        ((), ()),
        ((bo, bo), ()),
        ((bo, cleo), (500, 499)),
        ((bo, cleo), (1_000,)),
        ((bo, cleo), (1_000, 0)),
    ):
        with pytest.raises(Refused, match=r"payment\.bad_split"):
            run(bank, "split_bill", party_ids=parties, shares_minor=shares, **told)


def test_a_bill_whose_shares_some_decline(bank: Node) -> None:
    """Who declines pays nothing, and moves nobody else's share; the rest may be asked for anew."""
    anna, bo, cleo = (person(bank, order, money=1_000) for order in (1, 2, 3))
    told = {"payee_id": anna, "total_minor": 900, "currency": "CNY", "party_ids": (anna, bo, cleo)}
    made = run(bank, "split_bill", self_of(anna), **told)
    _, of_bo, of_cleo = made.request_ids
    run(bank, "decline_request", self_of(bo), request_id=of_bo)
    run(bank, "pay_request", self_of(cleo), request_id=of_cleo)
    for again in ("pay_request", "decline_request"):
        with pytest.raises(Refused, match=r"payment\.request_ended"):
            run(bank, again, self_of(bo), request_id=of_bo)
    assert [held_by(bank, one) for one in (anna, bo, cleo)] == [1_300, 1_000, 700]
    with bank.read() as tx:
        states = {one.id: one.status for one in requests_of(tx, anna)}
    assert (states[of_bo], states[of_cleo]) == ("declined", "paid")


@given(st.integers(1, 10**15), st.integers(1, 50))
def test_shares_sum_and_differ_by_a_fen(total: int, count: int) -> None:
    shares = split_equally(total, count)
    assert (sum(shares), len(shares)) == (total, count)
    assert max(shares) - min(shares) <= 1
    if min(shares) > 0:
        names = [str(n) for n in range(count)]
        assert shares_of(total, names, (), parties_max=50) == shares


@pytest.mark.parametrize(
    "every, start, days",
    [
        ("month", date(2026, 1, 31), ["2026-02-28", "2026-03-31", "2026-04-30"]),
        ("month", date(2027, 12, 31), ["2028-01-31", "2028-02-29", "2028-03-31"]),
        ("week", date(2026, 2, 26), ["2026-03-05", "2026-03-12"]),
    ],
)
def test_due_days_keep_their_anchor(every: str, start: date, days: list[str]) -> None:
    found, due = [], start
    for _ in days:
        due = day_after(every, due, start.day)
        found.append(due.isoformat())
    assert found == days


def ordered(
    node: Node, payer: str, payee: str, amount: int, starts_on: date, **more: object
) -> str:
    told = {"payer_id": payer, "payee_id": payee, "amount_minor": amount, "currency": "CNY"}
    told |= {"every": "month", "starts_on": starts_on, **more}
    return str(run(node, "create_order", self_of(payer), **told).order_id)


def test_a_standing_order_pays_month_after_month(bank: Node, clock: FixedClock) -> None:
    anna, bo = person(bank, 1, money=1_000), person(bank, 2)
    to_day(bank, clock, date(2026, 3, 31))
    order_id = ordered(bank, anna, bo, 100, date(2026, 3, 31), ends_on=date(2026, 5, 30))
    close_day(bank, date(2026, 3, 31))
    close_day(bank, date(2026, 3, 31))  # a day that is closed again pays nothing more
    assert held_by(bank, bo) == 100
    to_day(bank, clock, date(2026, 4, 30))
    close_day(bank, date(2026, 4, 30))
    assert held_by(bank, bo) == 200
    with bank.read() as tx:
        (found,) = orders_of(tx, anna)
    assert (found.id, found.status, found.next_on) == (order_id, "ended", date(2026, 5, 31))
    with pytest.raises(Refused, match=r"payment\.order_ended"):
        run(bank, "cancel_order", self_of(anna), order_id=order_id)


def test_a_standing_order_is_paid_on_its_day_whatever_day_it_is(
    bank: Node, clock: FixedClock
) -> None:
    """Wallets pay on Saturdays and holidays too: 1 May 2026 is one, and 2 May a Saturday."""
    anna, bo = person(bank, 1, money=1_000), person(bank, 2)
    ordered(bank, anna, bo, 100, date(2026, 5, 1))
    ordered(bank, anna, bo, 10, date(2026, 5, 2), every="week")
    for day, paid in ((1, 100), (2, 110), (8, 110), (9, 120)):
        to_day(bank, clock, date(2026, 5, day))
        close_day(bank, date(2026, 5, day))
        assert held_by(bank, bo) == paid, day


def test_an_order_that_lacks_money_is_tried_again_and_then_told_of(
    bank: Node, clock: FixedClock
) -> None:
    anna, bo, cleo = person(bank, 1), person(bank, 2), person(bank, 3, money=50)
    start = today(bank)
    poor = ordered(bank, anna, bo, 100, start)
    ordered(bank, cleo, bo, 50, start)
    outcomes = []
    for later in range(4):
        to_day(bank, clock, start + timedelta(days=later))
        due = RunOrders(today(bank), tuple(one.id for one in all_orders(bank, anna, cleo)))
        outcomes.append(bank.act("payment.run_orders", due, key=f"day {later}", actor=STAFF))
    told = [(one.paid, one.postponed, one.failed) for one in outcomes]
    assert told == [(1, 1, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1)]
    with bank.read() as tx:
        (found,) = orders_of(tx, anna)
    assert (found.status, found.attempts) == ("active", 0)
    assert found.next_on == date(2026, 4, 2), "the next month is paid when there is money"
    top_up(bank, anna, 100)
    to_day(bank, clock, found.next_on)
    close_day(bank, found.next_on)
    assert held_by(bank, anna) == 0
    run(bank, "cancel_order", self_of(anna), order_id=poor)
    with pytest.raises(Refused, match=r"payment\.no_order"):
        run(bank, "cancel_order", order_id="none")


def all_orders(node: Node, *payers: str) -> list[object]:
    with node.read() as tx:
        return [one for payer in payers for one in orders_of(tx, payer)]


def test_orders_that_cannot_be_are_refused(bank: Node) -> None:
    anna, bo = person(bank, 1), person(bank, 2)
    start = today(bank)
    for change, code in (
        ({"every": "year"}, "bad_order"),
        ({"starts_on": start - timedelta(days=1)}, "bad_order"),
        ({"ends_on": start - timedelta(days=1)}, "bad_order"),
        ({"amount": 0}, "bad_amount"),
        ({"payee": anna}, "same_wallet"),
        ({"payee": "party-nobody"}, "no_party"),
        ({"currency": "XXX"}, "no_currency"),
    ):
        told = {"payer": anna, "payee": bo, "amount": 1, "starts_on": start, **change}
        with pytest.raises(Refused, match=rf"payment\.{code}"):
            ordered(bank, **told)


def held(node: Node, payer: str, payee: str, amount: int, timeout_s: int = 3_600) -> str:
    told = {"payer_id": payer, "payee": payee, "amount_minor": amount, "currency": "CNY"}
    return str(run(node, "hold", self_of(payer), timeout_s=timeout_s, **told).id)


def test_money_held_is_taken_in_part_or_let_go(bank: Node) -> None:
    anna, shop = person(bank, 1, tier=4, money=500_000), person(bank, 2)
    first = held(bank, anna, shop, 200_000)
    assert (held_by(bank, anna), held_by(bank, shop)) == (300_000, 0)
    with pytest.raises(Refused, match=r"party\.not_yours"):
        run(bank, "capture", self_of(anna), id=first)
    with pytest.raises(Refused, match=r"payment\.over_held"):
        run(bank, "capture", self_of(shop), id=first, amount_minor=200_001)
    taken = run(bank, "capture", self_of(shop), id=first, amount_minor=150_000)
    assert (held_by(bank, anna), held_by(bank, shop)) == (350_000, 150_000)
    run(bank, "refund", self_of(shop), id=taken.id, amount_minor=50_000)
    second = held(bank, anna, shop, 200_000)
    run(bank, "release", self_of(shop), id=second)
    for act in ("capture", "release"):
        with pytest.raises(Refused, match=r"payment\.not_held"):
            run(bank, act, self_of(shop), id=second)
    third = held(bank, anna, shop, 200_000)  # 1,500 of 5,000 yuan are used; this makes 3,500
    with pytest.raises(Refused, match=r"payment\.daily_limit"):
        pay(bank, anna, shop, 150_001)
    with pytest.raises(Refused, match=r"payment\.not_refundable"):
        run(bank, "refund", self_of(shop), id=third)
    with pytest.raises(Refused, match=r"payment\.unknown"):
        run(bank, "capture", STAFF, id="f" * 32)


def test_money_held_is_free_again_after_its_time(bank: Node, clock: FixedClock) -> None:
    anna, shop = person(bank, 1, money=500), person(bank, 2)
    hold_id = held(bank, anna, shop, 500, 60)
    with pytest.raises(Refused, match=r"payment\.wallet_short"):
        pay(bank, anna, shop, 1)
    clock.set_us(clock.now_us() + 61_000_000)
    with pytest.raises(Refused, match=r"payment\.hold_ended"):
        run(bank, "capture", self_of(shop), id=hold_id)
    pay(bank, anna, shop, 500)
    for timeout_s in (0, 2_592_001):
        with pytest.raises(Refused, match=r"payment\.bad_timeout"):
            held(bank, anna, shop, 1, timeout_s)
    with pytest.raises(Refused, match=r"payment\.no_party"):
        held(bank, anna, "0" * 32, 1)


def test_a_statement_says_who_what_for_and_how_much_is_left(bank: Node, clock: FixedClock) -> None:
    anna, shop = person(bank, 1, money=1_000), person(bank, 2)
    to_day(bank, clock, date(2026, 4, 1))
    paid = pay(bank, anna, shop, 400, purpose="GDDS", remark="两斤茶叶")
    run(bank, "refund", self_of(shop), id=paid.id, amount_minor=100, remark="少一两")
    hold_id = held(bank, anna, shop, 300)
    held(bank, anna, shop, 50)
    run(bank, "capture", self_of(shop), id=hold_id, amount_minor=200)
    run(bank, "withdraw", party_id=anna, amount_minor=10, currency="CNY")
    with bank.read() as tx:
        march = statement(tx, anna, "CNY", date(2026, 3, 15))
        april = statement(tx, anna, "CNY", date(2026, 4, 15))
        assert statement(tx, anna, "CNY", date(2026, 5, 1)) == ()
        shops = statement(tx, shop, "CNY", date(2026, 4, 1))
    assert [(one.kind, one.amount_minor, one.balance_minor) for one in march] == [
        ("deposit", 1_000, 1_000)
    ]
    told = [(one.kind, one.amount_minor, one.balance_minor, one.remark) for one in april]
    assert told == [
        ("payment", -400, 600, "两斤茶叶"),
        ("refund", 100, 700, "少一两"),
        ("payment", -200, 500, ""),
        ("withdrawal", -10, 490, ""),
    ]
    assert [one.other for one in april[:3]] == [shop] * 3
    assert len(april[3].other) == 32, "the lender's own account by its number"
    assert [one.amount_minor for one in shops] == [400, -100, 200]
    assert {one.other for one in shops} == {anna}
