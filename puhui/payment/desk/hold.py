"""Money held for a payee: kept back in the payer's wallet, then taken or free again."""

from __future__ import annotations

from datetime import date

from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.ledger import Transfer, chart
from puhui.party import check_actor
from puhui.payment.desk.lists import figures
from puhui.payment.desk.pay import PAYING, check_remark, move, put_payment, take_payment
from puhui.payment.desk.post import account_of, count_usage, hold_wallets, is_number
from puhui.payment.nouns.pay import Capture, Hold, Paid, Release
from puhui.payment.rules.batch import REASONS, judge_batch
from puhui.payment.rules.wallet import check_amount
from puhui.payment.tables import payment
from puhui.payment.tables import wallet as tables

_ENDED = {
    "pending_transfer_expired": "payment.hold_ended",
    "pending_transfer_already_voided": "payment.hold_ended",
    "pending_transfer_already_posted": "payment.hold_ended",
}


@use_case("payment.hold", roles=PAYING, api=True)
def hold(act: Act, input: Hold) -> Paid:
    """Keep money back in a payer's wallet for a payee, who takes it later or lets it go.

    After ``timeout_s`` seconds it is free again by itself. It counts for the payer's limits at
    once, and for what the payee's wallet may hold. Refused: ``payment.bad_timeout``,
    ``payment.no_party`` where the payee is not given as a party, and what ``payment.pay`` refuses.
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
    held = hold_wallets(act, (payer, payee))
    refused = judge_batch(held, (payer,), (payee,), (input.amount_minor,))
    if refused:
        raise Refused(refused[0], REASONS[refused[0]])
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
        ),
    )
    put_payment(
        act, number, kind="hold", payer_id=input.payer_id, payee_id=input.payee,
        amount_minor=input.amount_minor, currency=input.currency, purpose=purpose, remark=remark,
        status="held",
    )  # fmt: skip
    count_usage(act, held, [(payer, input.amount_minor)])
    _tell(act, "payment.held", input.payer_id, number, input.amount_minor, input.currency)
    return Paid(f"{number:032x}", input.amount_minor, input.currency)


def _tell(act: Act, name: str, party_id: str, number: int, amount: int, currency: str) -> None:
    payload = {"id": f"{number:032x}", "amount_minor": amount, "currency": currency}
    act.emit(name, party_id, payload)


def _take_held(act: Act, id: str) -> Row:
    """The row of money that is held. Refused: ``payment.unknown``, ``payment.not_held``."""
    row = take_payment(act, id)
    if row.kind != "hold" or row.status != "held":
        raise Refused("payment.not_held", "This money is not held any more.")
    return row


@use_case("payment.capture", roles=PAYING, api=True)
def capture(act: Act, input: Capture) -> Paid:
    """Take what is held, or a part of it; the rest is free again. The payee asks for it.

    Refused: ``payment.unknown``, ``payment.not_held``, ``payment.over_held``,
    ``payment.bad_amount``, ``payment.hold_ended`` after its time, ``party.not_yours``.
    """
    row = _take_held(act, input.id)
    check_actor(act.tx, act.actor, acts_for=row.payee_id)
    amount_minor = input.amount_minor or row.amount_minor
    check_amount(amount_minor)
    if amount_minor > row.amount_minor:
        raise Refused("payment.over_held", "No more is taken than is held.")
    _end(act, row, Transfer.POST, amount_minor)
    act.tx.put(payment.SET_PAYMENT, id_=row.id, status_="posted", amount_minor_=amount_minor)
    _give_back(act, row, row.amount_minor - amount_minor)
    number = int.from_bytes(row.id, "big")
    _tell(act, "payment.paid", row.payer_id, number, amount_minor, row.currency)
    return Paid(input.id, amount_minor, row.currency)


@use_case("payment.release", roles=PAYING, api=True)
def release(act: Act, input: Release) -> Paid:
    """Let what is held go free again, all of it. The payee asks for it.

    Refused: ``payment.unknown``, ``payment.not_held``, ``payment.hold_ended`` after its time,
    ``party.not_yours``.
    """
    row = _take_held(act, input.id)
    check_actor(act.tx, act.actor, acts_for=row.payee_id)
    _end(act, row, Transfer.VOID, 0)
    act.tx.put(payment.SET_PAYMENT, id_=row.id, status_="released", amount_minor_=row.amount_minor)
    _give_back(act, row, row.amount_minor)
    number = int.from_bytes(row.id, "big")
    _tell(act, "payment.released", row.payer_id, number, row.amount_minor, row.currency)
    return Paid(input.id, row.amount_minor, row.currency)


def _end(act: Act, row: Row, flag: int, amount_minor: int) -> None:
    """Post or void the pending transfer; wallets are locked first, as everywhere."""
    hold_wallets(
        act, (account_of(row.payer_id, row.currency), account_of(row.payee_id, row.currency))
    )
    number = int.from_bytes(row.id, "big")
    transfer = Transfer(act.new_number(), amount_minor=amount_minor, flags=flag, pending_id=number)
    move(act, transfer, not_found=_ENDED)


def _give_back(act: Act, row: Row, less_minor: int) -> None:
    """What was held and not taken does not count for the day's limit any more, on that day."""
    made_on: date = business_date(row.made_us)
    if less_minor and made_on == act.today:
        account = tables.blob(account_of(row.payer_id, row.currency))
        act.tx.put(tables.TAKE_USAGE_BACK, id_=account, day_=made_on.isoformat(), less_=less_minor)
