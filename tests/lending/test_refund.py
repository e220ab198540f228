"""Money beyond a loan goes back to whoever paid it, on both stores."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import FixedClock
from puhui.servicing.nouns import Share
from puhui.servicing.nouns.plan import Happening, PlanEvent
from puhui.servicing.rules.replay import refunds_of
from puhui.servicing.tables import collect
from tests.lending.bank import Bank
from tests.lending.test_change import do, held, late, move, state_of  # noqa: F401
from tests.lending.test_desk_guard import code_of
from tests.lending.test_desk_money import fund
from tests.lending.test_loan import in_wallet
from tests.servicing.stand import StandFor

DAY = date(2026, 3, 2)
BORROWER, MOTHER, GUARANTOR = "", "party-mother", "party-guarantor"


@pytest.mark.parametrize(
    ("paid", "amount", "claims", "given"),
    [
        ([(BORROWER, "", 100)], 60, {}, [(BORROWER, "", 60)]),
        ([(BORROWER, "", 100), (MOTHER, "", 50)], 120, {}, [(BORROWER, "", 100), (MOTHER, "", 20)]),
        ([(MOTHER, "", 50), (BORROWER, "", 100)], 120, {}, [(MOTHER, "", 50), (BORROWER, "", 70)]),
        ([(MOTHER, "", 50)], 51, {}, [(MOTHER, "", 50), (BORROWER, "", 1)]),
        ([(GUARANTOR, "g", 80)], 80, {"g": 80}, [(GUARANTOR, "g", 80)]),
        ([(GUARANTOR, "g", 80)], 80, {"g": 30}, [(GUARANTOR, "g", 30), (BORROWER, "", 50)]),
        ([(GUARANTOR, "g", 80)], 80, {"g": 0}, [(BORROWER, "", 80)]),
        ([], 5, {}, [(BORROWER, "", 5)]),
    ],
)
def test_who_paid_first_gets_it_first(
    paid: list[tuple[str, str, int]], amount: int, claims: dict[str, int],
    given: list[tuple[str, str, int]],
) -> None:  # fmt: skip
    """More than there is falls to the borrower, whom a replay then refuses."""
    events = [
        PlanEvent(str(n), Happening.REPAID, DAY, minor, payer_id=whose, guarantee_id=guarantee)
        for n, (whose, guarantee, minor) in enumerate(paid)
    ]
    shares = [Share(event.event_id, DAY, 0, 0, 0, 0, event.amount_minor) for event in events]
    found = refunds_of(events, shares, on=DAY, amount_minor=amount, claims=claims)
    assert [(one.payer_id, one.guarantee_id, one.amount_minor) for one in found] == given
    assert {one.kind for one in found} == {Happening.CREDIT_REFUNDED}


def test_what_was_taken_back_or_refunded_is_not_given_again() -> None:
    events = [
        PlanEvent("0", Happening.REPAID, DAY, 90, payer_id=MOTHER),
        PlanEvent("1", Happening.REPAID, DAY, 50),
        PlanEvent("2", Happening.CHARGED_BACK, DAY, 30, undoes="0", payer_id=MOTHER),
        PlanEvent("3", Happening.CREDIT_REFUNDED, DAY, 20, payer_id=MOTHER),
    ]
    credits = (90, 50, -30, -20)
    shares = [
        Share(event.event_id, DAY, 0, 0, 0, 0, minor)
        for event, minor in zip(events, credits, strict=True)
    ]
    found = refunds_of(events, shares, on=DAY, amount_minor=90, claims={})
    assert [(one.payer_id, one.amount_minor) for one in found] == [(MOTHER, 40), (BORROWER, 50)]


def test_who_paid_too_much_for_another_gets_it_back(
    bank: Bank,
    late: tuple[str, str],  # noqa: F811
) -> None:
    contract_id, party_id = late
    mother = bank.person()
    bank.act("payment.open_wallet", "open", party_id=mother, currency="CNY")
    fund(bank, mother, 4_000_000, 871)
    day = bank.today().isoformat()
    over = do(bank, "record_payment", contract_id=contract_id, amount_minor=3_900_000, paid_on=day,
              payer_id=mother)  # fmt: skip
    credit = over.credit_minor
    assert credit > 0
    wallets = [in_wallet(bank, one) for one in (mother, party_id)]
    told = {"contract_id": contract_id}
    assert do(bank, "refund_credit", **told, amount_minor=credit).credit_minor == 0
    assert in_wallet(bank, mother) == wallets[0] + credit
    assert in_wallet(bank, party_id) == wallets[1]
    assert held(bank, "loan_credit") == [0]
    bank.act("payment.withdraw", "out", party_id=mother, currency="CNY",
             amount_minor=in_wallet(bank, mother))  # fmt: skip
    bank.act("payment.close_wallet", "close", party_id=mother, currency="CNY")
    fund(bank, party_id, 1_000_000, 872)
    do(bank, "record_payment", **told, amount_minor=700, paid_on=day)
    assert do(bank, "refund_credit", **told, amount_minor=700).credit_minor == 0, "the borrower's"


def test_a_call_that_was_not_needed_goes_back_to_the_guarantor(
    bank: Bank,
    clock: FixedClock,
    late: tuple[str, str],  # noqa: F811
) -> None:
    """The borrower had paid the day before, which was recorded late: of the call nothing was due,
    and it went towards what comes. All is owed back once the loan is paid.
    """
    contract_id, party_id = late
    guarantor = bank.person()
    bank.act("payment.open_wallet", "open", party_id=guarantor, currency="CNY")
    fund(bank, guarantor, 4_000_000, 871)
    bank.node.act(
        "bench.stand_for", StandFor(contract_id, guarantor, 1_000_000), key="stand", actor=SYSTEM
    )
    empty = {"party_id": party_id, "currency": "CNY", "amount_minor": in_wallet(bank, party_id)}
    bank.act("payment.withdraw", "gone", **empty)
    move(bank, clock, 85, closes=True)
    move(bank, clock, 1, closes=True)
    with bank.node.read() as tx:
        (given,) = tx.all(collect.READ_GUARANTEES, loan_id=contract_id)
    called = given.called_minor
    assert called > 0 == given.recovered_minor
    fund(bank, party_id, 4_000_000, 872)
    paid_on = (bank.today() - timedelta(days=115)).isoformat()
    told = {"contract_id": contract_id}
    over = do(bank, "record_payment", **told, amount_minor=3_200_000, paid_on=paid_on)
    assert over.status == "paid_off"
    assert over.credit_minor > called, "the whole call, and what the borrower paid too much"
    back = bank.act("servicing.repay_guarantor", "back", guarantee_id=given.id, amount_minor=1_000)
    assert back.recovered_minor == 1_000
    before = [in_wallet(bank, one) for one in (guarantor, party_id)]
    assert do(bank, "refund_credit", **told, amount_minor=over.credit_minor).credit_minor == 0
    assert in_wallet(bank, guarantor) == before[0] + called - 1_000, "1,000 are paid already"
    assert in_wallet(bank, party_id) == before[1] + over.credit_minor - called + 1_000
    with bank.node.read() as tx:
        (given,) = tx.all(collect.READ_GUARANTEES, loan_id=contract_id)
    assert (given.called_minor, given.recovered_minor) == (1_000, 1_000)
    assert code_of(bank.act, "servicing.repay_guarantor", "more", guarantee_id=given.id,
                   amount_minor=1) == "servicing.over_claim"  # fmt: skip
