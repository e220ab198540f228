"""TigerBeetle's own state-machine cases (src/state_machine_tests.zig at 52ad553, Apache-2.0).

All 16 cases and 193 of their 194 events are played. Left out is the one event with a reserved
field set, as the accounts here have none. Amounts are minor units; a case's clock of nanoseconds
is played in microseconds; its ledgers are currencies.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from puhui import ledger
from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.ledger import Account, Transfer
from tests.ledger.books import create_accounts, create_transfers, expire, sums_of

LEDGERS = {0: "", 1: "CNY", 2: "HKD", 3: "USD", 6: "EUR", 9: "JPY"}
RESERVED_BIT = 1 << 15
SETUP_ID = 10**30
SETUP_ACCOUNT_ID = 10**30
US = {"nanoseconds": 1, "seconds": 1_000_000}
FLAGS = {
    "post_pending_transfer": "POST",
    "void_pending_transfer": "VOID",
}


def cases() -> list[Mapping[str, Any]]:
    """The cases, or none where there is no reference data."""
    path = Path(os.environ.get("PUHUI_DATA", ""), "payments", "ledger_cases.json")
    if not os.environ.get("PUHUI_DATA") or not path.exists():
        return []
    found: list[Mapping[str, Any]] = json.loads(path.read_text())["cases"]
    return found


def test_there_are_cases(reference_data: Callable[..., Path]) -> None:
    reference_data("payments", "ledger_cases.json")
    assert len(cases()) == 16
    assert sum(case["events"] for case in cases()) == 194


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["name"])
def test_case(case: Mapping[str, Any], node: Node, clock: FixedClock) -> None:
    if case["uses_imported"]:
        clock.set_us(1)
    for number, step in enumerate(case["steps"]):
        PLAY[step["op"]](node, clock, step, number)


def _flags(event: Mapping[str, Any], noun: type[Account] | type[Transfer]) -> int:
    flags = RESERVED_BIT if event.get("flags_padding") else 0
    for name in event.get("flags", ()):
        flags |= getattr(noun, FLAGS.get(name, name.upper()))
    return flags


def _number(event: Mapping[str, Any], name: str) -> int:
    return int(event.get(name, 0))


def _play_accounts(node: Node, clock: FixedClock, step: Mapping[str, Any], _: int) -> None:
    events = list(zip(step["events"], step["expected"], strict=True))
    playable = [(event, status) for event, status in events if status != "reserved_field"]
    accounts = [
        Account(
            id=_number(event, "id"),
            ledger=LEDGERS[_number(event, "ledger")],
            code=_number(event, "code"),
            flags=_flags(event, Account),
            user_data_128=_number(event, "user_data_128"),
            user_data_64=_number(event, "user_data_64"),
            user_data_32=_number(event, "user_data_32"),
            debits_pending_minor=_number(event, "debits_pending"),
            debits_posted_minor=_number(event, "debits_posted"),
            credits_pending_minor=_number(event, "credits_pending"),
            credits_posted_minor=_number(event, "credits_posted"),
            time_us=_number(event, "timestamp"),
        )
        for event, _ in playable
    ]
    assert create_accounts(node, *accounts) == [status for _, status in playable]
    clock.set_us(clock.now_us() + len(events))


def _play_transfers(node: Node, clock: FixedClock, step: Mapping[str, Any], _: int) -> None:
    transfers = [
        Transfer(
            id=_number(event, "id"),
            debit_account_id=_number(event, "debit_account_id"),
            credit_account_id=_number(event, "credit_account_id"),
            amount_minor=_number(event, "amount"),
            ledger=LEDGERS[_number(event, "ledger")],
            code=_number(event, "code"),
            flags=_flags(event, Transfer),
            pending_id=_number(event, "pending_id"),
            timeout_s=_number(event, "timeout"),
            user_data_128=_number(event, "user_data_128"),
            user_data_64=_number(event, "user_data_64"),
            user_data_32=_number(event, "user_data_32"),
            time_us=_number(event, "timestamp"),
        )
        for event in step["events"]
    ]
    assert create_transfers(node, *transfers) == step["expected"]
    clock.set_us(clock.now_us() + len(transfers))


def _play_setup(node: Node, clock: FixedClock, step: Mapping[str, Any], number: int) -> None:
    """Bring an account to the balances that a case starts from, by transfers as any other."""
    create_accounts(node, Account(id=SETUP_ACCOUNT_ID, ledger="CNY", code=1))
    account = int(step["account"])
    moves = []
    for side in ("credits", "debits"):
        for kind in ("posted", "pending"):
            if amount := int(step[f"{side}_{kind}"]):
                ends = (account, SETUP_ACCOUNT_ID)
                debit_id, credit_id = ends if side == "debits" else ends[::-1]
                flags = Transfer.PENDING if kind == "pending" else 0
                moves.append((kind, Transfer(0, debit_id, credit_id, amount, "CNY", 1, flags)))
    moves.sort(key=lambda move: move[0], reverse=True)
    for index, (_, move) in enumerate(moves):
        made = Transfer(
            id=SETUP_ID + number * 10 + index,
            debit_account_id=move.debit_account_id,
            credit_account_id=move.credit_account_id,
            amount_minor=move.amount_minor,
            ledger="CNY",
            code=1,
            flags=move.flags,
        )
        assert create_transfers(node, made) == ["created"]
    clock.set_us(clock.now_us() + 1)


def _play_tick(node: Node, clock: FixedClock, step: Mapping[str, Any], _: int) -> None:
    assert step["value"] > 0
    clock.set_us(clock.now_us() + step["value"] * US[step["unit"]])
    expire(node)


def _play_lookup_accounts(node: Node, clock: FixedClock, step: Mapping[str, Any], _: int) -> None:
    with node.read() as tx:
        found = ledger.lookup_accounts(tx, [int(query["id"]) for query in step["queries"]])
    for query, account in zip(step["queries"], found, strict=True):
        expected = query["expect"]
        if expected is None:
            assert account is None
            continue
        names = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
        assert account is not None
        sums = sums_of(node, [account.id])[0]
        assert sums == tuple(int(expected[name]) for name in names)
        assert bool(account.flags & Account.CLOSED) is expected["closed"]


def _play_lookup_transfers(node: Node, clock: FixedClock, step: Mapping[str, Any], _: int) -> None:
    with node.read() as tx:
        found = ledger.lookup_transfers(tx, [int(query["id"]) for query in step["queries"]])
    for query, transfer in zip(step["queries"], found, strict=True):
        expected = query["expect"]
        assert (transfer is not None) is expected.get("exists", True)
        if transfer is not None and "amount" in expected:
            assert transfer.amount_minor == int(expected["amount"])
        if transfer is not None and "timestamp" in expected:
            assert transfer.time_us == int(expected["timestamp"])


PLAY = {
    "create_accounts": _play_accounts,
    "create_transfers": _play_transfers,
    "lookup_accounts": _play_lookup_accounts,
    "lookup_transfers": _play_lookup_transfers,
    "setup_balance": _play_setup,
    "tick": _play_tick,
}
