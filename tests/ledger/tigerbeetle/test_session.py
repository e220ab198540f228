"""The native client: what is sent is what stands in the array, and no wait is without an end."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from puhui.kernel import Fault, Refused
from puhui.ledger.arrays.record import TRANSFER, Records
from puhui.ledger.engines.tigerbeetle import wire
from puhui.ledger.engines.tigerbeetle.client import (
    Session,
    TooMuchData,
    find_replica,
    read_cluster,
)
from puhui.ledger.engines.tigerbeetle.engine import TigerBeetleEngine

WAIT_S = 20.0
"""Far longer than an answer takes."""


@pytest.fixture
def echo() -> Iterator[Session]:
    """A session of the real library that answers with what it was sent."""
    pytest.importorskip("tigerbeetle", reason="the extra 'tigerbeetle' is not installed")
    session = Session(0, "3000", is_echo=True)
    yield session
    session.close()


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address that is taken and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def some(count: int, seed: int = 1) -> Records:
    """Transfers with any bytes at all."""
    noise = np.random.default_rng(seed).bytes(count * 128)
    return np.frombuffer(noise, dtype=TRANSFER)


@pytest.mark.parametrize("count", [1, 2, 250, 8189])
def test_the_library_is_handed_the_bytes_of_the_array(echo: Session, count: int) -> None:
    batch = some(count)
    assert echo.ask(wire.CREATE_TRANSFERS, batch, WAIT_S) == batch.tobytes()


def test_a_message_has_room_for_so_many_events(echo: Session) -> None:
    with pytest.raises(TooMuchData):
        echo.ask(wire.CREATE_TRANSFERS, some(wire.EVENTS_MAX + 1), WAIT_S)
    # It is said before anything is sent, and the session goes on.
    assert echo.ask(wire.CREATE_TRANSFERS, some(1), WAIT_S) == some(1).tobytes()


def test_several_threads_ask_at_once(echo: Session) -> None:
    wrong: list[int] = []

    def ask(seed: int) -> None:
        for turn in range(20):
            batch = some(1 + turn, seed * 100 + turn)
            if echo.ask(wire.CREATE_TRANSFERS, batch, WAIT_S) != batch.tobytes():
                wrong.append(seed)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_closed_session_is_not_asked(echo: Session) -> None:
    echo.close()
    echo.close()
    assert not echo.is_open
    with pytest.raises(Fault, match="closed") as fault:
        echo.ask(wire.CREATE_TRANSFERS, some(1), WAIT_S)
    assert fault.value.code == "ledger.cluster_unreachable"


def test_silence_ends_with_a_fault_and_the_session(silent: str) -> None:
    pytest.importorskip("tigerbeetle", reason="the extra 'tigerbeetle' is not installed")
    session = Session(0, silent)
    with pytest.raises(Fault, match=r"no answer came in 0\.2 seconds") as fault:
        session.ask(wire.CREATE_TRANSFERS, some(3), 0.2)
    assert fault.value.code == "ledger.cluster_unreachable"
    assert silent in fault.value.reason
    assert "same ids" in fault.value.reason
    assert not session.is_open


def test_a_silent_cluster_is_not_connected_to(silent: str) -> None:
    pytest.importorskip("tigerbeetle", reason="the extra 'tigerbeetle' is not installed")
    with pytest.raises(Fault) as fault:
        TigerBeetleEngine.connected(f"0@{silent}", timeout_s=0.2)
    assert fault.value.code == "ledger.cluster_unreachable"


def test_who_refuses_connections_is_named(refusing: str) -> None:
    with pytest.raises(Fault, match="refuses connections") as fault:
        TigerBeetleEngine.connected(f"7@{refusing}", timeout_s=WAIT_S)
    assert fault.value.code == "ledger.cluster_unreachable"
    assert refusing in fault.value.reason


def test_one_replica_that_listens_is_enough(
    refusing: str, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that refuses is passed over, though alone it is a fault."""
    tried = []
    connect = socket.create_connection

    def told(address: tuple[str, int], timeout_s: float) -> socket.socket:
        tried.append(address[1])
        return connect(address, timeout_s)

    monkeypatch.setattr(socket, "create_connection", told)
    find_replica(f"{refusing},{silent}", WAIT_S)
    assert tried == [int(address.rpartition(":")[2]) for address in (refusing, silent)]


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tigerbeetle.bindings", None)
    with pytest.raises(Fault, match="extra 'tigerbeetle'") as fault:
        Session(0, "3000")
    assert fault.value.code == "ledger.cluster_client_missing"


@pytest.mark.parametrize(
    "setting, read",
    [
        ("0@3000", (0, "3000")),
        ("0@127.0.0.1", (0, "127.0.0.1")),
        (f"{2**128 - 1}@10.0.0.1:3000,10.0.0.2:3000,10.0.0.3:3000", (2**128 - 1, None)),
    ],
)
def test_a_cluster_is_written_so(setting: str, read: tuple[int, str | None]) -> None:
    cluster, addresses = read_cluster(setting)
    assert cluster == read[0]
    assert addresses == (read[1] or setting.partition("@")[2])


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "0",
        "@3000",
        "0@",
        "-1@3000",
        "x@3000",
        f"{2**128}@3000",
        "0@localhost:3000",
        "0@10.0.0.1:0",
        "0@10.0.0.1:65536",
        "0@10.0.0.1:x",
        "0@10.0.0.1:",
        "0@0",
        "0@3000,",
        "0@" + ",".join(["3000"] * 7),
        "0@３０００",
    ],
)
def test_a_cluster_is_not_written_so(setting: str) -> None:
    with pytest.raises(Refused) as refused:
        read_cluster(setting)
    assert refused.value.code == "ledger.cluster_setting"
