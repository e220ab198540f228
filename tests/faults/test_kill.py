"""A node killed under load: what was answered is there, nothing is there twice, books balance.

Goal: kill -9 at any moment costs only what nobody was told of. Method: a process lends in four
threads and tells each answer through a pipe; it is killed at random moments, the store is opened
again and compared with what was told; the next process asks again for what was cut short.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from puhui import lending
from puhui.kernel import Node
from puhui.kernel.store import Row
from puhui.kernel.store.journal import read_journal
from tests.conftest import check_books
from tests.faults.conftest import Child, Site
from tests.faults.load import digest_of_text, lend_until_killed

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]
KILLS = {"sqlite": 30, "postgresql": 6}


def started_and_ended(answered: dict[str, str]) -> tuple[set[int], set[int]]:
    """The numbers of the chains that were begun, and of those that came to their end."""
    begun = {int(key.split(":")[1]) for key in answered}
    return begun, {int(key.split(":")[1]) for key in answered if key.endswith(":repay")}


def check_answers(node: Node, answered: dict[str, str]) -> list[Row]:
    """Each answered act is in the journal once with the outcome told; positions have no gap."""
    node.store.settle_positions()
    rows = list(read_journal(node.store))
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    found = {row.key: digest_of_text(row.outcome) for row in rows}
    assert len(found) == len(rows)
    lost = {key: told for key, told in answered.items() if found.get(key) != told}
    assert lost == {}
    assert [row.key for row in rows if row.refusal is not None] == []
    return rows


def check_effects(node: Node, rows: list[Row]) -> None:
    """Each act on the journal took effect once: a loan each, paid out once, repaid once."""
    check_books(node)
    acts = Counter(row.name for row in rows)
    expected = {}
    for row in rows:
        if row.name == "lending.repay":
            number = int(row.key.split(":")[1])
            expected[number] = 1_000 + number
    with node.read() as tx:
        loans, after = [], ""
        while page := lending.list_loans(tx, after=after, count=1000):
            loans.extend(page)
            after = page[-1].contract_id
    assert len(loans) == acts["lending.accept"]
    paid_out = [loan for loan in loans if loan.status != "signed"]
    assert len(paid_out) == acts["lending.disburse"]
    repaid = sum(loan.principal_minor - loan.outstanding_minor for loan in paid_out)
    assert repaid == sum(expected.values())


def test_what_was_answered_outlives_kills(site: Site, start: Callable[..., Child]) -> None:
    dice = random.Random(310)
    answered: dict[str, str] = {}
    again: tuple[int, ...] = ()
    killed_under_load = 0
    kills = KILLS["sqlite" if site.url.startswith("sqlite") else "postgresql"]
    for kill in range(kills):
        begun, _ = started_and_ended(answered)
        child = start(lend_until_killed, site.facts, args=(max(begun, default=-1) + 1 + 8, again))
        heard = []
        if kill % 6 != 5:  # each sixth is killed while it opens or recovers
            assert child.hear() == "open"
            heard = child.hear_until(dice.randrange(1, 80))
        else:
            heard = child.hear_for(dice.uniform(0.0, 0.12))
        heard += child.kill()
        told = [line.split(" ") for line in heard if line != "open"]
        assert [line for line in told if line[0] == "failed"] == []
        killed_under_load += bool(told)
        for key, digest in told:
            assert answered.setdefault(key, digest) == digest, "asked again, answered otherwise"
        node = site.open()
        rows = check_answers(node, answered)
        if kill % 5 == 4 or kill == kills - 1:
            check_effects(node, rows)
        node.close()
        recorded = {int(row.key.split(":")[1]) for row in rows if row.key.startswith("chain:")}
        _, ended = started_and_ended(answered)
        again = tuple(sorted(recorded - ended))[-6:]
    assert killed_under_load >= kills * 2 // 3
    assert len(answered) > 10 * kills
