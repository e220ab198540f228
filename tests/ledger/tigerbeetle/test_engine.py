"""What the engine does beside asking: parting batches, beginning anew, adding up, refusing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from puhui.kernel import Fault, Refused
from puhui.ledger import Account, Transfer
from puhui.ledger.arrays.record import Records, id_halves, pack_accounts, pack_transfers
from puhui.ledger.engines.tigerbeetle import wire
from puhui.ledger.engines.tigerbeetle.client import TooMuchData
from puhui.ledger.engines.tigerbeetle.engine import NO_LEDGER, TigerBeetleEngine
from tests.ledger.conformance.cluster import Cluster
from tests.ledger.conformance.hand import END_NS, START_NS, pay

LINKED = Transfer.LINKED
FUND, BOB, ANN = 1, 2, 3


def begin(events_max: int = 8189) -> tuple[TigerBeetleEngine, Cluster]:
    """An engine on a stand-in with three accounts."""
    cluster = Cluster(events_max)
    cluster.now_ns = START_NS
    engine = TigerBeetleEngine(lambda: cluster)
    accounts = [Account(FUND, "CNY", 1), Account(BOB, "CNY", 1, Account.HISTORY)]
    accounts.append(Account(ANN, "CNY", 1))
    assert set(engine.create_accounts(pack_accounts(accounts), 0).named()) == {"created"}
    cluster.requests.clear()
    return engine, cluster


def sizes(cluster: Cluster, operation: int, width: int = 128) -> list[int]:
    """How many events the requests of a kind had that were sent."""
    return [len(sent) // width for kind, sent in cluster.requests if kind == operation]


def test_what_is_sent_is_what_stands_in_the_records() -> None:
    engine, cluster = begin()
    batch = pack_transfers([pay(10, FUND, BOB, 5, user_data_128=2**127 + 1, user_data_32=7)])
    engine.create_transfers(batch, START_NS)
    assert cluster.requests == [(147, batch.tobytes())]
    # Every second record of a larger array is not contiguous, and is sent as if it were.
    apart = pack_transfers([pay(n, FUND, BOB, 5) for n in range(20, 30)])[::2]
    engine.create_transfers(apart, START_NS)
    assert cluster.requests[1] == (147, apart.tobytes())


def test_a_batch_is_parted_between_chains() -> None:
    engine, cluster = begin(events_max=5)
    flags = [0, 0, 0, LINKED, LINKED, 0, LINKED, 0, 0, LINKED, 0]
    batch = pack_transfers([pay(10 + n, FUND, BOB, 1, flag) for n, flag in enumerate(flags)])
    made = engine.create_transfers(batch, START_NS)
    assert set(made.named()) == {"created"}
    assert len(made.time_ns) == len(flags)
    # It asks for too much first, halves what it asks for, and remembers.
    assert sum(sizes(cluster, wire.CREATE_TRANSFERS)) == len(flags)
    ends = np.cumsum(sizes(cluster, wire.CREATE_TRANSFERS))
    assert all(flags[end - 1] == 0 for end in ends)
    assert max(sizes(cluster, wire.CREATE_TRANSFERS)) <= 5
    ids = id_halves(range(10, 10 + len(flags)))
    assert len(engine.lookup_transfers(ids)) == len(flags)
    assert max(sizes(cluster, wire.LOOKUP_TRANSFERS, 16)) <= 5


def test_a_chain_is_never_parted() -> None:
    engine, cluster = begin(events_max=5)
    chain = [pay(10 + n, FUND, BOB, 1, LINKED) for n in range(6)]
    with pytest.raises(Refused) as refused:
        engine.create_transfers(pack_transfers([*chain, pay(20, FUND, BOB, 1)]), START_NS)
    assert refused.value.code == "ledger.batch_too_large"
    assert cluster.requests == []


def test_a_chain_past_what_was_sent_is_a_fault() -> None:
    engine, cluster = begin(events_max=5)
    engine._events_max = 5
    chain = [pay(20 + n, FUND, BOB, 1, LINKED) for n in range(6)]
    batch = [pay(10, FUND, BOB, 1), *chain, pay(30, FUND, BOB, 1)]
    with pytest.raises(Fault) as fault:
        engine.create_transfers(pack_transfers(batch), START_NS)
    assert fault.value.code == "ledger.cluster_batch_cut"
    assert sizes(cluster, wire.CREATE_TRANSFERS) == [1]


def test_imports_among_others_are_never_parted() -> None:
    engine, cluster = begin(events_max=4)
    past_us = START_NS // 1000 - 10
    imports = [pay(10 + n, FUND, BOB, 1, Transfer.IMPORTED, time_us=past_us) for n in range(6)]
    with pytest.raises(Refused) as refused:
        engine.create_transfers(pack_transfers([*imports, pay(20, FUND, BOB, 1)]), START_NS)
    assert refused.value.code == "ledger.batch_too_large"
    assert cluster.requests == []


def test_a_cluster_that_takes_nothing_is_told_of() -> None:
    engine, _ = begin()
    engine._line = Nothing()
    with pytest.raises(Refused) as refused:
        engine.create_transfers(pack_transfers([pay(10, FUND, BOB, 1)]), START_NS)
    assert refused.value.code == "ledger.batch_too_large"
    with pytest.raises(Fault) as fault:
        engine.tail(after=-1, count=10)
    assert fault.value.code == "ledger.cluster_reply_unknown"


class Nothing(Cluster):
    """A cluster that takes no request at all."""

    def ask(self, operation: int, data: Records, timeout_s: float) -> bytes:
        raise TooMuchData


def test_a_line_that_was_lost_is_begun_again() -> None:
    lines: list[Cluster] = []

    def open_line() -> Cluster:
        lines.append(Cluster())
        return lines[-1]

    with TigerBeetleEngine(open_line) as engine:
        engine.accounts(after=0, count=1, now_ns=0)
        assert len(lines) == 1
        lines[0].close()
        engine.accounts(after=0, count=1, now_ns=0)
        assert len(lines) == 2
    assert not lines[1].is_open


def test_a_lost_answer_is_told_by_asking_again() -> None:
    engine, cluster = begin()
    batch = pack_transfers([pay(10, FUND, BOB, 5)])
    answer = cluster.create_transfers
    cluster.create_transfers = lambda sent: answer(sent)[:-16]  # type: ignore[method-assign]
    with pytest.raises(Fault) as fault:
        engine.create_transfers(batch, START_NS)
    assert fault.value.code == "ledger.cluster_reply_unknown"
    cluster.create_transfers = answer  # type: ignore[method-assign]
    assert engine.create_transfers(batch, START_NS).named() == ("exists",)


def test_the_ledger_that_is_kept_free_is_refused() -> None:
    engine, cluster = begin()
    account = pack_accounts([Account(9, str(NO_LEDGER), 1)])
    with pytest.raises(Refused) as refused:
        engine.create_accounts(account, START_NS)
    assert refused.value.code == "ledger.no_ledger_number"
    assert cluster.requests == []


def test_an_amount_too_large_never_reaches_the_books() -> None:
    engine, cluster = begin()
    batch = pack_transfers([pay(10, FUND, BOB, 2**62), replace(pay(11, FUND, BOB, 1))])
    assert engine.create_transfers(batch, START_NS).named() == (
        "amount_must_not_exceed_62_bits",
        "created",
    )
    (operation, sent), *_ = cluster.requests
    assert operation == 147
    assert int.from_bytes(sent[112:116], "little") == NO_LEDGER
    assert sent[128:] == batch[1:].tobytes()
    assert batch["ledger"].tolist() == [156, 156]


def test_balances_come_from_the_cluster_or_are_added_up() -> None:
    engine, cluster = begin(events_max=3)
    engine._events_max = 3
    moves = [pay(10 + n, *((FUND, ANN) if n % 3 else (ANN, FUND)), 1 + n) for n in range(20)]
    history = [pay(50 + n, FUND, BOB, 1 + n) for n in range(8)]
    engine.create_transfers(pack_transfers([*moves, *history]), START_NS)
    expected = np.cumsum([1 + n if n % 3 else -(1 + n) for n in range(20)]).tolist()
    whole = engine.account_transfers(ANN, after=-1, count=100, from_ns=0, until_ns=END_NS)
    assert whole.balances.tolist() == expected
    # Page by page, each begins where a sum was kept; and from the middle, where none was.
    after, told = -1, []
    while len(told) < 20:
        page = engine.account_transfers(ANN, after=after, count=4, from_ns=0, until_ns=END_NS)
        told += page.balances.tolist()
        after = int(page.ordinals[-1])
    assert told == expected
    engine._sums.clear()
    middle = int(whole.ordinals[10])
    page = engine.account_transfers(ANN, after=middle, count=2, from_ns=0, until_ns=END_NS)
    assert page.balances.tolist() == expected[11:13]
    before = len(cluster.requests)
    page = engine.account_transfers(BOB, after=-1, count=100, from_ns=0, until_ns=END_NS)
    assert page.balances.tolist() == np.cumsum(range(1, 9)).tolist()
    kinds = {operation for operation, _ in cluster.requests[before:]}
    assert kinds == {wire.GET_ACCOUNT_TRANSFERS, wire.GET_ACCOUNT_BALANCES, wire.LOOKUP_ACCOUNTS}


def test_balances_that_are_not_those_of_the_transfers_are_a_fault() -> None:
    engine, cluster = begin()
    engine.create_transfers(pack_transfers([pay(10, FUND, BOB, 5)]), START_NS)
    cluster.account_balances = lambda sent: b""  # type: ignore[method-assign]
    with pytest.raises(Fault) as fault:
        engine.account_transfers(BOB, after=-1, count=9, from_ns=0, until_ns=END_NS)
    assert fault.value.code == "ledger.cluster_reply_unknown"


def test_what_lies_before_a_page_of_accounts_is_read_once() -> None:
    engine, cluster = begin()
    many = pack_accounts([Account(100 + n, "CNY", 1) for n in range(5000)])
    engine.create_accounts(many, START_NS)
    cluster.requests.clear()
    found = 0
    while len(page := engine.accounts(after=found, count=500, now_ns=START_NS)):
        found += len(page)
    assert found == 5003
    first = len(cluster.requests)
    (account,) = engine.accounts(after=4990, count=1, now_ns=START_NS)
    assert int(account["id_lo"]) == 100 + 4987
    assert len(cluster.requests) - first == 1
