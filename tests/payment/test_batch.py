"""Batches: set-based, each payment by itself, and one payment for ever under one id."""

from __future__ import annotations

import threading

import pytest

from puhui.kernel import Fault, Node, Refused
from puhui.ledger import trial_balance
from puhui.payment import wallet_account
from puhui.payment.nouns.pay import PayBatch
from tests.payment.purse import STAFF, batch, held_by, pay, pay_batch, person, run


def test_a_batch_posts_what_it_can_and_says_what_it_cannot(bank: Node) -> None:
    anna, bo, cleo = person(bank, 1, money=1_000), person(bank, 2), person(bank, 3)
    made = pay_batch(
        bank,
        batch(
            ("1", anna, bo, 600),
            ("2", bo, cleo, 500),  # with what the first one brought
            ("3", anna, cleo, 401),
            ("4", anna, anna, 5),
            ("5", anna, "party-nobody", 5),
            ("6", "party-nobody", anna, 5),
            ("7", anna, bo, 0),
            ("", anna, bo, 5),
            ("1", anna, bo, 600),
            ("1", anna, bo, 601),
            ("8", anna, f"{wallet_account(bo, 'CNY'):032x}", 400),
        ),
    )
    assert (made.posted, made.posted_minor, made.repeated) == (3, 1_500, (8,))
    assert dict(made.refused) == {
        2: "payment.wallet_short",
        3: "payment.same_wallet",
        4: "payment.no_payee_wallet",
        5: "payment.no_payer_wallet",
        6: "payment.bad_amount",
        7: "payment.bad_text",
        9: "payment.id_reused",
    }
    assert [held_by(bank, one) for one in (anna, bo, cleo)] == [0, 500, 500]
    with bank.read() as tx:
        assert trial_balance(tx).difference_minor == 0


def test_a_retry_in_another_batch_is_a_repeat_where_it_says_the_same(bank: Node) -> None:
    anna, bo = person(bank, 1, money=1_000), person(bank, 2)
    first = batch(("1", anna, bo, 100), ("2", anna, bo, 100), remarks=("茶", ""))
    assert pay_batch(bank, first).posted == 2
    again = pay_batch(bank, first)
    assert (again.posted, again.repeated, again.refused) == (0, (0, 1), ())
    other = batch(("2", anna, bo, 100), ("1", anna, bo, 100), remarks=("米", "茶"))
    made = pay_batch(bank, other)
    assert (made.posted, made.repeated, made.refused) == (0, (1,), ((0, "payment.id_reused"),))
    single = pay(bank, anna, bo, 100, payment_id="1", remark="茶")
    assert single.is_repeat, "one payment has one id, whichever use case it came by"
    assert held_by(bank, bo) == 200


def test_the_same_act_is_answered_from_the_journal(bank: Node) -> None:
    anna, bo = person(bank, 1, money=1_000), person(bank, 2)
    given = batch(("1", anna, bo, 100))
    made = pay_batch(bank, given, key="wages")
    assert pay_batch(bank, given, key="wages") == made
    with pytest.raises(Refused, match=r"kernel\.key_reused"):
        pay_batch(bank, batch(("1", anna, bo, 101)), key="wages")
    assert held_by(bank, bo) == 100


def test_what_lacked_money_needs_a_new_id_and_what_met_a_limit_does_not(bank: Node) -> None:
    anna, bo = person(bank, 1, tier=4, money=600_000), person(bank, 2)
    short = person(bank, 3)
    given = batch(("1", short, bo, 5), ("2", anna, bo, 200_001))
    codes = [code for _, code in pay_batch(bank, given).refused]
    assert codes == ["payment.wallet_short", "payment.single_limit"]
    run(bank, "top_up", party_id=short, amount_minor=5, currency="CNY")
    run(bank, "set_tier", party_id=anna, currency="CNY", tier=1)
    made = pay_batch(bank, given)
    assert (made.posted, made.refused) == (1, ((0, "payment.id_failed"),))


@pytest.mark.parametrize(
    "change, code",
    [
        ({"payers": ()}, "bad_columns"),
        ({"purposes": ("A", "B")}, "bad_columns"),
        ({"currency": "XXX"}, "no_currency"),
    ],
)
def test_a_batch_that_is_none_is_refused_whole(
    bank: Node, change: dict[str, object], code: str
) -> None:
    told = {"payment_ids": ("1",), "payers": ("a",), "payees": ("b",), "amounts_minor": (1,)}
    given = PayBatch(**{**told, "currency": "CNY", **change})
    with pytest.raises(Refused, match=code):
        pay_batch(bank, given)


def test_an_empty_batch_and_a_full_one(bank: Node) -> None:
    anna, bo = person(bank, 1, money=100_000), person(bank, 2)
    assert pay_batch(bank, batch()).posted == 0
    full = batch(*((f"{n}", anna, bo, 1) for n in range(8_190)))
    assert pay_batch(bank, full).posted == 8_190
    assert held_by(bank, bo) == 8_190
    with pytest.raises(Refused, match=r"kernel\.batch_too_large"):
        pay_batch(bank, batch(*((f"{n}", anna, bo, 1) for n in range(8_191))))


def test_two_writers_never_pay_one_payment_twice(bank: Node) -> None:
    people = [person(bank, order, money=10_000) for order in range(1, 5)]
    given = batch(
        *((f"{n}", people[n % 4], people[(n + 1 + n // 4 % 3) % 4], 7) for n in range(300))
    )
    outcomes = []

    def pay_it(number: int) -> None:
        try:
            outcomes.append(pay_batch(bank, given, key=f"run {number}"))
        except Fault as fault:  # a writer that lost too often; the payments stand all the same
            outcomes.append(fault)

    threads = [threading.Thread(target=pay_it, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [one for one in outcomes if not isinstance(one, Fault)]
    assert sum(one.posted for one in done) == 300
    assert all(one.posted + len(one.repeated) == 300 for one in done)
    assert sum(held_by(bank, one) for one in people) == 40_000


def test_only_staff_and_the_system_pay_batches(bank: Node) -> None:
    from tests.payment.purse import self_of

    anna = person(bank, 1, money=1_000)
    with pytest.raises(Refused, match=r"kernel\.role_missing"):
        bank.act("payment.pay_batch", batch(("1", anna, anna, 1)), key="k", actor=self_of(anna))
    assert STAFF.roles >= {"operator"}
