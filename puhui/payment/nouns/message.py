"""Messages between banks (报文): what is used of credit transfers, their status, and statements.

An empty text, None or an empty noun means that a message does not say. Amounts are in minor units
of their currency. Names follow the message where it has a better word than ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class MessageAmount:
    """An amount in any currency in use, in its minor units."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Agent:
    """A bank, by its BIC, its LEI, or its number in a clearing system."""

    bic: str = ""
    lei: str = ""
    clearing_system: str = ""
    member_id: str = ""
    name: str = ""
    other_id: str = ""


@dataclass(frozen=True, slots=True)
class MessageParty:
    """Who pays or is paid, as a message names them."""

    name: str = ""
    town: str = ""
    country: str = ""
    address_lines: tuple[str, ...] = ()
    bic: str = ""
    lei: str = ""
    organisation_id: str = ""
    person_id: str = ""


@dataclass(frozen=True, slots=True)
class AccountNumber:
    """The number of an account, as IBAN or in another form."""

    iban: str = ""
    other_id: str = ""
    currency: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """The number, whatever its form."""
        return self.iban or self.other_id


@dataclass(frozen=True, slots=True)
class CreditTransfer:
    """One payment of customers between banks (of pacs.008)."""

    end_to_end_id: str
    amount: MessageAmount
    instruction_id: str = ""
    transfer_id: str = ""
    uetr: str = ""
    settle_on: date | None = None
    instructed: MessageAmount | None = None
    exchange_rate: Decimal | None = None
    charge_bearer: str = "SLEV"
    purpose: str = ""
    purpose_own: str = ""
    category_purpose: str = ""
    debtor: MessageParty = MessageParty()
    debtor_account: AccountNumber = AccountNumber()
    debtor_agent: Agent = Agent()
    creditor_agent: Agent = Agent()
    creditor: MessageParty = MessageParty()
    creditor_account: AccountNumber = AccountNumber()
    ultimate_debtor: MessageParty = MessageParty()
    ultimate_creditor: MessageParty = MessageParty()
    instructing_agent: Agent = Agent()
    instructed_agent: Agent = Agent()
    intermediary: Agent = Agent()
    remittance: tuple[str, ...] = ()
    reference: str = ""


@dataclass(frozen=True, slots=True)
class CreditTransferMessage:
    """Credit transfers of customers between banks (pacs.008)."""

    message_id: str
    created: datetime
    transfers: tuple[CreditTransfer, ...]
    method: str = "CLRG"
    clearing_system: str = ""
    control_sum: Decimal | None = None
    total: MessageAmount | None = None
    settle_on: date | None = None
    instructing_agent: Agent = Agent()
    instructed_agent: Agent = Agent()


@dataclass(frozen=True, slots=True)
class BankTransfer:
    """One payment of banks on their own behalf (of pacs.009)."""

    end_to_end_id: str
    amount: MessageAmount
    instruction_id: str = ""
    transfer_id: str = ""
    uetr: str = ""
    settle_on: date | None = None
    purpose: str = ""
    debtor: Agent = Agent()
    debtor_account: AccountNumber = AccountNumber()
    debtor_agent: Agent = Agent()
    creditor_agent: Agent = Agent()
    creditor: Agent = Agent()
    creditor_account: AccountNumber = AccountNumber()
    instructing_agent: Agent = Agent()
    instructed_agent: Agent = Agent()
    remittance: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BankTransferMessage:
    """Credit transfers of banks (pacs.009)."""

    message_id: str
    created: datetime
    transfers: tuple[BankTransfer, ...]
    method: str = "CLRG"
    clearing_system: str = ""
    control_sum: Decimal | None = None
    total: MessageAmount | None = None
    settle_on: date | None = None
    instructing_agent: Agent = Agent()
    instructed_agent: Agent = Agent()


@dataclass(frozen=True, slots=True)
class StatusReason:
    """Why a payment has its status: a code of the external list, or an own one, and words."""

    code: str = ""
    own: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OriginalMessage:
    """The message that a status answers, and its status where it has one as a whole."""

    message_id: str
    name: str
    created: datetime | None = None
    status: str = ""
    reasons: tuple[StatusReason, ...] = ()


@dataclass(frozen=True, slots=True)
class TransferStatus:
    """The status of one payment (of pacs.002), such as ACSC settled or RJCT rejected."""

    status: str = ""
    status_id: str = ""
    instruction_id: str = ""
    end_to_end_id: str = ""
    transfer_id: str = ""
    uetr: str = ""
    reasons: tuple[StatusReason, ...] = ()
    accepted: datetime | None = None
    settled_on: date | None = None
    clearing_reference: str = ""


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """What became of payments (pacs.002)."""

    message_id: str
    created: datetime
    originals: tuple[OriginalMessage, ...] = ()
    statuses: tuple[TransferStatus, ...] = ()
    instructing_agent: Agent = Agent()
    instructed_agent: Agent = Agent()


@dataclass(frozen=True, slots=True)
class OrderedTransfer:
    """One payment that a customer orders (of pain.001)."""

    end_to_end_id: str
    amount: MessageAmount
    instruction_id: str = ""
    uetr: str = ""
    purpose: str = ""
    purpose_own: str = ""
    creditor_agent: Agent = Agent()
    creditor: MessageParty = MessageParty()
    creditor_account: AccountNumber = AccountNumber()
    ultimate_creditor: MessageParty = MessageParty()
    remittance: tuple[str, ...] = ()
    reference: str = ""


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """Payments from one account on one day (a PmtInf of pain.001)."""

    order_id: str
    execute_on: date
    debtor: MessageParty
    debtor_account: AccountNumber
    debtor_agent: Agent
    transfers: tuple[OrderedTransfer, ...] = ()
    method: str = "TRF"
    control_sum: Decimal | None = None
    charge_bearer: str = ""


@dataclass(frozen=True, slots=True)
class InitiationMessage:
    """Payments that a customer orders (pain.001)."""

    message_id: str
    created: datetime
    initiator: MessageParty
    orders: tuple[PaymentOrder, ...]
    control_sum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance of a statement: OPBD opening, CLBD closing and so on, on a day."""

    code: str
    amount: MessageAmount
    is_credit: bool
    on: date


@dataclass(frozen=True, slots=True)
class EntryDetail:
    """One payment behind an entry."""

    amount: MessageAmount | None = None
    is_credit: bool | None = None
    servicer_reference: str = ""
    message_id: str = ""
    instruction_id: str = ""
    end_to_end_id: str = ""
    transfer_id: str = ""
    uetr: str = ""
    debtor: MessageParty = MessageParty()
    debtor_account: AccountNumber = AccountNumber()
    debtor_agent: Agent = Agent()
    creditor: MessageParty = MessageParty()
    creditor_account: AccountNumber = AccountNumber()
    creditor_agent: Agent = Agent()
    purpose: str = ""
    remittance: tuple[str, ...] = ()
    reference: str = ""
    return_reason: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a statement: BOOK booked, PDNG pending or INFO told only."""

    amount: MessageAmount
    is_credit: bool
    status: str = "BOOK"
    reference: str = ""
    is_reversal: bool | None = None
    booked_on: date | None = None
    value_on: date | None = None
    servicer_reference: str = ""
    domain: str = ""
    family: str = ""
    sub_family: str = ""
    code: str = ""
    details: tuple[EntryDetail, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """A statement (camt.053) or a notice of debits and credits (camt.054) of one account."""

    statement_id: str
    account: AccountNumber
    sequence: int | None = None
    created: datetime | None = None
    begins: datetime | None = None
    ends: datetime | None = None
    owner: MessageParty = MessageParty()
    servicer: Agent = Agent()
    balances: tuple[Balance, ...] = ()
    entries: tuple[Entry, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class StatementMessage:
    """Statements (camt.053) or notices (camt.054) of accounts."""

    message_id: str
    created: datetime
    statements: tuple[AccountStatement, ...]
