"""A stand-in for a TigerBeetle cluster: reads the bytes that are sent, answers in bytes.

Layouts are written out once more here, by ``struct``, so that the engine's own are not judged by
themselves.
"""

from __future__ import annotations

import struct

import numpy as np

from puhui.ledger.arrays.record import ACCOUNT, STATUSES, TRANSFER, Records
from puhui.ledger.engines import Results
from puhui.ledger.engines.tigerbeetle.client import TooMuchData
from puhui.ledger.engines.tigerbeetle.engine import TigerBeetleEngine
from puhui.ledger.engines.tigerbeetle.wire import ACCOUNT_STATUSES, TRANSFER_STATUSES
from puhui.ledger.nouns import Account, Status
from tests.ledger.conformance.memory import MemoryLedger

END_NS = 2**63
NUMBERS = (
    {status: number for number, status in ACCOUNT_STATUSES.items()},
    {status: number for number, status in TRANSFER_STATUSES.items()},
)


class Cluster:
    """What a cluster holds, its clock, and the requests that came."""

    def __init__(self, events_max: int = 8189) -> None:
        self.ledger = MemoryLedger()
        self.now_ns = 0
        self.events_max = events_max
        self.requests: list[tuple[int, bytes]] = []
        self.is_open = True

    def ask(self, operation: int, data: Records, timeout_s: float) -> bytes:
        sent = bytes(memoryview(data).cast("B"))
        size = {140: 16, 141: 16, 142: 128, 143: 128, 144: 64, 145: 64}.get(operation, 128)
        assert len(sent) % size == 0, (operation, len(sent))
        if len(sent) // size > self.events_max:
            raise TooMuchData
        self.requests.append((operation, sent))
        answer = {
            140: self.lookup_accounts,
            141: self.lookup_transfers,
            142: self.account_transfers,
            143: self.account_balances,
            144: self.query_accounts,
            145: self.query_transfers,
            146: self.create_accounts,
            147: self.create_transfers,
        }[operation]
        return answer(sent)

    def create_accounts(self, sent: bytes) -> bytes:
        made = self.ledger.create_accounts(np.frombuffer(sent, dtype=ACCOUNT), self.now_ns)
        return self.results(made, NUMBERS[0])

    def create_transfers(self, sent: bytes) -> bytes:
        made = self.ledger.create_transfers(np.frombuffer(sent, dtype=TRANSFER), self.now_ns)
        return self.results(made, NUMBERS[1])

    def results(self, made: Results, numbers: dict[Status, int]) -> bytes:
        # Whatever became of an event, the cluster tells a time.
        return b"".join(
            struct.pack("<QII", int(time_ns) or self.now_ns, numbers[STATUSES[place]], 0)
            for place, time_ns in zip(made.status.tolist(), made.time_ns.tolist(), strict=True)
        )

    def lookup_accounts(self, sent: bytes) -> bytes:
        ids = np.frombuffer(sent, dtype="<u8").reshape(-1, 2)
        return self.ledger.lookup_accounts(ids, self.now_ns).tobytes()

    def lookup_transfers(self, sent: bytes) -> bytes:
        return self.ledger.lookup_transfers(
            np.frombuffer(sent, dtype="<u8").reshape(-1, 2)
        ).tobytes()

    def account_filter(self, sent: bytes) -> tuple[int, Records, np.ndarray]:
        low, high, *free, from_ns, last_ns, count, flags = struct.unpack("<QQQQQIH58xQQII", sent)
        assert free == [0] * 5, free
        assert flags == 3, flags
        assert count > 0, count
        assert last_ns == 0 or from_ns <= last_ns, (from_ns, last_ns)
        until_ns = last_ns + 1 if last_ns else END_NS
        page = self.ledger.account_transfers(
            low | high << 64,
            after=-1,
            count=min(count, self.events_max),
            from_ns=from_ns,
            until_ns=until_ns,
        )
        return low | high << 64, page.transfers, page.balances

    def account_transfers(self, sent: bytes) -> bytes:
        return self.account_filter(sent)[1].tobytes()

    def account_balances(self, sent: bytes) -> bytes:
        account_id, transfers, balances = self.account_filter(sent)
        ids = np.array([[account_id & 2**64 - 1, account_id >> 64]], dtype=np.uint64)
        (account,) = self.ledger.lookup_accounts(ids, self.now_ns)
        if not account["flags"] & Account.HISTORY:
            return b""
        # Only the difference of the posted sums is told; the engine asks for nothing else.
        return b"".join(
            struct.pack(
                "<QQQQQQQQQ56x", 0, 0, max(-balance, 0), 0, 0, 0, max(balance, 0), 0, time_ns
            )
            for balance, time_ns in zip(
                balances.tolist(), transfers["time_ns"].tolist(), strict=True
            )
        )

    def query_filter(self, sent: bytes) -> tuple[int, int]:
        *free, from_ns, last_ns, count, flags = struct.unpack("<QQQIIH6xQQII", sent)
        assert free == [0] * 6, free
        assert flags == last_ns == 0, (flags, last_ns)
        assert count > 0, count
        return from_ns, min(count, self.events_max)

    def query_accounts(self, sent: bytes) -> bytes:
        from_ns, count = self.query_filter(sent)
        found = self.ledger.accounts(after=0, count=1 << 30, now_ns=self.now_ns)
        return found[found["time_ns"] >= from_ns][:count].tobytes()

    def query_transfers(self, sent: bytes) -> bytes:
        from_ns, count = self.query_filter(sent)
        found = self.ledger.tail(after=-1, count=1 << 30).transfers
        return found[found["time_ns"] >= from_ns][:count].tobytes()

    def close(self) -> None:
        self.is_open = False


class ClusteredLedger(TigerBeetleEngine):
    """The engine on a stand-in whose clock is set to what the suite says it is."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(lambda: cluster)
        self.cluster = cluster

    def create_accounts(self, accounts: Records, now_ns: int) -> Results:
        self.cluster.now_ns = now_ns
        return super().create_accounts(accounts, now_ns)

    def create_transfers(
        self, transfers: Records, now_ns: int, *, is_durable: bool = True
    ) -> Results:
        self.cluster.now_ns = now_ns
        return super().create_transfers(transfers, now_ns)

    def lookup_accounts(self, ids: np.ndarray, now_ns: int, *, is_durable: bool = True) -> Records:
        self.cluster.now_ns = max(self.cluster.now_ns, now_ns)
        return super().lookup_accounts(ids, now_ns)

    def accounts(self, *, after: int, count: int, now_ns: int) -> Records:
        self.cluster.now_ns = max(self.cluster.now_ns, now_ns)
        return super().accounts(after=after, count=count, now_ns=now_ns)
