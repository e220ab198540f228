"""Whatever comes in whatever order: positions are what is unsettled, and funds are conserved."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from typing import Any

import pytest

from puhui.exchange.window import settlements
from puhui.kernel import Node, Refused
from tests.exchange.scheme import Scheme, act

PREIMAGE = "44" * 32
CONDITION = hashlib.sha256(bytes.fromhex(PREIMAGE)).hexdigest()
STEPS = 120


class Story:
    """A run of chance over one deferred currency, and what it should have come to."""

    def __init__(self, node: Node, seed: int) -> None:
        self.node = node
        self.dice = random.Random(seed)
        self.scheme = Scheme(node, funds_minor=60_000, cap_minor=30_000)
        self.banks = [self.scheme.payer_bank, self.scheme.payee_bank, self.scheme.one.id]
        self.unsettled: dict[str, Counter[str]] = {self.scheme.windows["CNY"]: Counter()}
        self.closed: list[str] = []
        self.reserved: dict[str, list[str]] = {}
        self.legs: dict[str, tuple[str, str, int]] = {}
        self.count = 0
        self.paid_in = 3 * 60_000
        self.refused: Counter[str] = Counter()

    def step(self) -> None:
        """Do one thing by chance; what is refused must have changed nothing."""
        verbs = (self.hold, self.hold, self.fulfil, self.fulfil, self.abort, self.close,
                 self.reserve, self.settle, self.give_up, self.cap, self.pay_in)  # fmt: skip
        try:
            self.dice.choice(verbs)()
        except Refused as refused:
            self.refused[refused.code] += 1

    def hold(self) -> None:
        """Hold a payment between two banks."""
        payer, payee = self.dice.sample(self.banks, 2)
        amount = self.dice.randint(1, 15_000)
        self.count += 1
        told = self.scheme.leg(
            f"leg-{self.count}", CONDITION, payer=f"participant:{payer}",
            payee=f"participant:{payee}", amount_minor=amount,
        )  # fmt: skip
        act(self.node, "prepare_leg", told)
        self.legs[told["leg_id"]] = (payer, payee, amount)

    def fulfil(self) -> None:
        """Pay what is held; it belongs to the window that is open now."""
        if self.legs:
            leg_id = self.dice.choice(sorted(self.legs))
            act(self.node, "fulfil_leg", {"leg_id": leg_id, "preimage": PREIMAGE})
            payer, payee, amount = self.legs.pop(leg_id)
            window = self.unsettled[self.scheme.windows["CNY"]]
            window[payer] += amount
            window[payee] -= amount

    def abort(self) -> None:
        """Give up what is held."""
        if self.legs:
            leg_id = self.dice.choice(sorted(self.legs))
            act(self.node, "abort_leg", {"leg_id": leg_id})
            del self.legs[leg_id]

    def close(self) -> None:
        """Close the open window."""
        window = self.scheme.windows["CNY"]
        made = act(self.node, "close_window", {"window_id": window})
        self.closed.append(window)
        self.scheme.windows["CNY"] = made.next_window_id
        self.unsettled[made.next_window_id] = Counter()

    def reserve(self) -> None:
        """Reserve a settlement of some closed windows."""
        ids = self.dice.sample(self.closed, self.dice.randint(0, len(self.closed)))
        told = {"currency": "CNY", "window_ids": ids}
        made = act(self.node, "reserve_settlement", told)
        self.closed = [one for one in self.closed if one not in ids]
        self.reserved[made.settlement_id] = ids

    def settle(self) -> None:
        """Pay a reserved settlement: its windows are owed no more."""
        if self.reserved:
            settlement_id = self.dice.choice(sorted(self.reserved))
            act(self.node, "settle", {"settlement_id": settlement_id})
            for window in self.reserved.pop(settlement_id):
                del self.unsettled[window]

    def give_up(self) -> None:
        """Give a reserved settlement up: its windows may be settled anew."""
        if self.reserved:
            settlement_id = self.dice.choice(sorted(self.reserved))
            act(self.node, "abort_settlement", {"settlement_id": settlement_id})
            self.closed += self.reserved.pop(settlement_id)

    def cap(self) -> None:
        """Set a cap anew."""
        told: dict[str, Any] = {"participant_id": self.dice.choice(self.banks), "currency": "CNY"}
        act(self.node, "set_cap", {**told, "cap_minor": self.dice.randint(0, 60_000)})

    def pay_in(self) -> None:
        """Pay funds in."""
        amount = self.dice.randint(1, 5_000)
        self.count += 1
        told = {"participant_id": self.dice.choice(self.banks), "currency": "CNY"}
        funds = {"amount_minor": amount, "reference": f"in-{self.count}"}
        act(self.node, "put_funds_in", {**told, **funds})
        self.paid_in += amount

    def check(self) -> None:
        """Positions equal what is unsettled; cover, funds and what settled sum to what came in."""
        owed: Counter[str] = Counter()
        for window in self.unsettled.values():
            owed.update(window)
        held: Counter[str] = Counter()
        for payer, _, amount in self.legs.values():
            held[payer] += amount
        total = 0
        for bank in self.banks:
            found = self.scheme.position(bank)
            assert found.position_minor == owed[bank], bank
            assert found.held_minor == held[bank], bank
            assert found.position_minor + found.held_minor <= found.cover_minor, bank
            assert found.funds_minor >= 0, bank
            total += found.cover_minor - found.position_minor + found.funds_minor
        assert sum(owed.values()) == 0
        assert total + self.held_for_settlement() == self.paid_in

    def held_for_settlement(self) -> int:
        """What reserved settlements hold of free funds, minor units."""
        with self.node.read() as tx:
            found = [one for one in settlements(tx, count=100) if one.state == "reserved"]
        return sum(line.paid_minor for one in found for line in one.lines if line.net_minor > 0)


@pytest.mark.parametrize("seed", range(4))
def test_positions_are_what_is_unsettled(sqlite_node: Node, seed: int) -> None:
    """The clock stands still, so nothing expires; every step is checked."""
    story = Story(sqlite_node, seed)
    for _ in range(STEPS):
        story.step()
        story.check()
    assert story.count > STEPS // 10
