"""A fee at first that is part of the interest, from the drawing to the end, in the books.

12,000.00 are lent at 12 % a year in twelve equal parts of principal, 30/360, and 2 % are kept back.
What is earned by the end of a month is worked out by fractions: the amortised cost grows by the
effective rate each period and falls by what is paid; within a period each day earns alike.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction

import pytest

from puhui.kernel import Refused
from puhui.servicing import live
from tests.lending.test_terms import figure, share
from tests.servicing.test_spread import solved, table, whole
from tests.servicing.worked.loan import LENT, Lend, Loan

FEE = 24_000
TAIL = f'[[fee]]\nkind = "up_front"\nshare = {share("0.02")}\n'
EQUAL = {"offered": 'equal_principal = "30/360"', "tail": TAIL}
FLOWS = [100_000 + 1_000 * n for n in range(12, 0, -1)]
DUE = [date(2026 + (2 + n) // 12, (2 + n) % 12 + 1, 2) for n in range(13)]
LEFT = [
    whole(LENT - 100_000 * n - cost)
    for n, cost in enumerate(
        table(LENT - FEE, FLOWS, solved(LENT - FEE, FLOWS, Fraction(1, 12)), Fraction(1, 12))
    )
]
"""What is not earned on 2 March and after each payment."""


def earned(day: str) -> int:
    """What of the fee is earned by the end of a day, cut to the fen."""
    on = date.fromisoformat(day)
    n = max(n for n in range(13) if DUE[n] <= on)
    if n == 12:
        return FEE
    days = (DUE[n + 1] - DUE[n]).days
    return FEE - LEFT[n] + (LEFT[n] - LEFT[n + 1]) * (on - DUE[n]).days // days


def fee_of(loan: Loan) -> tuple[int, int]:
    """What is on record as earned and as set against a loss; the books hold as much."""
    with loan.bank.node.read() as tx:
        row = live.deferral_of(tx, loan.id)
    assert row is not None
    assert loan.books()["deferred_fee"] == row.income_minor + row.lost_minor
    return row.income_minor, row.lost_minor


def pay_rows(loan: Loan, through: str) -> None:
    """Every row on its due day, every end of a month closed, up to a day."""
    last = date.fromisoformat(through)
    ends = [date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31), date(2026, 6, 30)]
    for day in sorted({*DUE[1:], *ends}):
        if loan.today < day <= last:
            loan.to(day)
            if day in DUE:
                loan.pay(FLOWS[DUE.index(day) - 1])
            loan.to(day, closes=True)
    loan.to(last)


def test_a_month_earns_its_part(opened: Callable[[str], Lend]) -> None:
    """Nothing is income on the first day; each end of a month books the difference."""
    loan = opened("2026-03-02")(**EQUAL)
    assert loan.before["deferred_fee"] == -FEE
    assert loan.before["fee_income"] == loan.before["interest_income"] == 0
    loan.to("2026-03-30", closes=True)
    assert fee_of(loan) == (0, 0)
    loan.to("2026-03-31", closes=True)
    # 29 days of 31 of a month's interest of 12,000 fen, and the fee beside it.
    assert fee_of(loan) == (earned("2026-03-31"), 0)
    interest = loan.stored.booked_minor
    assert loan.books()["interest_income"] == -interest - earned("2026-03-31")
    loan.to("2026-03-31", closes=True)
    assert fee_of(loan) == (earned("2026-03-31"), 0), "once"
    pay_rows(loan, "2026-06-30")
    assert fee_of(loan) == (earned("2026-06-30"), 0)
    paid = sum(1_000 * n for n in (12, 11, 10))
    assert -loan.books()["interest_income"] == (
        paid + loan.stored.booked_minor + earned("2026-06-30")
    )


def test_months_left_out_are_made_up_for(opened: Callable[[str], Lend]) -> None:
    loan = opened("2026-03-02")(**EQUAL)
    loan.fund(500_000)
    loan.to("2026-05-20", closes=True)
    assert fee_of(loan) == (earned("2026-04-30"), 0)


def test_paid_off_early_and_undone(opened: Callable[[str], Lend]) -> None:
    """What is left is income at once; undone, the books are as on the last end of a month."""
    loan = opened("2026-03-02")(**EQUAL)
    pay_rows(loan, "2026-05-10")
    before = loan.books()
    loan.pay(LENT)
    assert loan.stored.status == "paid_off"
    assert fee_of(loan) == (FEE, 0)
    loan.do("undo_event", number=loan.stored.events)
    assert loan.stored.status == "live"
    assert fee_of(loan) == (earned("2026-04-30"), 0)
    assert loan.books()["deferred_fee"] == before["deferred_fee"]
    loan.to("2026-05-31", closes=True)
    assert fee_of(loan) == (earned("2026-05-31"), 0)


def test_the_days_debit_ends_it(opened: Callable[[str], Lend]) -> None:
    """The last row is taken from the wallet on its day, which is no end of a month."""
    loan = opened("2026-03-02")(**EQUAL, months=6)
    loan.fund(LENT + 50_000)
    for row in loan.state().rows:
        loan.to(row.due_on, closes=True)
    assert loan.stored.status == "paid_off"
    assert fee_of(loan) == (FEE, 0)


def test_early_principal_catches_up(opened: Callable[[str], Lend]) -> None:
    """Half of what is owed on 2 May is paid early: half of what was left is earned by that."""
    loan = opened("2026-03-02")(**EQUAL)
    pay_rows(loan, "2026-05-02")
    loan.pay(500_000)
    assert fee_of(loan) == (earned("2026-04-30"), 0), "until the end of the month"
    loan.to("2026-05-31", closes=True)
    flows = [50_000 + 500 * n for n in range(10, 0, -1)]
    assert [row.principal_owed_minor + row.interest_owed_minor for row in loan.state().rows[2:]] \
        == flows  # fmt: skip
    rate = solved(LENT - FEE, FLOWS, Fraction(1, 12))
    left = [
        whole(500_000 - 50_000 * k - sum(
            flow / (1 + rate / 12) ** n for n, flow in enumerate(flows[k:], start=1)
        ))
        for k in (0, 1)
    ]  # fmt: skip
    assert fee_of(loan) == (FEE - left[0] + (left[0] - left[1]) * 29 // 31, 0)
    loan.do("undo_event", number=loan.stored.events)
    assert fee_of(loan) == (earned("2026-05-31"), 0), "as if it had never been paid"


def test_a_payment_recorded_late_is_as_if_known(opened: Callable[[str], Lend]) -> None:
    """Two loans of one bank: a payment of 2 May is recorded then, and on 5 June."""
    lend = opened("2026-03-02")
    one, other = lend(**EQUAL), lend(**EQUAL)
    for loan in (one, other):
        loan.fund(223_000)
    for day in ("2026-03-31", "2026-04-02", "2026-04-30", "2026-05-02"):
        one.to(day, closes=True)
    one.pay(500_000)
    one.to("2026-05-31", closes=True)
    one.to("2026-06-05")
    other.fund(500_000)
    assert record(other) < record(one), "early principal earns some of it"
    other.do("record_payment", amount_minor=500_000, paid_on="2026-05-02")
    assert record(other) == record(one)
    one.to("2026-06-30", closes=True)
    assert record(other) == record(one)
    number = max(number for number, kind in enumerate(kinds_of(other), start=1) if kind == "repaid")
    other.do("undo_event", number=number)
    other.fund(-500_000)
    assert record(other) == (earned("2026-06-30"), 0) < record(one)


def kinds_of(loan: Loan) -> list[str]:
    """What happened after the drawing, in order."""
    with loan.bank.node.read() as tx:
        return [row.kind for row in live.events_of(tx, loan.id)][1:]


def record(loan: Loan) -> tuple[int, int]:
    with loan.bank.node.read() as tx:
        row = live.deferral_of(tx, loan.id)
    assert row is not None
    return row.income_minor, row.lost_minor


def test_a_loan_that_is_late_earns_none_while_interest_is_suspended(
    opened: Callable[[str], Lend],
) -> None:
    """Due on 2 April and never paid: suspended from the 91st day on, 2 July, so that July earns
    none; all that is late is paid, and after the probation what was missed follows."""
    loan = opened("2026-03-02")(**EQUAL)
    loan.to("2026-06-30", closes=True)
    assert fee_of(loan) == (earned("2026-06-30"), 0)
    loan.to("2026-07-31", closes=True)
    assert loan.stored.stage == 3 and loan.stored.is_suspended
    assert fee_of(loan) == (earned("2026-06-30"), 0)
    loan.do("charge_fee", amount_minor=100)
    assert fee_of(loan) == (earned("2026-06-30"), 0), "nor does an event earn it"
    state = loan.state()
    loan.pay(state.owed_today_minor)
    loan.to("2026-08-31", closes=True)
    assert fee_of(loan) == (earned("2026-06-30"), 0), "not within the probation"


def test_given_up_written_off_and_undone(opened: Callable[[str], Lend]) -> None:
    """The rest is no income: the loan was worth less than what was owed by as much, and so is the
    loss. Paid off after all, it is interest."""
    loan = opened("2026-03-02")(**EQUAL)
    loan.to("2026-07-31", closes=True)
    held, rest = earned("2026-06-30"), FEE - earned("2026-06-30")
    before = loan.books()
    loan.do("charge_off")
    assert fee_of(loan) == (held, rest)
    provided = loan.books()["loan_loss_allowance"] - before["loan_loss_allowance"]
    assert loan.books()["loan_loss"] - before["loan_loss"] == -provided - rest
    loan.to("2026-08-31", closes=True)
    assert fee_of(loan) == (held, rest)
    loan.do("undo_event", number=loan.stored.events)
    assert fee_of(loan) == (held, 0)
    loan.do("write_off")
    assert fee_of(loan) == (held, rest)
    assert loan.books()["loan_loss"] == LENT - rest
    loan.do("undo_event", number=loan.stored.events)
    assert fee_of(loan) == (held, 0)
    loan.fund(2 * LENT)
    loan.do("charge_off")
    loan.do("repay", amount_minor=2 * LENT)
    assert loan.stored.status == "paid_off"
    assert fee_of(loan) == (FEE, 0)
    assert loan.books()["loan_loss"] == 0


def test_given_back_within_the_days_of_cooling_off(opened: Callable[[str], Lend]) -> None:
    """The fee comes back, whether a part of it was earned or not."""
    loan = opened("2026-03-29")(**EQUAL)
    loan.to("2026-03-31", closes=True)
    assert fee_of(loan)[0] > 0
    loan.fund(LENT)
    made = loan.do("cool_off")
    assert made.fee_returned_minor == FEE
    assert loan.held()["deferred_fee"] == 0
    assert -loan.held()["interest_income"] == made.interest_minor
    with loan.bank.node.read() as tx:
        assert live.deferral_of(tx, loan.id) is None


def test_a_fee_for_a_service_is_earned_at_once(opened: Callable[[str], Lend]) -> None:
    """2 % are part of the interest, 50.00 are for a valuation."""
    service = f'[[fee]]\nkind = "up_front"\namount = {figure("50", "CNY")}\nis_interest = false\n'
    loan = opened("2026-03-02")(offered='equal_principal = "30/360"', tail=TAIL + service)
    assert loan.before["deferred_fee"] == -FEE
    assert loan.before["fee_income"] == -5_000
    loan.fund(LENT)
    assert loan.do("cool_off").fee_returned_minor == FEE + 5_000
    assert loan.held()["fee_income"] == loan.held()["deferred_fee"] == 0
    with pytest.raises(Refused, match="is_interest"):
        late = f'[[fee]]\nkind = "late"\namount = {figure("5", "CNY")}\nis_interest = true\n'
        opened("2026-03-02")(offered='equal_principal = "30/360"', tail=late)


def test_a_line_earns_by_days_and_the_rest_when_it_is_closed(
    opened: Callable[[str], Lend],
) -> None:
    line = {
        "offered": 'draw_at_will = "act/360"',
        "servicing": (("shifts_due_days = false", "shifts_due_days = false\nrevolving = true"),),
    }
    loan = opened("2026-03-02")(**line, tail=TAIL, first=100_000)
    days = (loan.state().rows[-1].due_on - date(2026, 3, 2)).days
    loan.to("2026-03-31", closes=True)
    assert fee_of(loan) == (FEE * 29 // days, 0)
    loan.to("2026-04-10")
    loan.do("draw", amount_minor=200_000)
    loan.to("2026-04-30", closes=True)
    assert fee_of(loan) == (FEE * 59 // days, 0)
    loan.fund(LENT)
    loan.do("repay", amount_minor=400_000)
    assert fee_of(loan) == (FEE * 59 // days, 0), "it may be drawn again"
    loan.do("close_line")
    assert fee_of(loan) == (FEE, 0)
