"""TigerBeetle's own state-machine cases (src/state_machine_tests.zig at 52ad553, Apache-2.0).

All 16 cases and 194 events, on every engine. Amounts are minor units; a nanosecond of a case's
clock is played as a microsecond, so that the store, which keeps those, plays along.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from puhui.ledger import Account, Transfer
from puhui.ledger.arrays.record import (
    ACCOUNT,
    TRANSFER,
    Records,
    id_halves,
    numbers_of,
    unpack_accounts,
    unpack_transfers,
)
from puhui.ledger.nouns import ID_MAX
from tests.ledger.conformance.played import Played

LEDGERS = {0: 0, 1: 156, 2: 344, 3: 840, 6: 978, 9: 392}
"""Ledgers of the cases by number, as the numbers of currencies here."""

RESERVED_BIT = 1 << 15
SETUP_ID = 10**15
NS = {"nanoseconds": 1000, "seconds": 1_000_000_000}
FLAGS = {"post_pending_transfer": "POST", "void_pending_transfer": "VOID"}
SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
START_NS = 1_800_000_000_000_000_000


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
def test_case(case: Mapping[str, Any], played: Played) -> None:
    if not played.has_clock and (case["needs_clock"] or case["uses_imported"]):
        pytest.skip("this engine has a clock of its own, which no test moves")
    # An imported case is told in times just past nought.
    player = Player(played, 1000 if case["uses_imported"] else START_NS)
    for number, step in enumerate(case["steps"]):
        getattr(player, step["op"])(step, number)


class Player:
    """Plays the steps of one case."""

    def __init__(self, played: Played, now_ns: int) -> None:
        self.played, self.engine, self.now_ns = played, played.engine, now_ns

    def id_of(self, event: Mapping[str, Any], name: str = "id") -> int:
        """An id of a case; nought and the largest number mean what they mean."""
        number = int(event.get(name, 0))
        return number if number in (0, ID_MAX) else number + self.played.offset

    def fill(self, records: Records, place: int, event: Mapping[str, Any]) -> None:
        """What accounts and transfers have in common."""
        row = records[place]
        put(row, "id", self.id_of(event))
        put(row, "user_128", int(event.get("user_data_128", 0)))
        row["user_64"] = int(event.get("user_data_64", 0))
        row["user_32"] = int(event.get("user_data_32", 0))
        row["ledger"] = LEDGERS[int(event.get("ledger", 0))]
        row["code"] = int(event.get("code", 0))
        row["time_ns"] = int(event.get("timestamp", 0)) * 1000
        noun = Account if records.dtype == ACCOUNT else Transfer
        flags = RESERVED_BIT if event.get("flags_padding") else 0
        for name in event.get("flags", ()):
            flags |= getattr(noun, FLAGS.get(name, name.upper()))
        row["flags"] = flags

    def create_accounts(self, step: Mapping[str, Any], _: int) -> None:
        records = np.zeros(len(step["events"]), dtype=ACCOUNT)
        for place, event in enumerate(step["events"]):
            self.fill(records, place, event)
            records["reserved"][place] = int(event.get("reserved", 0))
            for name in SUMS:
                put(records[place], name, int(event.get(name, 0)))
        made = self.engine.create_accounts(records, self.now_ns)
        assert list(made.named()) == step["expected"]
        assert ((made.time_ns != 0) == (made.status == 0)).all()
        self.now_ns += 1000 * len(records)

    def create_transfers(self, step: Mapping[str, Any], _: int) -> None:
        records = np.zeros(len(step["events"]), dtype=TRANSFER)
        for place, event in enumerate(step["events"]):
            self.fill(records, place, event)
            row = records[place]
            put(row, "debit", self.id_of(event, "debit_account_id"))
            put(row, "credit", self.id_of(event, "credit_account_id"))
            put(row, "pending", self.id_of(event, "pending_id"))
            put(row, "amount", int(event.get("amount", 0)))
            row["timeout_s"] = int(event.get("timeout", 0))
        made = self.engine.create_transfers(records, self.now_ns)
        assert list(made.named()) == step["expected"]
        assert ((made.time_ns != 0) == (made.status == 0)).all()
        self.now_ns += 1000 * len(records)

    def setup_balance(self, step: Mapping[str, Any], number: int) -> None:
        """Bring an account to the balances that a case starts from, by transfers as any other."""
        bank, account = SETUP_ID + self.played.offset, int(step["account"]) + self.played.offset
        banks = np.zeros(1, dtype=ACCOUNT)
        put(banks[0], "id", bank)
        banks["ledger"], banks["code"] = 156, 1
        assert self.engine.create_accounts(banks, self.now_ns).named()[0] in ("created", "exists")
        for index, name in enumerate(
            ("credits_posted", "debits_posted", "credits_pending", "debits_pending")
        ):
            move = np.zeros(1, dtype=TRANSFER)
            put(move[0], "id", bank + 1 + number * 10 + index)
            put(move[0], "debit", account if "debits" in name else bank)
            put(move[0], "credit", bank if "debits" in name else account)
            move["amount_lo"] = int(step[name])
            move["ledger"], move["code"] = 156, 1
            move["flags"] = Transfer.PENDING if "pending" in name else 0
            if int(step[name]):
                assert self.engine.create_transfers(move, self.now_ns).named() == ("created",)
        self.now_ns += 1000

    def tick(self, step: Mapping[str, Any], _: int) -> None:
        assert step["value"] > 0
        self.now_ns += step["value"] * NS[step["unit"]]

    def lookup_accounts(self, step: Mapping[str, Any], _: int) -> None:
        ids = [self.id_of(query) for query in step["queries"]]
        found = self.engine.lookup_accounts(id_halves(ids), self.now_ns)
        there = [i for i, query in zip(ids, step["queries"], strict=True) if query["expect"]]
        assert [a.id for a in unpack_accounts(found)] == there
        expected = [query["expect"] for query in step["queries"] if query["expect"]]
        for name in SUMS:
            sums = numbers_of(found[f"{name}_lo"], found[f"{name}_hi"])
            assert sums == [int(account[name]) for account in expected], name
        closed = (found["flags"] & Account.CLOSED != 0).tolist()
        assert closed == [account["closed"] for account in expected]

    def lookup_transfers(self, step: Mapping[str, Any], _: int) -> None:
        ids = [self.id_of(query) for query in step["queries"]]
        found = {t.id: t for t in unpack_transfers(self.engine.lookup_transfers(id_halves(ids)))}
        for transfer_id, query in zip(ids, step["queries"], strict=True):
            expected = query["expect"]
            assert (transfer_id in found) is expected.get("exists", True)
            if transfer_id in found and "amount" in expected:
                assert found[transfer_id].amount_minor == int(expected["amount"])
            if transfer_id in found and "timestamp" in expected:
                assert found[transfer_id].time_us == int(expected["timestamp"])


def put(row: Any, name: str, number: int) -> None:
    """Set a field of 128 bits."""
    row[f"{name}_lo"], row[f"{name}_hi"] = number & 2**64 - 1, number >> 64
