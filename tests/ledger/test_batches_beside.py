"""Batches of records on a ledger beside the store: as the rules decide them one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puhui import ledger
from puhui.kernel import Act, Node, Refused, use_case
from puhui.kernel.clock import FixedClock
from puhui.ledger import Account, Transfer
from puhui.ledger.arrays.record import pack_transfers
from puhui.node import open_node
from tests.conftest import KEYS
from tests.ledger.books import (
    ALICE,
    BOB,
    DEPOSIT,
    FUND,
    OPERATOR,
    check_books,
    create_accounts,
    expire,
    sums_of,
)
from tests.ledger.test_batches import ACCOUNTS
from tests.ledger.test_compiled import START_US, make_batch

OWED = Account.CREDITS_MUST_NOT_EXCEED_DEBITS
CARD = 77
FIRSTS, KEYS_OF = itertools.count(0, 1_000), itertools.count(1)
PEOPLE = (FUND, ALICE, BOB, CARD, 404)


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches of one act; moved by records or one by one."""

    batches: tuple[tuple[Transfer, ...], ...]
    by_records: bool


@use_case("batches.move", roles=("system",))
def move(act: Act, input: Batches) -> tuple[tuple[str, ...], ...]:
    """Moves several batches, each seeing what those before it moved."""
    said = []
    for batch in input.batches:
        given = pack_transfers(batch) if input.by_records else batch
        statuses = ledger.create_transfers(act, given)
        said.append(tuple(status.value for status in statuses))
    return tuple(said)


def open_town(home: Path, url: str) -> Node:
    """A fund, two depositors and a card, on a log beside the store."""
    node = open_node(
        home, store_url=url, clock=FixedClock(1_772_000_000_000_000), keys=KEYS, ledger="log"
    )
    create_accounts(
        node,
        Account(FUND, "CNY", 1),
        Account(ALICE, "CNY", 2011, DEPOSIT),
        Account(BOB, "CNY", 2011, DEPOSIT),
        Account(CARD, "CNY", 1011, OWED),
    )
    return node


@pytest.fixture
def pair(tmp_path: Path, store_url: str) -> Iterator[tuple[Node, Node]]:
    """Two towns alike: one on the store of the test, one on a file."""
    first = open_town(tmp_path / "one", store_url)
    second = open_town(tmp_path / "two", f"sqlite:///{tmp_path / 'two.sqlite'}")
    yield first, second
    for node in (first, second):
        check_books(node)
        node.close()


ROWS = st.tuples(
    st.integers(0, 400),
    st.sampled_from(PEOPLE),
    st.sampled_from(PEOPLE),
    st.sampled_from((0, 1, 7, 40, 90, 2**61)),
)
ACTS = st.lists(st.lists(st.lists(ROWS, max_size=30), min_size=1, max_size=3), max_size=6)


def both_say(
    pair: tuple[Node, Node], batches: tuple[tuple[Transfer, ...], ...]
) -> tuple[tuple[str, ...], ...] | str:
    """What both towns answer, the one asked by records, the other one by one."""
    said = []
    for node, by_records in zip(pair, (True, False), strict=True):
        wish = Batches(batches, by_records)
        try:
            said.append(node.act("batches.move", wish, key=f"{next(KEYS_OF)}", actor=OPERATOR))
        except Refused as refused:
            said.append(refused.code)
    assert said[0] == said[1]
    return said[0]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=ACTS)
def test_records_are_decided_as_transfers_are(
    pair: tuple[Node, Node], acts: list[list[list[tuple[int, int, int, int]]]]
) -> None:
    """Ids used again, unknown accounts, too little money, too large amounts: the same answers."""
    first = next(FIRSTS)
    for batches in acts:
        told = tuple(
            tuple(Transfer(first + i if i else 0, d, c, m, "CNY", 3) for i, d, c, m in batch)
            for batch in batches
        )
        both_say(pair, told)
    numbers = [number for number in PEOPLE if number != 404]
    assert sums_of(pair[0], numbers) == sums_of(pair[1], numbers)


@pytest.mark.parametrize("seed", range(4))
def test_all_kinds_are_decided_alike(seed: int, tmp_path: Path, store_url: str) -> None:
    """Chains, pendings, ends, closings, balancing, history, repeats: several batches in an act."""
    chance, clocks = Random(seed), (FixedClock(START_US), FixedClock(START_US))
    urls = (store_url, f"sqlite:///{tmp_path / 'two.sqlite'}")
    pair = tuple(
        open_node(tmp_path / name, store_url=url, clock=clock, keys=KEYS, ledger="log")
        for name, url, clock in zip("ab", urls, clocks, strict=True)
    )
    for node in pair:
        create_accounts(node, *ACCOUNTS)
    now_us, next_id, used, seen = START_US, [10], [], set()
    for _ in range(10):
        now_us += chance.choice([0, 0, 1, 3]) * 1_000_000 + 1_000
        batches = []
        for _ in range(chance.randrange(1, 4)):
            batches.append(tuple(make_batch(chance, used, next_id)))
            used += batches[-1]
        for clock in clocks:
            clock.set_us(now_us)
        seen.update(s for statuses in both_say(pair, tuple(batches)) for s in statuses)
        if chance.random() < 0.5:
            for node in pair:
                expire(node)
        told = []
        for node in pair:
            with node.read() as tx:
                ids = sorted({t.id for t in used})
                found = ledger.lookup_transfers(tx, ids)
                accounts = ledger.lookup_accounts(tx, [a.id for a in ACCOUNTS])
                told.append(([t and replace(t, time_us=0) for t in found], accounts))
        assert told[0][0] == told[1][0]
        assert [(a.flags, *sums_of(pair[0], [a.id])) for a in told[0][1]] == [
            (a.flags, *sums_of(pair[1], [a.id])) for a in told[1][1]
        ]
    for node in pair:
        check_books(node)
        node.close()
    assert len(seen) > 12
