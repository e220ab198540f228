"""Large plain batches on a ledger beside the store: as the rules decide them one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
    sums_of,
)

OWED = Account.CREDITS_MUST_NOT_EXCEED_DEBITS
CARD = 77
FIRSTS, KEYS_OF = itertools.count(0, 1_000), itertools.count(1)
PEOPLE = (FUND, ALICE, BOB, CARD, 404)


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches of one act, as (id, debit, credit, amount); moved by records or one by one."""

    batches: tuple[tuple[tuple[int, int, int, int], ...], ...]
    by_records: bool


@use_case("plain.move", roles=("system",))
def move(act: Act, input: Batches) -> tuple[tuple[str, ...], ...]:
    """Moves several batches, each seeing what those before it moved."""
    said = []
    for batch in input.batches:
        transfers = [Transfer(i, d, c, m, "CNY", 3) for i, d, c, m in batch]
        given = pack_transfers(transfers) if input.by_records else transfers
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
            tuple((first + i if i else 0, d, c, m) for i, d, c, m in batch) for batch in batches
        )
        said: list[object] = []
        for node, by_records in zip(pair, (True, False), strict=True):
            wish = Batches(told, by_records)
            try:
                said.append(
                    node.act("plain.move", wish, key=f"move {next(KEYS_OF)}", actor=OPERATOR)
                )
            except Refused as refused:
                said.append(refused.code)
        assert said[0] == said[1]
    numbers = [number for number in PEOPLE if number != 404]
    assert sums_of(pair[0], numbers) == sums_of(pair[1], numbers)
