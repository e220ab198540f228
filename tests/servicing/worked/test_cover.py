"""What stands behind a loan: pledges against what is drawn, and a guarantor who is called.

Dated figures: a machine counts with 40 % of its value, a guarantee's loss is got to 80 %, 60 % of
a loan are lost where nothing stands behind it, and never less than a tenth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from puhui.ledger import lookup_accounts
from puhui.payment import wallet_account
from puhui.servicing.window import guarantees_of
from tests.servicing.partner import partner
from tests.servicing.worked.loan import LENT, Lend, Loan
from tests.servicing.worked.reckon import expected_loss

GRADES = ("0.005", "0.010", "0.020", "0.040", "0.080", "0.160")
LINE = {
    "offered": 'draw_at_will = "act/360"',
    "servicing": (("shifts_due_days = false", "shifts_due_days = false\nrevolving = true"),),
}


def lost_of(loan: Loan) -> int:
    """Loss given default, millionths."""
    return int(loan.stored.lgd_millionths)


def test_a_pledge_is_held_against_all_that_is_drawn(opened: Callable[[str], Lend]) -> None:
    """A machine worth 2,000.00 counts with 800.00: four fifths of 1,000.00, a twelfth and a half
    of 10,000.00. Once 9,000.00 more are drawn, 60 % x (1 - 0.08) are lost, not 12 %.
    """
    loan = opened("2026-03-02")(**LINE, first=100_000)
    assert lost_of(loan) == 600_000
    loan.serve("add_pledge", kind="machine", value_minor=200_000)
    assert lost_of(loan) == 120_000
    loan.to("2026-03-05")
    loan.do("draw", amount_minor=900_000)
    loan.fund(-900_000)
    assert lost_of(loan) == 552_000
    loan.to("2026-03-31", closes=True)
    # 3 days of 1,000.00 and 26 of 10,000.00; 40 % of the 2,000.00 not drawn count too.
    exposure = 1_000_000 + 100 + 8_667 + 80_000
    yearly = GRADES[loan.stored.grade - 1]
    lost = expected_loss(
        exposure, yearly=yearly, loss="0.552", horizon=12, months=12, rate="0.12", falls=False
    )
    assert loan.books()["loan_loss_allowance"] == -lost
    loan.pay(400_000)
    payment = loan.stored.events
    loan.serve("add_pledge", kind="deposit", value_minor=60_000)
    assert loan.stored.outstanding_minor < 610_000
    before = lost_of(loan)
    loan.do("undo_event", number=payment)
    loan.fund(-400_000)
    # 800.00 and 600.00 of 10,000.00 are covered again.
    assert before < lost_of(loan) == 516_000


def figures(value: str, unit: str) -> str:
    return f'{{ value = {value}, unit = "{unit}", from = 2026-11-01, source = "a test" }}'


BACKED = (
    '[[guarantee]]\npartner = "county_fund"\n'
    f"share = {figures('0.8', 'share of what is owed')}\n"
    f"premium = {figures('0.01', 'share of amount')}\n"
    f"call_after = {figures('30', 'day past due')}\n"
)


def wallet(loan: Loan, party_id: str) -> int:
    with loan.bank.node.read() as tx:
        (found,) = lookup_accounts(tx, [wallet_account(party_id, "CNY")])
    assert found is not None
    return found.credits_posted_minor - found.debits_posted_minor


def test_a_guarantor_pays_four_fifths_of_what_is_past_due(
    opened: Callable[[str], Lend],
) -> None:
    """Interest of 12,230 fen is past due since 2 April, 11,836 more since 2 May; nothing is paid.

    On 2 May, 30 days late, 80 % of 12,230 are called: 9,784. On the 3rd 80 % of both, 19,252.8 cut
    to 19,252, less what was paid. The premium was 1 % of 12,000.00.
    """
    lend = opened("2026-03-02")
    guarantor: list[str] = []

    def found(bank: Any) -> None:
        guarantor.append(partner(bank, "county_fund", 1_000_000))

    loan = lend(offered='interest_first = "act/365"', tail=BACKED, first_of_all=found)
    fund = guarantor[0]
    assert wallet(loan, fund) == 1_012_000
    assert lost_of(loan) == 216_000, "60 % x (1 - 80 % x 80 %)"
    loan.to("2026-05-01", closes=True)
    assert wallet(loan, fund) == 1_012_000
    loan.to("2026-05-02", closes=True)
    assert wallet(loan, fund) == 1_012_000 - 9_784
    loan.to("2026-05-03", closes=True)
    assert wallet(loan, fund) == 1_012_000 - 19_252
    state = loan.state()
    assert state.arrears_minor == 12_230 + 11_836 - 19_252
    assert state.rows[1].interest_owed_minor == 12_230 + 11_836 - 19_252
    loan.to("2026-05-04", closes=True)
    assert wallet(loan, fund) == 1_012_000 - 19_252, "called once for what is past due"
    income = 12_230 + 11_836 + 789
    held = loan.books()
    assert (held["interest_income"], held["loan"]) == (-income, LENT)
    assert held["interest_receivable"] == income - 19_252
    with loan.bank.node.read() as tx:
        (given,) = guarantees_of(tx, loan.id)
    loan.fund(20_000)
    repaid = loan.bank.act(
        "servicing.repay_guarantor", "back", guarantee_id=given.id, amount_minor=19_252
    )
    assert (repaid.called_minor, repaid.recovered_minor) == (19_252, 19_252)
    assert (wallet(loan, fund), loan.books()["wallet"]) == (1_012_000, -748)


def shared(name: str, share: str) -> str:
    return f'[[joint]]\npartner = "{name}"\nshare = {figures(share, "share of principal")}\n'


def test_of_a_joint_loan_no_more_is_lost_than_is_ours(opened: Callable[[str], Lend]) -> None:
    """Two others lend 30 % and 10 %: 7,200.00 are ours, of which 60 % are lost from 91 days on,
    75 % from 181 and all of it from 361.
    """
    tail = shared("city_bank", "0.3") + shared("trust", "0.1")

    def found(bank: Any) -> None:
        for name in ("city_bank", "trust"):
            partner(bank, name, 1_000_000)

    loan = opened("2026-03-02")(offered='interest_first = "act/365"', tail=tail, first_of_all=found)
    assert lost_of(loan) == 360_000
    told = {"2026-07-31": 432_000, "2026-09-30": 540_000, "2026-12-31": 648_000,
            "2027-03-31": 720_000}  # fmt: skip
    for day, allowance in told.items():
        loan.to(day, closes=True)
        assert loan.stored.stage == 3
        assert loan.books()["loan_loss_allowance"] == -allowance, day
    loan.do("charge_off")
    assert loan.books()["loan_loss_allowance"] == -720_000
    loan.do("write_off")
    loan.owes(loan=0, loan_loss=720_000)


def test_what_a_pledge_covers_keeps_a_loan_substandard(opened: Callable[[str], Lend]) -> None:
    """A deposit of 6,000.00 counts whole: 30 % are lost of the loan, yet 55 % by its 91 days; of
    one that is impaired and paid up since, 30 %: substandard for the probation.
    """
    loan = opened("2026-03-02")(offered='interest_first = "act/365"')
    loan.serve("add_pledge", kind="deposit", value_minor=600_000)
    assert lost_of(loan) == 300_000
    loan.to("2026-07-02", closes=True)
    assert (loan.stored.days_past_due, loan.stored.risk_class, loan.stored.stage) == (91, 3, 3)
    loan.to("2026-07-03")
    loan.pay(loan.state().owed_today_minor)
    assert (loan.stored.days_past_due, loan.stored.risk_class, loan.stored.stage) == (0, 2, 3)
    loan.to("2026-07-31", closes=True)
    assert (loan.stored.risk_class, loan.stored.stage) == (2, 3)
    assert loan.books()["loan_loss_allowance"] == -360_000
