"""Promises: money set aside in a payer's name, taken when a condition is met, or given back.

The money waits as a pending transfer without a time-out into an account of the promise itself:
it still stands in the payer's wallet, but nobody can spend it. Whoever fulfils the promise gets it
out of that account in the chain that posts it; closing the day after the last one voids it.
"""

from __future__ import annotations

from datetime import date, timedelta

from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.kernel.event import Delivery, day_step, subscribe
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Account, Transfer, chart, create_transfers
from puhui.party import check_actor, take_parties
from puhui.payment.desk.level import code_figures
from puhui.payment.desk.pay import PAYING, check_remark, put_payment
from puhui.payment.desk.post import account_key, account_of, count_usage, hold_wallets
from puhui.payment.desk.wallet import STAFF, deposit
from puhui.payment.nouns.promise import (
    Condition,
    Facts,
    Fulfil,
    Lapse,
    Lapsed,
    MakePromise,
    Promise,
    PromiseMoved,
    PromisesForgotten,
    ReadingRecorded,
    RecordReading,
)
from puhui.payment.rules import condition as rules
from puhui.payment.rules.batch import POSTED, REASON_CODES, code_of, judge_batch
from puhui.payment.rules.wallet import check_amount, check_currency
from puhui.payment.tables import code as codes
from puhui.payment.tables import promise as tables
from puhui.payment.tables.wallet import blob

CHUNK = 500


def promise_account(promise_id: str) -> int:
    """The number of the account in which the money of a promise waits."""
    return Account.id_of(f"promise:{promise_id}")


@use_case("payment.promise", roles=PAYING, api=True)
def promise(act: Act, input: MakePromise) -> PromiseMoved:
    """Set money aside until a condition is met, for one payee or any known for a purpose.

    It counts for the payer's limits at once. After its last day it is given back.
    Refused: ``payment.bad_condition``, ``payment.bad_promise``, ``payment.bad_amount``,
    ``payment.no_currency``, ``payment.bad_text``, ``payment.no_party``, ``payment.same_wallet``,
    ``payment.single_limit``, ``payment.daily_limit``, ``payment.wallet_closed``,
    ``payment.wallet_short``, ``payment.no_payer_wallet``, ``party.not_yours``.
    """
    check_actor(act.tx, act.actor, acts_for=input.payer_id)
    check_amount(input.amount_minor)
    check_currency(input.currency)
    remark = check_remark(input.remark)
    _check(act, input)
    text = rules.text_of(input.condition)
    promise_id, number = act.new_id("promise"), act.new_number()
    escrow = promise_account(promise_id)
    payer = account_of(input.payer_id, input.currency)
    key = blob(payer)
    held = hold_wallets(act, (key,))
    refused = judge_batch(held, (key,), (blob(escrow),), (input.amount_minor,))
    if refused:
        raise Refused(refused[0], REASON_CODES[refused[0]])
    pending = Transfer(
        number,
        payer,
        escrow,
        input.amount_minor,
        input.currency,
        chart().transfer("payment"),
        flags=Transfer.PENDING,
        user_data_128=number,
    )
    _create(act, [pending], opening=[deposit(escrow, input.currency)])
    put_payment(
        act, number, payer_id=input.payer_id, payee_id=input.payee_id or promise_id, remark=remark
    )
    act.tx.put(
        tables.INSERT_PROMISE,
        id=promise_id,
        payer_id=input.payer_id,
        payee_id=input.payee_id,
        amount_minor=input.amount_minor,
        currency=input.currency,
        condition=text,
        digest=rules.digest_of(text),
        pending_id=blob(number),
        remark=remark,
        status="held",
        lapses_on=input.lapses_on.isoformat(),
        made_us=act.now_us,
        payment="",
    )
    count_usage(act, held, [(key, input.amount_minor)])
    digest = rules.digest_of(text)
    act.emit("payment.promised", input.payer_id, {"promise": promise_id, "digest": digest})
    return PromiseMoved(promise_id, "held", digest)


def _check(act: Act, input: MakePromise) -> None:
    """Whether a promise makes sense: its days, its parties, and whether it can be kept at all."""
    rules.check_condition(input.condition)
    last = act.today + timedelta(days=code_figures()["promise"]["days_max"])
    if not act.today <= input.lapses_on <= last:
        raise Refused("payment.bad_promise", "A promise lasts until today, or a year at most.")
    if not rules.can_be_met(input.condition, first=act.today, last=input.lapses_on):
        raise Refused("payment.bad_promise", "No day is left on which the condition can be met.")
    if not input.payee_id and not rules.binds_purpose(input.condition):
        raise Refused(
            "payment.bad_promise", "Name a payee, or a purpose that payees are known for."
        )
    if input.payee_id == input.payer_id:
        raise Refused("payment.same_wallet", "Nobody promises themselves money.")
    _check_parties(act, *filter(None, (input.payer_id, input.payee_id)))


def _check_parties(act: Act, *party_ids: str) -> None:
    found = take_parties(act, sorted(set(party_ids)))
    if any(one not in found or found[one].is_erased for one in party_ids):
        raise Refused("payment.no_party", "There is no such party to pay or to be paid.")


def _create(act: Act, transfers: list[Transfer], *, opening: list[Account] | None = None) -> None:
    """Create a chain or refuse in the words of payment."""
    statuses = create_transfers(act, transfers, opening=opening or (), are_new=True)
    wrong = [one.value for one in statuses if one.value not in ("created", "linked_event_failed")]
    if not wrong:
        return
    code = code_of(wrong[0])
    assert code != POSTED, wrong
    raise Refused(code, REASON_CODES[code])


@use_case("payment.fulfil", roles=PAYING, api=True)
def fulfil(act: Act, input: Fulfil) -> PromiseMoved:
    """Take what was promised, all of it, when the condition is met. The payee asks for it.

    Readings count that were observed since the promise was made, and whoever recorded one does not
    fulfil what waits for it. Refused: ``party.four_eyes``,
    ``payment.promise_unknown``, ``payment.promise_ended``, ``payment.promise_lapsed``,
    ``payment.promise_payee``, ``payment.not_met``, ``payment.no_party``,
    ``payment.tier_balance``, ``payment.wallet_closed``, ``payment.no_payee_wallet``,
    ``payment.same_wallet``, ``party.not_yours``.
    """
    row = act.tx.one(tables.LOCK_PROMISE, id=input.promise_id)
    if row is None:
        raise Refused("payment.promise_unknown", f"There is no promise {input.promise_id[:60]}.")
    check_actor(act.tx, act.actor, acts_for=input.payee_id)
    if row.status != "held":
        raise Refused("payment.promise_ended", f"This promise was {row.status} already.")
    if act.today > date.fromisoformat(row.lapses_on):
        raise Refused("payment.promise_lapsed", "This promise has lapsed.")
    if row.payee_id not in ("", input.payee_id):
        raise Refused("payment.promise_payee", "This was promised to somebody else.")
    if row.payer_id == input.payee_id:
        raise Refused("payment.same_wallet", "Nobody fulfils their own promise to themselves.")
    _check_parties(act, input.payee_id)
    condition = rules.condition_of(row.condition)
    rules.check_met(condition, _facts(act, row, condition, input.payee_id))
    number = _pay_out(act, row, input.payee_id)
    act.tx.put(
        tables.MOVE_PROMISE,
        id_=row.id,
        status_="kept",
        payee_id_=input.payee_id,
        payment_=f"{number:032x}",
    )
    payload = {
        "promise": row.id,
        "id": f"{number:032x}",
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "payee": input.payee_id,
    }
    act.emit("payment.fulfilled", row.payer_id, payload)
    return PromiseMoved(row.id, "kept", row.digest, f"{number:032x}")


def _facts(act: Act, row: Row, condition: Condition, payee_id: str) -> Facts:
    """The day, what the payee is known for, and the latest reading of each that is asked for."""
    readings = {}
    made_on = business_date(row.made_us).isoformat()
    for leaf in rules.leaves_of(condition):
        if leaf.kind != "reading" or (leaf.source, leaf.name) in readings:
            continue
        found = act.tx.one(
            tables.READ_LATEST,
            source=leaf.source,
            name=leaf.name,
            from_day=made_on,
            to_day=act.today.isoformat(),
        )
        if found is not None:
            check_actor(act.tx, act.actor, second_to=found.recorded_by)
            readings[leaf.source, leaf.name] = rules.number_of(found.value)
    known = act.tx.all(codes.READ_CATEGORIES, party_id=payee_id)
    return Facts(act.today, frozenset(one.category for one in known), readings)


def _pay_out(act: Act, row: Row, payee_id: str) -> int:
    """Post the pending transfer and pay the payee out of the promise's account, in one chain."""
    escrow = promise_account(row.id)
    payee = account_of(payee_id, row.currency)
    keys = (account_key(row.payer_id, row.currency), blob(payee))
    held = hold_wallets(act, keys)
    refused = judge_batch(held, (blob(escrow),), keys[1:], (row.amount_minor,))
    if refused:
        raise Refused(refused[0], REASON_CODES[refused[0]])
    number = act.new_number()
    post = Transfer(
        act.new_number(),
        amount_minor=Transfer.ALL,
        flags=Transfer.POST | Transfer.LINKED,
        pending_id=int.from_bytes(row.pending_id, "big"),
    )
    out = Transfer(
        number,
        escrow,
        payee,
        row.amount_minor,
        row.currency,
        chart().transfer("payment"),
        user_data_128=number,
    )
    _create(act, [post, out])
    put_payment(act, number, payer_id=row.payer_id, payee_id=payee_id, remark=row.remark)
    return number


@use_case("payment.lapse", roles=STAFF, batch="promise_ids")
def lapse(act: Act, input: Lapse) -> Lapsed:
    """End promises whose last day has passed; the money is the payer's again."""
    rows = [
        row
        for row in act.tx.all(tables.LOCK_PROMISES, ids=list(input.promise_ids))
        if row.status == "held" and row.lapses_on < min(input.day, act.today).isoformat()
    ]
    voids = [
        Transfer(
            act.new_number(),
            flags=Transfer.VOID,
            pending_id=int.from_bytes(row.pending_id, "big"),
        )
        for row in rows
    ]
    create_transfers(act, voids, strict=True, are_new=True)
    for row in rows:
        act.tx.put(
            tables.MOVE_PROMISE,
            id_=row.id,
            status_="lapsed",
            payee_id_=row.payee_id,
            payment_="",
        )
        act.emit("payment.lapsed", row.payer_id, {"promise": row.id})
    return Lapsed(len(rows))


def _due_chunks(node: Node, day: date) -> list[Lapse]:
    """Promises that lapsed before a day, in chunks."""
    with node.read() as tx:
        ids = [row.id for row in tx.all(tables.READ_DUE, day=day.isoformat())]
    return [Lapse(day, tuple(ids[at : at + CHUNK])) for at in range(0, len(ids), CHUNK)]


day_step(70, "payment.lapse", _due_chunks)


@use_case("payment.record_reading", roles=STAFF, api=True)
def record_reading(act: Act, input: RecordReading) -> ReadingRecorded:
    """Record what a source measured, for promises that wait for it. Forecasts are none.

    Refused: ``payment.bad_reading``, ``payment.reading_differs`` where the same revision says
    something else.
    """
    if not (rules.NAME.fullmatch(input.source) and rules.NAME.fullmatch(input.name)):
        raise Refused("payment.bad_reading", "Source and name are small letters and digits.")
    if input.observed_on > act.today or not 0 <= input.revision < 1000:
        raise Refused("payment.bad_reading", "A reading is of a day that has come.")
    rules.check_value(input.value)
    key = {
        "source": input.source,
        "name": input.name,
        "observed_on": input.observed_on.isoformat(),
        "revision": input.revision,
    }
    value = rules.number_text(input.value)
    found = act.tx.one(tables.READ_READING, **key)
    if found is not None and found.value != value:
        raise Refused("payment.reading_differs", "This revision was recorded with another value.")
    if found is None:
        act.tx.put(
            tables.INSERT_READING,
            **key,
            value=value,
            recorded_us=act.now_us,
            recorded_by=act.actor,
        )
        act.emit("payment.reading_recorded", input.source, {**key, "value": value})
    return ReadingRecorded(input.source, input.name, input.observed_on, input.revision)


@use_case("payment.forget_promises", roles=("system",))
def forget_promises(act: Act, input: Delivery) -> PromisesForgotten:
    """Blank the words of an erased person's promises and codes; the codes are closed.

    Sums, days and conditions stay: they are the books. Source: PIPL art. 47.
    """
    party_id = input.event.subject
    promises = act.tx.run(tables.FORGET_PROMISES, party_id_=party_id)
    return PromisesForgotten(party_id, promises, act.tx.run(codes.FORGET_CODES, party_id_=party_id))


subscribe("payment.forget_promises", to=("party.erased",))


def promises_of(tx: Transaction, party_id: str, *, count: int = 200) -> tuple[Promise, ...]:
    """What a party promised and was promised, the newest first."""
    rows = tx.all(tables.READ_PROMISES_OF, party_id=party_id, count=count)
    return tuple(_promise_of(row) for row in rows)


def promise_of(tx: Transaction, promise_id: str) -> Promise:
    """One promise. Refused: ``payment.promise_unknown``."""
    row = tx.one(tables.READ_PROMISE, id=promise_id)
    if row is None:
        raise Refused("payment.promise_unknown", f"There is no promise {promise_id[:60]}.")
    return _promise_of(row)


def _promise_of(row: Row) -> Promise:
    return Promise(
        id=row.id,
        payer_id=row.payer_id,
        payee_id=row.payee_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        condition=row.condition,
        digest=row.digest,
        status=row.status,
        lapses_on=date.fromisoformat(row.lapses_on),
        made_us=row.made_us,
        payment=row.payment,
    )
