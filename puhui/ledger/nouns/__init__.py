"""What the ledger speaks of: accounts, transfers, their statuses, and what its checks find."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

ID_MAX = 2**128 - 1
"""The largest 128-bit number; no account and no transfer may have it."""

AMOUNT_MAX = 2**62 - 1
"""The largest amount of one transfer in minor units."""

AMOUNT_ALL = 2**128 - 1
"""As an amount: all of it. A post takes the whole pending amount, a balancing transfer what is
there."""

BALANCE_MAX = 2**63 - 1
"""The largest sum of one side of an account that has a balance row, in minor units."""

TIME_US_MAX = (2**63 - 1) // 1000
"""The latest time kept, in microseconds since 1970 UTC: what a record has in nanoseconds (2262)."""

BATCH_MAX = 8190
"""The most accounts or transfers of one batch."""


def id_of(text: str) -> int:
    """The 128-bit id that belongs to ``text`` for ever: BLAKE2b, never nought nor the largest."""
    number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")
    return number if 0 < number < ID_MAX else 1


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the ledger (账户); created once, never changed.

    ``id`` is a 128-bit number chosen by the client; ``ledger`` the currency code that every
    transfer of the account has; ``code`` its place in the chart of accounts; ``user_data_*`` are
    free (128, 64 and 32 bits). The four sums and ``time_us`` (microseconds UTC, when created) are
    nought when an account is created, and filled in when it is looked up.
    """

    LINKED: ClassVar[int] = 1
    DEBITS_MUST_NOT_EXCEED_CREDITS: ClassVar[int] = 2
    CREDITS_MUST_NOT_EXCEED_DEBITS: ClassVar[int] = 4
    HISTORY: ClassVar[int] = 8
    IMPORTED: ClassVar[int] = 16
    CLOSED: ClassVar[int] = 32

    id: int
    ledger: str
    code: int
    flags: int = 0
    user_data_128: int = 0
    user_data_64: int = 0
    user_data_32: int = 0
    debits_pending_minor: int = 0
    debits_posted_minor: int = 0
    credits_pending_minor: int = 0
    credits_posted_minor: int = 0
    time_us: int = 0

    id_of = staticmethod(id_of)

    @property
    def debit_balance_minor(self) -> int:
        """Posted debits less posted credits: what an asset account holds, in minor units."""
        return self.debits_posted_minor - self.credits_posted_minor

    @property
    def credit_balance_minor(self) -> int:
        """Posted credits less posted debits: what a deposit account holds, in minor units."""
        return self.credits_posted_minor - self.debits_posted_minor

    @property
    def available_minor(self) -> int:
        """The credit balance less what pending debits hold of it, in minor units."""
        return self.credit_balance_minor - self.debits_pending_minor


@dataclass(frozen=True, slots=True)
class Transfer:
    """A movement of money from one account to another (转账); never changed, never deleted.

    ``amount_minor`` is debited to one account and credited to the other. With ``PENDING`` it is
    only held, for ``timeout_s`` seconds or, where that is nought, until a transfer with ``POST``
    or ``VOID`` names it in ``pending_id``. ``LINKED`` ties a transfer to the next one of its
    batch: all of a chain happen, or none. ``CLOSING_DEBIT`` and ``CLOSING_CREDIT``, with
    ``PENDING`` alone, close the account of that side until the pending is voided or past its
    time. ``time_us`` is given only with ``IMPORTED``.
    """

    LINKED: ClassVar[int] = 1
    PENDING: ClassVar[int] = 2
    POST: ClassVar[int] = 4
    VOID: ClassVar[int] = 8
    BALANCING_DEBIT: ClassVar[int] = 16
    BALANCING_CREDIT: ClassVar[int] = 32
    CLOSING_DEBIT: ClassVar[int] = 64
    CLOSING_CREDIT: ClassVar[int] = 128
    IMPORTED: ClassVar[int] = 256
    ALL: ClassVar[int] = AMOUNT_ALL

    id: int
    debit_account_id: int = 0
    credit_account_id: int = 0
    amount_minor: int = 0
    ledger: str = ""
    code: int = 0
    flags: int = 0
    pending_id: int = 0
    timeout_s: int = 0
    user_data_128: int = 0
    user_data_64: int = 0
    user_data_32: int = 0
    time_us: int = 0

    id_of = staticmethod(id_of)


class Status(StrEnum):
    """What became of one account or transfer of a batch, in the order of precedence.

    Names and order are those of TigerBeetle's public documentation (create_accounts and
    create_transfers, 0.16); ``amount_must_not_exceed_62_bits`` is added here, as this ledger keeps
    amounts in 64-bit columns. A caller may compare with the plain text: ``status == "created"``.
    """

    CREATED = "created"
    LINKED_EVENT_FAILED = "linked_event_failed"
    LINKED_EVENT_CHAIN_OPEN = "linked_event_chain_open"
    IMPORTED_EVENT_EXPECTED = "imported_event_expected"
    IMPORTED_EVENT_NOT_EXPECTED = "imported_event_not_expected"
    TIMESTAMP_MUST_BE_ZERO = "timestamp_must_be_zero"
    IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE = "imported_event_timestamp_out_of_range"
    IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE = "imported_event_timestamp_must_not_advance"
    RESERVED_FIELD = "reserved_field"
    RESERVED_FLAG = "reserved_flag"
    ID_MUST_NOT_BE_ZERO = "id_must_not_be_zero"
    ID_MUST_NOT_BE_INT_MAX = "id_must_not_be_int_max"
    EXISTS_WITH_DIFFERENT_FLAGS = "exists_with_different_flags"
    EXISTS_WITH_DIFFERENT_PENDING_ID = "exists_with_different_pending_id"
    EXISTS_WITH_DIFFERENT_TIMEOUT = "exists_with_different_timeout"
    EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID = "exists_with_different_debit_account_id"
    EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID = "exists_with_different_credit_account_id"
    EXISTS_WITH_DIFFERENT_AMOUNT = "exists_with_different_amount"
    EXISTS_WITH_DIFFERENT_USER_DATA_128 = "exists_with_different_user_data_128"
    EXISTS_WITH_DIFFERENT_USER_DATA_64 = "exists_with_different_user_data_64"
    EXISTS_WITH_DIFFERENT_USER_DATA_32 = "exists_with_different_user_data_32"
    EXISTS_WITH_DIFFERENT_LEDGER = "exists_with_different_ledger"
    EXISTS_WITH_DIFFERENT_CODE = "exists_with_different_code"
    EXISTS = "exists"
    ID_ALREADY_FAILED = "id_already_failed"
    FLAGS_ARE_MUTUALLY_EXCLUSIVE = "flags_are_mutually_exclusive"
    DEBITS_PENDING_MUST_BE_ZERO = "debits_pending_must_be_zero"
    DEBITS_POSTED_MUST_BE_ZERO = "debits_posted_must_be_zero"
    CREDITS_PENDING_MUST_BE_ZERO = "credits_pending_must_be_zero"
    CREDITS_POSTED_MUST_BE_ZERO = "credits_posted_must_be_zero"
    DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO = "debit_account_id_must_not_be_zero"
    DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX = "debit_account_id_must_not_be_int_max"
    CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO = "credit_account_id_must_not_be_zero"
    CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX = "credit_account_id_must_not_be_int_max"
    ACCOUNTS_MUST_BE_DIFFERENT = "accounts_must_be_different"
    PENDING_ID_MUST_BE_ZERO = "pending_id_must_be_zero"
    PENDING_ID_MUST_NOT_BE_ZERO = "pending_id_must_not_be_zero"
    PENDING_ID_MUST_NOT_BE_INT_MAX = "pending_id_must_not_be_int_max"
    PENDING_ID_MUST_BE_DIFFERENT = "pending_id_must_be_different"
    TIMEOUT_RESERVED_FOR_PENDING_TRANSFER = "timeout_reserved_for_pending_transfer"
    CLOSING_TRANSFER_MUST_BE_PENDING = "closing_transfer_must_be_pending"
    LEDGER_MUST_NOT_BE_ZERO = "ledger_must_not_be_zero"
    CODE_MUST_NOT_BE_ZERO = "code_must_not_be_zero"
    DEBIT_ACCOUNT_NOT_FOUND = "debit_account_not_found"
    CREDIT_ACCOUNT_NOT_FOUND = "credit_account_not_found"
    ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER = "accounts_must_have_the_same_ledger"
    TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS = (
        "transfer_must_have_the_same_ledger_as_accounts"
    )
    PENDING_TRANSFER_NOT_FOUND = "pending_transfer_not_found"
    PENDING_TRANSFER_NOT_PENDING = "pending_transfer_not_pending"
    PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID = (
        "pending_transfer_has_different_debit_account_id"
    )
    PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID = (
        "pending_transfer_has_different_credit_account_id"
    )
    PENDING_TRANSFER_HAS_DIFFERENT_LEDGER = "pending_transfer_has_different_ledger"
    PENDING_TRANSFER_HAS_DIFFERENT_CODE = "pending_transfer_has_different_code"
    EXCEEDS_PENDING_TRANSFER_AMOUNT = "exceeds_pending_transfer_amount"
    PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT = "pending_transfer_has_different_amount"
    PENDING_TRANSFER_ALREADY_POSTED = "pending_transfer_already_posted"
    PENDING_TRANSFER_ALREADY_VOIDED = "pending_transfer_already_voided"
    PENDING_TRANSFER_EXPIRED = "pending_transfer_expired"
    IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS = "imported_event_timestamp_must_not_regress"
    IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT = (
        "imported_event_timestamp_must_postdate_debit_account"
    )
    IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT = (
        "imported_event_timestamp_must_postdate_credit_account"
    )
    IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO = "imported_event_timeout_must_be_zero"
    DEBIT_ACCOUNT_ALREADY_CLOSED = "debit_account_already_closed"
    CREDIT_ACCOUNT_ALREADY_CLOSED = "credit_account_already_closed"
    AMOUNT_MUST_NOT_EXCEED_62_BITS = "amount_must_not_exceed_62_bits"
    OVERFLOWS_DEBITS_PENDING = "overflows_debits_pending"
    OVERFLOWS_CREDITS_PENDING = "overflows_credits_pending"
    OVERFLOWS_DEBITS_POSTED = "overflows_debits_posted"
    OVERFLOWS_CREDITS_POSTED = "overflows_credits_posted"
    OVERFLOWS_DEBITS = "overflows_debits"
    OVERFLOWS_CREDITS = "overflows_credits"
    OVERFLOWS_TIMEOUT = "overflows_timeout"
    EXCEEDS_CREDITS = "exceeds_credits"
    EXCEEDS_DEBITS = "exceeds_debits"


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of an account's history: its side of a transfer, and what it led to.

    ``position`` orders the ledger; ``balance_minor`` is posted credits less posted debits of the
    account after this line, in minor units (a pending or a void leaves it as it was).
    """

    position: int
    time_us: int
    transfer_id: int
    is_debit: bool
    other_account_id: int
    amount_minor: int
    ledger: str
    code: int
    flags: int
    pending_id: int
    user_data_128: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class TrialRow:
    """The sums of all accounts of one ledger and one place in the chart, in minor units."""

    ledger: str
    code: int
    name: str
    accounts: int
    debits_pending_minor: int
    debits_posted_minor: int
    credits_pending_minor: int
    credits_posted_minor: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """The trial balance (试算平衡表): rows by ledger and code."""

    rows: tuple[TrialRow, ...]

    @property
    def difference_minor(self) -> int:
        """The sum over ledgers of what debits and credits, posted or pending, are apart: 0."""
        apart: dict[str, list[int]] = {}
        for row in self.rows:
            sums = apart.setdefault(row.ledger, [0, 0])
            sums[0] += row.debits_posted_minor - row.credits_posted_minor
            sums[1] += row.debits_pending_minor - row.credits_pending_minor
        return sum(abs(posted) + abs(pending) for posted, pending in apart.values())


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the books that cannot be: which check, of what, expected and found."""

    check: str
    subject: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What ``verify`` recomputed, and every finding (at most 1,000 are kept)."""

    accounts: int
    transfers: int
    pendings_open: int
    findings: tuple[Finding, ...]
    trial_balance: TrialBalance

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart of accounts (会计科目表): codes by name, of accounts and of transfers."""

    accounts: Mapping[str, int]
    transfers: Mapping[str, int]
    names: Mapping[int, str]

    def account(self, name: str) -> int:
        """The code of an account, such as ``loan_principal``."""
        return self.accounts[name]

    def transfer(self, name: str) -> int:
        """The code of a transfer, such as ``disbursement``."""
        return self.transfers[name]

    def name_of(self, code: int) -> str:
        """The name of an account's code for people; the number where the chart has none."""
        return self.names.get(code, str(code))

    def transfer_name(self, code: int) -> str:
        """The name of a transfer's code, such as ``disbursement``; "" where there is none."""
        return next((name for name, one in self.transfers.items() if one == code), "")
