"""What came in for a payee beyond what the wallet may hold: kept aside for them, never lost.

A payee without a network cannot know how full the wallet is, so a voucher that was taken in good
faith is paid whatever the wallet's tier says: what has no room goes to an account of the payee's
own beside the wallet. It moves on as soon as there is room, or is paid out to their bank account.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from puhui import payment
from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import Delivery, day_step, subscribe
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Account, Transfer, chart, create_transfers, lookup_accounts
from puhui.offline import rules, tables
from puhui.offline.desk.books import excess_account, own_account, wallet_account
from puhui.offline.nouns import Aside, ExcessMoved, MoveExcess, MoveExcessOf
from puhui.party import check_actor, place_hold, release_hold, take_parties

CHUNK = 500
HOLD = "money_aside"


@dataclass(slots=True)
class Rooms:
    """How much more each payee's wallet may take in, as an act fills them up; what has no room."""

    left: dict[int, int | None]
    opened: dict[int, Account] = field(default_factory=dict)

    def split(self, account_id: int, amount_minor: int) -> tuple[int, int]:
        """Of an amount what the wallet takes in, and what is kept aside, minor units."""
        inside_minor, aside_minor = rules.split_award(amount_minor, self.left[account_id])
        room_minor = self.left[account_id]
        if room_minor is not None:
            self.left[account_id] = room_minor - inside_minor
        return inside_minor, aside_minor

    def keep_aside(self, account_id: int, currency: str) -> int:
        """The account beside a wallet, which is opened with the act's transfers."""
        aside = excess_account(account_id)
        code = chart().account("offline_excess")
        limited = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
        self.opened[account_id] = Account(aside, currency, code, flags=limited)
        return aside


def take_rooms(act: Act, account_ids: Iterable[int]) -> Rooms:
    """The room in payees' wallets, which stay locked until the act ends."""
    return Rooms(payment.room_in(act.tx, sorted(set(account_ids))))


def pay_out(act: Act, transfers: Sequence[Transfer], rooms: Rooms) -> None:
    """Make the transfers of awards, and put on record for whom something is kept aside."""
    create_transfers(act, transfers, strict=True, opening=tuple(rooms.opened.values()))
    for account_id, account in sorted(rooms.opened.items()):
        act.tx.put(
            tables.ADD_EXCESS,
            account_id=f"{account_id:032x}",
            currency=account.ledger,
            since_us=act.now_us,
        )
    _hold_owners(act, sorted(rooms.opened))


def _hold_owners(act: Act, account_ids: Sequence[int]) -> None:
    """Keep the owners of what is kept aside from being erased until it has moved on."""
    owners = payment.owners_of(act.tx, account_ids)
    parties = take_parties(act, sorted(set(owners.values())))
    for account_id, party_id in sorted(owners.items()):
        party = parties.get(party_id)
        if party is not None and not party.is_anonymous and not party.is_erased:
            place_hold(act, party, reason=HOLD, reference=f"{account_id:032x}")


def excess_of(tx: Transaction, party_id: str, currency: str) -> int:
    """What is kept aside for a party, in minor units; nought where nothing is."""
    (found,) = lookup_accounts(tx, [excess_account(wallet_account(party_id, currency))])
    return 0 if found is None else found.credit_balance_minor


def asides(tx: Transaction, *, count: int = 200) -> tuple[Aside, ...]:
    """What is kept aside beside wallets, the oldest first."""
    rows = tx.all(tables.READ_ASIDES, count=count)
    numbers = [int(row.account_id, 16) for row in rows]
    owners = payment.owners_of(tx, numbers)
    found = lookup_accounts(tx, [excess_account(one) for one in numbers])
    return tuple(
        Aside(
            party_id=owners.get(number, ""),
            currency=row.currency,
            amount_minor=0 if account is None else account.credit_balance_minor,
            since_us=row.since_us,
        )
        for row, number, account in zip(rows, numbers, found, strict=True)
    )


def _move(act: Act, row: Row, to_account: int, amount_minor: int, reason: str) -> int:
    """Move some of what is kept aside; what is left of it, minor units."""
    aside = excess_account(int(row.account_id, 16))
    (found,) = lookup_accounts(act.tx, [aside])
    assert found is not None, row
    transfer = Transfer(
        act.new_number(),
        aside,
        to_account,
        amount_minor,
        row.currency,
        chart().transfer(reason),
    )
    create_transfers(act, [transfer], strict=True)
    left_minor = found.credit_balance_minor - amount_minor
    if not left_minor:
        act.tx.put(tables.DROP_EXCESS, account_id_=row.account_id)
        for party_id in payment.owners_of(act.tx, [int(row.account_id, 16)]).values():
            release_hold(act, party_id, reason=HOLD, reference=row.account_id)
    told = {"account": row.account_id, "amount_minor": amount_minor, "left_minor": left_minor}
    act.emit("offline.excess_moved", row.account_id, told)
    return left_minor


def _take(act: Act, account_id: int) -> tuple[Row, int] | None:
    """What is kept aside beside a wallet, locked; None where nothing is."""
    row = act.tx.one(tables.LOCK_EXCESS, account_id=f"{account_id:032x}")
    if row is None:
        return None
    (found,) = lookup_accounts(act.tx, [excess_account(account_id)])
    assert found is not None, row
    return row, found.credit_balance_minor


def _let_in(act: Act, account_id: int) -> tuple[int, int]:
    """Let in as much as there is room for: what moved and what is left, minor units."""
    (room_minor,) = payment.room_in(act.tx, [account_id]).values()
    taken = _take(act, account_id)
    if taken is None:
        return 0, 0
    row, aside_minor = taken
    inside_minor, left_minor = rules.split_award(aside_minor, room_minor)
    if inside_minor:
        _move(act, row, account_id, inside_minor, "offline_payment")
    return inside_minor, left_minor


@use_case("offline.let_in", roles=("customer", "operator", "system"))
def let_in(act: Act, input: MoveExcess) -> ExcessMoved:
    """Let what is kept aside for a payee into the wallet, as far as its tier has room.

    Refused: ``offline.nothing_aside``, ``payment.tier_balance`` where there is no room at all,
    ``party.not_yours``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    account_id = wallet_account(input.party_id, input.currency)
    moved_minor, left_minor = _let_in(act, account_id)
    if not moved_minor and not left_minor:
        raise Refused("offline.nothing_aside", "Nothing is kept aside for this wallet.")
    if not moved_minor:
        raise Refused("payment.tier_balance", "The wallet has no room; raise its tier first.")
    return ExcessMoved(moved_minor, left_minor)


@use_case("offline.pay_out_excess", roles=("customer", "operator", "system"))
def pay_out_excess(act: Act, input: MoveExcess) -> ExcessMoved:
    """Pay all that is kept aside out to the payee's own bank account, into the funding account.

    Refused: ``offline.nothing_aside``, ``party.not_yours``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    taken = _take(act, wallet_account(input.party_id, input.currency))
    if taken is None:
        raise Refused("offline.nothing_aside", "Nothing is kept aside for this wallet.")
    row, aside_minor = taken
    left_minor = _move(act, row, own_account("funding", input.currency), aside_minor, "withdrawal")
    return ExcessMoved(aside_minor, left_minor)


@use_case("offline.let_in_raised", roles=("system",))
def let_in_raised(act: Act, input: Delivery) -> ExcessMoved:
    """A wallet's tier was changed: let in what has room now."""
    told = json.loads(input.event.payload)
    account_id = wallet_account(input.event.subject, str(told["currency"]))
    return ExcessMoved(*_let_in(act, account_id))


@use_case("offline.let_in_due", roles=("system",), batch="account_ids")
def let_in_due(act: Act, input: MoveExcessOf) -> ExcessMoved:
    """Let in what has room by now, as wallets were spent from or emptied meanwhile."""
    moved = [_let_in(act, int(one, 16)) for one in sorted(set(input.account_ids))]
    return ExcessMoved(sum(one for one, _ in moved), sum(left for _, left in moved))


def _due(node: Node, day: date) -> list[MoveExcessOf]:
    with node.read() as tx:
        ids = [row.account_id for row in tx.all(tables.READ_EXCESS)]
    return [MoveExcessOf(tuple(ids[at : at + CHUNK])) for at in range(0, len(ids), CHUNK)]


subscribe("offline.let_in_raised", to=("payment.tier_set", "payment.wallet_opened"))
day_step(81, "offline.let_in_due", _due)
