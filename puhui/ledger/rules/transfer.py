"""Which transfers of a batch happen, and what they do to accounts with a balance row.

The checks stand in the order of precedence of TigerBeetle's reference (create_transfers, 0.16).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from puhui.kernel.errors import Refused
from puhui.ledger.nouns import (
    AMOUNT_ALL,
    AMOUNT_MAX,
    BALANCE_MAX,
    BATCH_MAX,
    ID_MAX,
    TIME_US_MAX,
    Account,
    Status,
    Transfer,
)
from puhui.ledger.rules.books import (
    CP,
    CR,
    DP,
    DR,
    EXPIRED,
    OPEN,
    POSTED,
    TRANSIENT,
    VOIDED,
    Books,
    Judgement,
    Terms,
)
from puhui.ledger.rules.repeat import judge_repeat

LINKED, PENDING, POST, VOID = Transfer.LINKED, Transfer.PENDING, Transfer.POST, Transfer.VOID
BALANCING = Transfer.BALANCING_DEBIT | Transfer.BALANCING_CREDIT
CLOSING = Transfer.CLOSING_DEBIT | Transfer.CLOSING_CREDIT
IMPORTED = Transfer.IMPORTED
_RESERVED = ~(LINKED | PENDING | POST | VOID | BALANCING | CLOSING | IMPORTED)
_SECOND = POST | VOID
_SPECIAL = PENDING | BALANCING | IMPORTED
_CLOSED = Account.CLOSED
_DEBITS_LIMITED = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
_CREDITS_LIMITED = Account.CREDITS_MUST_NOT_EXCEED_DEBITS
_CREATED = Status.CREATED


def judge_transfers(books: Books, transfers: Sequence[Transfer]) -> Judgement:
    """Decide a batch of transfers, each against the books as the ones before it left them.

    A chain of linked transfers happens whole or not at all. Refused: ``ledger.batch_too_large``,
    ``ledger.field_out_of_range``.
    """
    if len(transfers) > BATCH_MAX:
        raise Refused("ledger.batch_too_large", f"A batch has at most {BATCH_MAX:,} transfers.")
    work = _Work(books, bool(transfers) and bool(transfers[0].flags & IMPORTED))
    made = work.made
    statuses, judge = made.statuses, work.judge
    last = len(transfers) - 1
    chain_start, kept, is_broken = -1, 0, False
    for index, transfer in enumerate(transfers):
        is_linked = transfer.flags & LINKED
        if is_linked and chain_start < 0:
            chain_start, kept = index, len(made.created)
        if is_linked and index == last:
            status = Status.LINKED_EVENT_CHAIN_OPEN
        elif is_broken:
            status = Status.LINKED_EVENT_FAILED
        else:
            status = judge(transfer)
        if status is not _CREATED:
            if chain_start >= 0 and not is_broken:
                is_broken = True
                statuses[chain_start:] = [Status.LINKED_EVENT_FAILED] * (index - chain_start)
                work.undo(kept)
            if status in TRANSIENT:
                made.failed[transfer.id] = status
        statuses.append(status)
        if chain_start >= 0 and not is_linked:
            if not is_broken:
                made.chains.append((kept, len(made.created)))
            chain_start, is_broken = -1, False
    for account_id, sums in work.sums.items():
        change = [new - old for new, old in zip(sums, books.sums[account_id], strict=True)]
        if any(change):
            made.changes[account_id] = change
    return made


class _Work:
    """The books as the batch changes them: an overlay, thrown away afterwards."""

    __slots__ = ("accounts", "books", "is_import", "latest_us", "made", "seen", "sums")

    def __init__(self, books: Books, is_import: bool) -> None:
        self.books = books
        self.accounts = books.accounts
        self.sums = {account_id: list(sums) for account_id, sums in books.sums.items()}
        self.seen = dict(books.transfers)
        self.is_import = is_import
        self.latest_us = 0
        self.made = Judgement()

    def judge(self, t: Transfer) -> Status:
        """Judge one transfer and, if it happens, book it."""
        flags = t.flags
        if not (
            0 <= t.amount_minor <= AMOUNT_ALL
            and 0 <= flags < 65536
            and 0 <= t.timeout_s < 4294967296
            and 0 <= t.code < 65536
            and 0 <= t.user_data_64 < 2**64
            and 0 <= t.user_data_32 < 4294967296
            and 0 <= t.user_data_128 <= ID_MAX
            and len(t.ledger) <= 16
        ):
            raise Refused("ledger.field_out_of_range", f"Transfer {t.id} has a field too large.")
        if flags & IMPORTED or self.is_import:
            status = self._judge_time(t)
            if status is not _CREATED:
                return status
        elif t.time_us:
            return Status.TIMESTAMP_MUST_BE_ZERO
        if flags & _RESERVED:
            return Status.RESERVED_FLAG
        if t.id == 0:
            return Status.ID_MUST_NOT_BE_ZERO
        if t.id == ID_MAX:
            return Status.ID_MUST_NOT_BE_INT_MAX
        found = self.seen.get(t.id)
        if found is not None:
            pending = self.seen.get(found.pending_id)
            return judge_repeat(t, found, pending)
        if t.id in self.books.failed or t.id in self.made.failed:
            return Status.ID_ALREADY_FAILED
        return self._second(t) if flags & _SECOND else self._first(t)

    def _judge_time(self, t: Transfer) -> Status:
        if not t.flags & IMPORTED:
            return Status.IMPORTED_EVENT_EXPECTED
        if not self.is_import:
            return Status.IMPORTED_EVENT_NOT_EXPECTED
        if not 0 < t.time_us <= TIME_US_MAX:
            return Status.IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE
        if t.time_us >= self.books.now_us:
            return Status.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE
        return _CREATED

    def _first(self, t: Transfer) -> Status:
        """Judge a transfer that is not the end of a pending one."""
        debit_id, credit_id, flags = t.debit_account_id, t.credit_account_id, t.flags
        if debit_id == 0:
            return Status.DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
        if debit_id == ID_MAX:
            return Status.DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX
        if credit_id == 0:
            return Status.CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
        if credit_id == ID_MAX:
            return Status.CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX
        if debit_id == credit_id:
            return Status.ACCOUNTS_MUST_BE_DIFFERENT
        if t.pending_id:
            return Status.PENDING_ID_MUST_BE_ZERO
        if t.timeout_s and not flags & PENDING:
            return Status.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER
        if flags & CLOSING and not flags & PENDING:
            return Status.CLOSING_TRANSFER_MUST_BE_PENDING
        if not t.ledger:
            return Status.LEDGER_MUST_NOT_BE_ZERO
        if t.code == 0:
            return Status.CODE_MUST_NOT_BE_ZERO
        debit = self.accounts.get(debit_id)
        if debit is None:
            return Status.DEBIT_ACCOUNT_NOT_FOUND
        credit = self.accounts.get(credit_id)
        if credit is None:
            return Status.CREDIT_ACCOUNT_NOT_FOUND
        if debit[0] != credit[0]:
            return Status.ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER
        if t.ledger != debit[0]:
            return Status.TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS
        if self.is_import:
            status = self._judge_import(t, debit, credit)
            if status is not _CREATED:
                return status
        if debit[1] & _CLOSED or self._is_closed(debit_id):
            return Status.DEBIT_ACCOUNT_ALREADY_CLOSED
        if credit[1] & _CLOSED or self._is_closed(credit_id):
            return Status.CREDIT_ACCOUNT_ALREADY_CLOSED
        return self._fit(t, debit[1], credit[1])

    def _is_closed(self, account_id: int) -> bool:
        """Whether an open pending transfer has closed the account."""
        made = self.made.closed
        return made.get(account_id, account_id in self.books.closed)

    def _close(self, t: Transfer, is_closed: bool) -> None:
        """Close what a pending transfer closes, or open it again."""
        if t.flags & Transfer.CLOSING_DEBIT:
            self.made.closed[t.debit_account_id] = is_closed
        if t.flags & Transfer.CLOSING_CREDIT:
            self.made.closed[t.credit_account_id] = is_closed

    def _judge_import(self, t: Transfer, debit: Terms, credit: Terms) -> Status:
        if t.time_us < self.latest_us:
            return Status.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
        if t.time_us <= debit[2]:
            return Status.IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT
        if t.time_us <= credit[2]:
            return Status.IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT
        if t.timeout_s:
            return Status.IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO
        return _CREATED

    def _fit(self, t: Transfer, debit_flags: int, credit_flags: int) -> Status:
        """Judge whether the amount fits, and book it if it does."""
        amount = t.amount_minor
        debit = self.sums.get(t.debit_account_id)
        credit = self.sums.get(t.credit_account_id)
        if t.flags & BALANCING:
            if t.flags & Transfer.BALANCING_DEBIT:
                assert debit is not None, t
                amount = min(amount, max(0, debit[CR] - debit[DR] - debit[DP]))
            if t.flags & Transfer.BALANCING_CREDIT:
                assert credit is not None, t
                amount = min(amount, max(0, credit[DR] - credit[CR] - credit[CP]))
        if amount > AMOUNT_MAX:
            return Status.AMOUNT_MUST_NOT_EXCEED_62_BITS
        is_pending = bool(t.flags & PENDING)
        if debit is not None or credit is not None:
            debit_side = debit[:2] if debit else [0, 0]
            credit_side = credit[2:] if credit else [0, 0]
            if max(sum(debit_side), sum(credit_side)) > BALANCE_MAX - amount:
                return _overflow(amount, debit_side, credit_side, is_pending)
        if t.timeout_s and t.timeout_s * 1_000_000 + self.books.now_us > TIME_US_MAX:
            return Status.OVERFLOWS_TIMEOUT
        if debit_flags & _DEBITS_LIMITED:
            assert debit is not None, t
            if debit[DP] + debit[DR] + amount > debit[CR]:
                return Status.EXCEEDS_CREDITS
        if credit_flags & _CREDITS_LIMITED:
            assert credit is not None, t
            if credit[CP] + credit[CR] + amount > credit[DR]:
                return Status.EXCEEDS_DEBITS
        if amount != t.amount_minor:
            t = replace(t, amount_minor=amount)
        if is_pending:
            expires_us = self.books.now_us + t.timeout_s * 1_000_000 if t.timeout_s else 0
            self.made.pendings[t.id] = (OPEN, expires_us)
            self._close(t, True)
            self._book(t, amount, 0)
        else:
            self._book(t, 0, amount)
        return _CREATED

    def _book(self, t: Transfer, pending_minor: int, posted_minor: int, sign: int = 1) -> None:
        """Record ``t``; with ``sign`` -1 take its effect back."""
        for account_id, place in ((t.debit_account_id, DP), (t.credit_account_id, CP)):
            sums = self.sums.get(account_id)
            if sums is not None:
                sums[place] += sign * pending_minor
                sums[place + 1] += sign * posted_minor
        if sign > 0:
            self.seen[t.id] = t
            self.made.created.append(t)
            self.latest_us = max(self.latest_us, t.time_us)

    def _second(self, t: Transfer) -> Status:
        """Judge the post or the void of a pending transfer, and book it."""
        flags = t.flags
        if flags & _SECOND == _SECOND or flags & (PENDING | BALANCING | CLOSING):
            return Status.FLAGS_ARE_MUTUALLY_EXCLUSIVE
        if t.pending_id == 0:
            return Status.PENDING_ID_MUST_NOT_BE_ZERO
        if t.pending_id == ID_MAX:
            return Status.PENDING_ID_MUST_NOT_BE_INT_MAX
        if t.pending_id == t.id:
            return Status.PENDING_ID_MUST_BE_DIFFERENT
        if t.timeout_s:
            return Status.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER
        p = self.seen.get(t.pending_id)
        if p is None:
            return Status.PENDING_TRANSFER_NOT_FOUND
        status = _differs(t, p)
        if status is not _CREATED:
            return status
        amount = t.amount_minor
        if (flags & VOID and amount == 0) or (flags & POST and amount == AMOUNT_ALL):
            amount = p.amount_minor
        if amount > p.amount_minor:
            return Status.EXCEEDS_PENDING_TRANSFER_AMOUNT
        if flags & VOID and amount < p.amount_minor:
            return Status.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT
        state, expires_us = self.made.pendings.get(p.id) or self.books.pendings[p.id]
        if state == POSTED:
            return Status.PENDING_TRANSFER_ALREADY_POSTED
        if state == VOIDED:
            return Status.PENDING_TRANSFER_ALREADY_VOIDED
        if state == EXPIRED or 0 < expires_us <= self.books.now_us:
            return Status.PENDING_TRANSFER_EXPIRED
        if self.is_import and t.time_us < max(self.latest_us, p.time_us):
            return Status.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
        if flags & POST:
            for account_id, status in (
                (p.debit_account_id, Status.DEBIT_ACCOUNT_ALREADY_CLOSED),
                (p.credit_account_id, Status.CREDIT_ACCOUNT_ALREADY_CLOSED),
            ):
                if self.accounts[account_id][1] & _CLOSED or self._is_closed(account_id):
                    return status
        else:
            self._close(p, False)
        resolved = replace(
            t,
            amount_minor=amount,
            debit_account_id=p.debit_account_id,
            credit_account_id=p.credit_account_id,
            ledger=p.ledger,
            code=p.code,
            user_data_128=t.user_data_128 or p.user_data_128,
            user_data_64=t.user_data_64 or p.user_data_64,
            user_data_32=t.user_data_32 or p.user_data_32,
        )
        self.made.pendings[p.id] = (POSTED if flags & POST else VOIDED, expires_us)
        self._book(resolved, -p.amount_minor, amount if flags & POST else 0)
        return _CREATED

    def undo(self, kept: int) -> None:
        """Take back every transfer past the first ``kept``, the last one first."""
        made = self.made
        while len(made.created) > kept:
            t = made.created.pop()
            del self.seen[t.id]
            if t.flags & PENDING:
                del made.pendings[t.id]
                self._close(t, False)
                self._book(t, t.amount_minor, 0, -1)
            elif t.flags & _SECOND:
                p = self.seen[t.pending_id]
                expires_us = made.pendings.pop(p.id)[1]
                if p.id not in self.books.pendings:
                    made.pendings[p.id] = (OPEN, expires_us)
                if t.flags & VOID:
                    self._close(p, True)
                self._book(t, -p.amount_minor, t.amount_minor if t.flags & POST else 0, -1)
            else:
                self._book(t, 0, t.amount_minor, -1)
        self.latest_us = made.created[-1].time_us if made.created else 0


def _differs(t: Transfer, p: Transfer) -> Status:
    """Say what of a post or a void contradicts its pending transfer; nought contradicts nothing."""
    if not p.flags & PENDING:
        return Status.PENDING_TRANSFER_NOT_PENDING
    if t.debit_account_id and t.debit_account_id != p.debit_account_id:
        return Status.PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID
    if t.credit_account_id and t.credit_account_id != p.credit_account_id:
        return Status.PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID
    if t.ledger and t.ledger != p.ledger:
        return Status.PENDING_TRANSFER_HAS_DIFFERENT_LEDGER
    if t.code and t.code != p.code:
        return Status.PENDING_TRANSFER_HAS_DIFFERENT_CODE
    return _CREATED


def _overflow(amount: int, debit: list[int], credit: list[int], is_pending: bool) -> Status:
    """Name the sum that would pass the largest balance."""
    if is_pending and debit[0] + amount > BALANCE_MAX:
        return Status.OVERFLOWS_DEBITS_PENDING
    if is_pending and credit[0] + amount > BALANCE_MAX:
        return Status.OVERFLOWS_CREDITS_PENDING
    if debit[1] + amount > BALANCE_MAX:
        return Status.OVERFLOWS_DEBITS_POSTED
    if credit[1] + amount > BALANCE_MAX:
        return Status.OVERFLOWS_CREDITS_POSTED
    return (
        Status.OVERFLOWS_DEBITS if sum(debit) + amount > BALANCE_MAX else Status.OVERFLOWS_CREDITS
    )
