"""Paying: topping a wallet up, taking money out of it, paying somebody, giving money back."""

from __future__ import annotations

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.ledger import Transfer, chart, create_transfers, lookup_transfers
from puhui.party import check_actor, take_party
from puhui.payment.desk.lists import figures
from puhui.payment.desk.number import named
from puhui.payment.desk.post import account_of, hold_wallets, is_number, post_one
from puhui.payment.desk.wallet import STAFF, admit, own_account, take_wallet
from puhui.payment.nouns.pay import Paid, Pay, Refund, TopUp, Withdraw
from puhui.payment.rules import wallet as rules
from puhui.payment.rules.batch import CLOSED, POSTED, REASON_CODES, code_of
from puhui.payment.tables import payment
from puhui.payment.tables.wallet import blob

PAYING = ("customer", *STAFF)


def move(act: Act, transfer: Transfer, *, not_found: dict[str, str] | None = None) -> None:
    """Create one transfer or refuse in the words of payment.

    ``not_found`` gives other codes for statuses of the ledger that mean something else here.
    Refused: the codes of ``rules.batch.REASON_CODES``.
    """
    (status,) = create_transfers(act, [transfer], are_new=True)
    code = (not_found or {}).get(status.value) or code_of(status.value)
    if code != POSTED:
        raise Refused(code, REASON_CODES[code])


def put_payment(act: Act, number: int, **told: object) -> None:
    """Write the row of one payment; what is not given is empty."""
    row: dict[str, object] = {
        "number": blob(number),
        "payment_id": f"{number:032x}",
        "payer_id": "",
        "payee_id": "",
        "purpose": "",
        "remark": "",
        "original_id": None,
    }
    act.tx.put(payment.INSERT_PAYMENT, **(row | told))


def check_remark(text: str) -> str:
    """Words of a payment, trimmed. Refused: ``payment.bad_text``."""
    found = text.strip()
    if len(found) > figures("text").remark_length_max:
        raise Refused("payment.bad_text", REASON_CODES["payment.bad_text"])
    return found


@use_case("payment.top_up", roles=STAFF, api=True)
def top_up(act: Act, input: TopUp) -> Paid:
    """Put money that came in from outside into a party's wallet, out of the funding account.

    Refused: ``payment.bad_amount``, ``payment.bad_text``, ``payment.tier_balance``,
    ``payment.wallet_closed``, ``payment.no_payee_wallet``, ``payment.books_not_open``,
    ``party.unknown``, ``party.erased``.
    """
    rules.check_amount(input.amount_minor)
    remark = check_remark(input.reference)
    party = take_party(act, input.party_id)
    admit(act.tx, party.id, input.currency, input.amount_minor)
    number = act.new_number()
    move(
        act,
        Transfer(
            number,
            own_account("funding", input.currency),
            account_of(party.id, input.currency),
            input.amount_minor,
            input.currency,
            chart().transfer("deposit"),
            user_data_128=number,
        ),
        not_found={"debit_account_not_found": "payment.books_not_open"},
    )
    put_payment(act, number, payee_id=party.id, remark=remark)
    _tell(act, "payment.topped_up", party.id, number, input.amount_minor, input.currency)
    return Paid(f"{number:032x}", input.amount_minor, input.currency)


@use_case("payment.withdraw", roles=PAYING, api=True)
def withdraw(act: Act, input: Withdraw) -> Paid:
    """Take money out of a wallet for its holder's bank account, into the funding account.

    Refused: ``payment.bad_amount``, ``payment.bad_text``, ``payment.wallet_closed``,
    ``payment.wallet_short``, ``payment.no_payer_wallet``, ``payment.books_not_open``,
    ``party.not_yours``, ``party.unknown``, ``party.erased``.
    """
    rules.check_amount(input.amount_minor)
    remark = check_remark(input.reference)
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    party = take_party(act, input.party_id)
    rules.check_open(take_wallet(act.tx, party.id, input.currency))
    number = act.new_number()
    move(
        act,
        Transfer(
            number,
            account_of(party.id, input.currency),
            own_account("funding", input.currency),
            input.amount_minor,
            input.currency,
            chart().transfer("withdrawal"),
            user_data_128=number,
        ),
        not_found={"credit_account_not_found": "payment.books_not_open"},
    )
    put_payment(act, number, payer_id=party.id, remark=remark)
    _tell(act, "payment.withdrawn", party.id, number, input.amount_minor, input.currency)
    return Paid(f"{number:032x}", input.amount_minor, input.currency)


def _tell(
    act: Act, name: str, subject: str, number: int, amount_minor: int, currency: str, **more: str
) -> None:
    payload = {"id": f"{number:032x}", "amount_minor": amount_minor, "currency": currency}
    act.emit(name, subject, payload | more)


@use_case("payment.pay", roles=PAYING, api=True)
def pay(act: Act, input: Pay) -> Paid:
    """Pay from a party's wallet to another party's, or to a wallet by its account or its number.

    The same ``payment_id`` of one payer is one payment, whatever act it comes in. Refused:
    ``payment.bad_amount``, ``payment.bad_text``, ``payment.no_payer_wallet``,
    ``payment.no_payee_wallet``, ``payment.not_a_wallet``, ``payment.other_currency``,
    ``payment.same_wallet``, ``payment.single_limit``, ``payment.daily_limit``,
    ``payment.tier_balance``, ``payment.wallet_closed``, ``payment.wallet_short``,
    ``payment.id_reused``, ``payment.id_failed``, ``payment.no_such_wallet``,
    ``payment.wallet_number_shared``, ``party.not_yours``.
    """
    check_actor(act.tx, act.actor, acts_for=input.payer_id)
    return pay_and_tell(
        act,
        payer_id=input.payer_id,
        payee=named(act.tx, input.payee),
        amount_minor=input.amount_minor,
        currency=input.currency,
        purpose=input.purpose.strip(),
        remark=input.remark.strip(),
        payment_id=input.payment_id,
    )


def pay_and_tell(
    act: Act, *, payer_id: str, payee: str, amount_minor: int, currency: str, purpose: str = "",
    remark: str = "", payment_id: str = "",
) -> Paid:  # fmt: skip
    """Post one payment inside an act and emit ``payment.paid``; ``pay`` says what is refused."""
    number, is_repeat = post_one(
        act,
        payer_id=payer_id,
        payee=payee,
        amount_minor=amount_minor,
        currency=currency,
        purpose=purpose,
        remark=remark,
        payment_id=payment_id,
    )
    if not is_repeat:
        _tell(act, "payment.paid", payer_id, number, amount_minor, currency, payee=payee)
    return Paid(f"{number:032x}", amount_minor, currency, is_repeat)


def find_payment(act: Act, id: str) -> tuple[Transfer, Row]:
    """A payment's transfer and what it was for. Refused: ``payment.unknown``."""
    found = lookup_transfers(act.tx, [int(id, 16)])[0] if is_number(id) else None
    row = None
    if found is not None and found.user_data_128:
        rows = act.tx.all(payment.READ_PAYMENTS, numbers=[blob(found.user_data_128)])
        row = rows[0] if rows else None
    if found is None or row is None:
        raise Refused("payment.unknown", f"There is no payment {id[:40]}.")
    return found, row


def _left_of(act: Act, paid: Transfer) -> int:
    """What of a payment was not given back yet, in minor units; locked until the act ends."""
    key = blob(paid.id)
    act.tx.put(payment.PUT_REFUND, id=key, amount_minor=paid.amount_minor, refunded_minor=0)
    row = act.tx.one(payment.LOCK_REFUND, id=key)
    assert row is not None, paid
    return int(row.amount_minor - row.refunded_minor)


@use_case("payment.refund", roles=PAYING, api=True)
def refund(act: Act, input: Refund) -> Paid:
    """Give a payment back to its payer, all of what is left of it or a part.

    The payee asks for it. All refunds of a payment together never pass its amount. The payer's
    balance limit does not stand against it. Refused: ``payment.unknown``,
    ``payment.not_refundable`` for anything but a posted payment, ``payment.over_refund``,
    ``payment.bad_amount``, ``payment.bad_text``, ``payment.wallet_closed``,
    ``payment.wallet_short``, ``party.not_yours``.
    """
    paid, row = find_payment(act, input.id)
    check_actor(act.tx, act.actor, acts_for=row.payee_id)
    if paid.code != chart().transfer("payment") or paid.flags & (Transfer.PENDING | Transfer.VOID):
        raise Refused("payment.not_refundable", "Only a payment that was made is given back.")
    remark = check_remark(input.remark)
    # What a promise paid came out of the promise's own account: it goes back to its payer.
    payer_account = account_of(row.payer_id, paid.ledger)
    if hold_wallets(act, (blob(payer_account), blob(paid.credit_account_id))).closed:
        raise Refused(CLOSED, REASON_CODES[CLOSED])
    left_minor = _left_of(act, paid)
    amount_minor = input.amount_minor or left_minor
    if amount_minor > left_minor or left_minor == 0:
        raise Refused("payment.over_refund", "No more is given back than was paid.")
    rules.check_amount(amount_minor)
    number = act.new_number()
    move(
        act,
        Transfer(
            number,
            paid.credit_account_id,
            payer_account,
            amount_minor,
            paid.ledger,
            chart().transfer("refund"),
            user_data_128=number,
        ),
    )
    act.tx.put(payment.ADD_REFUND, id_=blob(paid.id), more_=amount_minor)
    put_payment(
        act,
        number,
        payer_id=row.payee_id,
        payee_id=row.payer_id,
        remark=remark,
        original_id=blob(paid.id),
    )
    _tell(
        act, "payment.refunded", row.payer_id, number, amount_minor, paid.ledger, original=input.id
    )
    return Paid(f"{number:032x}", amount_minor, paid.ledger)
