"""A file of payments written as an order of a customer (pain.001), to be paid here or elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path

from puhui.kernel.errors import Refused
from puhui.payment.desk.post import account_of, is_number
from puhui.payment.formats.csv_file import read_csv
from puhui.payment.formats.iso20022 import read_pain001, write_pain001
from puhui.payment.nouns.line import PaymentLine, RefusedLine
from puhui.payment.nouns.message import (
    AccountNumber,
    Agent,
    InitiationMessage,
    MessageAmount,
    MessageParty,
    OrderedTransfer,
    PaymentOrder,
)

ORDERED_MAX = 100_000
"""The most payments of one message: it is built in memory and read back before it leaves."""

LENGTHS = {"payment_id": 35, "payer": 34, "payee": 34, "purpose": 35, "remark": 140}
"""How long what a row says may be in a message (Max35Text, Max34Text, Max140Text of the schema)."""

_AGENT = Agent(other_id="NOTPROVIDED")


@dataclass(frozen=True, slots=True)
class OrderWritten:
    """A pain.001 as text, its id, how many payments it orders, and the rows that it cannot say."""

    text: bytes
    message_id: str
    payments: int
    refused: tuple[RefusedLine, ...]


def write_orders(
    path: Path, *, initiator: str, execute_on: date, created: datetime, encoding: str = ""
) -> OrderWritten:
    """The payments of a CSV file as pain.001.001.09, one PmtInf for each run of rows of one payer.

    Party ids are longer than the message allows, so their wallets' numbers stand for them; other
    names stand as they are. Rows that a message cannot say are told, and the others go on; what is
    written is read back and held against the rows before it leaves. The message's id comes from
    what stands in it. Refused: those of ``read_csv`` and of the writer, ``payment.no_rows`` where
    no row is left, ``payment.too_many_rows``.
    """
    lines: list[PaymentLine] = []
    refused: list[RefusedLine] = []
    for line in read_csv(path, encoding=encoding):
        told = line if isinstance(line, RefusedLine) else _said(line)
        (refused if isinstance(told, RefusedLine) else lines).append(told)  # type: ignore[arg-type]
        if len(lines) > ORDERED_MAX:
            raise Refused("payment.too_many_rows", f"A message orders {ORDERED_MAX:,} at most.")
    if not lines:
        raise Refused("payment.no_rows", "No row of the file can be ordered.")
    lines = list(_once(lines, refused))
    message_id = f"puhui-{_digest(lines, execute_on)[:28]}"
    message = InitiationMessage(
        message_id=message_id,
        created=created,
        initiator=MessageParty(name=initiator),
        orders=tuple(_orders(lines, message_id, execute_on)),
    )
    text = write_pain001(message)
    _check_read_back(text, lines)
    refused.sort(key=lambda one: one.line)
    return OrderWritten(text, message_id, len(lines), tuple(refused))


def _said(line: PaymentLine) -> PaymentLine | RefusedLine:
    """A row as a message can say it, or why it cannot."""
    ends = [_number(end, line.currency) for end in (line.payer, line.payee)]
    told = PaymentLine(
        line.line, line.payment_id, ends[0], ends[1], line.amount_minor, line.currency,
        line.purpose, " ".join(line.remark.split()),
    )  # fmt: skip
    for name, most in LENGTHS.items():
        if len(getattr(told, name)) > most:
            reason = f"In a message {name} has {most} characters at most."
            return RefusedLine(line.line, line.payment_id, "payment.bad_text", reason)
    return told


def _number(name: str, currency: str) -> str:
    """Whom a row names, as a message does: a party by its wallet, anybody else as the row does."""
    if name.startswith("party-"):
        return f"{account_of(name, currency):032x}"
    return name.lower() if is_number(name.lower()) else name


def _once(lines: Sequence[PaymentLine], refused: list[RefusedLine]) -> Iterator[PaymentLine]:
    """The rows whose id did not come before: a message names each payment once."""
    seen: set[str] = set()
    for line in lines:
        if line.payment_id in seen:
            reason = "A row before has this payment id."
            refused.append(
                RefusedLine(line.line, line.payment_id, "payment.message_duplicate", reason)
            )
            continue
        seen.add(line.payment_id)
        yield line


def _digest(lines: Sequence[PaymentLine], execute_on: date) -> str:
    digest = hashlib.blake2b(execute_on.isoformat().encode(), digest_size=16)
    for line in lines:
        digest.update("\x1f".join((line.payment_id, line.payer, line.payee)).encode())
        digest.update(f"\x1f{line.amount_minor} {line.currency}\x1e".encode())
    return digest.hexdigest()


def _orders(
    lines: Sequence[PaymentLine], message_id: str, execute_on: date
) -> Iterator[PaymentOrder]:
    for at, (payer, some) in enumerate(groupby(lines, key=lambda one: one.payer), start=1):
        yield PaymentOrder(
            order_id=f"{message_id[:28]}-{at}",
            execute_on=execute_on,
            debtor=MessageParty(name=payer),
            debtor_account=AccountNumber(other_id=payer),
            debtor_agent=_AGENT,
            transfers=tuple(
                OrderedTransfer(
                    end_to_end_id=line.payment_id,
                    amount=MessageAmount(line.amount_minor, line.currency),
                    purpose_own=line.purpose,
                    creditor=MessageParty(name=line.payee),
                    creditor_account=AccountNumber(other_id=line.payee),
                    remittance=(line.remark,) if line.remark else (),
                )
                for line in some
            ),
        )


def _check_read_back(text: bytes, lines: Sequence[PaymentLine]) -> None:
    """Hold what a reader finds against the rows. Refused: ``payment.message_value``."""
    fields = [name for name in PaymentLine.__slots__ if name != "line"]
    again = [tuple(getattr(one, name, "") for name in fields) for one in read_pain001(text)]
    if again != [tuple(getattr(one, name) for name in fields) for one in lines]:
        raise Refused(
            "payment.message_value", "The message would not say what it should: nothing is written."
        )
