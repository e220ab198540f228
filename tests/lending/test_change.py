"""Changes of loans that run: payments put right, charges, new plans, new draws, on both stores."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import bindparam, update

from puhui import ledger, lending, servicing
from puhui.kernel import Refused
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.kernel.store import change
from puhui.lending.tables import CONTRACT
from puhui.lending.window import contract_row
from puhui.payment import own_account
from puhui.worker import close_day
from tests.lending.bank import Bank
from tests.lending.second import do_with_second
from tests.lending.test_desk_guard import code_of, second_product
from tests.lending.test_desk_money import fund
from tests.lending.test_loan import in_wallet

KEYS = count()
SET_SERVICING = (
    update(CONTRACT)
    .where(CONTRACT.c.id == bindparam("id_"))
    .values(servicing=bindparam("servicing_"))
)


def do(bank: Bank, name: str, /, **input: Any) -> Any:
    """A use case of lending under a key of its own."""
    return do_with_second(bank, name, f"change-{next(KEYS)}", **input)


def move(bank: Bank, clock: FixedClock, days: int, *, closes: bool = False) -> None:
    """So many days later, in the morning, or with the day closed in the evening."""
    day = bank.today() + timedelta(days=days)
    clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T20:00:00+08:00")))
    if closes:
        close_day(bank.node, day)


def held(bank: Bank, *names: str) -> list[int]:
    """Debits less credits of own accounts, minor units."""
    with bank.node.read() as tx:
        found = ledger.lookup_accounts(tx, [own_account(name, "CNY") for name in names])
    return [0 if a is None else a.debits_posted_minor - a.credits_posted_minor for a in found]


def state_of(bank: Bank, contract_id: str) -> Any:
    """The loan recomputed today; what servicing and the contract keep of it must be the same."""
    with bank.node.read() as tx:
        state = lending.loan_state(tx, contract_id, bank.today())
        row = servicing.live.take_loan(tx, contract_id)
        (loan,) = (one for one in lending.list_loans(tx) if one.contract_id == contract_id)
    assert row.outstanding_minor == loan.outstanding_minor == state.outstanding_minor
    if row.counted_on == bank.today().toordinal() and row.status == "live":
        assert row.arrears_minor == state.arrears_minor
    return state


@pytest.fixture
def late(bank: Bank, clock: FixedClock) -> tuple[str, str]:
    """A loan of 30,000 yuan whose first instalment is ten days late, and its borrower."""
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1")
    fund(bank, party_id, 1_000_000)
    move(bank, clock, 41)
    return contract_id, party_id


def test_a_payment_that_came_earlier_is_recorded_on_its_day(
    bank: Bank, late: tuple[str, str]
) -> None:
    contract_id, party_id = late
    state = state_of(bank, contract_id)
    due = state.rows[0]
    assert due.penalty_minor > 0
    paid = bank.repay(contract_id, due.owed_minor, "late")
    assert paid.penalty_minor == due.penalty_minor
    before = in_wallet(bank, party_id)
    moved = do(bank, "record_payment", contract_id=contract_id, amount_minor=50_000,
               paid_on=due.due_on.isoformat())  # fmt: skip
    assert moved.number == 2 and moved.status == "current"
    assert in_wallet(bank, party_id) == before - 50_000
    after = state_of(bank, contract_id)
    assert 0 < after.rows[0].penalty_minor < due.penalty_minor
    assert sum(share.total_minor for share in after.shares) == due.owed_minor + 50_000
    early = {"contract_id": contract_id, "amount_minor": 5}
    assert code_of(do, bank, "record_payment", **early, paid_on="2025-01-01") == (
        "servicing.before_loan"
    )
    tomorrow = (bank.today() + timedelta(days=1)).isoformat()
    assert code_of(do, bank, "record_payment", **early, paid_on=tomorrow) == ("servicing.day_ahead")


def test_what_is_undone_leaves_the_books_as_if_it_never_was(
    bank: Bank, clock: FixedClock, late: tuple[str, str]
) -> None:
    """Not one transfer is changed: the differences are posted, and all accounts are as before."""
    contract_id, party_id = late
    names = ("interest_receivable", "fee_income", "loan_loss", "loan_credit")
    before = held(bank, *names), in_wallet(bank, party_id), state_of(bank, contract_id).rows
    owed = before[2][0].owed_minor
    bank.repay(contract_id, owed, "wrong")
    do(bank, "charge_fee", contract_id=contract_id, amount_minor=700)
    bank.repay(contract_id, 300_000, "early")
    for number in (3, 2, 1):
        do(bank, "undo_event", contract_id=contract_id, number=number)
    assert (held(bank, *names), in_wallet(bank, party_id)) == before[:2]
    assert state_of(bank, contract_id).rows == before[2]
    for number, code in ((1, "lending.not_undone"), (0, "lending.not_undone"),
                         (4, "lending.not_undone"), (77, "servicing.unknown_event")):  # fmt: skip
        assert code_of(do, bank, "undo_event", contract_id=contract_id, number=number) == code
    move(bank, clock, 1, closes=True)
    assert state_of(bank, contract_id).shares


def test_undoing_the_first_of_two_payments_moves_the_second(
    bank: Bank, late: tuple[str, str]
) -> None:
    contract_id, party_id = late
    owed = state_of(bank, contract_id).rows[0].owed_minor
    bank.repay(contract_id, owed, "first")
    bank.repay(contract_id, owed, "second")
    wallet = in_wallet(bank, party_id)
    do(bank, "undo_event", contract_id=contract_id, number=1)
    state = state_of(bank, contract_id)
    assert in_wallet(bank, party_id) == wallet + owed
    assert state.rows[0].owed_minor == 0 and state.rows[1].paid_minor == 0


def test_a_loan_paid_off_runs_again_when_its_end_is_undone(
    bank: Bank, late: tuple[str, str]
) -> None:
    contract_id, party_id = late
    with bank.node.read() as tx:
        owed = lending.quote_pay_off(tx, contract_id, bank.today()).total_minor
    assert bank.repay(contract_id, owed, "all").status == "paid_off"
    assert do(bank, "undo_event", contract_id=contract_id, number=1).status == "past_due"
    assert code_of(bank.act, "party.erase_person", "erase", party_id=party_id) == "party.has_holds"
    assert bank.repay(contract_id, owed, "again").status == "paid_off"


def test_a_charge_back_is_owed_again(bank: Bank, late: tuple[str, str]) -> None:
    contract_id, party_id = late
    owed = state_of(bank, contract_id).rows[0].owed_minor
    bank.repay(contract_id, owed, "paid")
    wallet = in_wallet(bank, party_id)
    told = {"contract_id": contract_id, "number": 1}
    back = do(bank, "charge_back", **told, amount_minor=100_000)
    assert in_wallet(bank, party_id) == wallet + 100_000
    assert back.outstanding_minor == state_of(bank, contract_id).outstanding_minor
    assert code_of(do, bank, "charge_back", **told, amount_minor=owed) == "servicing.bad_event"
    none = told | {"number": 2}
    assert code_of(do, bank, "charge_back", **none, amount_minor=1) == "servicing.unknown_event"


def test_money_beyond_the_loan_is_held_and_given_back(bank: Bank, late: tuple[str, str]) -> None:
    contract_id, party_id = late
    with bank.node.read() as tx:
        owed = lending.quote_pay_off(tx, contract_id, bank.today()).total_minor
    bank.repay(contract_id, owed, "all")
    fund(bank, party_id, 500_000, 78)
    earlier = (bank.today() - timedelta(days=20)).isoformat()
    over = do(bank, "record_payment", contract_id=contract_id, amount_minor=400_000,
              paid_on=earlier)  # fmt: skip
    assert over.credit_minor > 400_000 and over.status == "paid_off"
    assert held(bank, "loan_credit") == [-over.credit_minor]
    told = {"contract_id": contract_id}
    more = over.credit_minor + 1
    assert code_of(do, bank, "refund_credit", **told, amount_minor=more) == "servicing.over_credit"
    assert code_of(do, bank, "refund_credit", **told, amount_minor=0) == "lending.bad_amount"
    wallet = in_wallet(bank, party_id)
    assert do(bank, "refund_credit", **told, amount_minor=over.credit_minor).credit_minor == 0
    assert in_wallet(bank, party_id) == wallet + over.credit_minor
    assert held(bank, "loan_credit") == [0]


def test_charges_and_waivers(bank: Bank, late: tuple[str, str]) -> None:
    contract_id, _ = late
    told = {"contract_id": contract_id}
    penalty = state_of(bank, contract_id).rows[0].penalty_minor
    do(bank, "waive", **told, part="penalty", amount_minor=penalty)
    assert state_of(bank, contract_id).rows[0].penalty_owed_minor == 0
    (lost,) = held(bank, "loan_loss")
    moved = do(bank, "waive", **told, part="principal", amount_minor=10_000)
    assert moved.outstanding_minor == 3_000_000 - 10_000
    assert held(bank, "loan_loss") == [lost + 10_000]
    assert code_of(do, bank, "waive", **told, part="fee", amount_minor=1) == "servicing.over_waived"
    do(bank, "charge_fee", **told, amount_minor=2_000)
    do(bank, "charge_fee", **told, amount_minor=900, is_penalty=True)
    state = state_of(bank, contract_id)
    assert state.rows[1].fee_minor == 2_000
    assert state.rows[0].penalty_owed_minor == 900
    assert code_of(do, bank, "charge_fee", **told, amount_minor=0) == "servicing.bad_event"


def test_new_plans_and_the_days_after(bank: Bank, clock: FixedClock, late: tuple[str, str]) -> None:
    """Whatever plan a loan gets, the day's run and the recomputed loan say the same of it."""
    contract_id, party_id = late
    told = {"contract_id": contract_id}
    rows = state_of(bank, contract_id).rows
    coming = rows[2].due_on.isoformat()
    moved_to = (rows[2].due_on + timedelta(days=5)).isoformat()
    do(bank, "re_amortise", **told)
    assert state_of(bank, contract_id).arrears_minor == 0
    do(bank, "change_rate", **told, annual_rate="0.05")
    do(bank, "move_due_day", **told, due_on=coming, moved_to=moved_to)
    do(bank, "reschedule", **told, due_on=moved_to, count=2, grace=1, annual_rate="0.06")
    state = state_of(bank, contract_id)
    assert len(state.rows) == 15 and state.outstanding_minor == 3_000_000
    assert state.rows[2].due_on.isoformat() == moved_to and state.rows[2].principal_minor == 0
    fund(bank, party_id, 10_000_000, 79)
    for days in (1, 20, 15, 31):
        move(bank, clock, days, closes=True)
        state = state_of(bank, contract_id)
        with bank.node.read() as tx:
            row = servicing.live.take_loan(tx, contract_id)
        later = sum(one.penalty_owed_minor for one in state.rows if one.due_on > bank.today())
        assert row.accrued_minor == state.accruing_minor + later and row.arrears_minor == 0
    assert any(share.principal_minor for share in state.shares)
    move(bank, clock, 10)
    aged = do(bank, "re_age", **told, due_on=(bank.today() + timedelta(days=60)).isoformat(),
              count=4)  # fmt: skip
    assert aged.next_due_on == bank.today() + timedelta(days=60)
    with bank.node.read() as tx:
        assert servicing.live.take_loan(tx, contract_id).watch_until > bank.today().toordinal()
    move(bank, clock, 30, closes=True)
    assert state_of(bank, contract_id).status.value == "current"


def test_plans_that_cannot_be(bank: Bank, late: tuple[str, str]) -> None:
    contract_id, _ = late
    told = {"contract_id": contract_id}
    past, day = bank.today() - timedelta(days=5), bank.today() + timedelta(days=5)
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("reschedule", {"due_on": day.isoformat(), "count": 1}, "servicing.bad_event"),
        ("reschedule", {"due_on": day.isoformat(), "annual_rate": "0.9"}, "lending.rate_over_cap"),
        ("change_rate", {"annual_rate": "-0.1"}, "lending.rate_over_cap"),
        ("move_due_day", {"due_on": past.isoformat(), "moved_to": day.isoformat()},
         "servicing.bad_event"),
        ("re_age", {"due_on": past.isoformat(), "count": 3}, "lending.bad_terms"),
        ("re_age", {"due_on": day.isoformat(), "count": 0}, "lending.bad_terms"),
        ("draw", {"amount_minor": 5}, "lending.not_revolving"),
    ]  # fmt: skip
    for name, more, code in wrong:
        assert code_of(do, bank, name, **told, **more) == code, (name, more)
    assert code_of(do, bank, "re_amortise", contract_id="x") == "lending.no_contract"
    do(bank, "write_off", **told)
    for name, more in (("re_amortise", {}), ("waive", {"part": "fee", "amount_minor": 1})):
        assert code_of(do, bank, name, **told, **more) == "lending.written_off"
    assert do(bank, "undo_event", **told, number=1).status == "past_due"
    assert held(bank, "loan_loss") == [0]


def test_a_third_party_pays_from_the_own_wallet(bank: Bank, late: tuple[str, str]) -> None:
    contract_id, party_id = late
    friend = bank.person()
    bank.act("payment.open_wallet", "friend", party_id=friend, currency="CNY")
    fund(bank, friend, 200_000, 80)
    wallet = in_wallet(bank, party_id)
    paid = do(bank, "repay", contract_id=contract_id, amount_minor=150_000, payer_id=friend)
    assert (paid.principal_minor, paid.outstanding_minor, paid.status) == (0, 0, "")
    assert (in_wallet(bank, friend), in_wallet(bank, party_id)) == (50_000, wallet)
    assert state_of(bank, contract_id).shares[0].total_minor == 150_000
    do(bank, "undo_event", contract_id=contract_id, number=1)
    assert (in_wallet(bank, friend), in_wallet(bank, party_id)) == (200_000, wallet)
    again = {"contract_id": contract_id, "amount_minor": 200_001, "payer_id": friend}
    assert code_of(do, bank, "repay", **again) == "lending.wallet_short"


def test_money_is_drawn_and_repaid_at_will(bank: Bank, clock: FixedClock) -> None:
    """Interest for the days and the money used only; beyond what was agreed nothing is drawn."""
    second_product(bank)
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1", product="smallfirm", method="draw_at_will",
                            wanted=2_000_000)  # fmt: skip
    told = {"contract_id": contract_id}
    assert code_of(do, bank, "draw", **told, amount_minor=1) == "lending.over_agreed"
    move(bank, clock, 10)
    with bank.node.read() as tx:
        quote = lending.quote_pay_off(tx, contract_id, bank.today())
        rate = lending.loan_state(tx, contract_id, bank.today()).annual_rate
    assert quote.interest_minor == round(2_000_000 * rate * 10 / 360)
    fund(bank, party_id, 100_000, 81)
    assert bank.repay(contract_id, quote.total_minor, "all").status == "current"
    move(bank, clock, 30, closes=True)
    assert state_of(bank, contract_id).outstanding_minor == 0
    drawn = do(bank, "draw", **told, amount_minor=1_000_000)
    assert drawn.outstanding_minor == 1_000_000
    move(bank, clock, 10)
    with bank.node.read() as tx:
        quote = lending.quote_pay_off(tx, contract_id, bank.today())
    assert quote.interest_minor == round(1_000_000 * rate * 10 / 360)
    assert code_of(do, bank, "draw", **told, amount_minor=0) == "lending.bad_amount"
    assert code_of(do, bank, "draw", **told, amount_minor=1_000_001) == "lending.over_agreed"
    with bank.node.read() as tx:
        text = contract_row(tx, contract_id).servicing
    with change(bank.node.store) as tx:
        share = json.dumps({**json.loads(text), "over_applied_share": "0.01"})
        tx.run(SET_SERVICING, id_=contract_id, servicing_=share)
    assert do(bank, "draw", **told, amount_minor=1_020_000).outstanding_minor == 2_020_000
    assert code_of(do, bank, "draw", **told, amount_minor=1) == "lending.over_agreed"


def test_customers_change_nothing_but_their_own(bank: Bank, late: tuple[str, str]) -> None:
    contract_id, party_id = late
    own, other = bank.by(party_id, "customer"), bank.by(bank.person(), "customer")
    with pytest.raises(Refused) as refused:
        do(own, "waive", contract_id=contract_id, part="fee", amount_minor=1)
    assert refused.value.code == "kernel.role_missing"
    for name, more in (("draw", {}), ("repay", {})):
        code = code_of(do, other, name, contract_id=contract_id, amount_minor=5, **more)
        assert code == "party.not_yours"
    officer = bank.by(party_id, "loan_officer")
    told = {"contract_id": contract_id, "part": "penalty", "amount_minor": 1}
    assert code_of(do, officer, "waive", **told) == "party.four_eyes"


def test_payments_of_a_file_are_taken_or_refused_one_by_one(
    bank: Bank, late: tuple[str, str]
) -> None:
    contract_id, party_id = late
    day = bank.today().isoformat()
    paid = {"contract_id": contract_id, "amount_minor": 100_000, "paid_on": day}
    wallet = in_wallet(bank, party_id)
    found = do(bank, "take_payments", payments=[
        paid, paid | {"contract_id": "x"}, paid | {"amount_minor": 10**12}, paid,
    ])  # fmt: skip
    assert (found.taken, found.amount_minor) == (2, 200_000)
    assert found.refused == ((1, "lending.no_contract"), (2, "lending.wallet_short"))
    assert in_wallet(bank, party_id) == wallet - 200_000
    assert sum(share.total_minor for share in state_of(bank, contract_id).shares) == 200_000
