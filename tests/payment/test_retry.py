"""Refused, and asked again: under one key the same answer, in the store and in a log beside it;
and a name that failed for want of money is used up in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.node import open_node
from tests.conftest import KEYS, check_books
from tests.payment.purse import batch, held_by, open_books, pay_batch, person, self_of, top_up


@pytest.fixture(params=["sql", "log"])
def kind(request: pytest.FixtureRequest) -> str:
    """Where the ledger is: in the store, or in a log beside it."""
    return str(request.param)


@pytest.fixture
def bank(kind: str, store_url: str, tmp_path: Path, clock: FixedClock) -> Iterator[Node]:
    """A node with books, on each kind of store and with each of the two ledgers."""
    ledger: dict[str, Any] = {"ledger": "log"} if kind == "log" else {}
    node = open_node(tmp_path, store_url=store_url, clock=clock, keys=KEYS, **ledger)
    open_books(node)
    yield node
    check_books(node)
    node.close()


def test_a_refused_act_stays_refused_under_its_key(bank: Node) -> None:
    """Money that comes later changes nothing; a new key with the same name of the payment may."""
    ann, bo = person(bank, 1, money=100), person(bank, 2)
    told = {"payer_id": ann, "payee": bo, "amount_minor": 500, "currency": "CNY"}
    told["payment_id"] = "rent"
    for money in (0, 1_000, 0):
        if money:
            top_up(bank, ann, money)
        with pytest.raises(Refused) as refused:
            bank.act("payment.pay", told, key="first", actor=self_of(ann))
        assert refused.value.code == "payment.wallet_short"
    assert held_by(bank, bo) == 0
    made = bank.act("payment.pay", told, key="second", actor=self_of(ann))
    assert (made.is_repeat, held_by(bank, bo)) == (False, 500)
    again = bank.act("payment.pay", told, key="third", actor=self_of(ann))
    assert (again.is_repeat, again.id, held_by(bank, bo)) == (True, made.id, 500)


@pytest.mark.parametrize("lines", (2, 300))
def test_a_line_that_failed_has_used_its_name_up(bank: Node, lines: int) -> None:
    """A batch is posted as far as it goes; the store keeps what failed for want of money, also
    where the ledger is beside it. Judged one by one, and as arrays.
    """
    ann, bo = person(bank, 1, money=400), person(bank, 2)
    small = [(f"small {n}", ann, bo, 1) for n in range(1, lines)]
    line = batch(("wage", ann, bo, 500), *small)
    for _ in range(2):
        first = pay_batch(bank, line, key="first")
        assert (first.posted, first.refused) == (lines - 1, ((0, "payment.wallet_short"),))
    top_up(bank, ann, 1_000)
    assert pay_batch(bank, line, key="first").refused == first.refused, "its answer is on record"
    for key in ("later", "twice"):
        later = pay_batch(bank, line, key=key)
        assert later.repeated == tuple(range(1, lines))
        assert (later.posted, later.refused) == (0, ((0, "payment.id_failed"),))
        assert held_by(bank, bo) == lines - 1
    renamed = pay_batch(bank, batch(("wage again", ann, bo, 500)), key="renamed")
    assert (renamed.posted, held_by(bank, bo)) == (1, 499 + lines)


def test_what_failed_is_known_when_the_node_is_opened_again(
    kind: str, store_url: str, tmp_path: Path, clock: FixedClock
) -> None:
    ledger: dict[str, Any] = {"ledger": "log"} if kind == "log" else {}
    node = open_node(tmp_path, store_url=store_url, clock=clock, keys=KEYS, **ledger)
    open_books(node)
    ann, bo = person(node, 1), person(node, 2)
    line = batch(("wage", ann, bo, 500))
    assert pay_batch(node, line, key="first").refused == ((0, "payment.wallet_short"),)
    node.close()
    node = open_node(tmp_path, store_url=store_url, clock=clock, keys=KEYS, **ledger)
    top_up(node, ann, 1_000)
    assert pay_batch(node, line, key="second").refused == ((0, "payment.id_failed"),)
    check_books(node)
    node.close()
