"""Reading a file of payments that a customer orders (pain.001), refusing them one by one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS, MINOR_MAX
from puhui.payment.formats.iso20022.messages import ORDER, ORDERED
from puhui.payment.formats.iso20022.parser import Element, pieces_of, read_elements
from puhui.payment.formats.iso20022.read import PAIN001, Seen, amount_of, check_sums, checked
from puhui.payment.formats.iso20022.shape import read_noun
from puhui.payment.nouns.line import PaymentLine, RefusedLine
from puhui.payment.nouns.message import (
    AccountNumber,
    MessageParty,
    OrderedTransfer,
    PaymentOrder,
)

_UNITS = frozenset({"CdtTrfTxInf", "PmtInf"})
_NOT_PROVIDED = "NOTPROVIDED"


def read_pain001(
    source: Path | bytes, *, on: date | None = None
) -> Iterator[PaymentLine | RefusedLine]:
    """The payments of a pain.001.001.09 or .03 file, one by one, each with its line.

    The whole file is read through first: nothing comes out of one that is not well-formed, not
    built like its message, counts or sums otherwise, or repeats a PmtInfId. After that, a payment
    that cannot be taken is a ``RefusedLine``, and the others go on. ``on`` is the day of paying:
    payments asked for a later day are refused. The id of a payment is its EndToEndId, its InstrId
    where that says NOTPROVIDED, else the ids of message and order with its number.

    Refused: those of ``read_elements``, ``payment.message_sums``, ``payment.message_duplicate``.
    As data: ``payment.message_value``, ``payment.message_lacking``, ``payment.message_duplicate``,
    ``payment.message_early``, ``payment.message_method``.
    """
    pieces: list[bytes] = []
    _read_through(source, pieces)
    seen = Seen()
    number = 0
    for element, outer in read_elements(pieces, PAIN001, _UNITS):
        if element.name != "CdtTrfTxInf":
            continue
        number += 1
        body, order = outer[1], outer[-1]
        payment_id = _payment_id(element, order, body, number)
        try:
            seen.check("the id", payment_id, element.line)
            yield _line(checked(element), checked(order), payment_id, on)
        except Refused as refused:
            yield RefusedLine(element.line, payment_id, refused.code, refused.reason)


def _read_through(source: Path | bytes, pieces: list[bytes]) -> None:
    """Read the whole file once, keep its bytes, and check what concerns it as a whole."""

    def kept() -> Iterator[bytes]:
        for piece in pieces_of(source):
            yield piece
            pieces.append(piece)

    seen = Seen()
    amounts: list[Decimal] = []
    started = 0
    is_summed = True
    for element, outer in read_elements(kept(), PAIN001, _UNITS):
        if not outer:
            head = element.children[0].find("GrpHdr")
            assert head is not None
            check_sums(head, amounts, count=len(amounts), is_summed=is_summed)
        elif element.name == "PmtInf":
            seen.check("PmtInfId", element.text_at("PmtInfId"), element.line)
            count = len(amounts) - started
            check_sums(element, amounts[started:], count=count, is_summed=is_summed)
            started = len(amounts)
        else:
            is_summed &= not element.faults
            try:
                amounts.append(amount_of(element))
            except InvalidOperation:
                amounts.append(Decimal(0))
                is_summed = False


def _payment_id(element: Element, order: Element, body: Element, number: int) -> str:
    end_to_end_id = element.text_at("PmtId/EndToEndId")
    if end_to_end_id and end_to_end_id != _NOT_PROVIDED:
        return end_to_end_id
    given = element.text_at("PmtId/InstrId")
    whole = f"{body.text_at('GrpHdr/MsgId')}/{order.text_at('PmtInfId')}/{number}"
    return given or whole


def _line(element: Element, order: Element, payment_id: str, on: date | None) -> PaymentLine:
    head: PaymentOrder = read_noun(ORDER, order, {"transfers": ()})
    told: OrderedTransfer = read_noun(ORDERED, element)
    where = f"Line {element.line}"
    if head.method != "TRF":
        raise Refused(
            "payment.message_method", f"{where}: PmtMtd {head.method} is not paid here, TRF is."
        )
    if on is not None and head.execute_on > on:
        raise Refused(
            "payment.message_early", f"{where}: it is to be paid on {head.execute_on}, not before."
        )
    minor, currency = told.amount.minor, told.amount.currency
    if currency not in DIGITS:
        raise Refused("payment.message_value", f"{where}: {currency} is not kept here.")
    if not 0 < minor < MINOR_MAX:
        raise Refused("payment.message_value", f"{where}: the amount is nought or too large.")
    return PaymentLine(
        line=element.line,
        payment_id=payment_id,
        payer=_known_by(head.debtor_account, head.debtor, f"{where}: the payer (DbtrAcct)"),
        payee=_known_by(told.creditor_account, told.creditor, f"{where}: the payee (CdtrAcct)"),
        amount_minor=minor,
        currency=currency,
        purpose=told.purpose or told.purpose_own,
        remark=" ".join((*told.remittance, told.reference)).strip(),
    )


def _known_by(number: AccountNumber, party: MessageParty, what: str) -> str:
    found = number.text or party.organisation_id or party.person_id
    if not found:
        raise Refused("payment.message_lacking", f"{what} has neither an account nor an id.")
    return found
