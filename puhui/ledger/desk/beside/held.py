"""What an act moves in a ledger beside the store, and the pendings that hold its money."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from puhui.kernel.act import Act
from puhui.kernel.errors import Fault
from puhui.kernel.store import Transaction
from puhui.ledger.arrays.layout import CLOSING, LINKED, PENDING_FLAG, VOID
from puhui.ledger.arrays.record import (
    TRANSFER,
    Records,
    id_halves,
    ledger_number,
    numbers_of,
    unpack_transfers,
)
from puhui.ledger.nouns import ID_MAX, Account, Transfer

MARK = 0x5055_4856
"""``user_data_32`` of provisional pendings and of what lets them go."""

PAGE = 8190
BETWEEN_CODE = 1221
"""Where holds stand in the chart of accounts: suspense."""


class Keeper(Protocol):
    """Who keeps what is on hold: the ledger beside the store."""

    def confirm(self, hold: OnHold) -> None:
        """Create the transfers under their own ids."""
        ...

    def undo(self, hold: OnHold) -> None:
        """Let the holds go."""
        ...

    def doubt(self, hold: OnHold) -> None:
        """Look it up before the next act."""
        ...


@dataclass(slots=True, eq=False)
class OnHold:
    """An act's transfers, and what holds their money until they are confirmed or undone.

    ``records`` ``(n,) TRANSFER`` are those that are to be, with the act's time; ``changes`` what
    they add to the sums of accounts; ``held`` by account the debit and the credit held, in minor
    units; ``ended`` the amounts of the pendings they end; ``closed`` the accounts that they close
    or open again, and whether they are closed then. ``tx`` is there while the act's group is
    under way; ``fault`` says why it is not there although it is committed.
    """

    ledger: Keeper
    token: bytes
    records: Records
    changes: dict[int, list[int]] = field(default_factory=dict)
    held: dict[int, list[int]] = field(default_factory=dict)
    ended: dict[int, int] = field(default_factory=dict)
    closed: dict[int, bool] = field(default_factory=dict)
    key: str = ""
    tx: Transaction | None = None
    fault: Fault | None = None

    def records_as_transfers(self) -> tuple[Transfer, ...]:
        """The transfers that are to be."""
        return unpack_transfers(self.records)

    def ids(self) -> list[int]:
        """The ids of the transfers that are to be."""
        return numbers_of(self.records["id_lo"], self.records["id_hi"])

    def steps(self) -> Iterator[tuple[int, list[int]]]:
        """What to add to the engine's sums of accounts to have them as this leaves them."""
        yield from self.changes.items()
        for account_id, (debit, credit) in self.held.items():
            yield account_id, [-debit, 0, -credit, 0]

    def confirm(self) -> None:
        """Create the transfers under their own ids. Fault: what the engine reports."""
        self.ledger.confirm(self)

    def undo(self) -> None:
        """Let the holds go."""
        self.ledger.undo(self)

    def doubt(self) -> None:
        """Nobody knows whether the act was committed: it is looked up before the next one."""
        self.ledger.doubt(self)


@dataclass(slots=True)
class Tokens:
    """The names of intents, and those that are of no more use.

    ``done`` may be dropped; where the log is shipped (``is_shipped``), ``uncopied`` are finished
    and wait until the copy holds what they say. ``unnoted`` are accounts that no intent says yet
    which is sure to last.
    """

    begun: int = 0
    done: list[bytes] = field(default_factory=list)
    is_shipped: bool = False
    uncopied: list[bytes] = field(default_factory=list)
    unnoted: set[int] = field(default_factory=set)

    def new(self) -> bytes:
        """A name for an intent; they sort as acts were decided."""
        self.begun += 1
        return self.begun.to_bytes(8, "big") + secrets.token_bytes(16)

    def finish(self, token: bytes) -> None:
        """What an intent says is in the log."""
        (self.uncopied if self.is_shipped else self.done).append(token)

    def take(self) -> list[bytes]:
        """Some that may be dropped, no longer kept here."""
        taken, self.done = self.done[:256], self.done[256:]
        return taken


@dataclass(slots=True)
class Dropped:
    """Intents that an act drops because they are finished; again later, where it is undone."""

    kept: Tokens
    tokens: list[bytes]

    def confirm(self) -> None:
        """They are gone."""

    def undo(self) -> None:
        """They are still there."""
        self.kept.done.extend(self.tokens)

    def doubt(self) -> None:
        """They may be there: to drop one twice changes nothing."""
        self.kept.done.extend(self.tokens)


class Letting(Protocol):
    """Who holds everybody up for a while: the ledger beside the store."""

    def finish_group(self, tx: Transaction) -> None:
        """Create what the acts of a transaction's group move."""
        ...

    def let_on(self, tx: Transaction) -> None:
        """Hold nobody up any more for a transaction's group."""
        ...


@dataclass(slots=True)
class HeldUp:
    """While an act counts what is there, nobody else moves anything; until it has ended."""

    ledger: Letting
    tx: Transaction

    def confirm(self) -> None:
        """It is durable; what its group moves is there before anybody else goes on."""
        self.ledger.finish_group(self.tx)
        self.ledger.let_on(self.tx)

    def undo(self) -> None:
        """It was refused."""
        self.ledger.let_on(self.tx)

    def doubt(self) -> None:
        """Nobody knows how it ended; that it has ended is enough."""
        self.ledger.let_on(self.tx)


def between_account(ledger: str) -> int:
    """The suspense account of a ledger."""
    return Account.id_of(f"ledger:held:{ledger}")


def hold_ids_of(hold: OnHold) -> list[tuple[int, int, bool]]:
    """Id, account and side (is it the debit) of each pending that holds money."""
    made = []
    for account_id, (debit, credit) in sorted(hold.held.items()):
        for amount_minor, is_debit in ((debit, True), (credit, False)):
            if amount_minor:
                text = hold.token + account_id.to_bytes(16, "big") + bytes([is_debit])
                made.append((_digest(text), account_id, is_debit))
    return made


def holds_of(hold: OnHold, ledgers: Mapping[int, str]) -> Records:
    """The pendings that hold money, a chain for each page."""
    found = hold_ids_of(hold)
    made: Records = np.zeros(len(found), dtype=TRANSFER)
    if not found:
        return made
    own, accounts = (id_halves([one[n] for one in found]) for n in (0, 1))
    is_debit = np.array([one[2] for one in found])
    names = [ledgers[one[1]] for one in found]
    between = {name: id_halves([between_account(name)])[0] for name in set(names)}
    others = np.array([between[name] for name in names])
    made["id_lo"], made["id_hi"] = own[:, 0], own[:, 1]
    for half, name in enumerate(("lo", "hi")):
        made[f"debit_{name}"] = np.where(is_debit, accounts[:, half], others[:, half])
        made[f"credit_{name}"] = np.where(is_debit, others[:, half], accounts[:, half])
    made["amount_lo"] = [hold.held[one[1]][0 if one[2] else 1] for one in found]
    numbers = {name: ledger_number(name) for name in between}
    made["ledger"] = [numbers[name] for name in names]
    made["code"], made["user_32"] = BETWEEN_CODE, MARK
    made["flags"] = PENDING_FLAG | LINKED
    made["flags"][[*range(PAGE - 1, len(made), PAGE), -1]] = PENDING_FLAG
    return made


def told(held: Mapping[int, Sequence[int]]) -> str:
    """What is held, as an intent keeps it."""
    return json.dumps({str(account_id): amounts for account_id, amounts in held.items()})


def pages_of(records: Records) -> Iterator[tuple[int, int]]:
    """Where batches begin and end; none ends within a chain."""
    is_last = np.flatnonzero(records["flags"] & LINKED == 0) + 1
    start = 0
    while start < len(records):
        fitting = is_last[(is_last > start) & (is_last <= start + PAGE)]
        end = int(fitting[-1]) if len(fitting) else len(records)
        yield start, end
        start = end


def voids_of(hold_ids: Sequence[int]) -> Records:
    """What lets holds go: the same ids each time."""
    made: Records = np.zeros(len(hold_ids), dtype=TRANSFER)
    if not hold_ids:
        return made
    own = id_halves([_digest(i.to_bytes(16, "big") + b"void") for i in hold_ids])
    halves = id_halves(hold_ids)
    made["id_lo"], made["id_hi"] = own[:, 0], own[:, 1]
    made["pending_lo"], made["pending_hi"] = halves[:, 0], halves[:, 1]
    made["flags"], made["user_32"] = VOID, MARK
    return made


def _digest(text: bytes) -> int:
    made = int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")
    return made if 0 < made < ID_MAX else 1


def ends_of(act: Act, pendings: Sequence[Transfer]) -> tuple[list[Transfer], dict[int, list[int]]]:
    """Voids of pendings, under new ids, and what they add to the sums of accounts."""
    voids: list[Transfer] = []
    changes: dict[int, list[int]] = {}
    for p in pendings:
        sides = (p.debit_account_id, p.credit_account_id)
        void = Transfer(act.new_number(), *sides, p.amount_minor, p.ledger, p.code)
        voids.append(replace(void, flags=Transfer.VOID, pending_id=p.id))
        for account_id, place in zip(sides, (0, 2), strict=True):
            changes.setdefault(account_id, [0, 0, 0, 0])[place] -= p.amount_minor
    return voids, changes


def closes(transfers: Iterable[Transfer], known: Mapping[int, Transfer]) -> bool:
    """Whether any of them closes an account, or ends a pending among ``known`` that has."""
    return any(
        t.flags & CLOSING or (t.pending_id in known and known[t.pending_id].flags & CLOSING)
        for t in transfers
    )


def closed_by(pendings: Iterable[Transfer]) -> Iterator[int]:
    """The accounts that pendings close."""
    for p in pendings:
        if p.flags & Transfer.CLOSING_DEBIT:
            yield p.debit_account_id
        if p.flags & Transfer.CLOSING_CREDIT:
            yield p.credit_account_id
