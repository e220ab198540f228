"""Codes to scan: a merchant's static and dynamic codes, and codes that payers show for a minute."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.party import check_actor, take_party
from puhui.payment.desk.level import code_figures, count_at_level, is_staff
from puhui.payment.desk.pay import PAYING, check_remark, pay_and_tell
from puhui.payment.formats.emv_qr import build_qr, merchant_of, parse_qr, payload_of
from puhui.payment.nouns.code import (
    CloseCode,
    Code,
    CodeCreated,
    CodeMoved,
    CodePaid,
    CodePresented,
    CollectCode,
    CreateCode,
    MerchantCode,
    PayByCode,
    PresentCode,
    RiskLevel,
)
from puhui.payment.nouns.pay import Paid
from puhui.payment.rules import code as rules
from puhui.payment.rules.wallet import check_amount, check_currency
from puhui.payment.tables import code as tables

TRIES = 8
MINUTE_US = 60_000_000


def shown_seconds() -> int:
    """How many seconds a code that a payer shows may be used."""
    return int(code_figures()["shown"]["seconds"])


@use_case("payment.create_code", roles=PAYING, api=True)
def create_code(act: Act, input: CreateCode) -> CodeCreated:
    """Make a merchant's code. Static ones are made by staff, who look at category and name.

    Refused: ``payment.code_kind``, ``payment.code_not_approved``, ``payment.code_category``,
    ``payment.code_amount``, ``payment.code_minutes``, ``payment.bad_amount``,
    ``payment.no_currency``, ``payment.code_malformed`` and ``payment.code_incomplete`` where
    names are missing or do not fit in a code,
    ``party.not_yours``, ``party.unknown``, ``party.erased``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    check_currency(input.currency)
    take_party(act, input.party_id)
    if input.kind == "static":
        told, expires_us = _static(act, input), 0
    elif input.kind == "dynamic":
        told, expires_us = _dynamic(act, input)
    else:
        raise Refused("payment.code_kind", "A merchant's code is static or dynamic.")
    if told.amount_minor is not None:
        check_amount(told.amount_minor)
    told = replace(told, digits=_free_digits(act))
    payload = build_qr(payload_of(told))
    merchant_of(parse_qr(payload))
    act.tx.put(
        tables.INSERT_CODE,
        digits=told.digits,
        party_id=input.party_id,
        kind=input.kind,
        category=told.category,
        currency=told.currency,
        name=told.name,
        name_local=told.name_local,
        city=told.city,
        city_local=told.city_local,
        amount_minor=told.amount_minor,
        reference=told.reference,
        status="open",
        made_us=act.now_us,
        expires_us=expires_us,
        payment="",
    )
    act.emit("payment.code_created", input.party_id, {"digits": told.digits, "kind": input.kind})
    return CodeCreated(told.digits, payload, expires_us)


def _static(act: Act, input: CreateCode) -> MerchantCode:
    if not is_staff(act):
        raise Refused("payment.code_not_approved", "Printed codes are made by staff.")
    if not re.fullmatch("[0-9]{4}", input.category, re.ASCII):
        raise Refused("payment.code_category", "A merchant's category has four digits.")
    if input.amount_minor is not None or input.minutes:
        raise Refused("payment.code_amount", "A static code has no amount and no end.")
    return _said(input, input.reference)


def _dynamic(act: Act, input: CreateCode) -> tuple[MerchantCode, int]:
    figures = code_figures()["dynamic"]
    minutes = input.minutes or figures["minutes_usual"]
    if not 0 < minutes <= figures["minutes_max"]:
        raise Refused("payment.code_minutes", "A dynamic code lasts a minute to a day.")
    if input.amount_minor is None:
        raise Refused("payment.code_amount", "A dynamic code has an amount.")
    found = [one for one in codes_of(act.tx, input.party_id) if one.kind == "static"]
    own = next((one for one in found if one.currency == input.currency), None)
    if own is None:
        raise Refused("payment.code_not_approved", "This merchant has no static code yet.")
    told = _said(own, input.reference, input.amount_minor)
    return told, act.now_us + minutes * MINUTE_US


def _said(told: CreateCode | Code, reference: str, amount_minor: int | None = None) -> MerchantCode:
    """What a code will say, without its digits; one with an amount is dynamic."""
    scheme = code_figures()["scheme"]
    return MerchantCode(
        scheme=scheme["identifier"],
        digits="",
        is_dynamic=amount_minor is not None,
        category=told.category,
        currency=told.currency,
        country=scheme["country"],
        name=told.name,
        city=told.city,
        amount_minor=amount_minor,
        reference=reference,
        language="zh" if told.name_local else "",
        name_local=told.name_local,
        city_local=told.city_local if told.name_local else "",
    )


def _free_digits(act: Act) -> str:
    """Digits that no code has yet; of 10^11 numbers a used one is met almost never."""
    for _ in range(TRIES):
        digits = rules.merchant_digits(act.new_number())
        if act.tx.one(tables.READ_CODE, digits=digits) is None:
            return digits
    raise Refused("payment.code_numbers", "No free number was found; please try again.")


@use_case("payment.close_code", roles=PAYING, api=True)
def close_code(act: Act, input: CloseCode) -> CodeMoved:
    """Take a merchant's code out of use. Refused: ``payment.code_digits``,
    ``payment.code_unknown``, ``payment.code_ended``, ``party.not_yours``.
    """
    row = _take_code(act, rules.check_digits(input.digits, length=rules.MERCHANT_DIGITS))
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    act.tx.put(tables.END_CODE, digits_=row.digits, status_="closed", payment_="")
    act.emit("payment.code_closed", row.party_id, {"digits": row.digits})
    return CodeMoved(row.digits, "closed")


def _take_code(act: Act, digits: str) -> Row:
    """An open code; a dynamic one locked, as it pays once.

    Refused: ``payment.code_unknown``, ``payment.code_ended``.
    """
    row = act.tx.one(tables.READ_CODE, digits=digits)
    if row is not None and row.kind == "dynamic":
        row = act.tx.one(tables.LOCK_CODE, digits=digits)
    if row is None:
        raise Refused("payment.code_unknown", f"There is no code {digits}.")
    if row.status != "open" or 0 < row.expires_us <= act.now_us:
        raise Refused("payment.code_ended", "This code takes no payments any more.")
    return row


@use_case("payment.pay_by_code", roles=PAYING, api=True)
def pay_by_code(act: Act, input: PayByCode) -> CodePaid:
    """Pay a merchant by what was scanned, or by the digits under the code.

    A dynamic code pays once. What a payer pays by codes of a level of risk in a day is bounded,
    beside the limits of the wallet. Refused: ``payment.code_malformed``,
    ``payment.code_checksum``, ``payment.code_incomplete``, ``payment.code_currency``,
    ``payment.code_foreign``, ``payment.code_digits``, ``payment.code_unknown``,
    ``payment.code_ended``, ``payment.code_altered``, ``payment.code_amount``,
    ``payment.code_factors``, ``payment.code_daily_limit``,
    ``payment.code_institution_limit``, and as ``payment.pay``: ``payment.bad_amount``,
    ``payment.bad_text``, ``payment.no_payer_wallet``, ``payment.no_payee_wallet``,
    ``payment.not_a_wallet``, ``payment.other_currency``, ``payment.same_wallet``,
    ``payment.single_limit``, ``payment.daily_limit``, ``payment.tier_balance``,
    ``payment.wallet_closed``, ``payment.wallet_short``, ``payment.id_reused``,
    ``payment.id_failed``, ``party.not_yours``.
    """
    check_actor(act.tx, act.actor, acts_for=input.payer_id)
    remark = check_remark(input.remark)
    text = input.code.strip()
    scanned = merchant_of(parse_qr(text)) if text.startswith("0002") else None
    if scanned is not None and scanned.scheme != code_figures()["scheme"]["identifier"]:
        raise Refused("payment.code_foreign", "This code is one of another payment system.")
    digits = text if scanned is None else scanned.digits
    row = _take_code(act, rules.check_digits(digits, length=rules.MERCHANT_DIGITS))
    if scanned is not None and (scanned.amount_minor, scanned.currency, scanned.category) != (
        row.amount_minor,
        row.currency,
        row.category,
    ):
        raise Refused("payment.code_altered", "The code was altered: do not pay by it.")
    amount_minor = input.amount_minor or row.amount_minor or 0
    if row.amount_minor not in (None, amount_minor):
        raise Refused("payment.code_amount", "The code asks for another amount.")
    check_amount(amount_minor)
    level = count_at_level(act, input.payer_id, row.currency, row.kind, input.factors, amount_minor)
    paid = pay_and_tell(
        act,
        payer_id=input.payer_id,
        payee=row.party_id,
        amount_minor=amount_minor,
        currency=row.currency,
        purpose=row.category,
        remark=remark or row.reference,
    )
    if row.kind == "dynamic":
        act.tx.put(tables.END_CODE, digits_=row.digits, status_="used", payment_=paid.id)
    return _told(paid, row.party_id, level)


def _told(paid: Paid, payee_id: str, level: RiskLevel) -> CodePaid:
    return CodePaid(paid.id, payee_id, paid.amount_minor, paid.currency, level.name)


def draw_shown_code() -> tuple[str, str]:
    """Secret digits for a payer to show, and their digest for ``payment.present_code``.

    Called before the act; the digits are shown to the payer and kept nowhere.
    """
    digits = rules.shown_digits(secrets.randbelow(rules.SHOWN_NUMBERS))
    return digits, rules.digest_of(digits)


@use_case("payment.present_code", roles=PAYING, api=True)
def present_code(act: Act, input: PresentCode) -> CodePresented:
    """Let a payer show a code for a minute; one shown before ends.

    Refused: ``payment.code_digest``, ``payment.no_currency``, ``party.not_yours``,
    ``party.unknown``, ``party.erased``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    check_currency(input.currency)
    take_party(act, input.party_id)
    digest = _digest(input.digest)
    if act.tx.one(tables.LOCK_SHOWN, digest=digest) is not None:
        raise Refused("payment.code_digest", "These digits were shown before.")
    act.tx.run(tables.REPLACE_SHOWN, party_id_=input.party_id, currency_=input.currency)
    expires_us = act.now_us + shown_seconds() * 1_000_000
    act.tx.put(
        tables.INSERT_SHOWN,
        digest=digest,
        party_id=input.party_id,
        currency=input.currency,
        status="open",
        made_us=act.now_us,
        expires_us=expires_us,
        payment="",
    )
    return CodePresented(expires_us)


def _digest(text: str) -> bytes:
    if not re.fullmatch("[0-9a-f]{64}", text, re.ASCII):
        raise Refused("payment.code_digest", "A digest is 64 small hexadecimal digits.")
    return bytes.fromhex(text)


def hash_digits(node: Node, input: CollectCode) -> CollectCode:
    """Put the digest in the place of the digits, before the act.

    Refused: ``payment.code_digits``.
    """
    if not input.digits:
        return input
    digits = rules.check_digits(input.digits, length=rules.SHOWN_DIGITS)
    return replace(input, digits="", digest=rules.digest_of(digits))


@use_case("payment.collect_code", roles=PAYING, api=True, prepare=hash_digits)
def collect_code(act: Act, input: CollectCode) -> CodePaid:
    """Take a payment by the code that a payer shows; it works once, for a minute.

    Refused: ``payment.code_digits``, ``payment.code_digest``, ``payment.code_unknown``,
    ``payment.code_ended``, ``payment.other_currency``, ``payment.code_factors``,
    ``payment.code_daily_limit``, ``payment.code_institution_limit``, and as ``payment.pay``:
    ``payment.bad_amount``, ``payment.bad_text``, ``payment.no_payer_wallet``,
    ``payment.no_payee_wallet``,
    ``payment.not_a_wallet``, ``payment.other_currency``, ``payment.same_wallet``,
    ``payment.single_limit``, ``payment.daily_limit``, ``payment.tier_balance``,
    ``payment.wallet_closed``, ``payment.wallet_short``, ``payment.id_reused``,
    ``payment.id_failed``, ``party.not_yours``.
    """
    check_actor(act.tx, act.actor, acts_for=input.payee_id)
    check_amount(input.amount_minor)
    remark = check_remark(input.remark)
    row = act.tx.one(tables.LOCK_SHOWN, digest=_digest(input.digest))
    if row is None:
        raise Refused("payment.code_unknown", "Nobody shows this code.")
    if row.status != "open" or row.expires_us <= act.now_us:
        raise Refused("payment.code_ended", "This code has ended: please ask for a new one.")
    if row.currency != input.currency:
        raise Refused("payment.other_currency", "The payer shows a code of another currency.")
    level = count_at_level(
        act, row.party_id, row.currency, "dynamic", input.factors, input.amount_minor
    )
    paid = pay_and_tell(
        act,
        payer_id=row.party_id,
        payee=input.payee_id,
        amount_minor=input.amount_minor,
        currency=row.currency,
        remark=remark,
    )
    act.tx.put(tables.USE_SHOWN, digest_=row.digest, payment_=paid.id)
    return _told(paid, input.payee_id, level)


def codes_of(tx: Transaction, party_id: str, *, count: int = 200) -> tuple[Code, ...]:
    """The open codes of a merchant, the newest first."""
    return tuple(Code(*row) for row in tx.all(tables.READ_CODES_OF, party_id=party_id, count=count))


def code_of(tx: Transaction, digits: str) -> Code:
    """A code by its digits. Refused: ``payment.code_digits``, ``payment.code_unknown``."""
    found = rules.check_digits(digits, length=rules.MERCHANT_DIGITS)
    row = tx.one(tables.READ_CODE, digits=found)
    if row is None:
        raise Refused("payment.code_unknown", f"There is no code {found}.")
    return Code(*row)


def payload_text(code: Code) -> str:
    """What the picture of a code says."""
    told = _said(code, code.reference, code.amount_minor)
    return build_qr(payload_of(replace(told, digits=code.digits)))
