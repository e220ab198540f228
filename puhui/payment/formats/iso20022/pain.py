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

    The whole file is read before the first comes out: nothing comes out of one that is not
    well-formed, not built like its message, counts or sums otherwise, or repeats a PmtInfId. A
    payment that cannot be taken is a ``RefusedLine``, and the others go on. ``on`` is the day of
    paying: payments asked for a later day are refused. The id of a payment is its EndToEndId, its
    InstrId where that says NOTPROVIDED, else the ids of message and order with its number.

    Refused: those of ``read_elements``, ``payment.message_sums``, ``payment.message_duplicate``.
    As data: ``payment.message_value``, ``payment.message_lacking``, ``payment.message_duplicate``,
    ``payment.message_early``, ``payment.message_method``.
    """
    reading = _Reading(on)
    for element, outer in read_elements(pieces_of(source), PAIN001, _UNITS):
        if not outer:
            reading.end(element.children[0])
        elif element.name == "PmtInf":
            reading.end_order(element)
        else:
            reading.take(element, body=outer[1], order=outer[-1])
    yield from reading.lines


class _Reading:
    """What was read so far: lines, amounts as the control sums count them, and ids."""

    def __init__(self, on: date | None) -> None:
        self.lines: list[PaymentLine | RefusedLine] = []
        self._on = on
        self._ids, self._order_ids = Seen(), Seen()
        self._amounts: list[Decimal] = []
        self._started = 0
        self._is_summed = True
        self._head: tuple[Element, PaymentOrder] | None = None

    def take(self, element: Element, *, body: Element, order: Element) -> None:
        """One payment: a line, or a refused one."""
        self._is_summed &= not element.faults
        try:
            self._amounts.append(amount_of(element))
        except InvalidOperation:
            self._amounts.append(Decimal(0))
            self._is_summed = False
        payment_id = _payment_id(element, order, body, len(self._amounts))
        try:
            self._ids.check("the id", payment_id, element.line)
            checked(element)
            self.lines.append(_line(element, self._order_of(order), payment_id, self._on))
        except Refused as refused:
            self.lines.append(RefusedLine(element.line, payment_id, refused.code, refused.reason))

    def _order_of(self, order: Element) -> PaymentOrder:
        """What the order around a payment says; it is complete before its first payment."""
        if self._head is None or self._head[0] is not order:
            self._head = order, read_noun(ORDER, checked(order), {"transfers": ()})
        return self._head[1]

    def end_order(self, order: Element) -> None:
        """An order is complete: its id, count and sum."""
        self._order_ids.check("PmtInfId", order.text_at("PmtInfId"), order.line)
        amounts = self._amounts[self._started :]
        check_sums(order, amounts, count=len(amounts), is_summed=self._is_summed)
        self._started = len(self._amounts)

    def end(self, body: Element) -> None:
        """The message is complete: its count and sum."""
        head = body.find("GrpHdr")
        assert head is not None, body.name
        count = len(self._amounts)
        check_sums(head, self._amounts, count=count, is_summed=self._is_summed)


def _payment_id(element: Element, order: Element, body: Element, number: int) -> str:
    end_to_end_id = element.text_at("PmtId/EndToEndId")
    if end_to_end_id and end_to_end_id != _NOT_PROVIDED:
        return end_to_end_id
    given = element.text_at("PmtId/InstrId")
    whole = f"{body.text_at('GrpHdr/MsgId')}/{order.text_at('PmtInfId')}/{number}"
    return given or whole


def _line(element: Element, head: PaymentOrder, payment_id: str, on: date | None) -> PaymentLine:
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
