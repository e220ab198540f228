"""A lender's money 联合贷: into its wallet, or kept aside for it while the wallet takes nothing.

A wallet takes nothing while it is closed, or full, or not there, or closed in the ledger, as one
that is frozen. No loan and no day waits for that: what a lender is owed stays a liability of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import ask_first, day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Account, chart, lookup_accounts
from puhui.party import check_actor
from puhui.payment import own_account, room_in, wallet_account
from puhui.servicing.desk.loan.post import Part, transfer_chain
from puhui.servicing.nouns.lender import (
    LenderPaidOut,
    LendersPaid,
    PayLenderOut,
    PayLenders,
    Purse,
)
from puhui.servicing.rules.joint import takes_all
from puhui.servicing.tables import collect as tables

REASON = "lender_paid"


def aside_account(lender_id: str, currency: str) -> Account:
    """The account of what is kept for a lender: nobody can take more out than is in."""
    return Account(
        Account.id_of(f"joint_aside:{lender_id}:{currency}"),
        currency,
        chart().account("joint_aside"),
        flags=Account.DEBITS_MUST_NOT_EXCEED_CREDITS,
    )


Room = tuple[int | None, int]
"""How much more a wallet takes, None without a limit, and what is kept beside it; minor units."""


def lock_rooms(act: Act, currency: str, lender_ids: Iterable[str]) -> dict[str, Room]:
    """What wallets of lenders take, and what is kept for them; both stay so until the act ends.

    Before any balance is locked, as wallets are everywhere.
    """
    wallets = {one: wallet_account(one, currency) for one in sorted(lender_ids)}
    if not wallets:
        return {}
    rooms = _rooms(act.tx, list(wallets.values()))
    rows = act.tx.all(tables.LOCK_ASIDES, currency=currency, ids=list(wallets))
    kept = {row.lender_id: int(row.kept_minor) for row in rows}
    return {one: (rooms[wallet], kept.get(one, 0)) for one, wallet in wallets.items()}


def purses_of(
    currency: str, rooms: Mapping[str, Room], nets: Mapping[str, int]
) -> dict[str, Purse]:
    """Where money of lenders goes, by their ids: ``nets`` are what comes to each, minor units,
    below nought where it gives. ``keep_purses`` records it once the money has moved.
    """
    purses = {}
    for lender_id, net in sorted(nets.items()):
        room, kept = rooms[lender_id]
        takes = takes_all(room, kept, net)
        purses[lender_id] = Purse(
            lender_id,
            wallet_account(lender_id, currency),
            aside_account(lender_id, currency).id,
            takes,
            kept,
            0 if takes else kept + net,
        )
    return purses


def take_purses(act: Act, currency: str, nets: Mapping[str, int]) -> dict[str, Purse]:
    """``purses_of`` with wallets as they are now."""
    return purses_of(currency, lock_rooms(act, currency, nets), nets)


def _rooms(tx: Transaction, wallets: Sequence[int]) -> dict[int, int | None]:
    """How much more each wallet takes, minor units; None without a limit, nought while closed."""
    rooms = room_in(tx, wallets)
    for number, account in zip(wallets, lookup_accounts(tx, wallets), strict=True):
        if account is None or account.flags & Account.CLOSED:
            rooms[number] = 0
    return rooms


def paid_from_aside(purses: Mapping[str, Purse]) -> list[Part]:
    """What is posted first: all that was kept for lenders whose wallets take money again."""
    return [
        (one.aside, one.wallet, one.kept_minor, REASON)
        for one in purses.values()
        if one.takes and one.kept_minor
    ]


def asides_of(purses: Mapping[str, Purse], currency: str) -> list[Account]:
    """The accounts to open: of lenders for whom money is kept."""
    return [aside_account(one.lender_id, currency) for one in purses.values() if not one.takes]


def keep_purses(act: Act, currency: str, purses: Mapping[str, Purse]) -> None:
    """Record what is kept for lenders now, and tell of it where it begins or ends."""
    for one in purses.values():
        change = one.left_minor - one.kept_minor
        if not change:
            continue
        key = {"lender_id": one.lender_id, "currency": currency}
        own = {f"{name}_": value for name, value in key.items()}
        if change > 0:
            act.tx.put(tables.ADD_ASIDE, **key, kept_minor=change, since_us=act.now_us)
        elif one.left_minor:
            act.tx.put(tables.SET_ASIDE, **own, kept_minor_=one.left_minor)
        else:
            act.tx.put(tables.DROP_ASIDE, **own)
        if not one.kept_minor or not one.left_minor:
            name = "servicing.lender_unpaid" if one.left_minor else "servicing.lender_paid"
            payload = {"currency": currency, "amount_minor": one.left_minor or one.kept_minor}
            act.emit(name, one.lender_id, payload)


@use_case("servicing.pay_lenders", roles=("system", "operator"))
def pay_lenders(act: Act, input: PayLenders) -> LendersPaid:
    """Pay what is kept for lenders of a currency into those wallets that take it again.

    Refused: those of the ledger where a wallet closed meanwhile.
    """
    rows = act.tx.all(tables.READ_ASIDES_IN, currency=input.currency)
    purses = take_purses(act, input.currency, {row.lender_id: 0 for row in rows})
    parts = paid_from_aside(purses)
    transfer_chain(act, parts, input.currency)
    keep_purses(act, input.currency, purses)
    kept = sum(one.left_minor for one in purses.values())
    return LendersPaid(len(parts), sum(part[2] for part in parts), kept)


@use_case("servicing.pay_lender_out", roles=("operator",))
def pay_lender_out(act: Act, input: PayLenderOut) -> LenderPaidOut:
    """Pay what is kept for a lender whose wallet is closed to its own bank account.

    Not while the wallet is frozen in the ledger: who froze it wants the money to stay. Refused:
    ``servicing.nothing_kept``, ``servicing.lender_frozen``, ``party.four_eyes``.
    """
    check_actor(act.tx, act.actor, second_to=input.lender_id)
    told = {"currency": input.currency, "ids": [input.lender_id]}
    found = act.tx.one(tables.LOCK_ASIDES, **told)
    if found is None:
        raise Refused("servicing.nothing_kept", "Nothing is kept for this lender.")
    wallet = wallet_account(input.lender_id, input.currency)
    (account,) = lookup_accounts(act.tx, [wallet])
    if account is not None and account.flags & Account.CLOSED:
        raise Refused("servicing.lender_frozen", "The lender's wallet is frozen.")
    aside = aside_account(input.lender_id, input.currency).id
    amount = int(found.kept_minor)
    outside = own_account("funding", input.currency)
    transfer_chain(act, [(aside, outside, amount, "withdrawal")], input.currency)
    purse = Purse(input.lender_id, wallet, aside, True, amount, 0)
    keep_purses(act, input.currency, {input.lender_id: purse})
    return LenderPaidOut(input.lender_id, input.currency, amount)


def list_asides(tx: Transaction) -> tuple[Row, ...]:
    """What is kept for lenders, minor units, by lender and currency, and since when."""
    return tuple(tx.all(tables.LIST_ASIDES))


def aside_chunks(node: Node, day: date) -> list[PayLenders]:
    """One for each currency in which something is kept."""
    with node.read() as tx:
        return [PayLenders(day, one) for one in sorted({row.currency for row in list_asides(tx)})]


def check_lends(act: Act, party_id: str) -> None:
    """Whether a party lends no part of a loan that lives, and nothing is kept for it.

    Refused: ``servicing.lends_still``.
    """
    if act.tx.one(tables.READ_LENDS, party_id=party_id) is not None:
        raise Refused("servicing.lends_still", "This party lends part of a loan that runs.")
    if any(row.lender_id == party_id for row in list_asides(act.tx)):
        raise Refused("servicing.lends_still", "Money is kept for this lender.")


ask_first("party.erase_person", "servicing.check_lends", check_lends)
day_step(330, "servicing.pay_lenders", aside_chunks)
