"""Joint lending 联合贷: every posting of a loan is shared with those who lent part of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Account, chart
from puhui.party import check_actor, take_party
from puhui.payment import own_account
from puhui.servicing.desk.loan.post import LOSSES, Part, transfer_chain
from puhui.servicing.desk.loan.purse import (
    asides_of,
    keep_purses,
    list_asides,
    paid_from_aside,
    take_purses,
)
from puhui.servicing.nouns import PlanEvent, PlanState, Share
from puhui.servicing.nouns.lender import PartnerRegistered, Passed, Purse, RegisterPartner
from puhui.servicing.nouns.live import RiskFigures
from puhui.servicing.rules.expected import MILLION, impaired_share
from puhui.servicing.rules.joint import part_of, passed_on
from puhui.servicing.tables import collect as tables

__all__ = [
    "Moved",
    "Moving",
    "between",
    "columns_of_share",
    "due_account",
    "join_lenders",
    "joint_account",
    "lent_by_others",
    "list_asides",
    "list_partners",
    "moved_of",
    "partner_of",
    "register_partner",
    "return_upfront",
    "share_booked",
    "share_changes",
]
REASON = "lender_share"


@dataclass(frozen=True, slots=True)
class Moved:
    """What happened to a loan: principal left after it, minor units, and what its events came to
    before and after it; ``losses`` are ids of those that the lenders bear.
    """

    outstanding_minor: int
    before: tuple[Share, ...] = ()
    after: tuple[Share, ...] = ()
    losses: frozenset[str] = frozenset()


def moved_of(before: PlanState, after: PlanState, events: Sequence[PlanEvent]) -> Moved:
    """What differs between two replays of a loan, losses apart."""
    lossy = frozenset(event.event_id for event in events if event.kind in LOSSES)
    return Moved(after.outstanding_minor, before.shares, after.shares, lossy)


@use_case("servicing.register_partner", roles=("operator",))
def register_partner(act: Act, input: RegisterPartner) -> PartnerRegistered:
    """Say which party stands behind a name that products give a joint lender or a guarantor.

    Loans that run keep whoever stood behind it when they were paid out. Refused:
    ``servicing.bad_partner``, ``party.unknown``, ``party.erased``, ``party.four_eyes``.
    """
    check_actor(act.tx, act.actor, second_to=input.party_id)
    if not input.name.isidentifier() or len(input.name) > 60:
        raise Refused("servicing.bad_partner", "A partner is named by one word of a product.")
    party = take_party(act, input.party_id)
    act.tx.put(tables.PUT_PARTNER, name=input.name, party_id=party.id)
    return PartnerRegistered(input.name, party.id)


def partner_of(act: Act, name: str) -> str:
    """The party behind a name. Refused: ``servicing.no_partner``."""
    found = act.tx.one(tables.READ_PARTNER, name=name)
    if found is None:
        raise Refused("servicing.no_partner", f"Nobody is registered as {name[:60]}.")
    party_id: str = found.party_id
    return party_id


def list_partners(tx: Transaction) -> tuple[Row, ...]:
    """Every name that products may give, with the party behind it, by name."""
    return tuple(tx.all(tables.LIST_PARTNERS))


def join_lenders(
    act: Act,
    loan: Row,
    lenders: Sequence[tuple[str, int]],
    *,
    upfront_minor: int = 0,
    deferred_minor: int = 0,
) -> None:
    """Let lenders take part in a loan that was paid out: (party, share in millionths) each.

    Their money for it comes from their wallets; of ``upfront_minor``, a fee that was taken at
    first, they get their parts, as far as ``deferred_minor`` of it from the deferred account: how
    they earn it is theirs. Refused: ``servicing.bad_shares``, ``lending.wallet_short``,
    ``lending.books_not_open``.
    """
    if any(share < 1 for _, share in lenders) or sum(share for _, share in lenders) >= MILLION:
        raise Refused("servicing.bad_shares", "Joint lenders have shares that leave us one.")
    for lender_id, share in lenders:
        act.tx.put(
            tables.INSERT_SHARE,
            loan_id=loan.id,
            lender_id=lender_id,
            share_millionths=share,
            outstanding_minor=0,
            received_minor=0,
            booked_minor=0,
            upfront_minor=0,
        )
    share_changes(act, loan, Moved(loan.outstanding_minor))
    _share_upfront(
        act, loan, lambda row: part_of(upfront_minor, row.share_millionths), deferred_minor
    )
    share_booked(act, loan, loan.booked_minor)


def return_upfront(act: Act, loan: Row, *, deferred_minor: int = 0) -> None:
    """Let lenders give back their parts of a fee that was taken at first, as far as they got any,
    ``deferred_minor`` of it from the deferred account.

    Refused: ``lending.wallet_short``.
    """
    _share_upfront(act, loan, lambda _: 0, deferred_minor)


def _share_upfront(act: Act, loan: Row, target: Callable[[Row], int], deferred_minor: int) -> None:
    rows = act.tx.all(tables.LOCK_SHARES, loan_id=loan.id)
    changes = {row.lender_id: target(row) - row.upfront_minor for row in rows}
    nets = {lender_id: change for lender_id, change in changes.items() if change}
    purses = take_purses(act, loan.currency, nets)
    parts = paid_from_aside(purses)
    columns = []
    income, later = (own_account(name, loan.currency) for name in ("fee_income", "deferred_fee"))
    for row in rows:
        change = changes[row.lender_id]
        if change:
            most, purse = part_of(deferred_minor, row.share_millionths), purses[row.lender_id]
            deferred = max(-most, min(most, change))
            parts += between(later, purse.account, deferred)
            parts += between(income, purse.account, change - deferred)
        columns.append(
            columns_of_share(
                row,
                received_minor=row.received_minor + change,
                upfront_minor=row.upfront_minor + change,
            )
        )
    transfer_chain(act, parts, loan.currency, opening=asides_of(purses, loan.currency))
    act.tx.run_many(tables.SET_SHARE, columns)
    keep_purses(act, loan.currency, purses)


def joint_account(loan_id: str, lender_id: str) -> int:
    """The number of the account that holds what a lender has in a loan."""
    return Account.id_of(f"joint:{loan_id}:{lender_id}")


def due_account(lender_id: str, currency: str) -> Account:
    """The account of interest and penalties earned for a lender and not paid yet, of all loans."""
    number = Account.id_of(f"joint_interest:{lender_id}:{currency}")
    return Account(number, currency, chart().account("joint_interest"))


def between(debit: int, credit: int, amount_minor: int, reason: str = REASON) -> list[Part]:
    """A posting from one account to the other, the other way below nought, none of nought."""
    if amount_minor < 0:
        debit, credit, amount_minor = credit, debit, -amount_minor
    return [(debit, credit, amount_minor, reason)] if amount_minor else []


def columns_of_share(row: Row, **told: int) -> dict[str, object]:
    """The figures of a lender's share for ``SET_SHARE``, as they were but for those told."""
    names = ("outstanding_minor", "received_minor", "booked_minor", "upfront_minor")
    keys: dict[str, object] = {"loan_id_": row.loan_id, "lender_id_": row.lender_id}
    return keys | {f"{name}_": told.get(name, getattr(row, name)) for name in names}


def share_changes(
    act: Act,
    loan: Row,
    moved: Moved,
    *,
    parts: Sequence[Part] = (),
    opening: Sequence[Account] = (),
) -> bool:
    """Post ``parts``, and give each lender the part of what moved, to the minor unit; ours is what
    is left. All of it happens or nothing: what is refused has changed nothing.

    Principal follows what is outstanding, so that shares never drift from it. A lender bears its
    part of losses and gets its part of interest, charges and recoveries into its wallet, or aside
    while that takes nothing. What
    interest is due to it follows with ``share_booked``; returns whether there is any lender.
    Refused: ``lending.wallet_short``, ``lending.books_not_open``, ``payment.wallet_closed``.
    """
    rows = act.tx.all(tables.LOCK_SHARES, loan_id=loan.id)
    told = [
        Moving(
            row,
            passed_on(moved.before, moved.after, moved.losses, row.share_millionths),
            part_of(moved.outstanding_minor, row.share_millionths),
        )
        for row in rows
    ]
    nets = {one.row.lender_id: one.net_minor for one in told if one.is_any}
    purses = take_purses(act, loan.currency, nets)
    shared: list[Part] = paid_from_aside(purses)
    accounts = asides_of(purses, loan.currency)
    columns = []
    for one in told:
        row, passed, left = one.row, one.passed, one.left_minor
        if row.lender_id in purses:
            shared += one.parts(loan.currency, purses[row.lender_id])
        accounts.append(
            Account(
                joint_account(loan.id, row.lender_id),
                loan.currency,
                chart().account("joint_funds"),
            )
        )
        accounts.append(due_account(row.lender_id, loan.currency))
        columns.append(
            columns_of_share(
                row,
                outstanding_minor=left,
                received_minor=row.received_minor + passed.cash_minor,
                booked_minor=row.booked_minor - passed.settled_minor,
            )
        )
    transfer_chain(act, [*parts, *shared], loan.currency, opening=[*opening, *accounts])
    act.tx.run_many(tables.SET_SHARE, columns)
    keep_purses(act, loan.currency, purses)
    return bool(rows)


@dataclass(frozen=True, slots=True)
class Moving:
    """What moves for a lender, as its share stands: what is passed on, and what is left to it of
    the principal, minor units.
    """

    row: Row
    passed: Passed
    left_minor: int

    @property
    def principal_minor(self) -> int:
        """Principal that comes back to the lender, below nought where it lends more."""
        given: int = self.row.outstanding_minor - self.left_minor - self.passed.lost_minor
        return given

    @property
    def net_minor(self) -> int:
        """What comes to the lender, below nought where it gives."""
        return self.principal_minor + self.passed.cash_minor

    @property
    def is_any(self) -> bool:
        """Whether anything is posted."""
        return bool(self.principal_minor) or self.passed != Passed()

    def parts(self, currency: str, purse: Purse) -> list[Part]:
        """What is posted, money that comes to the lender before what it gives."""
        passed, row = self.passed, self.row
        joint = joint_account(row.loan_id, row.lender_id)
        due = due_account(row.lender_id, currency).id
        loss, fees = own_account("loan_loss", currency), own_account("fee_income", currency)
        found = [
            *between(joint, purse.account, self.principal_minor),
            *between(joint, loss, passed.lost_minor),
            *between(due, purse.account, passed.interest_minor),
            *between(due, purse.account, passed.penalty_minor, "lender_penalty"),
            *between(due, loss, passed.lost_interest_minor),
            *between(fees, purse.account, passed.fee_minor),
            *between(fees, loss, passed.lost_fee_minor),
            *between(loss, purse.account, passed.recovered_minor),
        ]
        return sorted(found, key=lambda part: part[0] == purse.account)


def share_booked(act: Act, loan: Row, booked_minor: int) -> None:
    """Bring what is due to each lender to its part of the interest that the books hold of a loan.

    It is moved by what it differs, so that loans whose lenders had no part of it yet come right.
    """
    parts: list[Part] = []
    opening, columns = [], []
    income = own_account("interest_income", loan.currency)
    for row in act.tx.all(tables.LOCK_SHARES, loan_id=loan.id):
        target = part_of(booked_minor, row.share_millionths)
        if target == row.booked_minor:
            continue
        due = due_account(row.lender_id, loan.currency)
        parts += between(income, due.id, target - row.booked_minor, "lender_accrual")
        opening.append(due)
        columns.append(columns_of_share(row, booked_minor=target))
    transfer_chain(act, parts, loan.currency, opening=opening)
    act.tx.run_many(tables.SET_SHARE, columns)


def lent_by_others(tx: Transaction, loan_id: str) -> int:
    """Principal that joint lenders have in a loan, minor units: what of it is no loss of ours."""
    found = tx.one(tables.SUM_LENT, loan_id=loan_id)
    assert found is not None
    return int(found.minor)


def shared_with_others(tx: Transaction, loan_id: str) -> int:
    """The share of a loan that joint lenders have, millionths."""
    found = tx.one(tables.SUM_SHARES, loan_id=loan_id)
    assert found is not None
    return int(found.millionths)


def lost_of_ours(
    tx: Transaction, loan_id: str, figures: RiskFigures, *, lgd_millionths: int, days: int
) -> int:
    """What is lost of our part of a loan if it is impaired, millionths, by its days past due."""
    others = shared_with_others(tx, loan_id)
    return impaired_share(
        figures, lgd_millionths=lgd_millionths, others_millionths=others, days=days
    )
