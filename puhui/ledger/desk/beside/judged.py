"""What transfers are judged against where the ledger is beside the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from puhui.kernel.act import Act
from puhui.kernel.store import Transaction
from puhui.ledger.arrays.record import id_halves, unpack_accounts
from puhui.ledger.desk.beside.held import PAGE
from puhui.ledger.engines import LedgerEngine
from puhui.ledger.nouns import ID_MAX, Account, Transfer
from puhui.ledger.rules import Books, Terms


def read_books(
    act: Act,
    engine: LedgerEngine,
    transfers: Sequence[Transfer],
    recorded: tuple[Mapping[int, Transfer], Mapping[int, tuple[int, int]]],
    burnt: frozenset[int],
    add_own: Callable[[Transaction, dict[int, list[int]]], None],
    own_closed: Mapping[int, bool],
) -> tuple[Books, frozenset[int]]:
    """What the rules judge against: the engine's accounts as the act itself has left them; and
    which of them are closed in the engine.

    ``recorded`` as ``OutsideLedger.find`` has it, ``burnt`` are ids that failed before.
    An account that was created closed can have no pending, so what closed one need not be known.
    """
    known, ends = recorded
    pendings = [known[i] for i in ends]
    wanted = {t.debit_account_id for t in transfers} | {t.credit_account_id for t in transfers}
    for p in pendings:
        wanted |= {p.debit_account_id, p.credit_account_id}
    asked = sorted(i for i in wanted if 0 < i < ID_MAX)
    terms: dict[int, Terms] = {}
    sums: dict[int, list[int]] = {}
    shut: set[int] = set()
    for start in range(0, len(asked), PAGE):
        page = engine.lookup_accounts(id_halves(asked[start : start + PAGE]), 0, is_durable=False)
        for a in unpack_accounts(page):
            terms[a.id] = (a.ledger, a.flags & ~Account.CLOSED, a.time_us)
            if a.flags & Account.CLOSED:
                shut.add(a.id)
            sums[a.id] = [
                a.debits_pending_minor,
                a.debits_posted_minor,
                a.credits_pending_minor,
                a.credits_posted_minor,
            ]
    add_own(act.tx, sums)
    closed = {i for i in terms if own_closed.get(i, i in shut)}
    return Books(act.now_us, terms, sums, known, ends, burnt, closed), frozenset(shut)
