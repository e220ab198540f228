"""The payments of an outage drill: the same for ever by seed, and what must have become of them."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from puhui.kernel import Actor, Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.crypto import Keys
from puhui.kernel.forward import State
from puhui.ledger import Account, Transfer, chart
from puhui.ledger.desk.account import CreateAccounts
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.node import open_node
from puhui.payment import own_account, wallet_account
from puhui.payment.nouns.pay import PayBatch
from tests.faults.pair import Pair

BATCH = 8190
START_US = 1_772_413_200_000_000  # 2026-03-02T09:00:00+08:00
FUNDS_MINOR = 10**10
AMOUNT_MINOR_MAX = 10_000
KEYS = Keys(b"d" * 32)
DRILL = Actor("drill", frozenset({"operator"}))


@dataclass(frozen=True)
class Drill:
    """The size of the drill, what chance it has, and where."""

    payments: int
    wallets: int
    nodes: int
    queue_max: int
    seed: int
    url: str = ""
    root: str = ""

    @property
    def batches(self) -> int:
        """How many batches; the last may be shorter."""
        return -(-self.payments // BATCH)

    def columns(self, batch: int) -> tuple[Any, Any, Any]:
        """Payers, payees (numbers of wallets) and amounts in fen of a batch, for ever the same.

        Each node pays among its own share of the wallets.
        """
        count = min(BATCH, self.payments - batch * BATCH)
        dice = np.random.default_rng([self.seed, batch])
        share = self.wallets // self.nodes
        payers = dice.integers(0, share, count)
        payees = (payers + dice.integers(1, share, count)) % share
        first = batch % self.nodes * share
        return payers + first, payees + first, dice.integers(1, AMOUNT_MINOR_MAX, count)

    def batch(self, batch: int) -> PayBatch:
        """The batch as the use case takes it; a payment's id is its number in the drill."""
        payers, payees, amounts = self.columns(batch)
        first = batch * BATCH
        return PayBatch(
            payment_ids=tuple(map(str, range(first, first + len(amounts)))),
            payers=tuple(map(party, payers.tolist())),
            payees=tuple(map(party, payees.tolist())),
            amounts_minor=tuple(amounts.tolist()),
            currency="CNY",
        )


def party(number: int) -> str:
    """The party of a wallet."""
    return f"drill-{number:06d}"


def found_bank(pair: Pair, drill: Drill) -> None:
    """Wallets with money in them, made by the ledger's own batch acts."""
    pair.primary.execute("CREATE DATABASE bank")
    home = Path(drill.root) / "founder"
    with contextlib.closing(open_node(home, store_url=drill.url, keys=KEYS)) as node:
        open_wallets(node, drill.wallets)


def open_wallets(node: Node, wallets: int) -> None:
    """Open the wallets and put money into them."""
    books = chart()
    flags = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
    code = books.account("customer_deposit")
    funding = Account(own_account("funding", "CNY"), "CNY", books.account("funding"))
    made = [funding]
    made += [
        Account(wallet_account(party(n), "CNY"), "CNY", code, flags=flags) for n in range(wallets)
    ]
    for start in range(0, len(made), BATCH):
        part = made[start : start + BATCH]
        node.act("ledger.create_accounts", CreateAccounts(tuple(part)),
                 key=f"accounts {start}", actor=DRILL)  # fmt: skip
        funds = tuple(
            Transfer(Account.id_of(f"fund {one.id}"), funding.id, one.id, FUNDS_MINOR, "CNY", 1)
            for one in part
            if one is not funding
        )
        node.act("ledger.create_transfers", CreateTransfers(funds),
                 key=f"funds {start}", actor=DRILL)  # fmt: skip


def warm_up(root: Path, clock: FixedClock) -> None:
    """Pay one batch on a small store of its own, so that no payment waits for a compiler."""
    small = Drill(BATCH, 64, 1, 1, 1)
    with contextlib.closing(open_node(root, keys=KEYS, clock=clock)) as node:
        open_wallets(node, small.wallets)
        node.act("payment.pay_batch", small.batch(0), key="warm", actor=DRILL)
    shutil.rmtree(root)


def compare(drill: Drill, pair: Pair, path: Path) -> dict[str, int]:
    """What was acknowledged against what the surviving server has, payment by payment."""
    acknowledged = np.zeros(drill.payments, bool)
    queued = np.zeros(drill.payments, bool)
    refused = 0
    for line in path.read_text().splitlines():
        state, batch, _, _, places = json.loads(line)
        first = batch * BATCH
        part = slice(first, min(first + BATCH, drill.payments))
        if state == State.QUEUED:
            queued[part] = True
        elif state == State.POSTED:
            acknowledged[part] = True
            acknowledged[[first + place for place in places]] = False
            refused += len(places)
        else:
            refused += part.stop - part.start
    posted = np.fromiter(read_ids(pair), np.int64)
    counts = np.bincount(posted, minlength=drill.payments)
    expected = np.full(drill.wallets, FUNDS_MINOR, np.int64)
    for batch in range(drill.batches):
        payers, payees, amounts = drill.columns(batch)
        amounts = amounts * acknowledged[batch * BATCH : batch * BATCH + len(amounts)]
        np.subtract.at(expected, payers, amounts)
        np.add.at(expected, payees, amounts)
    wallets = read_wallets(pair)
    differing = sum(
        wallets.get(wallet_account(party(n), "CNY")) != int(expected[n])
        for n in range(drill.wallets)
    )
    return {
        "payments": drill.payments,
        "acknowledged": int(acknowledged.sum()),
        "refused": refused,
        "lost": int((acknowledged & (counts == 0)).sum()),
        "doubled": int((counts > 1).sum()),
        "delayed": int((queued & acknowledged).sum()),
        "unacknowledged": int((~acknowledged & (counts > 0)).sum()),
        "wallets_differing": differing,
    }


def read_ids(pair: Pair) -> Iterator[int]:
    """The number of every payment that the surviving server has."""
    sql = "COPY (SELECT payment_id FROM payment) TO STDOUT"
    with psycopg.connect(pair.primary.url_of("bank")) as connection, connection.cursor() as cursor:
        rest = b""
        with cursor.copy(sql) as copy:
            for block in copy:
                lines = (rest + bytes(block)).split(b"\n")
                rest = lines.pop()
                yield from map(int, lines)


def read_wallets(pair: Pair) -> dict[int, int]:
    """Every balance that the surviving server has."""
    sql = "SELECT account_id, credits_posted - debits_posted FROM ledger_balance"
    with psycopg.connect(pair.primary.url_of("bank")) as connection:
        return {int.from_bytes(row[0], "big"): row[1] for row in connection.execute(sql)}
