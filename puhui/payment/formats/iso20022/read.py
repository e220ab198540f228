"""Reading whole messages: their nouns, their sums and counts, and ids that may not come twice."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from puhui.kernel.errors import Refused
from puhui.payment.formats.iso20022.messages import (
    BANK_TRANSFER,
    BANK_TRANSFERS,
    CREDIT_TRANSFER,
    CREDIT_TRANSFERS,
    ENTRY,
    INITIATION,
    NOTICE,
    NOTICES,
    ORDER,
    ORDERED,
    STATEMENT,
    STATEMENTS,
    STATUS,
    STATUSES,
)
from puhui.payment.formats.iso20022.parser import Element, pieces_of, read_elements
from puhui.payment.formats.iso20022.shape import Shape, read_noun
from puhui.payment.nouns.message import (
    AccountStatement,
    BankTransferMessage,
    CreditTransferMessage,
    InitiationMessage,
    PaymentOrder,
    StatementMessage,
    StatusMessage,
)

PACS008 = ("pacs.008.001.08",)
PACS009 = ("pacs.009.001.08",)
PACS002 = ("pacs.002.001.10",)
PAIN001 = ("pain.001.001.09", "pain.001.001.03")
CAMT053 = ("camt.053.001.08", "camt.053.001.02")
CAMT054 = ("camt.054.001.08",)
"""The versions that are read; the first is written."""

_TRANSFER = "CdtTrfTxInf"


class Seen:
    """Ids that came, and the lines where they came first."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], int] = {}

    def check(self, what: str, text: str, line: int) -> None:
        """Take an id in. Refused: ``payment.message_duplicate`` when it was there before."""
        if not text:
            return
        first = self._lines.get((what, text))
        self._lines[what, text] = line if first is None else first
        if first is not None:
            raise Refused(
                "payment.message_duplicate",
                f"Line {line}: {what} {text!r} stands at line {first} already.",
            )


def checked(element: Element) -> Element:
    """The unit, if none of its texts is wrong. Refused: ``payment.message_value``."""
    if element.faults:
        raise element.faults[0]
    return element


def check_sums(
    told: Element, amounts: Iterable[Decimal], *, count: int, is_summed: bool = True
) -> None:
    """Whether a head counts and sums what follows it (NbOfTxs, CtrlSum), where it says so.

    ``is_summed`` is false where an amount could not be read. Refused: ``payment.message_sums``.
    """
    number = told.find("NbOfTxs")
    if number is not None and int(number.text) != count:
        raise Refused(
            "payment.message_sums",
            f"Line {number.line}: NbOfTxs says {number.text}, there are {count}.",
        )
    control = told.find("CtrlSum")
    total = sum(amounts, Decimal(0))
    if control is not None and is_summed and Decimal(control.text) != total:
        raise Refused(
            "payment.message_sums",
            f"Line {control.line}: CtrlSum says {control.text}, the amounts sum to {total:f}.",
        )


def _head(body: Element) -> Element:
    found = body.find("GrpHdr")
    assert found is not None, body.name
    return found


def _read_transfers(
    source: Path | bytes, messages: tuple[str, ...], unit: Shape, whole: Shape
) -> object:
    seen, transfers, amounts = Seen(), [], []
    body = Element("")
    for element, outer in read_elements(pieces_of(source), messages, frozenset({_TRANSFER})):
        if not outer:
            body = element.children[0]
            continue
        checked(element)
        for path in ("UETR", "TxId", "InstrId"):
            seen.check(path, element.text_at(f"PmtId/{path}"), element.line)
        transfers.append(read_noun(unit, element))
        amounts.append(Decimal(element.text_at("IntrBkSttlmAmt")))
    head = _head(body)
    check_sums(head, amounts, count=len(transfers))
    total = head.find("TtlIntrBkSttlmAmt")
    if total is not None:
        currencies = {one.amount.currency for one in transfers}
        if currencies != {total.currency} or Decimal(total.text) != sum(amounts):
            raise Refused(
                "payment.message_sums",
                f"Line {total.line}: the amounts do not sum to {total.text} {total.currency}.",
            )
    return read_noun(whole, body, {"transfers": tuple(transfers)})


def read_pacs008(source: Path | bytes) -> CreditTransferMessage:
    """Credit transfers of customers between banks (pacs.008.001.08).

    Refused, each with its line: those of ``read_elements``, ``payment.message_duplicate``,
    ``payment.message_sums``, ``payment.message_lacking``.
    """
    found = _read_transfers(source, PACS008, CREDIT_TRANSFER, CREDIT_TRANSFERS)
    assert isinstance(found, CreditTransferMessage), found
    return found


def read_pacs009(source: Path | bytes) -> BankTransferMessage:
    """Credit transfers of banks (pacs.009.001.08); refused as ``read_pacs008`` does."""
    found = _read_transfers(source, PACS009, BANK_TRANSFER, BANK_TRANSFERS)
    assert isinstance(found, BankTransferMessage), found
    return found


def read_pacs002(source: Path | bytes) -> StatusMessage:
    """What became of payments (pacs.002.001.10); refused as ``read_pacs008`` does."""
    seen, statuses = Seen(), []
    body = Element("")
    for element, outer in read_elements(pieces_of(source), PACS002, frozenset({"TxInfAndSts"})):
        if not outer:
            body = element.children[0]
            continue
        checked(element)
        seen.check("StsId", element.text_at("StsId"), element.line)
        statuses.append(read_noun(STATUS, element))
    found = read_noun(STATUSES, body, {"statuses": tuple(statuses)})
    assert isinstance(found, StatusMessage), found
    return found


def read_initiation(source: Path | bytes) -> InitiationMessage:
    """Payments that a customer orders (pain.001.001.09 and .03), whole or not at all.

    Refused as ``read_pacs008`` does; ``read_pain001`` refuses payments one by one instead.
    """
    seen = Seen()
    orders: list[PaymentOrder] = []
    transfers: list[object] = []
    amounts: list[Decimal] = []
    body = Element("")
    started = 0
    units = frozenset({_TRANSFER, "PmtInf"})
    for element, outer in read_elements(pieces_of(source), PAIN001, units):
        if not outer:
            body = element.children[0]
            continue
        checked(element)
        if element.name == "PmtInf":
            seen.check("PmtInfId", element.text_at("PmtInfId"), element.line)
            check_sums(element, amounts[started:], count=len(amounts) - started)
            orders.append(read_noun(ORDER, element, {"transfers": tuple(transfers)}))
            transfers, started = [], len(amounts)
            continue
        for path in ("UETR", "InstrId"):
            seen.check(path, element.text_at(f"PmtId/{path}"), element.line)
        transfers.append(read_noun(ORDERED, element))
        amounts.append(amount_of(element))
    check_sums(_head(body), amounts, count=len(amounts))
    found = read_noun(INITIATION, body, {"orders": tuple(orders)})
    assert isinstance(found, InitiationMessage), found
    return found


def amount_of(element: Element) -> Decimal:
    """The amount of a payment that a customer orders, as the control sum counts it."""
    return Decimal(element.text_at("Amt/InstdAmt") or element.text_at("Amt/EqvtAmt/Amt"))


def read_camt053(source: Path | bytes) -> StatementMessage:
    """Statements of accounts (camt.053.001.08 and .02); refused as ``read_pacs008`` does."""
    return _read_statements(source, CAMT053, "Stmt", STATEMENT, STATEMENTS)


def read_camt054(source: Path | bytes) -> StatementMessage:
    """Notices of debits and credits (camt.054.001.08); refused as ``read_pacs008`` does."""
    return _read_statements(source, CAMT054, "Ntfctn", NOTICE, NOTICES)


def _read_statements(
    source: Path | bytes, messages: tuple[str, ...], name: str, one: Shape, whole: Shape
) -> StatementMessage:
    seen = Seen()
    statements: list[AccountStatement] = []
    entries: list[object] = []
    body = Element("")
    for element, outer in read_elements(pieces_of(source), messages, frozenset({"Ntry", name})):
        if not outer:
            body = element.children[0]
            continue
        checked(element)
        if element.name == name:
            seen.check("Id", element.text_at("Id"), element.line)
            statements.append(read_noun(one, element, {"entries": tuple(entries)}))
            entries = []
        else:
            entries.append(read_noun(ENTRY, element))
    found = read_noun(whole, body, {"statements": tuple(statements)})
    assert isinstance(found, StatementMessage), found
    return found
