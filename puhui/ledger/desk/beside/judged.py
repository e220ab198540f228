"""What transfers are judged against where the ledger is beside the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from puhui.kernel.act import Act
from puhui.kernel.store import Transaction
from puhui.ledger.arrays.layout import PENDING_FLAG
from puhui.ledger.arrays.record import id_halves, unpack_accounts
from puhui.ledger.desk.beside.held import PAGE
from puhui.ledger.engines import LedgerEngine
from puhui.ledger.nouns import ID_MAX, Transfer
from puhui.ledger.rules import OPEN, Books, Terms
from puhui.ledger.rules.books import POSTED, VOIDED
from puhui.ledger.tables import intent
from puhui.ledger.tables.schema import blob, number


def read_books(
    act: Act,
    engine: LedgerEngine,
    transfers: Sequence[Transfer],
    known: Mapping[int, Transfer],
    add_own: Callable[[Transaction, dict[int, list[int]]], None],
) -> Books:
    """What the rules judge against: the engine's accounts as the act itself has left them."""
    pendings = {i: t for i, t in known.items() if t.flags & PENDING_FLAG}
    wanted = {t.debit_account_id for t in transfers} | {t.credit_account_id for t in transfers}
    for p in pendings.values():
        wanted |= {p.debit_account_id, p.credit_account_id}
    asked = sorted(i for i in wanted if 0 < i < ID_MAX)
    terms: dict[int, Terms] = {}
    sums: dict[int, list[int]] = {}
    for start in range(0, len(asked), PAGE):
        page = engine.lookup_accounts(id_halves(asked[start : start + PAGE]), 0)
        for a in unpack_accounts(page):
            terms[a.id] = (a.ledger, a.flags, a.time_us)
            sums[a.id] = [
                a.debits_pending_minor,
                a.debits_posted_minor,
                a.credits_pending_minor,
                a.credits_posted_minor,
            ]
    add_own(act.tx, sums)
    keys = [blob(i) for i in pendings]
    claims = act.tx.all(intent.FIND_CLAIMS, ids=keys) if keys else []
    holds = act.tx.all(intent.FIND_HOLDS, ids=keys) if keys else []
    states = {number(row.pending_id): POSTED if row.is_post else VOIDED for row in claims}
    expires_us = {number(row.id): row.expires_us for row in holds}
    ends = {i: (states.get(i, OPEN), expires_us.get(i, 0)) for i in pendings}
    return Books(act.now_us, terms, sums, known, ends)
