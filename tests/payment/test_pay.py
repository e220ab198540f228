"""Paying: what moves, what is refused, and that nothing is paid twice."""

from __future__ import annotations

import pytest

from puhui.kernel import Node, Refused
from puhui.ledger import trial_balance
from puhui.payment import own_account, wallet_account
from puhui.payment.window import payment_of
from tests.payment.purse import STAFF, held_by, pay, person, run, self_of, top_up


def test_money_comes_in_moves_and_goes_out(bank: Node) -> None:
    anna, bo = person(bank, 1, money=10_000), person(bank, 2)
    paid = pay(bank, anna, bo, 2_500, purpose="GDDS", remark="两斤茶叶")
    assert (held_by(bank, anna), held_by(bank, bo)) == (7_500, 2_500)
    run(bank, "withdraw", self_of(bo), party_id=bo, amount_minor=500, currency="CNY")
    assert held_by(bank, bo) == 2_000
    with bank.read() as tx:
        kept = payment_of(tx, paid.id)
        assert (kept.payer_id, kept.payee_id, kept.amount_minor) == (anna, bo, 2_500)
        assert (kept.kind, kept.purpose, kept.remark) == ("payment", "GDDS", "两斤茶叶")
        assert trial_balance(tx).difference_minor == 0


def test_the_same_payment_id_is_one_payment(bank: Node) -> None:
    anna, bo = person(bank, 1, money=10_000), person(bank, 2)
    first = pay(bank, anna, bo, 100, payment_id="rent-1", remark="房租")
    again = pay(bank, anna, bo, 100, payment_id="rent-1", remark="房租")
    assert (again.id, again.is_repeat, first.is_repeat) == (first.id, True, False)
    assert held_by(bank, bo) == 100
    for other in ({"amount": 101, "remark": "房租"}, {"amount": 100, "remark": "水费"}):
        with pytest.raises(Refused, match=r"payment\.id_reused"):
            pay(bank, anna, bo, payment_id="rent-1", **other)
    pay(bank, bo, anna, 50, payment_id="rent-1")  # another payer's name of another payment
    assert held_by(bank, bo) == 50


def test_a_wallet_is_paid_by_its_number_and_nothing_else_is(bank: Node) -> None:
    anna, bo = person(bank, 1, money=1_000), person(bank, 2)
    pay(bank, anna, f"{wallet_account(bo, 'CNY'):032x}", 300)
    assert held_by(bank, bo) == 300
    with pytest.raises(Refused, match=r"payment\.not_a_wallet"):
        pay(bank, anna, f"{own_account('interest_income', 'CNY'):032x}", 300)


@pytest.mark.parametrize(
    "change, code",
    [
        ({"amount": 0}, "bad_amount"),
        ({"amount": -5}, "bad_amount"),
        ({"amount": 2**62}, "bad_amount"),
        ({"amount": 1_001}, "wallet_short"),
        ({"payee": "party-nobody"}, "no_payee_wallet"),
        ({"payee": "f" * 31 + "0"}, "no_payee_wallet"),
        ({"remark": "字" * 141}, "bad_text"),
        ({"payment_id": "x" * 65}, "bad_text"),
    ],
)
def test_what_cannot_be_paid_is_refused(bank: Node, change: dict[str, object], code: str) -> None:
    anna, bo = person(bank, 1, money=1_000), person(bank, 2)
    told = {"amount": 100, "payee": bo, **change}
    amount, payee = told.pop("amount"), told.pop("payee")
    with pytest.raises(Refused, match=rf"payment\.{code}"):
        pay(bank, anna, payee, amount, **told)
    assert (held_by(bank, anna), held_by(bank, bo)) == (1_000, 0)


def test_nobody_pays_with_the_wallet_of_another(bank: Node) -> None:
    anna, bo = person(bank, 1, money=1_000), person(bank, 2)
    told = {"payer_id": anna, "payee": bo, "amount_minor": 5, "currency": "CNY"}
    with pytest.raises(Refused, match=r"party\.not_yours"):
        run(bank, "pay", self_of(bo), **told)
    with pytest.raises(Refused, match=r"party\.not_yours"):
        run(bank, "withdraw", self_of(bo), party_id=anna, amount_minor=5, currency="CNY")
    with pytest.raises(Refused, match=r"payment\.same_wallet"):
        pay(bank, anna, anna, 5)
    with pytest.raises(Refused, match=r"payment\.no_payer_wallet"):
        run(bank, "pay", STAFF, **(told | {"payer_id": "party-nobody"}))


def test_refunds_never_pass_the_payment(bank: Node) -> None:
    anna, bo = person(bank, 1, money=1_000), person(bank, 2)
    paid = pay(bank, anna, bo, 900)
    run(bank, "refund", self_of(bo), id=paid.id, amount_minor=400, remark="少一件")
    for amount in (501, 900):
        with pytest.raises(Refused, match=r"payment\.over_refund"):
            run(bank, "refund", self_of(bo), id=paid.id, amount_minor=amount)
    with pytest.raises(Refused, match=r"payment\.bad_amount"):
        run(bank, "refund", self_of(bo), id=paid.id, amount_minor=-1)
    with pytest.raises(Refused, match=r"party\.not_yours"):
        run(bank, "refund", self_of(anna), id=paid.id)
    back = run(bank, "refund", self_of(bo), id=paid.id)
    assert (back.amount_minor, held_by(bank, anna), held_by(bank, bo)) == (500, 1_000, 0)
    with pytest.raises(Refused, match=r"payment\.over_refund"):
        run(bank, "refund", self_of(bo), id=paid.id)
    with pytest.raises(Refused, match=r"payment\.not_refundable"):
        run(bank, "refund", STAFF, id=back.id)
    with pytest.raises(Refused, match=r"payment\.unknown"):
        run(bank, "refund", STAFF, id="f" * 32)
    with pytest.raises(Refused, match=r"payment\.unknown"):
        run(bank, "refund", STAFF, id="no number")


def test_a_refund_needs_the_money_to_be_there(bank: Node) -> None:
    anna, bo, cleo = person(bank, 1, money=1_000), person(bank, 2), person(bank, 3)
    paid = pay(bank, anna, bo, 900)
    pay(bank, bo, cleo, 500)
    with pytest.raises(Refused, match=r"payment\.wallet_short"):
        run(bank, "refund", self_of(bo), id=paid.id)


def test_a_lender_without_books_takes_no_money(node: Node) -> None:
    anna = person(node, 1)
    with pytest.raises(Refused, match=r"payment\.books_not_open"):
        top_up(node, anna, 100)
    with pytest.raises(Refused, match=r"payment\.books_not_open"):
        run(node, "withdraw", self_of(anna), party_id=anna, amount_minor=5, currency="CNY")
