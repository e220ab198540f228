"""Legs: held on a condition, fulfilled, given up, ended by their time, resolved by a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from puhui import payment
from puhui.exchange.desk.account import (
    Place,
    admit_ends,
    check_parties,
    find_places,
    move,
    own_account,
)
from puhui.exchange.desk.participant import STAFF
from puhui.exchange.desk.peer import ASKERS, admit_peer, check_peer_leg, keep_peer_leg
from puhui.exchange.desk.post import (
    Movement,
    chain_of,
    ended,
    held,
    keep_for_settlement,
    transfer_id,
)
from puhui.exchange.formats.signed import receipt_bytes
from puhui.exchange.nouns.leg import (
    AbortLeg,
    ExpireLegs,
    FulfilLeg,
    Leg,
    LegMoved,
    LegReceipt,
    LegsExpired,
    PrepareLeg,
    ResolveLeg,
)
from puhui.exchange.rules import leg as rules
from puhui.exchange.tables import leg as tables
from puhui.exchange.tables import participant as participant_tables
from puhui.kernel.act import SYSTEM, Act, use_case
from puhui.kernel.crypto import verify_signature
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step, upkeep
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Transfer, create_transfers, lookup_transfers

_FIELDS = tuple(Leg.__slots__)
_DUE_MAX = 1000


def leg_of(row: Row) -> Leg:
    """The leg of a row."""
    return Leg(**{name: getattr(row, name) for name in _FIELDS})


def _take_deal(act: Act, leg_id: str) -> tuple[Leg, list[Leg]]:
    """A leg and the other legs of its deal on this node, all locked.

    Refused: ``exchange.unknown_leg``.
    """
    found = act.tx.one(tables.READ_DEAL_OF_LEG, id=leg_id)
    legs = []
    if found is not None:
        legs = [leg_of(row) for row in act.tx.all(tables.LOCK_DEAL, deal_id=found.deal_id)]
    mine = [leg for leg in legs if leg.id == leg_id]
    if not mine:
        raise Refused("exchange.unknown_leg", f"There is no leg {leg_id[:60]}.")
    return mine[0], [leg for leg in legs if leg.id != leg_id]


def _movements(act: Act, leg: Leg | PrepareLeg, leg_id: str, *, is_held: bool) -> list[Movement]:
    """What a leg moves, its fee last; of one that is held suspended participants may be part."""
    keys = [(rules.end_of(end), leg.currency) for end in (leg.payer, leg.payee)]
    places = find_places(act, keys, may_be_suspended=is_held)
    payer, payee = places[keys[0]], places[keys[1]]
    main = Movement(f"leg:{leg_id}", payer, payee, leg.amount_minor - leg.fee_minor, "leg")
    if not leg.fee_minor:
        return [main]
    ours = Place(own_account("fee_income", leg.currency))
    return [main, Movement(f"leg:{leg_id}:fee", payer, ours, leg.fee_minor, "fee")]


def payee_of(tx: Transaction, text: str) -> str:
    """A payee as legs keep it: who has a wallet number ("party:" and 19 digits) by the party's id.

    Refused: ``exchange.unknown_party`` where no wallet on record has the number.
    """
    kind, _, number = text.partition(":")
    if kind != "party" or not payment.numbers.is_wallet_number(number):
        return text
    try:
        account_id = payment.numbers.find(tx, number)
    except Refused:
        account_id = 0
    owner = payment.owners_of(tx, [account_id]).get(account_id)
    if owner is None:
        raise Refused("exchange.unknown_party", "No wallet on record here has this number.")
    return f"party:{owner}"


def _moved(leg: Leg) -> LegMoved:
    return LegMoved(leg.id, leg.state, leg.expires_us)


def _record(act: Act, leg: Leg, state: str, *, preimage: str = "", reason: str = "") -> Leg:
    moved = replace(
        leg, state=state, preimage=preimage or leg.preimage, reason=reason or leg.reason
    )
    act.tx.put(
        tables.MOVE_LEG,
        id_=leg.id,
        state_=moved.state,
        preimage_=moved.preimage,
        reason_=moved.reason,
    )
    told = {"leg": leg.id, "deal": leg.deal_id, "reason": moved.reason}
    act.emit(f"exchange.leg_{state}", leg.id, told)
    return moved


@use_case("exchange.prepare_leg", roles=ASKERS, api=True)
def prepare_leg(act: Act, input: PrepareLeg) -> LegMoved:
    """Hold a payment between two ends until its condition is fulfilled or its time is over.

    The same leg asked for again answers where it stands. A leg that waits for no other one is
    released by the ledger itself when its time is over; its time is rounded up to whole seconds.
    Another node may ask for legs from the participants that let it draw, and for nothing else.

    Refused: ``exchange.leg_differs``, ``exchange.bad_leg``, ``exchange.bad_condition``,
    ``exchange.bad_amount``, ``exchange.unknown_currency``, ``exchange.leg_expired``,
    ``exchange.same_end``, ``exchange.bad_end``, ``exchange.unknown_leg``, ``exchange.not_drawn``,
    ``exchange.unknown_party``, ``exchange.no_position``, ``exchange.participant_suspended``,
    ``exchange.payer_short`` (the net debit cap of a participant, or the money of a wallet),
    ``exchange.unknown_peer``, ``payment.wallet_closed``, ``payment.tier_balance``,
    ``payment.single_limit``, ``payment.daily_limit``.
    """
    return hold_leg(act, input)


def hold_leg(act: Act, input: PrepareLeg) -> LegMoved:
    """What ``exchange.prepare_leg`` does, as a step of an act that was let do it."""
    input = replace(input, payee=payee_of(act.tx, input.payee))
    found = act.tx.one(tables.READ_LEG, id=input.leg_id)
    if found is not None:
        check_peer_leg(act.tx, input.leg_id, act.actor)
        leg = leg_of(found)
        rules.check_same(leg, input)
        return _moved(leg)
    seconds = rules.check_leg(input, act.now_us)
    is_for_peer = admit_peer(act, input)
    if is_for_peer and act.tx.all(tables.LOCK_DEAL, deal_id=input.deal_id):
        raise Refused("exchange.bad_leg", "This deal has a leg here already.")
    if input.awaits not in ("", rules.HERE):
        key_of_peer(act.tx, input.awaits)
    payer, payee = rules.end_of(input.payer), rules.end_of(input.payee)
    check_parties(act, (payer, payee))
    admit_ends(act, (payer, input.currency), (payee, input.currency), input.amount_minor)
    movements = _movements(act, input, input.leg_id, is_held=False)
    places = [place for one in movements for place in (one.payer, one.payee)]
    opening = {one.account.id: one.account for one in places if not one.position_id}
    timeout_s = 0 if input.awaits else seconds
    move(
        act,
        chain_of([one for movement in movements for one in held(movement, timeout_s)]),
        short=("exchange.payer_short", "The payer has too little, or owes too much already."),
        opening=tuple(opening.values()),
    )
    if payer.kind == "party":
        payment.spend(act, payer.id, input.currency, input.amount_minor)
    leg = Leg(
        id=input.leg_id,
        deal_id=input.deal_id,
        payer=input.payer,
        payee=input.payee,
        currency=input.currency,
        amount_minor=input.amount_minor,
        condition=input.condition,
        awaits=input.awaits,
        expires_us=act.now_us + seconds * 1_000_000,
        state="prepared",
        fee_minor=input.fee_minor,
    )
    act.tx.put(tables.INSERT_LEG, **{name: getattr(leg, name) for name in _FIELDS})
    if is_for_peer:
        keep_peer_leg(act, leg.id)
    return _moved(leg)


def _post(act: Act, legs: Sequence[Leg], preimage: str) -> Leg:
    """Pay legs in one chain; the first one is told of."""
    movements = [_movements(act, leg, leg.id, is_held=True) for leg in legs]
    transfers = [t for group in movements for one in group for t in ended(one, Transfer.POST)]
    create_transfers(act, chain_of(transfers), strict=True)
    for leg, group in zip(legs, movements, strict=True):
        keep_for_settlement(act, leg.id, group)
    moved = [_record(act, leg, "posted", preimage=preimage) for leg in legs]
    return moved[0]


def _take_back(act: Act, legs: Sequence[Leg]) -> None:
    """Have what was not paid count no more for the limits of the wallets it should have left."""
    ends = [(leg, rules.end_of(leg.payer)) for leg in legs]
    spent = [(leg, end) for leg, end in ends if end.kind == "party"]
    made = lookup_transfers(act.tx, [transfer_id(f"leg:{leg.id}") for leg, _ in spent])
    for (leg, end), transfer in zip(spent, made, strict=True):
        assert transfer is not None, leg
        payment.take_back(act, end.id, leg.currency, leg.amount_minor, spent_us=transfer.time_us)


def _void(act: Act, legs: Sequence[Leg], state: str, reason: str) -> Leg:
    """Give legs up in one chain; the first one is told of.

    What the ledger has released by its time already is only put on record.
    """
    _take_back(act, legs)
    overdue = [leg for leg in legs if not leg.awaits and leg.expires_us <= act.now_us]
    groups = [_movements(act, leg, leg.id, is_held=True) for leg in legs if leg not in overdue]
    transfers = [t for group in groups for one in group for t in ended(one, Transfer.VOID)]
    if transfers:
        create_transfers(act, chain_of(transfers), strict=True)
    moved = [
        _record(act, leg, "expired" if leg in overdue else state, reason=reason) for leg in legs
    ]
    return moved[0]


def _waiting(legs: Sequence[Leg], states: Sequence[str]) -> list[Leg]:
    return [leg for leg in legs if leg.awaits == rules.HERE and leg.state in states]


@use_case("exchange.fulfil_leg", roles=ASKERS, api=True)
def fulfil_leg(act: Act, input: FulfilLeg) -> LegMoved:
    """Show what fulfils a leg: it is paid, with every leg here that waited for it.

    A leg that waits for another one is only kept from expiring. The same fulfilment again answers
    where the leg stands. Refused: ``exchange.unknown_leg``, ``exchange.wrong_fulfilment``,
    ``exchange.leg_ended``, ``exchange.leg_expired``, ``exchange.dependent_not_fulfilled``,
    ``exchange.no_window``.
    """
    leg, others = _take_deal(act, input.leg_id)
    check_peer_leg(act.tx, leg.id, act.actor)
    if not rules.judge_fulfilment(leg, input.preimage, act.now_us):
        return _moved(leg)
    if leg.awaits:
        return _moved(_record(act, leg, "fulfilled", preimage=input.preimage))
    waiting = [other for other in others if other.awaits == rules.HERE]
    if any(other.state != "fulfilled" for other in waiting):
        raise Refused(
            "exchange.dependent_not_fulfilled", "A leg that waits for this one is not fulfilled."
        )
    return _moved(_post(act, [leg, *waiting], input.preimage))


@use_case("exchange.abort_leg", roles=ASKERS, api=True)
def abort_leg(act: Act, input: AbortLeg) -> LegMoved:
    """Give a leg up, with every leg here that waits for it; again answers where it stands.

    Refused: ``exchange.unknown_leg``, ``exchange.leg_posted``, ``exchange.leg_fulfilled``.
    """
    leg, others = _take_deal(act, input.leg_id)
    check_peer_leg(act.tx, leg.id, act.actor)
    is_alone = not any(not other.awaits for other in others)
    if not rules.judge_abort(leg, is_alone=is_alone):
        return _moved(leg)
    following = [] if leg.awaits else _waiting(others, ("prepared", "fulfilled"))
    return _moved(_void(act, [leg, *following], "aborted", input.reason[:80]))


@use_case("exchange.expire_legs", roles=STAFF)
def expire_legs(act: Act, input: ExpireLegs) -> LegsExpired:
    """End legs past their time; a fulfilled one never is, until the one it waits for has failed.

    At most ``count`` legs, oldest first.
    """
    due = act.tx.all(tables.READ_DUE, now_us=act.now_us, count=min(input.count, _DUE_MAX))
    expired: list[str] = []
    for row in due:
        leg, others = _take_deal(act, row.id)
        if leg.state != "prepared" or leg.expires_us > act.now_us:
            continue
        following = [] if leg.awaits else _waiting(others, ("prepared", "fulfilled"))
        _void(act, [leg, *following], "expired", "time over")
        expired += [one.id for one in [leg, *following]]
    return LegsExpired(tuple(expired))


def key_of_peer(tx: Transaction, peer_id: str) -> str:
    """The key of another node. Refused: ``exchange.unknown_peer``."""
    row = tx.one(participant_tables.READ_PARTICIPANT, id=peer_id)
    if row is None or row.kind != "peer":
        raise Refused("exchange.unknown_peer", f"There is no peer {peer_id[:60]}.")
    return str(row.public_key)


def receipt_of(node: Node, leg_id: str) -> LegReceipt:
    """What this node says of one of its legs, as it is on record, under its own signature.

    Refused: ``exchange.unknown_leg``.
    """
    with node.read() as tx:
        row = tx.one(tables.READ_LEG, id=leg_id)
    if row is None:
        raise Refused("exchange.unknown_leg", f"There is no leg {leg_id[:60]}.")
    receipt = LegReceipt(row.id, row.deal_id, row.condition, row.state)
    return replace(receipt, signature=node.keys.sign(receipt_bytes(receipt)))


def receipt_for(node: Node, leg_id: str, actor: str) -> LegReceipt:
    """What this node signs of a leg, for staff, and for the peer that asked for it.

    Refused: ``exchange.unknown_leg``.
    """
    with node.read() as tx:
        check_peer_leg(tx, leg_id, actor)
    return receipt_of(node, leg_id)


def verify_receipt(node: Node, input: ResolveLeg) -> ResolveLeg:
    """Check who signed a receipt, before the act, and name the key that it was checked with.

    Refused: ``exchange.unknown_leg``, ``exchange.unknown_peer``, ``exchange.bad_signature``.
    """
    with node.read() as tx:
        row = tx.one(tables.READ_LEG, id=input.leg_id)
        if row is None:
            raise Refused("exchange.unknown_leg", f"There is no leg {input.leg_id[:60]}.")
        key = key_of_peer(tx, row.awaits)
    if not verify_signature(key, receipt_bytes(input.receipt), input.receipt.signature):
        raise Refused("exchange.bad_signature", "The peer did not sign this receipt.")
    return replace(input, verified_key=key)


@use_case("exchange.resolve_leg", roles=STAFF, prepare=verify_receipt)
def resolve_leg(act: Act, input: ResolveLeg) -> LegMoved:
    """End a leg as the other leg of its deal has ended on the peer that signed for it.

    Refused: ``exchange.bad_receipt``, ``exchange.leg_ended``, ``exchange.no_window`` and those of
    ``verify_receipt``.
    """
    leg, _ = _take_deal(act, input.leg_id)
    if key_of_peer(act.tx, leg.awaits) != input.verified_key:
        raise Refused("exchange.bad_signature", "The peer's key has changed.")
    outcome = rules.judge_receipt(leg, input.receipt)
    if leg.state in rules.ENDED:
        return _moved(leg)
    if outcome == "posted":
        return _moved(_post(act, [leg], ""))
    return _moved(_void(act, [leg], "aborted", f"the other leg {input.receipt.state}"))


def _due_chunks(node: Node, day: date) -> list[ExpireLegs]:
    return [ExpireLegs(_DUE_MAX)]


day_step(40, "exchange.expire_legs", _due_chunks)


def _expire_due(node: Node) -> bool:
    """End legs past their time, if any are; whether more may be."""
    with node.read() as tx:
        first = tx.one(tables.READ_DUE, now_us=node.clock.now_us(), count=1)
    if first is None:
        return False
    key = f"upkeep:exchange.expire_legs:{first.id}"
    done = node.act("exchange.expire_legs", ExpireLegs(_DUE_MAX), key=key, actor=SYSTEM)
    return len(done.leg_ids) >= _DUE_MAX


upkeep("exchange.expire_legs", _expire_due)
