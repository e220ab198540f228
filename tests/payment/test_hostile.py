"""Payments as somebody hostile, or only unlucky, would try them: where money could be lost."""

from __future__ import annotations

import pytest

from puhui.kernel import Node, Refused
from puhui.payment.nouns.promise import Condition
from puhui.worker import deliver
from tests.exchange.scheme import top_up as put_in
from tests.party.people import register_person
from tests.payment.purse import STAFF, held_by, identify, pay, person, run, self_of, today
from tests.payment.test_promise import fulfil, in_escrow


def test_what_a_promise_paid_is_given_back_to_its_payer(bank: Node) -> None:
    """A refund went into the promise's own account, from where nobody could take it out."""
    payer, payee = person(bank, 1, money=50_000), person(bank, 2)
    made = run(
        bank, "promise", self_of(payer), payer_id=payer, payee_id=payee, amount_minor=30_000,
        currency="CNY", condition=Condition("from", on=today(bank)), lapses_on=today(bank),
    )  # fmt: skip
    paid = fulfil(bank, made.promise_id, payee).payment
    assert (held_by(bank, payer), held_by(bank, payee)) == (20_000, 30_000)
    run(bank, "refund", self_of(payee), id=paid, amount_minor=10_000)
    assert in_escrow(bank, made.promise_id) == 0
    assert (held_by(bank, payer), held_by(bank, payee)) == (30_000, 20_000)
    run(bank, "refund", self_of(payee), id=paid, amount_minor=0)
    assert (held_by(bank, payer), held_by(bank, payee)) == (50_000, 0)
    with pytest.raises(Refused, match=r"payment\.over_refund"):
        run(bank, "refund", self_of(payee), id=paid, amount_minor=1)


def test_nobody_is_erased_with_money_in_a_wallet_that_no_one_recorded(bank: Node) -> None:
    """Money that came from an exchange or a loan lay in a wallet that kept nobody from erasure."""
    party_id = register_person(bank, 1)
    put_in(bank, party_id, "USD", 700)
    erase = {"party_id": party_id}
    with pytest.raises(Refused, match=r"payment\.wallet_not_empty"):
        bank.act("party.erase_person", erase, key="first", actor=STAFF)
    identify(bank, party_id)
    bank.act("lending.open_books", {"currency": "USD"}, key="books USD", actor=STAFF)
    run(bank, "withdraw", party_id=party_id, amount_minor=700, currency="USD")
    bank.act("party.erase_person", erase, key="second", actor=STAFF)


def test_nobody_pays_the_wallet_of_somebody_who_was_erased(bank: Node) -> None:
    """A wallet that no one recorded stayed open for ever: what came in was nobody's."""
    payer, gone = person(bank, 1, money=5_000), register_person(bank, 2)
    put_in(bank, gone, "CNY", 300)
    run(bank, "withdraw", party_id=gone, amount_minor=300, currency="CNY")
    bank.act("party.erase_person", {"party_id": gone}, key="erase", actor=STAFF)
    deliver(bank)
    with pytest.raises(Refused, match=r"payment\.wallet_closed"):
        pay(bank, payer, gone, 100)
    assert (held_by(bank, payer), held_by(bank, gone)) == (5_000, 0)
