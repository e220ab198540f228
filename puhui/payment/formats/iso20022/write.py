"""Writing messages: elements in the order of their structure, held to it before they leave.

What is written is read again by our own reader, so nothing leaves that it would refuse; the
refusals are the same, with lines of the text that would have been written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from puhui.kernel.errors import Refused
from puhui.payment.formats.iso20022.messages import (
    BANK_TRANSFERS,
    CREDIT_TRANSFERS,
    INITIATION,
    NOTICES,
    STATEMENTS,
    STATUSES,
)
from puhui.payment.formats.iso20022.parser import Element
from puhui.payment.formats.iso20022.read import (
    CAMT053,
    CAMT054,
    PACS002,
    PACS008,
    PACS009,
    PAIN001,
    read_camt053,
    read_camt054,
    read_initiation,
    read_pacs002,
    read_pacs008,
    read_pacs009,
)
from puhui.payment.formats.iso20022.shape import Shape, add_noun
from puhui.payment.formats.iso20022.structure import Branch, Leaf, Structure, structure_of
from puhui.payment.nouns.message import (
    AccountStatement,
    BankTransferMessage,
    CreditTransferMessage,
    InitiationMessage,
    StatementMessage,
    StatusMessage,
)

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"})


def write_pacs008(message: CreditTransferMessage) -> bytes:
    """Credit transfers of customers as pacs.008.001.08. Refused: as ``read_pacs008`` does."""
    body = _body("FIToFICstmrCdtTrf", CREDIT_TRANSFERS, message, len(message.transfers))
    return _checked(_text(PACS008[0], body), read_pacs008, message)


def write_pacs009(message: BankTransferMessage) -> bytes:
    """Credit transfers of banks as pacs.009.001.08. Refused: as ``read_pacs009`` does."""
    body = _body("FICdtTrf", BANK_TRANSFERS, message, len(message.transfers))
    return _checked(_text(PACS009[0], body), read_pacs009, message)


def write_pacs002(message: StatusMessage) -> bytes:
    """What became of payments as pacs.002.001.10. Refused: as ``read_pacs002`` does."""
    body = _body("FIToFIPmtStsRpt", STATUSES, message)
    return _checked(_text(PACS002[0], body), read_pacs002, message)


def write_pain001(message: InitiationMessage) -> bytes:
    """Payments that a customer orders as pain.001.001.09. Refused: as ``read_initiation`` does."""
    count = sum(len(order.transfers) for order in message.orders)
    body = _body("CstmrCdtTrfInitn", INITIATION, message, count)
    return _checked(_text(PAIN001[0], body), read_initiation, message)


def write_camt053(message: StatementMessage) -> bytes:
    """Statements of accounts as camt.053.001.08.

    Refused: as ``read_camt053`` does, and ``payment.message_sums`` where the booked entries do
    not lead from the opening balance to the closing one.
    """
    for statement in message.statements:
        _check_balances(statement)
    body = _body("BkToCstmrStmt", STATEMENTS, message)
    return _checked(_text(CAMT053[0], body), read_camt053, message)


def write_camt054(message: StatementMessage) -> bytes:
    """Notices of debits and credits as camt.054.001.08. Refused: as ``read_camt054`` does."""
    body = _body("BkToCstmrDbtCdtNtfctn", NOTICES, message)
    return _checked(_text(CAMT054[0], body), read_camt054, message)


def _check_balances(statement: AccountStatement) -> None:
    found = {one.code: one for one in statement.balances}
    opening, closing = found.get("OPBD"), found.get("CLBD")
    if opening is None or closing is None:
        return
    currencies = {opening.amount.currency, closing.amount.currency}
    currencies |= {entry.amount.currency for entry in statement.entries}
    booked = [entry for entry in statement.entries if entry.status == "BOOK"]
    expected = _signed(opening.amount.minor, opening.is_credit) + sum(
        _signed(entry.amount.minor, entry.is_credit) for entry in booked
    )
    is_sound = expected == _signed(closing.amount.minor, closing.is_credit)
    if len(currencies) > 1 or not is_sound:
        raise Refused(
            "payment.message_sums",
            f"The entries of statement {statement.statement_id} do not lead from its opening "
            "balance to its closing one.",
        )


def _signed(minor: int, is_credit: bool) -> int:
    return minor if is_credit else -minor


def _body(name: str, shape: Shape, message: object, count: int | None = None) -> Element:
    body = Element(name)
    add_noun(shape, message, body)
    head = body.find("GrpHdr")
    assert head is not None, name
    if count is not None:
        head.children.append(Element("NbOfTxs", text=str(count)))
    return body


def _checked(text: bytes, read: object, message: object) -> bytes:
    assert callable(read), read
    again = read(text)
    if again != message:
        raise Refused(
            "payment.message_value", "The message would not say what it should: nothing is written."
        )
    return text


def _text(message: str, body: Element) -> bytes:
    structure = structure_of(message)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<Document xmlns="{structure.namespace}">',
    ]
    (root,) = (step for step in _steps(structure, "Document") if step[0] == body.name)
    _write(structure, root[1], body, 1, lines)
    lines.append("</Document>\n")
    return "\n".join(lines).encode("utf-8")


def _steps(structure: Structure, type_name: str) -> Sequence[tuple[str, str]]:
    type = structure.types[type_name]
    assert isinstance(type, Branch), type_name
    return [(step.name, step.type) for step in type.steps]


def _write(
    structure: Structure, type_name: str, element: Element, depth: int, lines: list[str]
) -> None:
    type = structure.types[type_name]
    name, indent = element.name, "  " * depth
    if isinstance(type, Leaf):
        carried = f' Ccy="{_escaped(element.currency)}"' if type.currency else ""
        lines.append(f"{indent}<{name}{carried}>{_escaped(element.text)}</{name}>")
        return
    lines.append(f"{indent}<{name}>")
    for child in sorted(element.children, key=lambda one: type.places[one.name]):
        _write(structure, type.steps[type.places[child.name]].type, child, depth + 1, lines)
    lines.append(f"{indent}</{name}>")


def _escaped(text: str) -> str:
    found = _FORBIDDEN.search(text)
    if found:
        raise Refused(
            "payment.message_value",
            f"{text[:40]!r} has a character that no message can carry (U+{ord(found[0]):04X}).",
        )
    return text.translate(_ESCAPES)
