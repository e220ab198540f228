"""A loan of a product made for one example, lent and kept by the acts that everybody uses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from puhui import ledger, lending, servicing
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.lending.desk.loan.contract import loan_account
from puhui.lending.formats import shelf
from puhui.payment import own_account, wallet_account
from puhui.worker import close_day
from tests.lending.bank import FIELDS, Bank
from tests.lending.second import do_with_second
from tests.lending.test_race import signed
from tests.lending.test_terms import in_force, kept, with_schedule

KEYS = count(1)
OWN = ("interest_receivable", "interest_income", "fee_income", "loan_loss",
       "loan_loss_allowance", "loan_credit", "deferred_fee")  # fmt: skip
RATE = "0.12"
LENT = 1_200_000


def text_of(
    name: str, schedule: str, *, servicing: tuple[tuple[str, str], ...] = (), **more: Any
) -> str:
    """A product at 12 % a year; ``servicing`` replaces words of its file."""
    text = with_schedule(schedule, **more).replace('name = "merchant_310"', f'name = "{name}"', 1)
    term = more.get("months", "[12]").strip("[]")
    text = re.sub(r"(default_months = \{ value = )[0-9]+", rf"\g<1>{term}", text)
    text = re.sub(r"(rate_m(?:in|ax) = \{ value = )[0-9.]+", rf"\g<1>{RATE}", text)
    for old, new in servicing:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


@dataclass
class Loan:
    """A loan that was paid out; its borrower's wallet is empty, the day's close may be put off."""

    bank: Bank
    clock: FixedClock
    id: str
    party_id: str
    before: dict[str, int] = field(default_factory=dict)

    def do(self, name: str, **input: Any) -> Any:
        """A use case on this loan, by two officers where it needs them."""
        told = {"contract_id": self.id, **input}
        return do_with_second(self.bank, name, f"worked-{next(KEYS)}", **told)

    def serve(self, name: str, **input: Any) -> Any:
        """A use case of servicing on this loan."""
        told = {"loan_id": self.id, **input}
        return self.bank.act(f"servicing.{name}", f"worked-{next(KEYS)}", **told)

    def to(self, day: str | date, *, closes: bool = False) -> None:
        """The evening of a later day, closed or not."""
        on = date.fromisoformat(day) if isinstance(day, str) else day
        assert on >= self.today, (on, self.today)
        self.clock.set_us(time_us_of(datetime.fromisoformat(f"{on}T20:00:00+08:00")))
        if closes:
            close_day(self.bank.node, on)

    def close_through(self, day: str) -> None:
        """Close every day up to one, today's too."""
        on, last = self.today, date.fromisoformat(day)
        while on <= last:
            self.to(on, closes=True)
            on += timedelta(days=1)

    @property
    def today(self) -> date:
        """The business day."""
        return self.bank.today()

    def pay(self, amount_minor: int) -> Any:
        """Money comes into the wallet and goes to the loan today."""
        self.fund(amount_minor)
        return self.do("repay", amount_minor=amount_minor)

    def fund(self, amount_minor: int) -> None:
        """Money from outside into the borrower's wallet; below nought, out of it."""
        wallet, outside = wallet_account(self.party_id, "CNY"), own_account("funding", "CNY")
        sides = (outside, wallet) if amount_minor > 0 else (wallet, outside)
        number = next(KEYS)
        told = {
            "id": 10**9 + number, "debit_account_id": sides[0], "credit_account_id": sides[1],
            "amount_minor": abs(amount_minor), "ledger": "CNY",
            "code": ledger.chart().transfer("deposit"),
        }  # fmt: skip
        if amount_minor:
            self.bank.act("ledger.create_transfers", f"fund-{number}", transfers=[told])

    def state(self, on: date | None = None) -> Any:
        """The loan recomputed from its events."""
        with self.bank.node.read() as tx:
            return lending.loan_state(tx, self.id, on or self.today)

    def rows(self) -> list[tuple[str, int, int]]:
        """Due day, principal and interest of each row."""
        rows = self.state().rows
        return [(str(row.due_on), row.principal_minor, row.interest_minor) for row in rows]

    @property
    def stored(self) -> Any:
        """What the day's run keeps of the loan."""
        with self.bank.node.read() as tx:
            return servicing.live.take_loan(tx, self.id)

    def books(self) -> dict[str, int]:
        """Debits less credits since the loan was paid out: own accounts, loan, wallet."""
        now = self.held()
        return {name: now[name] - self.before.get(name, 0) for name in now}

    def held(self) -> dict[str, int]:
        """Debits less credits of own accounts, of the loan, of its borrower's wallet."""
        numbers = [own_account(name, "CNY") for name in OWN]
        numbers += [loan_account(self.id), wallet_account(self.party_id, "CNY")]
        with self.bank.node.read() as tx:
            found = ledger.lookup_accounts(tx, numbers)
        sums = [0 if a is None else a.debits_posted_minor - a.credits_posted_minor for a in found]
        return dict(zip((*OWN, "loan", "wallet"), sums, strict=True))

    def owes(self, **wanted: int) -> None:
        """The books are as said; accounts that are not named are as when the money went out."""
        found = self.books()
        assert found.keys() >= wanted.keys(), wanted
        expected = {name: wanted.get(name, 0) for name in found}
        if "loan" not in wanted:
            expected.pop("loan")
            found.pop("loan")
        if "wallet" not in wanted:
            expected.pop("wallet")
            found.pop("wallet")
        assert found == expected, (found, expected)


Lend = Callable[..., Loan]
"""Lends by a product that is made for it; see ``lend_by``."""


def lend_by(bank: Bank, clock: FixedClock, home: Path) -> Lend:
    """A function that lends 12,000.00 yuan at 12 % a year by a product of its own."""
    names = count(1)

    def lend(
        schedule: str = "", *, lent: int = LENT, months: int = 12, first: int = 0,
        due_day: int | None = None, row: dict[str, str] | None = None,
        first_of_all: Callable[[Bank], object] = id, **more: Any,
    ) -> Loan:  # fmt: skip
        first_of_all(bank)
        name = f"worked_{next(names)}"
        kept(home, name, text_of(name, schedule, months=f"[{months}]", **more))
        shelf.add_products(home)
        in_force(bank, name)
        party_id = bank.person(consent=False)
        until = (bank.today() + timedelta(days=365)).isoformat()
        agreed = {"party_id": party_id, "purpose": "credit_decision", "fields": FIELDS}
        bank.act("data.grant_consent", f"consent-{party_id}", **agreed, until=until)
        told: dict[str, Any] = {"product": name, "term_months": months, "wanted": lent}
        if row is not None:
            told["row"] = row
        if due_day is not None:
            told["due_day"] = due_day
        contract_id = signed(bank, party_id, name, **told)
        drawn = {"amount_minor": first} if first else {}
        bank.act("lending.disburse", f"pay-{name}", contract_id=contract_id, **drawn)
        loan = Loan(bank, clock, contract_id, party_id)
        loan.fund(loan.held()["wallet"])
        loan.before = loan.held() | {"loan": 0, "wallet": 0}
        assert loan.held()["wallet"] == 0
        return loan

    return lend
