"""What leaves the ledger: all transfers of a period in pages, and statements of accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from puhui.kernel.clock import business_date, start_of_day_us
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.store import Transaction
from puhui.ledger.arrays.record import unpack_transfers
from puhui.ledger.desk.account import lookup_accounts
from puhui.ledger.desk.beside.held import MARK
from puhui.ledger.desk.beside.outside import outside_of
from puhui.ledger.desk.chart import chart, general_chart, transfer_words
from puhui.ledger.desk.report import account_history
from puhui.ledger.desk.sql import ledger_of
from puhui.ledger.nouns import Account, Posting, Transfer
from puhui.ledger.nouns.export import AccountPeriod, Book, ExportedAccount, Page
from puhui.ledger.nouns.general import GeneralKind
from puhui.ledger.rules.general import number_of, unassigned

PAGE = 4_000
LINES_MAX = 100_000
_NOT_POSTING = Transfer.PENDING | Transfer.VOID
_ROOTS = {
    GeneralKind.ASSET: "Assets",
    GeneralKind.TWO_SIDED: "Assets",
    GeneralKind.LIABILITY: "Liabilities",
    GeneralKind.EQUITY: "Equity",
    GeneralKind.INCOME: "Income",
    GeneralKind.EXPENSE: "Expenses",
}

Told = Callable[[int], None]


def book(tx: Transaction, first: date, last: date, *, told: Told = lambda count: None) -> Book:
    """The transfers from ``first`` to ``last``, read page by page while the book is used up.

    ``told`` hears how many transfers were read so far. Refused: ``ledger.bad_period``.
    """
    _check_period(first, last)
    return Book(first, last, _pages(tx, first, last, told), words_of)


def words_of(code: int) -> tuple[str, str]:
    """The words for the reason of a transfer: English and Chinese, else the number."""
    return transfer_words().get(code, (str(code), str(code)))


def _check_period(first: date, last: date) -> None:
    if last < first:
        raise Refused("ledger.bad_period", f"A period ends on {last}, before it begins on {first}.")


def _pages(tx: Transaction, first: date, last: date, told: Told) -> Iterator[Page]:
    seen: set[int] = set()
    count = 0
    from_us, until_us = start_of_day_us(first), start_of_day_us(last + timedelta(days=1))
    for transfers in _own_pages(tx, from_us, until_us):
        ids = dict.fromkeys(i for t in transfers for i in (t.debit_account_id, t.credit_account_id))
        new = [account_id for account_id in ids if account_id not in seen]
        seen.update(new)
        yield Page(transfers, _exported(tx, new, first, last))
        count += len(transfers)
        told(count)


def _own_pages(tx: Transaction, from_us: int, until_us: int) -> Iterator[tuple[Transfer, ...]]:
    """Transfers of a period in the order of the ledger; beside the store, without acts' holds."""
    engine, has_holds, after = ledger_of(tx), outside_of(tx) is not None, -1
    period = {"from_ns": from_us * 1000, "until_ns": until_us * 1000}
    while len((page := engine.tail(after=after, count=PAGE, **period)).ordinals):
        after, own = int(page.ordinals[-1]), page.transfers
        if has_holds:
            own = own[own["user_32"] != MARK]
        if len(own):
            yield unpack_transfers(own)


def _exported(
    tx: Transaction, ids: Sequence[int], first: date, last: date
) -> tuple[ExportedAccount, ...]:
    until_us = start_of_day_us(last + timedelta(days=1)) - 1
    before = lookup_accounts(tx, ids, at_us=start_of_day_us(first) - 1)
    after = lookup_accounts(tx, ids, at_us=until_us)
    known = general_chart().accounts
    made = []
    for begun, ended in zip(before, after, strict=True):
        assert begun is not None, ids
        assert ended is not None, ids
        found = known.get(number_of(begun.code, known)) or unassigned()
        made.append(
            ExportedAccount(
                id=begun.id,
                ledger=begun.ledger,
                code=begun.code,
                number=found.number,
                name=found.name,
                root=_ROOTS[found.kind],
                created_on=business_date(begun.time_us),
                opening_minor=begun.debit_balance_minor,
                closing_minor=ended.debit_balance_minor,
            )
        )
    return tuple(made)


def account_period(
    tx: Transaction, account_id: int, first: date, last: date, *, lines_max: int = LINES_MAX
) -> AccountPeriod:
    """The statement of an account from ``first`` to ``last``: what was posted, in order.

    Refused: ``ledger.no_account``, ``ledger.bad_period``; ``ledger.too_many_lines`` past
    ``lines_max``, so that a statement is never cut without saying so.
    """
    _check_period(first, last)
    from_us, until_us = start_of_day_us(first), start_of_day_us(last + timedelta(days=1))
    before = lookup_accounts(tx, [account_id], at_us=from_us - 1)[0]
    after = lookup_accounts(tx, [account_id], at_us=until_us - 1)[0]
    if before is None or after is None:
        raise Refused("ledger.no_account", f"There is no account {account_id:032x}.")
    lines = tuple(_lines(tx, before, from_us, until_us, lines_max))
    debits = sum(line.amount_minor for line in lines if line.is_debit)
    credits = sum(line.amount_minor for line in lines if not line.is_debit)
    assert before.credit_balance_minor + credits - debits == after.credit_balance_minor, account_id
    known = general_chart().accounts
    found = known.get(number_of(before.code, known)) or unassigned()
    sign = -1 if found.is_debit else 1
    return AccountPeriod(
        account_id=account_id,
        currency=before.ledger,
        code=before.code,
        first=first,
        last=last,
        is_credit=not found.is_debit,
        opening_minor=sign * before.credit_balance_minor,
        closing_minor=sign * after.credit_balance_minor,
        debits_minor=debits,
        credits_minor=credits,
        lines=lines,
    )


def _lines(
    tx: Transaction, account: Account, from_us: int, until_us: int, lines_max: int
) -> Iterator[Posting]:
    """Posted lines of the period; the balance counts on from the one before it."""
    balance_minor, count, after = account.credit_balance_minor, 0, 0
    while True:
        page = account_history(
            tx, account.id, after=after, count=PAGE, from_us=from_us, until_us=until_us
        )
        for line in page:
            if line.flags & _NOT_POSTING or not from_us <= line.time_us < until_us:
                continue
            count += 1
            if count > lines_max:
                raise Refused(
                    "ledger.too_many_lines",
                    f"The statement has more than {lines_max:,} lines. Ask for a shorter period, "
                    "or export the transfers.",
                )
            balance_minor += -line.amount_minor if line.is_debit else line.amount_minor
            yield replace(line, balance_minor=balance_minor)
        if len(page) < PAGE:
            return
        after = page[-1].position


def account_words(code: int) -> tuple[str, str]:
    """What an account of the chart is called, English and Chinese, by its code."""
    known = general_chart().accounts
    found = known.get(number_of(code, known)) or unassigned()
    return (chart().names.get(code, found.name), found.chinese)


def verify_log(folder: Path) -> tuple[int, tuple[str, ...]]:
    """How many frames of the log in ``folder`` are whole and follow each other, and what is broken
    in words, none where nothing is; its files of ids are tried as well. It only reads; a writer
    need not stop.
    """
    from puhui.ledger.engines.log.reader import FrameReader  # heavy, for logs alone
    from puhui.ledger.engines.log.run import broken_runs

    frames = 0
    try:
        for _ in FrameReader(folder).frames():
            frames += 1
    except Fault as fault:
        return frames, (fault.reason, *broken_runs(folder))
    return frames, broken_runs(folder)
