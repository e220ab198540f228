"""Money held for a payee: kept back in the payer's wallet, then taken or free again."""

from __future__ import annotations

from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Transfer, chart, lookup_transfers
from puhui.party import check_actor
from puhui.payment.desk.lists import figures
from puhui.payment.desk.pay import PAYING, check_remark, move, put_payment
from puhui.payment.desk.post import account_key, account_of, count_usage, hold_wallets, is_number
from puhui.payment.nouns.pay import Capture, HeldMoney, Hold, Paid, Release
from puhui.payment.rules.batch import REASON_CODES, judge_batch
from puhui.payment.rules.wallet import check_amount
from puhui.payment.tables import payment
from puhui.payment.tables import wallet as tables

_ENDED_CODES = {
    "pending_transfer_expired": "payment.hold_ended",
    "pending_transfer_already_voided": "payment.hold_ended",
    "pending_transfer_already_posted": "payment.hold_ended",
}


@use_case("payment.hold", roles=PAYING, api=True)
def hold(act: Act, input: Hold) -> Paid:
    """Keep money back in a payer's wallet for a payee, who takes it later or lets it go.

    After ``timeout_s`` seconds it is free again by itself. It counts for the payer's limits at
    once, and for what the payee's wallet may hold. Refused: ``payment.bad_timeout``,
    ``payment.no_party`` where the payee is not given as a party, and as ``payment.pay``:
    ``payment.bad_amount``,
    ``payment.bad_text``, ``payment.no_payer_wallet``, ``payment.no_payee_wallet``,
    ``payment.not_a_wallet``, ``payment.other_currency``, ``payment.same_wallet``,
    ``payment.single_limit``, ``payment.daily_limit``, ``payment.tier_balance``,
    ``payment.wallet_closed``, ``payment.wallet_short``, ``payment.id_reused``,
    ``payment.id_failed``, ``party.not_yours``.
    """
    check_actor(act.tx, act.actor, acts_for=input.payer_id)
    check_amount(input.amount_minor)
    if not 0 < input.timeout_s <= figures("hold").timeout_s_max:
        raise Refused("payment.bad_timeout", "Money is held for a second to thirty days.")
    if is_number(input.payee) or is_number(input.payer_id):
        raise Refused("payment.no_party", "Money is held between parties, not numbers of accounts.")
    remark, purpose = check_remark(input.remark), check_remark(input.purpose)
    payer = account_of(input.payer_id, input.currency)
    payee = account_of(input.payee, input.currency)
    keys = (tables.blob(payer),), (tables.blob(payee),)
    held = hold_wallets(act, (*keys[0], *keys[1]))
    refused = judge_batch(held, *keys, (input.amount_minor,))
    if refused:
        raise Refused(refused[0], REASON_CODES[refused[0]])
    number = act.new_number()
    move(
        act,
        Transfer(
            number,
            payer,
            payee,
            input.amount_minor,
            input.currency,
            chart().transfer("payment"),
            flags=Transfer.PENDING,
            timeout_s=input.timeout_s,
            user_data_128=number,
        ),
    )
    put_payment(
        act, number, payer_id=input.payer_id, payee_id=input.payee, purpose=purpose, remark=remark
    )
    act.tx.put(
        payment.INSERT_HOLD,
        id=tables.blob(number),
        payer_id=input.payer_id,
        payee_id=input.payee,
        currency=input.currency,
        amount_minor=input.amount_minor,
        taken_minor=0,
        status="held",
        made_us=act.now_us,
    )
    count_usage(act, held, [(keys[0][0], input.amount_minor)])
    _tell(act, "payment.held", input.payer_id, number, input.amount_minor, input.currency)
    return Paid(f"{number:032x}", input.amount_minor, input.currency)


def _tell(act: Act, name: str, party_id: str, number: int, amount: int, currency: str) -> None:
    payload = {"id": f"{number:032x}", "amount_minor": amount, "currency": currency}
    act.emit(name, party_id, payload)


def _take_held(act: Act, id: str) -> Row:
    """Money that is held, locked. Refused: ``payment.unknown``, ``payment.not_held``."""
    row = act.tx.one(payment.LOCK_HOLD, id=bytes.fromhex(id)) if is_number(id) else None
    if row is None:
        raise Refused("payment.unknown", f"There is no payment {id[:40]}.")
    if row.status != "held":
        raise Refused("payment.not_held", "This money is not held any more.")
    return row


@use_case("payment.capture", roles=PAYING, api=True)
def capture(act: Act, input: Capture) -> Paid:
    """Take what is held, or a part of it; the rest is free again. The payee asks for it.

    The outcome names the payment that it became, which can be given back. Refused:
    ``payment.unknown``, ``payment.not_held``, ``payment.over_held``, ``payment.bad_amount``,
    ``payment.hold_ended`` after its time, ``party.not_yours``.
    """
    row = _take_held(act, input.id)
    check_actor(act.tx, act.actor, acts_for=row.payee_id)
    amount_minor = input.amount_minor or row.amount_minor
    check_amount(amount_minor)
    if amount_minor > row.amount_minor:
        raise Refused("payment.over_held", "No more is taken than is held.")
    number = _end(act, row, Transfer.POST, "taken", amount_minor)
    _tell(act, "payment.paid", row.payer_id, number, amount_minor, row.currency)
    return Paid(f"{number:032x}", amount_minor, row.currency)


@use_case("payment.release", roles=PAYING, api=True)
def release(act: Act, input: Release) -> Paid:
    """Let what is held go free again, all of it. The payee asks for it.

    Refused: ``payment.unknown``, ``payment.not_held``, ``payment.hold_ended`` after its time,
    ``party.not_yours``.
    """
    row = _take_held(act, input.id)
    check_actor(act.tx, act.actor, acts_for=row.payee_id)
    number = _end(act, row, Transfer.VOID, "released", 0)
    _tell(act, "payment.released", row.payer_id, number, row.amount_minor, row.currency)
    return Paid(input.id, row.amount_minor, row.currency)


def _end(act: Act, row: Row, flag: int, status: str, taken_minor: int) -> int:
    """Post or void what is held; what was not taken does not count for that day's limit any more.

    Wallets are locked first, as everywhere. The number of the transfer that ends it.
    """
    payer = account_key(row.payer_id, row.currency)
    hold_wallets(act, (payer, account_key(row.payee_id, row.currency)))
    number, pending_id = act.new_number(), int.from_bytes(row.id, "big")
    transfer = Transfer(number, amount_minor=taken_minor, flags=flag, pending_id=pending_id)
    move(act, transfer, not_found=_ENDED_CODES)
    act.tx.put(payment.END_HOLD, id_=row.id, status_=status, taken_minor_=taken_minor)
    made_on, less_minor = business_date(row.made_us), row.amount_minor - taken_minor
    if less_minor and made_on == act.today:
        day = made_on.isoformat()
        act.tx.put(tables.TAKE_USAGE_BACK, id_=payer, day_=day, less_=less_minor)
    return number


def holds_of(
    tx: Transaction, party_id: str, *, now_us: int, count: int = 200
) -> tuple[HeldMoney, ...]:
    """What is or was held of a party's money and for it, as of ``now_us``, the newest first."""
    rows = tx.all(payment.READ_HOLDS_OF, party_id=party_id, count=count)
    pendings = lookup_transfers(tx, [int.from_bytes(row.id, "big") for row in rows]) if rows else ()
    made = []
    for row, pending in zip(rows, pendings, strict=True):
        timeout_s = 0 if pending is None else pending.timeout_s
        expires_us = row.made_us + timeout_s * 1_000_000 if timeout_s else 0
        is_over = row.status == "held" and 0 < expires_us <= now_us
        made.append(
            HeldMoney(
                id=row.id.hex(),
                payer_id=row.payer_id,
                payee_id=row.payee_id,
                amount_minor=row.amount_minor,
                taken_minor=row.taken_minor,
                currency=row.currency,
                status="ended" if is_over else row.status,
                made_us=row.made_us,
                expires_us=expires_us,
            )
        )
    return tuple(made)
