"""What somebody would try who wants money that is not theirs, or another person's figures."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from puhui import lending, servicing
from puhui.kernel.clock import FixedClock
from puhui.lending.nouns import GuaranteeTerms, JointShare
from puhui.servicing.tables import collect
from puhui.servicing.tables import live as live_tables
from puhui.worker import close_day
from tests.lending.bank import Bank
from tests.lending.second import do_with_second
from tests.lending.test_change import held, move, state_of
from tests.lending.test_desk_guard import code_of, second_product
from tests.lending.test_desk_money import fund, many
from tests.lending.test_loan import in_wallet
from tests.servicing.partner import partner

KEYS = count()
JOINT = (JointShare("city_bank", Decimal("0.3")), JointShare("trust", Decimal("0.1")))
BACKED = (GuaranteeTerms("county_fund", Decimal("0.8"), Decimal("0.01"), 30),)


def do(town: Bank, name: str, /, **input: Any) -> Any:
    """A use case under a key of its own, approved by a second officer where it takes two."""
    key, room = f"hostile-{next(KEYS)}", "lending."
    if name.startswith(room):
        return do_with_second(town, name.removeprefix(room), key, **input)
    return town.act(name, key, **input)


def empty(town: Bank, party_id: str) -> None:
    """Somebody takes all money out of their wallet."""
    friend = town.person()
    do(town, "payment.open_wallet", party_id=friend, currency="CNY")
    do(town, "payment.pay", payer_id=party_id, payee=friend, currency="CNY",
       amount_minor=in_wallet(town, party_id))  # fmt: skip


def loan_of(town: Bank, contract_id: str) -> Any:
    with town.node.read() as tx:
        return tx.one(live_tables.READ_LOAN, id=contract_id)


def quote_of(town: Bank, contract_id: str) -> int:
    with town.node.read() as tx:
        return lending.quote_pay_off(tx, contract_id, town.today()).total_minor


def guarantee_of(town: Bank, contract_id: str) -> Any:
    with town.node.read() as tx:
        return tx.all(collect.READ_GUARANTEES, loan_id=contract_id)[0]


def test_what_a_file_is_refused_leaves_nothing_behind(
    bank: Bank, clock: FixedClock, terms: Any
) -> None:
    """A joint lender cannot give interest back: the payment is refused, and no money moved."""
    terms(joint=JOINT)
    lenders = [partner(bank, "city_bank", 5_000_000), partner(bank, "trust", 5_000_000)]
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1")
    fund(bank, party_id, 1_000_000)
    started = bank.today()
    move(bank, clock, 50)
    bank.repay(contract_id, quote_of(bank, contract_id), "all")
    for lender in lenders:
        empty(bank, lender)
    names = ("interest_receivable", "interest_income", "loan_credit", "loan_loss")
    before = held(bank, *names), in_wallet(bank, party_id), state_of(bank, contract_id)
    fund(bank, party_id, 500_000, 78)
    early = {"contract_id": contract_id, "amount_minor": 400_000,
             "paid_on": (started + timedelta(days=5)).isoformat()}  # fmt: skip
    found = do(bank, "lending.take_payments", payments=[early, early])
    assert found.taken == 0
    assert [code for _, code in found.refused] == ["lending.wallet_short"] * 2
    assert held(bank, *names) == before[0]
    assert in_wallet(bank, party_id) == before[1] + 500_000
    assert state_of(bank, contract_id).shares == before[2].shares
    assert loan_of(bank, contract_id).events == 1


def test_money_given_back_is_not_given_back_again(bank: Bank, clock: FixedClock) -> None:
    """What was paid beyond a loan was refunded: the payer cannot take it back once more."""
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1")
    fund(bank, party_id, 4_000_000)
    move(bank, clock, 20)
    owed = quote_of(bank, contract_id)
    day = bank.today().isoformat()
    over = do(bank, "lending.record_payment", contract_id=contract_id,
              amount_minor=owed + 50_000, paid_on=day)  # fmt: skip
    assert over.credit_minor == 50_000
    do(bank, "lending.refund_credit", contract_id=contract_id, amount_minor=50_000)
    told = {"contract_id": contract_id, "number": 1}
    before = in_wallet(bank, party_id)
    assert code_of(do, bank, "lending.charge_back", **told, amount_minor=1) == (
        "servicing.over_credit"
    )
    assert code_of(do, bank, "lending.undo_event", **told) == "servicing.over_credit"
    assert in_wallet(bank, party_id) == before
    assert held(bank, "loan_credit") == [0]


def test_a_fee_comes_back_once(bank: Bank) -> None:
    """A loan that was given back stays so, and its fee is returned once."""
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1")
    fund(bank, party_id, 100_000)
    do(bank, "lending.cool_off", contract_id=contract_id)
    told = {"contract_id": contract_id, "number": 1}
    assert code_of(do, bank, "lending.undo_event", **told) == "lending.not_undone"
    code = code_of(do, bank, "lending.charge_back", **told, amount_minor=1)
    assert code == "servicing.unknown_event"


def test_a_guarantor_who_got_the_money_back_is_owed_nothing(
    bank: Bank, clock: FixedClock, terms: Any
) -> None:
    terms(guarantees=BACKED)
    guarantor, party_id = partner(bank, "county_fund", 1_000_000), bank.person()
    contract_id = bank.lend(party_id, "1", wanted=2_000_000)
    empty(bank, party_id)
    for days in (45, 16):
        move(bank, clock, days, closes=True)
    called = guarantee_of(bank, contract_id).called_minor
    assert called > 0
    with bank.node.read() as tx:
        number = max(row.number for row in servicing.live.events_of(tx, contract_id)
                     if row.payer_id == guarantor)  # fmt: skip
    fund(bank, party_id, 200_000, 79)
    key = {"guarantee_id": guarantee_of(bank, contract_id).id}
    do(bank, "lending.charge_back", contract_id=contract_id, number=number, amount_minor=1_000)
    assert guarantee_of(bank, contract_id).called_minor == called - 1_000
    undo = {"contract_id": contract_id, "number": number}
    assert code_of(do, bank, "lending.undo_event", **undo) == "lending.not_undone"
    do(bank, "lending.undo_event", contract_id=contract_id, number=number + 1)
    assert guarantee_of(bank, contract_id).called_minor == called
    do(bank, "servicing.repay_guarantor", **key, amount_minor=500)
    assert code_of(do, bank, "lending.undo_event", **undo) == "servicing.guarantor_repaid"


def test_a_call_that_is_undone_leaves_no_claim(bank: Bank, clock: FixedClock, terms: Any) -> None:
    terms(guarantees=BACKED)
    guarantor, party_id = partner(bank, "county_fund", 1_000_000), bank.person()
    contract_id = bank.lend(party_id, "1", wanted=2_000_000)
    empty(bank, party_id)
    money = in_wallet(bank, guarantor)
    for days in (45, 16):
        move(bank, clock, days, closes=True)
    with bank.node.read() as tx:
        number = max(row.number for row in servicing.live.events_of(tx, contract_id)
                     if row.payer_id == guarantor)  # fmt: skip
    do(bank, "lending.undo_event", contract_id=contract_id, number=number)
    assert in_wallet(bank, guarantor) == money
    assert guarantee_of(bank, contract_id).called_minor == 0
    fund(bank, party_id, 200_000, 79)
    key = {"guarantee_id": guarantee_of(bank, contract_id).id}
    assert code_of(do, bank, "servicing.repay_guarantor", **key, amount_minor=1) == (
        "servicing.over_claim"
    )


def test_a_fen_paid_does_not_keep_the_day_away(bank: Bank, clock: FixedClock) -> None:
    """On a due day somebody pays one fen by hand: the rest is still debited that evening."""
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1")
    due = state_of(bank, contract_id).rows[0]
    move(bank, clock, (due.due_on - bank.today()).days)
    bank.repay(contract_id, 1, "fen")
    close_day(bank.node, bank.today())
    state = state_of(bank, contract_id)
    assert state.rows[0].owed_minor == 0
    assert len(state.shares) == 2
    close_day(bank.node, bank.today())
    assert len(state_of(bank, contract_id).shares) == 2


def test_every_loan_is_provided_for_at_the_end_of_a_month(bank: Bank, clock: FixedClock) -> None:
    """Loans that something happened to on the last day, or that began on it, count as well."""
    first, second = bank.person(), bank.person()
    one = bank.lend(first, "1")
    move(bank, clock, (date(2026, 3, 31) - bank.today()).days)
    bank.repay(one, 1_000, "fen")
    two = bank.lend(second, "2")
    for _ in range(2):
        close_day(bank.node, bank.today())
    with bank.node.read() as tx:
        rows = servicing_provisions(tx)
    losses = [loan_of(bank, loan).booked_loss_minor for loan in (one, two)]
    assert all(loss > 0 for loss in losses)
    assert sum(row.loans for row in rows) == 2
    assert sum(row.expected_loss_minor for row in rows) == sum(losses)
    assert held(bank, "loan_loss_allowance") == [-sum(losses)]


def servicing_provisions(tx: Any) -> Any:
    from puhui.servicing.window import provisions_of

    return provisions_of(tx, "2026-03")


def test_a_write_off_is_undone_after_money_came_in(bank: Bank, clock: FixedClock) -> None:
    """What came in as a recovery is a payment once the loan was never written off."""
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1")
    move(bank, clock, 40)
    do(bank, "lending.write_off", contract_id=contract_id)
    bank.repay(contract_id, 70_000, "part")
    (lost,) = held(bank, "loan_loss")
    assert lost == 3_000_000 - 70_000
    do(bank, "lending.undo_event", contract_id=contract_id, number=1)
    state = state_of(bank, contract_id)
    assert state.shares[0].total_minor == 70_000
    assert held(bank, "loan_loss") == [0]


def test_a_payment_is_taken_once_by_its_number(bank: Bank) -> None:
    """Until it is undone; and in the loan's own currency."""
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1")
    day = bank.today().isoformat()
    paid = {"contract_id": contract_id, "amount_minor": 5_000, "paid_on": day, "reference": "B-1"}
    do(bank, "lending.record_payment", **paid)
    assert code_of(do, bank, "lending.record_payment", **paid) == "lending.payment_known"
    do(bank, "lending.undo_event", contract_id=contract_id, number=1)
    do(bank, "lending.record_payment", **paid)
    for wrong, code in (
        ({"reference": "x" * 81}, "lending.bad_reference"),
        ({"reference": "a\nb"}, "lending.bad_reference"),
        ({"reference": "", "currency": "JPY"}, "lending.other_currency"),
    ):
        assert code_of(do, bank, "lending.record_payment", **paid | wrong) == code


def test_no_charge_is_larger_than_the_loan(bank: Bank) -> None:
    """Sums of all loans stay numbers that a store can add up."""
    told = {"contract_id": bank.lend(bank.person(), "1")}
    for amount in (3_000_001, 2**62 - 1, 2**70):
        assert code_of(do, bank, "lending.charge_fee", **told, amount_minor=amount) == (
            "lending.bad_amount"
        )
    assert code_of(do, bank, "lending.charge_fee", **told, amount_minor=-1) == "servicing.bad_event"


def test_two_draws_at_once_stay_within_what_was_agreed(bank: Bank) -> None:
    """Several writers: one of them is told that nothing is left."""
    second_product(bank)
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1", product="smallfirm", method="draw_at_will",
                            wanted=2_000_000)  # fmt: skip
    bank.repay(contract_id, 1_000_000, "half")
    told = {"contract_id": contract_id, "amount_minor": 700_000}
    found = many(4, bank.act, "lending.draw", **told)
    assert sorted(map(str, found)).count("lending.over_agreed") == 3, found
    assert state_of(bank, contract_id).outstanding_minor == 1_700_000
    assert in_wallet(bank, party_id) == 1_700_000
    found = many(4, bank.act, "lending.repay", contract_id=contract_id, amount_minor=500_000)
    assert sum(getattr(one, "principal_minor", 0) for one in found) == 1_500_000 + 200_000 - 0
