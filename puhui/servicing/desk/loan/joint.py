"""Joint lending 联合贷: every posting of a loan is shared with those who lent part of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Account, chart
from puhui.party import check_actor, take_party
from puhui.payment import own_account, wallet_account
from puhui.servicing.desk.loan.post import LOSSES, Part, transfer_chain
from puhui.servicing.nouns import PlanEvent, PlanState, Share
from puhui.servicing.nouns.collect import PartnerRegistered, Passed, RegisterPartner
from puhui.servicing.nouns.live import RiskFigures
from puhui.servicing.rules.expected import MILLION, impaired_share
from puhui.servicing.rules.joint import part_of, passed_on
from puhui.servicing.tables import collect as tables

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
    act: Act, loan: Row, lenders: Sequence[tuple[str, int]], *, upfront_minor: int = 0
) -> None:
    """Let lenders take part in a loan that was paid out: (party, share in millionths) each.

    Their money for it comes from their wallets; of ``upfront_minor``, a fee that was taken at
    first, they get their parts. Refused: ``servicing.bad_shares``, ``lending.wallet_short``,
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
    _share_upfront(act, loan, lambda row: part_of(upfront_minor, row.share_millionths))
    share_booked(act, loan, loan.booked_minor)


def return_upfront(act: Act, loan: Row) -> None:
    """Let lenders give back their parts of a fee that was taken at first, as far as they got any.

    Refused: ``lending.wallet_short``.
    """
    _share_upfront(act, loan, lambda _: 0)


def _share_upfront(act: Act, loan: Row, target: Callable[[Row], int]) -> None:
    parts: list[Part] = []
    columns = []
    income = own_account("fee_income", loan.currency)
    for row in act.tx.all(tables.LOCK_SHARES, loan_id=loan.id):
        change = target(row) - row.upfront_minor
        parts += between(income, wallet_account(row.lender_id, loan.currency), change)
        columns.append(
            columns_of_share(
                row,
                received_minor=row.received_minor + change,
                upfront_minor=row.upfront_minor + change,
            )
        )
    transfer_chain(act, parts, loan.currency)
    act.tx.run_many(tables.SET_SHARE, columns)


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
    part of losses and gets its part of interest, charges and recoveries into its wallet. What
    interest is due to it follows with ``share_booked``; returns whether there is any lender.
    Refused: ``lending.wallet_short``, ``lending.books_not_open``.
    """
    rows = act.tx.all(tables.LOCK_SHARES, loan_id=loan.id)
    shared: list[Part] = []
    accounts: list[Account] = []
    columns = []
    for row in rows:
        passed = passed_on(moved.before, moved.after, moved.losses, row.share_millionths)
        left = part_of(moved.outstanding_minor, row.share_millionths)
        shared += parts_of_share(row, loan.currency, passed, left)
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
    return bool(rows)


def parts_of_share(row: Row, currency: str, passed: Passed, left_minor: int) -> list[Part]:
    """What is posted for a lender that has ``left_minor`` of the principal now."""
    joint = joint_account(row.loan_id, row.lender_id)
    wallet = wallet_account(row.lender_id, currency)
    due = due_account(row.lender_id, currency).id
    loss, fees = own_account("loan_loss", currency), own_account("fee_income", currency)
    cash = row.outstanding_minor - left_minor - passed.lost_minor
    return [
        *between(joint, wallet, cash),
        *between(joint, loss, passed.lost_minor),
        *between(due, wallet, passed.interest_minor),
        *between(due, wallet, passed.penalty_minor, "lender_penalty"),
        *between(due, loss, passed.lost_interest_minor),
        *between(fees, wallet, passed.fee_minor),
        *between(fees, loss, passed.lost_fee_minor),
        *between(loss, wallet, passed.recovered_minor),
    ]


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
