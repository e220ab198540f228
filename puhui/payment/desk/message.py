"""Messages at the door: told what they are, taken in and answered, written for what went out.

A credit that comes in is paid into the wallet that it names, once for ever: the act's key is the
payment's UETR, or where it has none its message and its number there, so a file that comes twice,
whole or in parts, pays once. Each payment is answered by itself in a pacs.002.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from puhui.kernel.act import Actor
from puhui.kernel.clock import BUSINESS_ZONE, business_date, start_of_day_us, time_of
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction
from puhui.party import find_parties
from puhui.payment.desk.initiation import write_orders as write_orders
from puhui.payment.desk.lists import status_reasons
from puhui.payment.desk.notice import entries_of, statement_camt053
from puhui.payment.desk.number import named
from puhui.payment.desk.post import is_number
from puhui.payment.desk.read import lines_between
from puhui.payment.desk.wallet import wallet_account
from puhui.payment.formats.account_camt import account_camt053
from puhui.payment.formats.iso20022 import (
    read_camt053,
    read_camt054,
    read_initiation,
    read_pacs002,
    read_pacs008,
    read_pacs009,
    write_camt054,
    write_pacs002,
    write_pacs008,
    write_pacs009,
)
from puhui.payment.formats.iso20022.content import currency_digits
from puhui.payment.nouns.message import (
    AccountNumber,
    AccountStatement,
    Agent,
    BankTransfer,
    BankTransferMessage,
    CreditTransfer,
    CreditTransferMessage,
    Entry,
    InitiationMessage,
    MessageAmount,
    MessageParty,
    OriginalMessage,
    StatementMessage,
    StatusMessage,
    StatusReason,
    TransferStatus,
)
from puhui.payment.nouns.pay import TopUp
from puhui.payment.rules.batch import REASON_CODES
from puhui.payment.tables import wallet as tables

Message = (
    CreditTransferMessage
    | BankTransferMessage
    | StatusMessage
    | InitiationMessage
    | StatementMessage
)
HEAD_BYTES = 8_192
_NAMESPACE = re.compile(rb"urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.\d{3})\.\d{3}\.\d{2}")
_READERS: dict[str, Callable[[Path], Message]] = {
    "pacs.008": read_pacs008,
    "pacs.009": read_pacs009,
    "pacs.002": read_pacs002,
    "pain.001": read_initiation,
    "camt.053": read_camt053,
    "camt.054": read_camt054,
}
ID_LENGTH_MAX = 35
NAME_LENGTH_MAX = 140


def read_message(path: Path) -> tuple[str, Message]:
    """The message in a file, with its kind, such as pacs.008.

    Refused, each with its line: ``payment.no_file``, and what the readers of messages refuse.
    """
    try:
        with path.open("rb") as file:
            found = _NAMESPACE.search(file.read(HEAD_BYTES))
    except OSError as error:
        raise Refused("payment.no_file", f"{path.name}: {error.strerror}.") from None
    kind = found[1].decode() if found else ""
    reader = _READERS.get(kind, read_pacs008)  # which says what it found, and what is read
    return kind, reader(path)


@dataclass(frozen=True, slots=True)
class TakenMessage:
    """What became of a message of credits: counts, the sum of each currency posted now, and the
    answer (pacs.002); ``refused`` are pairs of an end-to-end id and a code.
    """

    message_id: str
    payments: int
    posted: int
    repeated: int
    posted_minor: tuple[tuple[str, int], ...]
    refused: tuple[tuple[str, str], ...]
    answer: bytes


def take_credits(node: Node, actor: Actor, path: Path) -> TakenMessage:
    """Post the credits of a pacs.008 to the wallets they name, and answer each in a pacs.002.

    One that was posted before is answered as settled again. Refused, and nothing is posted: what
    ``read_message`` refuses, ``payment.not_credits`` for another kind of message.
    """
    kind, message = read_message(path)
    if not isinstance(message, CreditTransferMessage):
        raise Refused("payment.not_credits", f"{path.name} is a {kind}; credits are a pacs.008.")
    statuses: list[TransferStatus] = []
    refused: list[tuple[str, str]] = []
    posted = repeated = 0
    sums: dict[str, int] = {}
    for credit in message.transfers:
        try:
            is_repeat = _take_one(node, actor, message, credit)
        except Refused as no:
            refused.append((credit.end_to_end_id, no.code))
            statuses.append(_status(node, credit, no.code))
            continue
        statuses.append(_status(node, credit, ""))
        repeated += is_repeat
        posted += not is_repeat
        if not is_repeat:
            minor = sums.get(credit.amount.currency, 0) + credit.amount.minor
            sums[credit.amount.currency] = minor
    answer = _answer(node, message, kind, statuses)
    count = len(message.transfers)
    told = tuple(sorted(sums.items()))
    return TakenMessage(
        message.message_id, count, posted, repeated, told, tuple(refused), write_pacs002(answer)
    )


def _take_one(
    node: Node, actor: Actor, message: CreditTransferMessage, credit: CreditTransfer
) -> bool:
    """Post one credit; whether it had been posted before. Refused: what ``payment.top_up`` does,
    ``payment.no_payee_wallet``, ``payment.other_currency``.
    """
    named = credit.uetr or f"{message.message_id}/{credit.transfer_id or credit.end_to_end_id}"
    with node.read() as tx:
        party_id = _payee(node, tx, credit)
    words = " ".join((credit.end_to_end_id, *credit.remittance, credit.reference)).strip()
    told = TopUp(party_id, credit.amount.minor, credit.amount.currency, words[:NAME_LENGTH_MAX])
    pending = node.submit("payment.top_up", told, key=f"pacs.008:{named}", actor=actor)
    pending.result()
    return pending.is_repeat


def _payee(node: Node, tx: Transaction, credit: CreditTransfer) -> str:
    """The party whose wallet a credit names: by the wallet's number, or by the party's id."""
    number = named(tx, credit.creditor_account.other_id.lower())
    if is_number(number):
        row = tx.one(tables.READ_WALLET_BY_ACCOUNT, account_id=bytes.fromhex(number))
        if row is not None and row.currency != credit.amount.currency:
            code = "payment.other_currency"
            raise Refused(code, REASON_CODES[code])
        if row is not None:
            return str(row.party_id)
    names = (credit.creditor.name, credit.creditor.person_id, credit.creditor.organisation_id)
    for name in names:
        if not number and name.startswith("party-") and find_parties(node, tx, party_ids=[name]):
            return name
    raise Refused("payment.no_payee_wallet", REASON_CODES["payment.no_payee_wallet"])


def _status(node: Node, credit: CreditTransfer, code: str) -> TransferStatus:
    now = _now(node)
    reasons = status_reasons()
    why = reasons.get(code, reasons["other"])
    named = f"S-{hashlib.blake2b(_name_of(credit).encode(), digest_size=12).hexdigest()}"
    return TransferStatus(
        status="RJCT" if code else "ACSC",
        status_id=named,
        instruction_id=credit.instruction_id,
        end_to_end_id=credit.end_to_end_id,
        transfer_id=credit.transfer_id,
        uetr=credit.uetr,
        reasons=(StatusReason(code=why, words=(code,)),) if code else (),
        settled_on=None if code else now.date(),
    )


def _name_of(credit: CreditTransfer) -> str:
    return f"{credit.uetr} {credit.transfer_id} {credit.end_to_end_id}"


def _answer(
    node: Node, message: CreditTransferMessage, kind: str, statuses: list[TransferStatus]
) -> StatusMessage:
    bad = sum(one.status == "RJCT" for one in statuses)
    whole = "ACSC" if not bad else "RJCT" if bad == len(statuses) else "PART"
    original = OriginalMessage(
        message_id=message.message_id,
        name=f"{kind}.001.08",
        created=message.created,
        status=whole,
    )
    return StatusMessage(
        message_id=f"S-{message.message_id}"[:ID_LENGTH_MAX],
        created=_now(node),
        originals=(original,),
        statuses=tuple(statuses),
        instructing_agent=message.instructed_agent,
        instructed_agent=message.instructing_agent,
    )


def _now(node: Node) -> datetime:
    return time_of(node.clock.now_us()).astimezone(BUSINESS_ZONE).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A payment that went out, as a message tells it; amounts in minor units.

    ``reference`` is our name of it; ``payer`` and ``payee`` are "party:ID" or "participant:ID";
    ``rate`` is target per source, where money was changed.
    """

    reference: str
    payer: str
    payee: str
    amount: MessageAmount
    made_us: int
    instructed: MessageAmount | None = None
    rate: Decimal | None = None
    provider: str = ""
    remark: str = ""


def write_outgoing(told: Outgoing, *, created: datetime) -> tuple[str, bytes]:
    """A payment that went out, and its kind: pacs.009 between participants, pacs.008 otherwise.

    The UETR and the ids come from ``reference``, so the same payment written twice is one to
    whoever takes it in. People are named by their pseudonyms. Refused: as the writers do.
    """
    day = business_date(told.made_us)
    digest = hashlib.blake2b(told.reference.encode(), digest_size=16).digest()
    named = digest.hex()
    uetr = str(uuid.UUID(bytes=digest, version=4))
    words = tuple(text[:NAME_LENGTH_MAX] for text in (told.reference, told.remark) if text)
    payer, payee = (end.partition(":")[::2] for end in (told.payer, told.payee))
    if payer[0] == payee[0] == "participant":
        between = BankTransfer(
            end_to_end_id=named, amount=told.amount, transfer_id=named, uetr=uetr,
            settle_on=day, debtor=_agent(payer[1]), creditor=_agent(payee[1]), remittance=words,
        )  # fmt: skip
        return "pacs.009", write_pacs009(BankTransferMessage(named, created, (between,)))
    source = told.instructed.currency if told.instructed else told.amount.currency
    single = CreditTransfer(
        end_to_end_id=named,
        amount=told.amount,
        transfer_id=named,
        uetr=uetr,
        settle_on=day,
        instructed=told.instructed,
        exchange_rate=told.rate,
        debtor=_party(payer),
        debtor_account=_account(payer, source),
        debtor_agent=_agent(payer[1] if payer[0] == "participant" else "puhui"),
        creditor_agent=_agent(payee[1] if payee[0] == "participant" else told.provider or "puhui"),
        creditor=_party(payee),
        creditor_account=_account(payee, told.amount.currency),
        remittance=words,
    )
    return "pacs.008", write_pacs008(CreditTransferMessage(named, created, (single,)))


def _agent(name: str) -> Agent:
    return Agent(other_id=name[:ID_LENGTH_MAX], name=name[:NAME_LENGTH_MAX])


def _party(end: tuple[str, ...]) -> MessageParty:
    return MessageParty(name=end[1])


def _account(end: tuple[str, ...], currency: str) -> AccountNumber:
    if end[0] != "party":
        return AccountNumber()
    return AccountNumber(other_id=f"{wallet_account(end[1], currency):032x}", currency=currency)


def credits_camt054(
    tx: Transaction, party_id: str, currency: str, day: date, *, created: datetime
) -> bytes:
    """What came into a wallet on a day (in China) as camt.054.001.08; people by pseudonym.

    Refused: ``payment.message_value`` where a remark has characters that no message carries.
    """
    from_us = start_of_day_us(day)
    until_us = start_of_day_us(day + timedelta(days=1))
    lines = lines_between(tx, party_id, currency, from_us, until_us)
    number = wallet_account(party_id, currency)
    named = f"{day:%Y%m%d}-{number:032x}"[:ID_LENGTH_MAX]
    told = AccountStatement(
        statement_id=named,
        account=AccountNumber(other_id=f"{number:032x}", currency=currency),
        created=created,
        begins=time_of(from_us),
        ends=time_of(until_us),
        owner=MessageParty(name=party_id),
        entries=entries_of([one for one in lines if one.amount_minor > 0], currency),
    )
    return write_camt054(StatementMessage(named, created, (told,)))


def differences(theirs: AccountStatement, ours: AccountStatement) -> Iterator[str]:
    """What two statements of one account do not say alike: balances, entries by reference."""
    for code in ("OPBD", "CLBD"):
        told = [
            [(one.amount.minor if one.is_credit else -one.amount.minor) for one in side.balances
             if one.code == code]
            for side in (theirs, ours)
        ]  # fmt: skip
        if told[0] != told[1]:
            yield f"{code}: they say {told[0]}, we say {told[1]} (minor units)"
    entries = [{_key(one): one for one in side.entries} for side in (theirs, ours)]
    for key in sorted(entries[0].keys() - entries[1].keys()):
        yield f"only they have {key[0]}: {key[1]} {key[2]} on {key[3]}"
    for key in sorted(entries[1].keys() - entries[0].keys()):
        yield f"only we have {key[0]}: {key[1]} {key[2]} on {key[3]}"


def _key(entry: Entry) -> tuple[str, int, str, str]:
    side = "in" if entry.is_credit else "out"
    return (entry.servicer_reference, entry.amount.minor, side, str(entry.booked_on))


def amount(minor: int, currency: str) -> MessageAmount:
    """An amount as messages have it."""
    return MessageAmount(minor, currency)


def digits_of(currency: str) -> int:
    """How many decimals a currency of a message has."""
    return currency_digits()[currency]


__all__ = [
    "Message",
    "Outgoing",
    "TakenMessage",
    "account_camt053",
    "amount",
    "credits_camt054",
    "differences",
    "digits_of",
    "read_camt053",
    "read_message",
    "statement_camt053",
    "take_credits",
    "write_outgoing",
]
