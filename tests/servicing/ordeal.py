"""One loan put through anything that can happen to it, held against the books after every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from puhui.kernel import Node, Refused
from puhui.kernel.act import SYSTEM, USE_CASES, Act, use_case
from puhui.kernel.clock import FixedClock, business_date, time_us_of
from puhui.ledger import (
    Account,
    Transfer,
    chart,
    create_accounts,
    create_transfers,
    lookup_accounts,
)
from puhui.payment import own_account, wallet_account
from puhui.servicing import joint, live, noun
from puhui.servicing.arrays.columns import columns_of, owing_of
from puhui.servicing.desk.loan.post import LOSSES
from puhui.servicing.desk.loan.spread import deferral_in
from puhui.servicing.nouns.live import RunDay
from puhui.servicing.nouns.spread import Deferral
from puhui.servicing.rules.replay import replay
from puhui.servicing.rules.spread import knots_of, left_on
from puhui.servicing.tables import collect
from puhui.servicing.tables import live as tables
from tests.servicing.book import NUMBERS
from tests.servicing.shares import LENDERS, Sums, kept_for, lender_accounts, must_be, split

OWN = ("funding", "interest_receivable", "interest_income", "fee_income", "loan_loss",
       "loan_loss_allowance", "loan_credit", "deferred_fee")  # fmt: skip
PLENTY = 10**9


@dataclass(frozen=True)
class OpenOne:
    """A loan to open, with its plan as text, whether others lend part of it, and the fee that is
    kept back of it as part of the interest."""

    loan_id: str
    plan: str
    amount_minor: int
    is_joint: bool
    fee_minor: int = 0


@dataclass(frozen=True)
class Happened:
    """Something that happens to a loan; the fields of an event by name."""

    loan_id: str
    kind: str
    on: date
    told: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """The number that an event got."""

    number: int


def open_one(act: Act, input: OpenOne) -> Done:
    """Open accounts, fill wallets, pay a loan out and take it into servicing."""
    codes, loan = chart(), live.loan_account(input.loan_id)
    currency = live.plan_in(input.plan).currency
    holders = (party_of(input.loan_id), *(name for name, _ in LENDERS))
    accounts = [Account(own_account(name, currency), currency, codes.account(name)) for name in OWN]
    accounts.append(
        Account(loan, currency, codes.account("loan_principal"),
                flags=Account.CREDITS_MUST_NOT_EXCEED_DEBITS)
    )  # fmt: skip
    accounts += [
        Account(wallet_account(holder, currency), currency, codes.account("customer_deposit"),
                flags=Account.DEBITS_MUST_NOT_EXCEED_CREDITS)
        for holder in holders
    ]  # fmt: skip
    create_accounts(act, accounts)
    funding, reason = own_account("funding", currency), codes.transfer("opening")
    paid = [(loan, input.amount_minor), (wallet_account(holders[0], currency), PLENTY)]
    paid += [(wallet_account(name, currency), PLENTY) for name in holders[1:]]
    create_transfers(
        act,
        [
            Transfer(act.new_number(), *sides, amount, currency, reason)
            for number, amount in paid
            for sides in [(number, funding) if number == loan else (funding, number)]
        ],
        strict=True,
    )
    identity = live.LoanIdentity(input.loan_id, holders[0], "ordeal", currency, Decimal("0.02"))
    live.open_loan(
        act, identity, live.plan_in(input.plan), on=act.today, amount_minor=input.amount_minor,
        by=act.today,
    )  # fmt: skip
    fee, wallet = input.fee_minor, wallet_account(holders[0], currency)
    if fee:
        kept = [(wallet, own_account("deferred_fee", currency), fee, "fee")]
        live.transfer_chain(act, kept, currency)
    if input.is_joint:
        loan_row = live.take_loan(act.tx, input.loan_id)
        joint.join_lenders(act, loan_row, LENDERS, upfront_minor=fee, deferred_minor=fee)
    live.defer_fee(act, input.loan_id, fee)
    return Done(0)


def happen(act: Act, input: Happened) -> Done:
    """Let one event happen to a loan, as lending would."""
    event = noun.PlanEvent("", noun.Happening(input.kind), input.on, **input.told)
    if event.kind is noun.Happening.DRAWN:
        currency = live.take_loan(act.tx, input.loan_id).currency
        wallet, funding = (
            wallet_account(party_of(input.loan_id), currency),
            own_account("funding", currency),
        )
        amount = event.amount_minor
        parts = [(live.loan_account(input.loan_id), funding, amount, "disbursement"),
                 (funding, wallet, amount, "disbursement")]  # fmt: skip
        if amount > 0:
            live.transfer_chain(act, parts, currency)
    return Done(live.change_loan(act, input.loan_id, event).number)


if "ordeal.open" not in USE_CASES:
    use_case("ordeal.open", roles=("system",))(open_one)
    use_case("ordeal.happen", roles=("system",))(happen)


def party_of(loan_id: str) -> str:
    """The borrower of a loan."""
    return f"party-of-{loan_id}"


class Ordeal:
    """A loan of its own on a node that others may have been on before."""

    def __init__(
        self, node: Node, clock: FixedClock, loan_id: str, plan: noun.Plan, *, lent: int,
        is_joint: bool, fee: int = 0,
    ) -> None:  # fmt: skip
        self.node, self.clock, self.loan_id, self.is_joint = node, clock, loan_id, is_joint
        self.fee, self.was_impaired = fee, False
        self.keys, self.refused, self.code = 0, 0, ""
        self.currency = plan.currency
        self.before, self.lent_before = self.own(), self.lenders()
        text = live.plan_text(plan)
        self.act("ordeal.open", OpenOne(loan_id, text, lent, is_joint, fee))
        self.start = self.today
        self.check()

    @property
    def today(self) -> date:
        """The business day."""
        return business_date(self.node.clock.now_us())

    def act(self, name: str, input: object) -> Any:
        """Run a use case under a key of its own."""
        self.keys += 1
        return self.node.act(name, input, key=f"{self.loan_id}:{self.keys}", actor=SYSTEM)

    def own(self) -> dict[str, int]:
        """Debits less credits of own accounts."""
        with self.node.read() as tx:
            found = lookup_accounts(tx, [own_account(name, self.currency) for name in OWN])
        return {
            name: 0 if one is None else one.debits_posted_minor - one.credits_posted_minor
            for name, one in zip(OWN, found, strict=True)
        }

    def lenders(self) -> tuple[Sums, ...]:
        """What each lender has: of this loan, due on all loans, and in the wallet or aside."""
        with self.node.read() as tx:
            found = lookup_accounts(tx, lender_accounts(self.loan_id, self.currency))
        held = [0 if a is None else a.credits_posted_minor - a.debits_posted_minor for a in found]
        kept_for(self.node)
        return tuple(
            Sums(*held[at : at + 2], held[at + 2] + held[at + 3]) for at in range(0, len(held), 4)
        )

    def books(self) -> dict[str, Any]:
        """Every balance that the loan moves: own accounts, lenders, the borrower, the loan."""
        numbers = [
            live.loan_account(self.loan_id),
            wallet_account(party_of(self.loan_id), self.currency),
        ]
        with self.node.read() as tx:
            found = lookup_accounts(tx, numbers)
        held = [0 if a is None else a.debits_posted_minor - a.credits_posted_minor for a in found]
        return {**self.own(), "lenders": self.lenders(), "loan": held[0], "borrower": held[1]}

    def move(self, days: int) -> None:
        """Later days, their evenings; nothing is closed."""
        day = self.today + timedelta(days=days)
        self.clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T20:00:00+08:00")))

    def close(self) -> None:
        """Run the day of this loan."""
        span = (self.loan_id[:-1] + chr(ord(self.loan_id[-1]) - 1) + "\uffff", self.loan_id)
        self.act("servicing.run_day", RunDay(self.today, *span))
        self.check()

    def happen(self, kind: noun.Happening, on: date | None = None, **told: Any) -> bool:
        """Let something happen, or be refused for a reason."""
        try:
            self.act("ordeal.happen", Happened(self.loan_id, kind.value, on or self.today, told))
        except Refused as refused:
            self.refused += 1
            self.code = refused.code
            self.check()
            return False
        self.check()
        return True

    def check(self) -> None:
        """Stored figures are those of the replay, and the books hold exactly them."""
        with self.node.read() as tx:
            row = tx.one(tables.READ_LOAN, id=self.loan_id)
            assert row is not None
            book = live.read_book(tx, self.loan_id)
            holders = [party_of(self.loan_id), *(name for name, _ in LENDERS)]
            numbers = [live.loan_account(self.loan_id)]
            numbers += [joint.joint_account(self.loan_id, name) for name, _ in LENDERS]
            numbers += [wallet_account(holder, self.currency) for holder in holders]
            found = lookup_accounts(tx, numbers)
        held = [0 if a is None else a.debits_posted_minor - a.credits_posted_minor for a in found]
        state = book.state(max(date.fromordinal(row.counted_on), book.last_on))
        self._check_columns(row, state)
        moved = {name: amount - self.before[name] for name, amount in self.own().items()}
        assert held[0] == state.outstanding_minor == row.outstanding_minor
        assert moved["interest_receivable"] == row.booked_minor, (moved, row.booked_minor)
        assert -moved["loan_loss_allowance"] == row.booked_loss_minor
        assert -moved["loan_credit"] == state.credit_minor >= 0
        assert sum(moved.values()) + sum(held) == 0 if self.is_first else True
        paid = sum(
            share.total_minor for share in state.shares
            if self._kind(book, share.event_id) not in LOSSES
        )  # fmt: skip
        more = sum(amount for _, amount in state.drawn[1:])
        assert -held[3] == PLENTY + more - paid - self.fee, (held[3], more, paid)
        self._check_shares(row, book, state, moved)

    def _check_shares(
        self, row: Any, book: live.Book, state: noun.PlanState, moved: Mapping[str, int]
    ) -> None:
        """Of each part of the loan ours and each lender's are the loan's, event by event."""
        losses = {one.event_id for one in book.events if one.kind in LOSSES}
        lenders, ours = must_be(
            state, losses, row.booked_minor, LENDERS if self.is_joint else (), PLENTY
        )
        now = [here - was for here, was in zip(self.lenders(), self.lent_before, strict=True)]
        parts = split(self.fee, LENDERS if self.is_joint else ())
        lenders = tuple(
            replace(one, wallet_minor=one.wallet_minor + part)
            for one, part in zip(lenders, parts[:-1], strict=True)
        )
        assert now[: len(lenders)] == list(lenders), (now, lenders)
        earned, given = self._check_fee(row, book, parts[-1], -moved["deferred_fee"])
        assert -moved["interest_income"] == ours.interest_minor + earned
        assert -moved["fee_income"] == ours.fee_minor
        assert moved["loan_loss"] - row.booked_loss_minor == ours.lost_minor - given
        if row.status == "charged_off" and not state.plan.is_revolving:
            # What a day takes from the wallet then is provided for until the end of the month.
            others = sum(one.principal_minor for one in lenders)
            provided, needed = row.booked_loss_minor, row.outstanding_minor - others
            assert provided >= needed
            is_new = book.events[-1].kind is noun.Happening.CHARGED_OFF
            took_since = row.counted_on > book.events[-1].on.toordinal()
            assert provided == needed or not is_new or took_since
        with self.node.read() as tx:
            shares = tx.all(collect.READ_SHARES, loan_id=self.loan_id)
        told = [(one.outstanding_minor, one.booked_minor) for one in shares]
        assert told == [(one.principal_minor, one.due_minor) for one in lenders]
        got = [one.wallet_minor + one.principal_minor - PLENTY for one in lenders]
        lost = [one.received_minor - paid for one, paid in zip(shares, got, strict=True)]
        assert lost == list(ours.principal_lost)

    def _check_fee(self, row: Any, book: live.Book, ours: int, held: int) -> tuple[int, int]:
        """What of our part of the fee is earned and set against a loss, as the events say."""
        self.was_impaired |= row.stage == 3 or bool(row.is_suspended)
        with self.node.read() as tx:
            kept = live.deferral_of(tx, self.loan_id)
        if kept is None:
            assert held == 0 and not self.fee
            return 0, 0
        earned, given = int(kept.income_minor), int(kept.lost_minor)
        assert min(earned, given) >= 0 and held == ours - earned - given >= 0
        if row.status == "paid_off":
            assert (earned, given) == (ours, 0)
        elif row.status in ("written_off", "charged_off"):
            assert earned + given == ours
        else:
            assert given == 0
            if not self.was_impaired:
                assert earned == earned_at(book, deferral_in(kept), row.closed_on)
        return earned, given

    is_first = False

    def _kind(self, book: live.Book, event_id: str) -> noun.Happening:
        return next(one.kind for one in book.events if one.event_id == event_id)

    def _check_columns(self, row: Any, state: noun.PlanState) -> None:
        for one in state.rows:
            parts = (one.principal_owed_minor, one.interest_owed_minor, one.fee_owed_minor,
                     one.penalty_owed_minor)  # fmt: skip
            assert min(parts) >= 0, one
            assert min(one.principal_minor, one.interest_minor, one.fee_minor) >= 0, one
        if row.status == "paid_off":
            assert state.status is noun.LoanStatus.PAID_OFF, state.status
            return
        told, stored = columns_of(state), row._asdict()
        for found in (told, stored):
            # Interest paid before its row runs is left out of both by the day, told by the replay.
            paid = found.pop("next_interest_paid_minor")
            found["fixed_minor"] -= paid
            found["next_interest_minor"] -= paid
            if not told["ahead_minor"]:
                found["fixed_on"] = 0
        names = [name for name in NUMBERS if name in told]
        wrong = {name: (stored[name], told[name]) for name in names if stored[name] != told[name]}
        assert not wrong, wrong
        assert bytes(row.owing or b"") == owing_of(state)


def earned_at(book: live.Book, deferral: Deferral, closed_on: int) -> int:
    """What of a fee a loan has earned that never was impaired: what its events, without those that
    were undone, leave of it at the end of the last month that was closed.
    """
    month = date.fromordinal(closed_on + 1).replace(day=1).toordinal() - 1
    undone = {one.undoes for one in book.events if one.kind is noun.Happening.UNDONE}
    events = [
        one for one in book.events
        if one.kind is not noun.Happening.UNDONE and one.event_id not in undone
    ]  # fmt: skip
    if month < events[0].on.toordinal():
        return 0
    state = replay(book.plan, events, date.fromordinal(month))
    return deferral.fee_minor - left_on(knots_of(state, deferral), month)


__all__ = ["LENDERS", "Happened", "OpenOne", "Ordeal", "replace"]
