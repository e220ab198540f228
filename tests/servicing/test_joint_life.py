"""A joint loan's bad and good days, worked by hand: 30 % are one lender's, 9.9999 % another's.

1,000,000 fen at 12 % a year of 365 days, interest each month and principal at the end, paid out on
2 March 2026. Of 31 days the interest is 10,191.78, of 30 days 9,863.01, of one day 328.77. Each
lender's part of each sum is cut to the fen.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.servicing import live, noun
from puhui.servicing.nouns.plan import Happening
from tests.servicing.ordeal import party_of
from tests.servicing.shares import Sums
from tests.servicing.test_joint import BASE, joint_loan
from tests.servicing.test_purse import freeze

PLAN = replace(BASE, day_count=noun.DayCount.ACT_365, method=noun.Method.INTEREST_FIRST, count=24)
ROWS = (10_192, 9_863, 10_192, 9_863)
"""Interest that falls due on the second of April, May, June and July."""


class Life:
    """The loan, whose borrower's wallet is frozen from the first day, and what changed since."""

    def __init__(self, node: Node, clock: FixedClock) -> None:
        self.node = node
        self.loan = joint_loan(node, clock, PLAN, 1_000_000)
        self.first, self.own = self.loan.lenders(), self.loan.own()
        self.frozen = freeze(node, party_of(self.loan.loan_id))

    def close(self, day: str) -> None:
        """Close a day of 2026."""
        self.loan.move((date.fromisoformat(f"2026-{day}") - self.loan.today).days)
        self.loan.close()

    def thaw(self) -> None:
        """Let the borrower pay."""
        freeze(self.node, party_of(self.loan.loan_id), self.frozen)

    def got(self) -> list[Sums]:
        """What each lender has more than on the first day."""
        return [a - b for a, b in zip(self.loan.lenders(), self.first, strict=True)]

    def books(self, name: str) -> int:
        """By how much one of our accounts grew, debits less credits."""
        return int(self.loan.own()[name] - self.own[name])

    def row(self) -> Any:
        """The loan as it is stored."""
        with self.node.read() as tx:
            return live.take_loan(tx, self.loan.loan_id)


@pytest.fixture
def life(node: Node, clock: FixedClock) -> Life:
    """One on each kind of store."""
    return Life(node, clock)


def test_interest_is_suspended_from_ninety_days_and_comes_back_once_paid(life: Life) -> None:
    """On 30 June 89 days are past due, and 10,192 + 9,863 + 10,192 + 9,205 are booked."""
    life.close("06-30")
    assert life.row().days_past_due == 89
    assert life.books("interest_receivable") == 39_452
    assert [one.due_minor for one in life.got()] == [11_835, 3_945]
    assert life.books("interest_income") == -(39_452 - 11_835 - 3_945)
    life.close("07-01")
    assert (life.row().stage, life.row().is_suspended) == (2, 1)
    assert life.got() == [Sums(0, 0, 0), Sums(0, 0, 0)], "what is not ours is not theirs"
    assert life.books("interest_income") == life.books("interest_receivable") == 0
    life.thaw()
    life.loan.happen(Happening.REPAID, amount_minor=sum(ROWS[:3]))
    assert [one.wallet_minor for one in life.got()] == [9_074, 3_024], "parts of 30,247"
    life.close("07-01")
    life.close("07-02")
    assert (life.row().stage, life.row().is_suspended) == (1, 0)
    # The fourth row, 9,863, fell due and was debited the same day.
    assert life.got() == [Sums(0, 0, 9_074 + 2_958), Sums(0, 0, 3_024 + 986)]
    life.close("07-03")
    assert [one.due_minor for one in life.got()] == [98, 32], "one day, 329"
    assert life.books("interest_receivable") == 329
    whole = sum(ROWS) + 329
    theirs = 9_074 + 2_958 + 98 + 3_024 + 986 + 32
    assert life.books("interest_income") == -(whole - theirs)


def test_an_impaired_loan_books_what_is_paid_until_its_probation_is_over(life: Life) -> None:
    """Past ninety days it is impaired; ninety days without arrears later it is booked again."""
    life.close("07-04")
    assert (life.row().days_past_due, life.row().stage) == (93, 3)
    life.thaw()
    life.close("07-05")
    assert life.row().stage == 3, "no day on which the wallet is asked"
    life.loan.happen(Happening.REPAID, amount_minor=sum(ROWS))
    assert life.got() == [Sums(0, -12_033, 12_033), Sums(0, -4_010, 4_010)], "booked with the day"
    life.close("07-06")
    wallets = [12_033, 4_010]
    assert life.got() == [Sums(0, 0, wallets[0]), Sums(0, 0, wallets[1])]
    assert life.books("interest_income") == -(40_110 - 12_033 - 4_010)
    assert life.row().accrued_minor == 1_315, "four days, 1,315.07, of which nothing is booked"
    for day, (a, b) in (("08-02", (3_057, 1_019)), ("09-02", (3_057, 1_019)),
                        ("10-02", (2_958, 986))):  # fmt: skip
        life.close(day)
        wallets = [wallets[0] + a, wallets[1] + b]
        assert life.got() == [Sums(0, 0, wallets[0]), Sums(0, 0, wallets[1])], day
        assert life.row().is_suspended == 1, day
    life.close("10-03")
    assert (life.row().stage, life.row().is_suspended) == (1, 0), "cleared on 5 July, 90 days ago"
    assert life.books("interest_receivable") == 329, "one day"
    assert [one.due_minor for one in life.got()] == [98, 32]


def test_a_loan_is_charged_off_written_off_and_some_of_it_comes_back(life: Life) -> None:
    """Of 1,000,000 we lose 600,001, the lenders 300,000 and 99,999; so they share what comes."""
    life.close("07-04")
    life.loan.happen(Happening.CHARGED_OFF)
    assert life.books("loan_loss_allowance") == -600_001
    assert [one.due_minor for one in life.got()] == [0, 0]
    life.loan.happen(Happening.WRITTEN_OFF)
    assert life.got() == [Sums(-300_000, 0, 0), Sums(-99_999, 0, 0)]
    assert life.books("loan_loss_allowance") == 0
    assert life.books("loan_loss") == 600_001
    assert life.books("interest_income") == life.books("interest_receivable") == 0
    life.thaw()
    life.loan.happen(Happening.RECOVERED, amount_minor=100_001)
    assert [one.wallet_minor for one in life.got()] == [30_000, 9_999], "of 10,000.0 and 30,000.3"
    assert life.books("loan_loss") == 600_001 - (100_001 - 39_999)
    # 40,110 of interest and 657.53 of two days were owed beside the principal.
    life.loan.happen(Happening.RECOVERED, amount_minor=1_040_768 - 100_001 + 500)
    assert life.books("loan_credit") == -500, "more than the claim is owed back"
    rest = [282_230, 94_075]  # of 940,767: 282,230.1 and 94,075.76
    assert [one.wallet_minor for one in life.got()] == [30_000 + rest[0], 9_999 + rest[1]]
    life.loan.happen(Happening.CREDIT_REFUNDED, amount_minor=500)
    assert life.books("loan_credit") == 0
    life.loan.happen(Happening.UNDONE, undoes="5")
    life.loan.happen(Happening.UNDONE, undoes="4")
    assert [one.wallet_minor for one in life.got()] == [30_000, 9_999]


def test_what_was_paid_too_much_is_the_payers_and_no_lenders(node: Node, clock: FixedClock) -> None:
    """Without interest 600,000 were lent. 650,000 end it: 50,000 are owed back by us alone. Of
    60,000 that are taken back 50,000 are those, and 10,000 principal, 3,000 and 999 of it theirs.
    """
    loan = joint_loan(node, clock, replace(BASE, annual_rate=Decimal(0)), 600_000)
    first, own = loan.lenders(), loan.own()

    def got() -> list[Sums]:
        return [a - b for a, b in zip(loan.lenders(), first, strict=True)]

    loan.happen(Happening.REPAID, amount_minor=650_000)
    ended = [Sums(-180_000, 0, 180_000), Sums(-59_999, 0, 59_999)]
    assert (got(), loan.own()["loan_credit"] - own["loan_credit"]) == (ended, -50_000)
    loan.happen(Happening.CREDIT_REFUNDED, amount_minor=30_000)
    assert (got(), loan.own()["loan_credit"] - own["loan_credit"]) == (ended, -20_000)
    assert not loan.happen(Happening.CHARGED_BACK, amount_minor=60_000, undoes="1")
    assert loan.code == "servicing.over_credit", "30,000 of it were given back already"
    loan.happen(Happening.UNDONE, undoes="2")
    loan.happen(Happening.CHARGED_BACK, amount_minor=60_000, undoes="1")
    assert got() == [Sums(-177_000, 0, 177_000), Sums(-59_000, 0, 59_000)]
    assert loan.own()["loan_credit"] == own["loan_credit"]
    loan.happen(Happening.REPAID, amount_minor=10_001)
    assert (got(), loan.own()["loan_credit"] - own["loan_credit"]) == (ended, -1)
    assert loan.own()["loan_loss"] == own["loan_loss"]
    assert loan.own()["fee_income"] == own["fee_income"]
