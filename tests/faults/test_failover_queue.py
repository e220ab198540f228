"""Business goes on while no primary is up: files of payments are queued, phones pay one another.

Goal: a merchant and a customer are told plainly what is posted and what only queued; vouchers need
no store at all; when the standby has taken over, everything is posted once. Method: two servers,
the primary killed, payments and vouchers meanwhile, promotion, and the queue drained.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from puhui.kernel import Fault, Node
from puhui.kernel.forward import Forwarder, State
from puhui.kernel.store.promotion import promote
from puhui.payment.nouns.pay import PayBatch
from tests.faults.pair import Pair
from tests.faults.test_failover import open_there, pair
from tests.offline.fair import OPENED_MINOR, STAFF, balance_of, grant, people

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("failover")]
__all__ = ["open_there", "pair"]
CASES = ("payment.pay_batch", "offline.sync_vouchers")


def wages(number: int, payer: str, payee: str, amount_minor: int) -> PayBatch:
    """A small file of payments."""
    ids = tuple(f"{number}-{place}" for place in range(10))
    return PayBatch(ids, (payer,) * 10, (payee,) * 10, (amount_minor,) * 10, "CNY")


def test_an_outage_is_worked_through_and_everything_is_posted_once(
    pair: Pair, open_there: Callable[..., Node], tmp_path: Path
) -> None:
    node = open_there()
    farm, worker, shop = people(node, "farm", "worker", "shop")
    grant(node, worker, 20_000)
    forwarder = Forwarder(node, tmp_path / "queue", use_cases=CASES)
    now_us = node.clock.now_us()

    def pay_wages(number: int) -> State:
        batch = wages(number, farm.party_id, worker.party_id, 100)
        return forwarder.act("payment.pay_batch", batch, key=f"wages {number}", actor=STAFF).state

    assert pay_wages(0) == State.POSTED
    pair.primary.kill()
    assert [pay_wages(number) for number in (1, 2, 2, 3)] == [State.QUEUED] * 4
    for amount in (700, 1_300):  # no store is asked: the shop checks signatures alone
        request = shop.ask(amount, now_us)
        shop.take(worker.pay(request, now_us), request, now_us)
    sent = forwarder.act(
        "offline.sync_vouchers", {"texts": tuple(shop.texts)}, key="vouchers", actor=STAFF
    )
    assert sent.state == State.QUEUED
    poor = wages(4, shop.party_id, farm.party_id, OPENED_MINOR)
    assert forwarder.act("payment.pay_batch", poor, key="poor", actor=STAFF).state == State.QUEUED
    assert (
        forwarder.act("offline.sync_vouchers", {"texts": ()}, key="vouchers", actor=STAFF).code
        == "kernel.key_reused"
    )
    assert forwarder.drain().left == 5
    promote(pair.url_of("bank"), is_alone=True)
    told: list[str] = []
    drained = forwarder.drain(tell=lambda answer: told.append(answer.key))
    assert (drained.posted, drained.refused, drained.left) == (5, (), 0)
    assert told == ["wages 1", "wages 2", "wages 3", "vouchers", "poor"]
    assert balance_of(node, farm.account_id) == OPENED_MINOR - 4_000 + OPENED_MINOR
    assert balance_of(node, worker.account_id) == OPENED_MINOR - 20_000 + 4_000
    assert balance_of(node, shop.account_id) == 2_000, "one of ten large payments was in funds"
    assert pay_wages(3) == State.POSTED, "asked again it is what it was"
    assert balance_of(node, worker.account_id) == OPENED_MINOR - 20_000 + 4_000
    forwarder.close()


@pytest.mark.parametrize("round_number", range(2))
def test_a_batch_cut_between_its_writes_and_its_commit_leaves_nothing(
    pair: Pair,
    open_there: Callable[..., Node],
    monkeypatch: pytest.MonkeyPatch,
    round_number: int,
) -> None:
    """Thousands of rows were sent, then all processes of the primary die before COMMIT is, or while
    it is under way: then the answer may come first, and what was answered must be there.
    """
    from puhui.kernel.store.postgres import PostgresWriter

    node = open_there(writers=1)
    farm, worker = people(node, "farm", "worker")
    count = 3_000
    batch = PayBatch(
        tuple(map(str, range(count))),
        (farm.party_id,) * count,
        (worker.party_id,) * count,
        (1,) * count,
        "CNY",
    )
    keep = PostgresWriter.keep
    is_first = iter([True])

    def cut(writer: PostgresWriter) -> None:
        if next(is_first, False):
            if round_number:
                writer.tx.send(b"COMMIT")
                writer.tx._wire.pipeline_sync()
                writer.tx._wire.flush()
            pair.primary.kill()
        keep(writer)

    monkeypatch.setattr(PostgresWriter, "keep", cut)
    is_answered = False
    try:
        node.act("payment.pay_batch", batch, key="b", actor=STAFF)
        is_answered = True
    except Fault as fault:
        assert fault.code in ("kernel.store_unavailable", "kernel.not_durable")
    promote(pair.url_of("bank"), is_alone=True)
    rows = pair.standby.execute("SELECT count(*) FROM ledger_transfer", database="bank")[0][0]
    posted = rows - rows % count
    if is_answered:
        assert (round_number, posted) == (1, count), "what was answered is there"
    else:
        assert posted in ((0,) if round_number == 0 else (0, count)), "whole or not at all"
    made = node.act("payment.pay_batch", batch, key="b", actor=STAFF)
    assert made.posted == count
    assert balance_of(node, worker.account_id) == OPENED_MINOR + count
