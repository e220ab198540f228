"""The history of an account, the trial balance, and the check of all books."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from puhui.kernel.store import Row, Transaction
from puhui.ledger.desk.beside import read as beside
from puhui.ledger.desk.beside.read import engine_of
from puhui.ledger.desk.chart import chart
from puhui.ledger.nouns import (
    TIME_US_MAX,
    Finding,
    LedgerReport,
    Posting,
    Transfer,
    TrialBalance,
    TrialRow,
)
from puhui.ledger.rules import check_limits, compare_books
from puhui.ledger.tables import check, read, write
from puhui.ledger.tables.schema import blob, number, whole

POSITION_MAX = 2**62
_NOT_POSTING = Transfer.PENDING | Transfer.VOID


def account_history(
    tx: Transaction,
    account_id: int,
    *,
    after: int = 0,
    count: int = 100,
    from_us: int | None = None,
    until_us: int | None = None,
) -> tuple[Posting, ...]:
    """The next ``count`` lines of an account past position ``after``, oldest first.

    To page on, give the position of the last line. ``from_us`` and ``until_us`` (microseconds UTC,
    the latter not included) cut the history at the first line not before the one and the last line
    before the other; lines between are all given, imported ones that stand out of order too.
    """
    assert 1 <= count <= 10_000, count
    if (engine := engine_of(tx)) is not None:
        return beside.history(
            engine, account_id, after=after, count=count, from_us=from_us, until_us=until_us
        )
    key = blob(account_id)
    until = POSITION_MAX
    if from_us is not None:
        first = tx.one(read.FIRST_SINCE, id=key, time_us=from_us)
        assert first is not None
        after = max(after, first.position - 1) if first.position else POSITION_MAX
    if until_us is not None:
        last = tx.one(read.LAST_BEFORE, id=key, time_us=until_us)
        assert last is not None
        until = last.position
    rows = tx.all(read.HISTORY, id=key, after=after, until=until, count=count)
    if not rows:
        return ()
    return tuple(_postings(rows, key, _balance_before(tx, key, rows[0].position)))


def _balance_before(tx: Transaction, key: bytes, position: int) -> int:
    """Posted credits less posted debits of an account before ``position``, in minor units."""
    mark = next(iter(tx.all(read.FIND_WATERMARKS, ids=[key], at_us=TIME_US_MAX)), None)
    after, balance_minor = 0, 0
    if mark is not None and mark.position < position:
        after = mark.position
        balance_minor = whole(mark.credits_high, mark.credits_low)
        balance_minor -= whole(mark.debits_high, mark.debits_low)
    for row in tx.all(read.POSTED_UNTIL, id=key, after=after, until=position - 1):
        posted_minor = whole(row.high, row.low)
        balance_minor += -posted_minor if row.side == "debit" else posted_minor
    return balance_minor


def _postings(rows: Iterable[Row], key: bytes, balance_minor: int) -> Iterator[Posting]:
    for row in rows:
        is_debit = row.debit_account_id == key
        if not row.flags & _NOT_POSTING:
            balance_minor += -row.amount_minor if is_debit else row.amount_minor
        yield Posting(
            position=row.position,
            time_us=row.time_us,
            transfer_id=number(row.id),
            is_debit=is_debit,
            other_account_id=number(row.credit_account_id if is_debit else row.debit_account_id),
            amount_minor=row.amount_minor,
            ledger=row.ledger,
            code=row.code,
            flags=row.flags,
            pending_id=number(row.pending_id),
            user_data_128=number(row.user_data_128),
            balance_minor=balance_minor,
        )


def trial_balance(tx: Transaction) -> TrialBalance:
    """The sums of all accounts by ledger and code, from balance rows and watermarks.

    ``difference_minor`` of the result is 0, always: every transfer debits what it credits.
    """
    if (engine := engine_of(tx)) is not None:
        return beside.balance_of_all(engine)
    counts: dict[tuple[str, int], int] = {}
    sums: dict[tuple[str, int], list[int]] = {}
    for row in tx.all(check.TRIAL_ACCOUNTS):
        counts[row.ledger, row.code] = row.accounts
        sums[row.ledger, row.code] = [
            whole(row.debits_pending_high, row.debits_pending_low),
            whole(row.debits_posted_high, row.debits_posted_low),
            whole(row.credits_pending_high, row.credits_pending_low),
            whole(row.credits_posted_high, row.credits_posted_low),
        ]
    for row in tx.all(check.TRIAL_WATERMARKS):
        sums[row.ledger, row.code][1] += whole(row.debits_high, row.debits_low)
        sums[row.ledger, row.code][3] += whole(row.credits_high, row.credits_low)
    for row in tx.all(check.TRIAL_POSTED):
        place = 1 if row.side == "debit" else 3
        sums[row.ledger, row.code][place] += whole(row.high, row.low)
    for row in tx.all(check.TRIAL_PENDING):
        place = 0 if row.side == "debit" else 2
        sums[row.ledger, row.code][place] += whole(row.high, row.low)
    names = chart()
    return TrialBalance(
        tuple(
            TrialRow(ledger, code, names.name_of(code), counts[ledger, code], *found)
            for (ledger, code), found in sorted(sums.items())
        )
    )


def verify(tx: Transaction) -> LedgerReport:
    """Recompute all books from the transfers, and list whatever disagrees.

    Checked: balance rows against transfers and open pendings; balance limits; that what is closed
    for good is closed; watermarks against the transfers below them; that every transfer lies within
    the ledger of its accounts; that each pending is what its transfers say; that linked chains are
    whole; that every id is used once, can be found and is not burnt; and that debits equal credits.
    A changed amount between two accounts without a balance row, above the watermark, agrees with
    itself: replaying the journal finds that, this does not.
    """
    if (engine := engine_of(tx)) is not None:
        return beside.check(engine)
    counts = tx.one(check.COUNTS)
    assert counts is not None
    flags = {number(row.id): row.flags for row in tx.all(write.ALL_ACCOUNTS)}
    computed: dict[int, list[int]] = {}
    _add(computed, tx.all(check.ALL_POSTED), debit=1)
    _add(computed, tx.all(check.ALL_PENDING), debit=0)
    recorded = {number(row[0]): row[1:5] for row in tx.all(write.ALL_BALANCES)}
    below: dict[int, list[int]] = {}
    _add(below, tx.all(check.POSTED_TO_WATERMARK), debit=1)
    marks = {
        number(row.account_id): (
            0,
            whole(row.debits_high, row.debits_low),
            0,
            whole(row.credits_high, row.credits_low),
        )
        for row in tx.all(check.ALL_WATERMARKS)
    }
    balance = trial_balance(tx)
    findings = [
        *compare_books("balance", computed, recorded),
        *check_limits(flags, recorded),
        *compare_books("watermark", below, marks),
        *_broken(tx),
    ]
    if balance.difference_minor:
        found = str(balance.difference_minor)
        findings.append(Finding("trial_balance", "all ledgers", "0", found))
    return LedgerReport(
        accounts=counts.accounts,
        transfers=counts.transfers,
        pendings_open=counts.pendings_open,
        findings=tuple(findings[: check.FINDINGS_MAX]),
        trial_balance=balance,
    )


def _add(sums: dict[int, list[int]], rows: Iterable[Row], *, debit: int) -> None:
    for row in rows:
        place = debit if row.side == "debit" else debit + 2
        found = sums.setdefault(number(row.account_id), [0, 0, 0, 0])
        found[place] += whole(row.high, row.low)


def _broken(tx: Transaction) -> Iterator[Finding]:
    checks = (
        ("ledger", check.STRAY_TRANSFERS, "two accounts of its ledger"),
        ("pending", check.BROKEN_PENDINGS, "what its transfers say"),
        ("pending", check.LOST_PENDINGS, "a pending row"),
        ("chain", check.BROKEN_CHAINS, "a whole chain"),
        ("id", check.REPEATED_IDS, "an id of its own"),
        ("id", check.LOST_IDS, "to be found by its id"),
        ("failed_id", check.FAILED_AND_RECORDED, "no transfer with a burnt id"),
    )
    for name, statement, expected in checks:
        for row in tx.all(statement):
            yield Finding(name, f"transfer {number(row.id):032x}", expected, "otherwise")
    for row in tx.all(check.OPENED):
        yield Finding("closed", f"account {number(row.id):032x}", "closed", "open")
    for row in tx.all(check.STRAY_BALANCES):
        yield Finding("balance_row", f"account {number(row.id):032x}", "its number", "another")
