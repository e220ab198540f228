"""Bytes as the client of TigerBeetle itself lays them out and names them."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import numpy as np
import pytest

from puhui.kernel import Fault
from puhui.ledger.arrays.record import ACCOUNT, TRANSFER
from puhui.ledger.engines.tigerbeetle import wire
from puhui.ledger.nouns import Account, Status, Transfer

OURS = {"AMOUNT_MUST_NOT_EXCEED_62_BITS"}
"""Statuses that a cluster never answers."""


@pytest.fixture
def bindings() -> Any:
    return pytest.importorskip(
        "tigerbeetle.bindings", reason="the extra 'tigerbeetle' is not installed"
    )


def test_statuses_are_those_of_the_client(bindings: Any) -> None:
    for ours, theirs in (
        (wire.ACCOUNT_STATUSES, bindings.CreateAccountStatus),
        (wire.TRANSFER_STATUSES, bindings.CreateTransferStatus),
    ):
        assert {number: status.name for number, status in ours.items()} == {
            int(status): status.name for status in theirs
        }
        assert len(set(ours.values())) == len(ours)


def test_every_status_is_answered_by_one_of_the_two() -> None:
    told = set(wire.ACCOUNT_STATUSES.values()) | set(wire.TRANSFER_STATUSES.values())
    assert {status.name for status in set(Status) - told} == OURS


def test_operations_and_flags_are_those_of_the_client(bindings: Any) -> None:
    for operation in bindings.Operation:
        ours = getattr(wire, operation.name, None)
        assert ours in (None, int(operation)), operation
        assert ours is not None or operation.name in ("PULSE", "GET_CHANGE_EVENTS")
    names = {"POST_PENDING_TRANSFER": "POST", "VOID_PENDING_TRANSFER": "VOID"}
    for noun, flags in ((Account, bindings.AccountFlags), (Transfer, bindings.TransferFlags)):
        for flag in flags:
            if flag:
                assert getattr(noun, names.get(flag.name, flag.name)) == int(flag)
    both = bindings.AccountFilterFlags.DEBITS | bindings.AccountFilterFlags.CREDITS
    assert int(both) == wire.DEBITS_AND_CREDITS


RENAMED = {
    "user_data_128": "user_128",
    "user_data_64": "user_64",
    "user_data_32": "user_32",
    "timestamp": "time_ns",
    "timestamp_min": "from_ns",
    "timestamp_max": "last_ns",
    "timeout": "timeout_s",
    "debit_account_id": "debit",
    "credit_account_id": "credit",
    "account_id": "account",
    "pending_id": "pending",
    "limit": "count",
}


@pytest.mark.parametrize(
    "noun, name",
    [
        (ACCOUNT, "CAccount"),
        (TRANSFER, "CTransfer"),
        (wire.RESULT, "CCreateAccountResult"),
        (wire.RESULT, "CCreateTransferResult"),
        (wire.BALANCE, "CAccountBalance"),
        (wire.ACCOUNT_FILTER, "CAccountFilter"),
        (wire.QUERY_FILTER, "CQueryFilter"),
    ],
)
def test_layouts_are_those_of_the_client(bindings: Any, noun: np.dtype[Any], name: str) -> None:
    theirs = getattr(bindings, name)
    assert ctypes.sizeof(theirs) == noun.itemsize
    assert noun.fields is not None
    seen = set()
    for field, _ in theirs._fields_:
        place = getattr(theirs, field)
        ours = RENAMED.get(field, field)
        if ours not in noun.fields:
            for half, offset in (("_lo", 0), ("_hi", 8)):
                kind, at = noun.fields[ours + half][:2]
                assert (at, kind.itemsize) == (place.offset + offset, 8), field
                seen.add(ours + half)
            continue
        kind, at = noun.fields[ours][:2]
        assert (at, kind.itemsize) == (place.offset, place.size), field
        seen.add(ours)
    assert seen == set(noun.fields)


def results(*rows: tuple[int, int]) -> bytes:
    """A reply as a cluster writes it: time and status of each event."""
    return b"".join(struct.pack("<QII", time_ns, number, 0) for time_ns, number in rows)


def test_results_are_read() -> None:
    made = wire.decode_results(
        wire.CREATE_TRANSFERS, results((7, 0xFFFF_FFFF), (8, 46), (9, 54), (10, 1)), 4
    )
    assert made.named() == ("created", "exists", "exceeds_credits", "linked_event_failed")
    # A time is when something was created: what was not has none.
    assert made.time_ns.tolist() == [7, 0, 0, 0]
    assert wire.decode_results(wire.CREATE_ACCOUNTS, results((0, 21)), 1).named() == ("exists",)


def test_every_number_is_read_as_its_status_or_not_at_all() -> None:
    for operation, statuses in (
        (wire.CREATE_ACCOUNTS, wire.ACCOUNT_STATUSES),
        (wire.CREATE_TRANSFERS, wire.TRANSFER_STATUSES),
    ):
        for number in [*range(600), 2**31, 2**32 - 2, 2**32 - 1]:
            if number in statuses:
                made = wire.decode_results(operation, results((1, number)), 1)
                assert made.named() == (statuses[number],)
                continue
            with pytest.raises(Fault, match=str(number)) as fault:
                wire.decode_results(operation, results((1, number)), 1)
            assert fault.value.code == "ledger.cluster_reply_unknown"


@pytest.mark.parametrize("reply", [results((1, 46))[:-1], results(), results((1, 46), (1, 46))])
def test_a_reply_of_another_size_is_a_fault(reply: bytes) -> None:
    with pytest.raises(Fault) as fault:
        wire.decode_results(wire.CREATE_TRANSFERS, reply, 1)
    assert fault.value.code == "ledger.cluster_reply_unknown"
    with pytest.raises(Fault):
        wire.decode_reply(wire.LOOKUP_ACCOUNTS, bytes(129))
