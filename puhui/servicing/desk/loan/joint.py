"""Joint lending 联合贷: every posting of a loan is shared with those who lent part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.money import allocate
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Account, chart
from puhui.party import check_actor, take_party
from puhui.payment import own_account, wallet_account
from puhui.servicing.desk.loan.post import LOSSES, Part, transfer_chain
from puhui.servicing.nouns import PlanEvent, Share
from puhui.servicing.nouns.collect import PartnerRegistered, RegisterPartner
from puhui.servicing.rules.expected import MILLION
from puhui.servicing.tables import collect as tables

REASON = "lender_share"


@dataclass(frozen=True, slots=True)
class Moved:
    """What an event moved of a loan, minor units, below nought where it was taken back.

    ``outstanding_minor`` is principal after it, ``lost_minor`` what of the change was given up.
    """

    outstanding_minor: int
    lost_minor: int = 0
    interest_minor: int = 0
    fee_minor: int = 0
    recovered_minor: int = 0


def moved_of(outstanding: int, shares: Sequence[Share], events: Sequence[PlanEvent]) -> Moved:
    """The sums of what changed, losses apart."""
    lossy = {event.event_id for event in events if event.kind in LOSSES}
    return Moved(
        outstanding,
        sum(one.principal_minor for one in shares if one.event_id in lossy),
        sum(one.interest_minor + one.penalty_minor for one in shares),
        sum(one.fee_minor for one in shares),
        sum(one.recovered_minor for one in shares),
    )


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


def join_lenders(act: Act, loan: Row, lenders: Sequence[tuple[str, int]]) -> None:
    """Let lenders take part in a loan that was paid out: (party, share in millionths) each.

    Their money for it comes from their wallets. Refused: ``servicing.bad_shares``,
    ``lending.wallet_short``, ``lending.books_not_open``.
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
        )
    share_changes(act, loan, Moved(loan.outstanding_minor))


def joint_account(loan_id: str, lender_id: str) -> int:
    """The number of the account that holds what a lender has in a loan."""
    return Account.id_of(f"joint:{loan_id}:{lender_id}")


def share_changes(
    act: Act,
    loan: Row,
    moved: Moved,
    *,
    parts: Sequence[Part] = (),
    opening: Sequence[Account] = (),
) -> None:
    """Post ``parts``, and give each lender the part of what moved, to the minor unit; ours is what
    is left. All of it happens or nothing: what is refused has changed nothing.

    Principal follows what is outstanding, so that shares never drift from it. A lender bears its
    part of losses and gets its part of interest, charges and recoveries into its wallet.
    Refused: ``lending.wallet_short``, ``lending.books_not_open``.
    """
    rows = act.tx.all(tables.LOCK_SHARES, loan_id=loan.id)
    shared, accounts, columns = _shared(loan, moved, rows) if rows else ([], [], [])
    transfer_chain(act, [*parts, *shared], loan.currency, opening=[*opening, *accounts])
    act.tx.run_many(tables.SET_SHARE, columns)


def _shared(
    loan: Row, moved: Moved, rows: Sequence[Row]
) -> tuple[list[Part], list[Account], list[dict[str, object]]]:
    """What is posted for the lenders of ``rows``, their accounts, and their new figures."""
    own = MILLION - sum(row.share_millionths for row in rows)
    weights = [*(int(row.share_millionths) for row in rows), int(own)]
    targets = allocate(moved.outstanding_minor, weights)
    sums = (moved.lost_minor, moved.interest_minor, moved.fee_minor, moved.recovered_minor)
    split = [_signed(amount, weights) for amount in sums]
    parts: list[Part] = []
    opening, columns = [], []
    for place, row in enumerate(rows):
        lost, interest, fee, recovered = (amounts[place] for amounts in split)
        joint = joint_account(loan.id, row.lender_id)
        wallet = wallet_account(row.lender_id, loan.currency)
        loss = own_account("loan_loss", loan.currency)
        cash = row.outstanding_minor - targets[place] - lost
        for debit, credit, amount in (
            (joint, wallet, cash),
            (joint, loss, lost),
            (own_account("interest_income", loan.currency), wallet, interest),
            (own_account("fee_income", loan.currency), wallet, fee),
            (loss, wallet, recovered),
        ):
            if amount > 0:
                parts.append((debit, credit, amount, REASON))
            elif amount < 0:
                parts.append((credit, debit, -amount, REASON))
        opening.append(Account(joint, loan.currency, chart().account("joint_funds")))
        columns.append({
            "loan_id_": loan.id,
            "lender_id_": row.lender_id,
            "outstanding_minor_": targets[place],
            "received_minor_": row.received_minor + interest + fee + recovered,
        })  # fmt: skip
    return parts, opening, columns


def _signed(amount: int, weights: Sequence[int]) -> tuple[int, ...]:
    """``amount`` shared out without loss, below nought as above."""
    if amount >= 0:
        return allocate(amount, weights)
    return tuple(-part for part in allocate(-amount, weights))


def shared_within(act: Act, after: str, until: str) -> set[str]:
    """The loans of a chunk that others have lent part of."""
    return {row.loan_id for row in act.tx.all(tables.SHARED_WITHIN, after=after, until=until)}
