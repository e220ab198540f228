"""Two processes at once on one store: the caps hold, whichever of them comes first."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from puhui.ledger import verify
from puhui.lending import list_loans
from tests.lending.bank import Bank
from tests.lending.test_capacity import set_limit, view
from tests.lending.test_desk_guard import POOR_ROW, second_product
from tests.lending.test_race import signed

ROOT = Path(__file__).parents[2]
ROUNDS = 6


@contextmanager
def racers(bank: Bank, url: str) -> Iterator[list[Any]]:
    """Two more processes with the bank's store open."""
    words = [sys.executable, "-m", "tests.lending.racer", str(bank.node.home), url,
             str(bank.node.clock.now_us())]  # fmt: skip
    found = [
        subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        for one in found:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        yield found
    finally:
        for one in found:
            one.kill()
            one.wait(60)


def race(found: list[Any], *lists: list[tuple[str, str, dict[str, str]]]) -> list[list[str]]:
    """Let each process run its list of acts at the same time; what each act came to."""
    for one, acts in zip(found, lists, strict=True):
        one.stdin.write(json.dumps(acts) + "\n")
        one.stdin.flush()
    return [json.loads(one.stdout.readline()) for one in found]


def test_two_processes_do_not_both_pass_the_cap(bank: Bank, store_url: str) -> None:
    """An income of 10,000 yuan carries 30,000; each of the two asks for 20,000."""
    second_product(bank)
    people = [bank.person() for _ in range(ROUNDS)]
    lists = [
        [
            ("lending.decide", f"d-{name}-{n}", {"application_id": bank.apply(
                party_id, f"{n}-{name}", row=POOR_ROW, wanted=2_000_000, product=name)})
            for n, party_id in enumerate(people)
        ]
        for name in ("merchant_310", "smallfirm")
    ]  # fmt: skip
    with racers(bank, store_url) as found:
        first, second = race(found, *lists)
    for one, other in zip(first, second, strict=True):
        assert sorted((one, other)) == ["approved", "refused"], (first, second)
    assert {view(bank, party_id).debt_minor("CNY") for party_id in people} == {2_000_000}


def test_two_processes_do_not_pay_out_above_a_limit(bank: Bank, store_url: str) -> None:
    """Two signed contracts of one person, and a limit set since that carries one of them."""
    second_product(bank)
    people = [bank.person() for _ in range(3)]
    pairs = []
    for n, party_id in enumerate(people):
        pairs.append(
            [
                signed(bank, party_id, f"{n}-{name}", wanted=1_000_000, product=name)
                for name in ("merchant_310", "smallfirm")
            ]
        )
        set_limit(bank, "lower", f"l-{n}", party_id, 1_500_000)
    lists = [
        [("lending.disburse", f"m-{pair[side]}", {"contract_id": pair[side]}) for pair in pairs]
        for side in (0, 1)
    ]
    with racers(bank, store_url) as found:
        first, second = race(found, *lists)
    for one, other in zip(first, second, strict=True):
        assert "lending.own_limit_reached" in (one, other), (first, second)
        assert {one, other} <= {"done", "lending.own_limit_reached"}, (first, second)
    with bank.node.read() as tx:
        loans = list_loans(tx)
        for party_id in people:
            drawn = [one.outstanding_minor for one in loans if one.party_id == party_id]
            assert sum(drawn) <= 1_500_000
        assert verify(tx).is_sound
