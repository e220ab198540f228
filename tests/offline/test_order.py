"""Any order, loss and repetition of synchronisation: the same totals, cases and final state.

Goal: what a set of vouchers comes to is a function of the set. Method: hypothesis makes up to
four branches of one wallet (copies of a device that spend the same money), with false sums among
them, and lets payees deliver them in batches in two different ways on two nodes that began alike;
lost deliveries come again later, others come twice. Both nodes are compared with each other and
with a reference written from the rules of docs/guides/offline.md, in other words than the code.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.offline import OfflineVoucher, exposure
from puhui.offline import rules as offline_rules
from puhui.offline.desk.books import own_account
from puhui.offline.formats import message
from puhui.offline.nouns import FraudKind
from puhui.offline.window import allowance_of, fraud_cases, vouchers_of
from tests.conftest import check_books
from tests.database import Postgres
from tests.offline.fair import (
    DAY_US,
    OPENED_MINOR,
    Device,
    act,
    balance_of,
    branches,
    grant,
    identified,
    people,
    resigned,
    sync,
)

PAYEES = ("B", "C", "D")
LIMIT_MINOR = {"small": 2_700, "standard": 3_000}
BRANCHES = st.lists(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 900), st.sampled_from((0, 0, 0, 0, 1))),
        min_size=1,
        max_size=3,
    ),
    min_size=1,
    max_size=5,
)
"""Per branch its vouchers: payee, amount, and by how much the sum spent before is understated."""

CASES = itertools.count(1)


@dataclass(slots=True)
class Site:
    """A node with one payer and three payees, the same on each node that begins alike."""

    node: Node
    payer: Device
    payees: list[Device]
    clock: FixedClock


@pytest.fixture
def sites(tmp_path: Path, clock: FixedClock, open_at: Callable[..., Node]) -> Iterator[list[Site]]:
    """Two nodes with equal journals so far, so that equal grants are equal in every byte."""
    found = []
    for number in (1, 2):
        node = open_at(f"sqlite:///{tmp_path / f'node{number}.sqlite'}")
        (payer,) = identified(node, "A", label="site")
        payees = people(node, *PAYEES, label="site")
        found.append(Site(node, payer, payees, clock))
    yield found
    for site in found:
        check_books(site.node)


def drawn_vouchers(site: Site, told: list[list[tuple[int, int, int]]]) -> list[OfflineVoucher]:
    """The vouchers of all branches that a payee would have taken one by one."""
    made: list[OfflineVoucher] = []
    now_us = site.clock.now_us()
    for branch in told:
        payees = [site.payees[payee] for payee, _, _ in branch]
        chain = branches(site.payer, payees, [amount for _, amount, _ in branch], now_us)
        for voucher, (_, _, short) in zip(chain, branch, strict=True):
            lie = max(voucher.spent_before_minor - short, voucher.counter - 1)
            if voucher.counter > 1 and lie != voucher.spent_before_minor:
                voucher = resigned(site.payer.secret, voucher, spent_before_minor=lie)
            made.append(voucher)
    return made


def expected_cases(vouchers: list[OfflineVoucher]) -> set[tuple[int, str]]:
    """Pairs of signatures that contradict each other, pair by pair."""
    cases = set()
    for one, other in itertools.product(vouchers, repeat=2):
        if one.counter == other.counter and one.digest != other.digest:
            cases.add((one.counter, "double_spend"))
        if other.counter == one.counter + 1 and other.previous != one.digest:
            cases.add((one.counter, "double_spend"))
        if one.counter == other.counter > 1 and one.previous != other.previous:
            cases.add((one.counter - 1, "double_spend"))
        if other.previous == one.digest:
            spent = one.spent_before_minor + one.amount_minor
            if other.spent_before_minor != spent:
                cases.add((other.counter, "false_sum"))
    return cases


def expected_parts(claims: dict[int, int], left: int) -> dict[int, int]:
    """Give everybody one minor unit more, smallest claim first, until nothing is left."""
    if sum(claims.values()) <= left:
        return claims
    level = next(x for x in range(left + 2) if sum(min(c, x) for c in claims.values()) > left) - 1
    parts = {payee: min(claim, level) for payee, claim in claims.items()}
    more = left - sum(parts.values())
    by_size = sorted(claims, key=lambda payee: (claims[payee], payee), reverse=True)
    for payee in [one for one in by_size if claims[one] > level][:more]:
        parts[payee] += 1
    return parts


@st.composite
def plan_of(draw: st.DrawFn, count: int) -> tuple[list[int], int]:
    """In which order ``count`` texts come in, and how many at a time: some twice, some lost at
    first; in the end everything has come in.
    """
    places = list(range(count))
    twice = draw(st.lists(st.sampled_from(places), max_size=4))
    order = draw(st.permutations(places + twice))
    lost = draw(st.sets(st.sampled_from(range(len(order)))))
    last = draw(st.permutations(places))
    return [place for at, place in enumerate(order) if at not in lost] + last, draw(
        st.integers(1, 4)
    )


def deliver(site: Site, texts: list[str], order: list[int], size: int, label: str) -> None:
    """Bring texts in, ``size`` at a time; each act is sent twice, as after a lost answer."""
    for at in range(0, len(order), size):
        batch = [texts[place] for place in order[at : at + size]]
        key = f"{label} {at}"
        assert sync(site.node, batch, key=key) == sync(site.node, batch, key=key)


def final_state(site: Site, allowance_id: str) -> dict[str, Any]:
    """All that may not depend on the order: everything but when what came in."""
    with site.node.read() as tx:
        allowance = allowance_of(tx, allowance_id)
        cases = {
            (case.counter, case.kind, case.digests)
            for case in fraud_cases(tx)
            if case.allowance_id == allowance_id
        }
        vouchers = {
            (one.digest, one.paid_minor, one.status) for one in vouchers_of(tx, allowance_id)
        }
        seen = exposure(tx, "CNY")
    assert seen.difference_minor == 0
    return {
        "allowance": allowance,
        "cases": cases,
        "vouchers": vouchers,
        "wallets_revoked": seen.wallets_revoked,
        "payer": balance_of(site.node, site.payer.account_id),
        "cover": balance_of(site.node, own_account("offline_cover", "CNY")),
    }


def begin(site: Site, tier: str, label: str) -> str:
    """An allowance, after the wallet was let back in; the same on each site."""
    told = {"party_id": site.payer.party_id, "currency": "CNY"}
    with site.node.read() as tx:
        is_revoked = exposure(tx, "CNY").wallets_revoked
    if is_revoked:
        act(site.node, "offline.reinstate_wallet", told, key=f"{label} reinstate")
    limit = LIMIT_MINOR[tier]
    return grant(site.node, site.payer, limit, key=f"{label} grant", tier=tier).allowance_id


@pytest.mark.parametrize("tier, days", [("small", 3), ("standard", 7)])
def test_order_loss_and_repetition_change_nothing(
    sites: list[Site], clock: FixedClock, tier: str, days: int
) -> None:
    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(BRANCHES, st.data())
    def run(told: list[list[tuple[int, int, int]]], data: st.DataObject) -> None:
        plans = [data.draw(plan_of(sum(map(len, told)))) for _ in sites]  # before anything is done
        label = f"order {tier} {next(CASES)}"
        states, grown = [], []
        for site, (order, size) in zip(sites, plans, strict=True):
            before = [balance_of(site.node, payee.account_id) for payee in site.payees]
            cover = balance_of(site.node, own_account("offline_cover", "CNY"))
            allowance_id = begin(site, tier, label)
            vouchers = drawn_vouchers(site, told)
            texts = [message.write_voucher(one) for one in vouchers]
            deliver(site, texts, order, size, label)
            clock.set_us(clock.now_us() + days * DAY_US + 1)
            close = {"allowance_id": allowance_id}
            ended = act(site.node, "offline.close_allowance", close, key=f"{label} close")
            clock.set_us(clock.now_us() - days * DAY_US - 1)
            states.append(final_state(site, allowance_id))
            gained = [
                balance_of(site.node, payee.account_id) - was
                for payee, was in zip(site.payees, before, strict=True)
            ]
            spent = cover - balance_of(site.node, own_account("offline_cover", "CNY"))
            grown.append((gained, spent, ended))
        clock.set_us(clock.now_us() + days * DAY_US + 1)
        hold_against_reference(sites[0], tier, vouchers, states, grown)

    run()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A database that outlives the nodes of a test that names this fixture before others."""
    with postgres.database() as url:
        yield url


def test_both_kinds_of_store_come_to_the_same(
    postgres_url: str, tmp_path: Path, clock: FixedClock, open_at: Callable[..., Node]
) -> None:
    """One worked set of three branches, forwards on SQLite and backwards on PostgreSQL."""
    told = [[(0, 900, 0), (1, 800, 1)], [(1, 700, 0), (2, 900, 0)], [(2, 850, 0), (0, 850, 1)]]
    states = []
    for place, url in enumerate((f"sqlite:///{tmp_path / 'one.sqlite'}", postgres_url)):
        node = open_at(url)
        (payer,) = identified(node, "A", label="site")
        site = Site(node, payer, people(node, *PAYEES, label="site"), clock)
        allowance_id = begin(site, "standard", "worked")
        texts = [message.write_voucher(one) for one in drawn_vouchers(site, told)]
        order = list(range(len(texts)))
        deliver(site, texts, order[::-1] if place else order, 1 + place, "worked")
        clock.set_us(clock.now_us() + 7 * DAY_US + 1)
        act(node, "offline.close_allowance", {"allowance_id": allowance_id}, key="close")
        clock.set_us(clock.now_us() - 7 * DAY_US - 1)
        gained = [balance_of(node, payee.account_id) - OPENED_MINOR for payee in site.payees]
        assert gained == [1_500] * 3, "4,500 of 5,000, in equal parts"
        states.append(final_state(site, allowance_id))
    assert states[0] == states[1]
    found = {(counter, str(kind)) for counter, kind, _ in states[0]["cases"]}
    assert found == {(1, "double_spend"), (2, "double_spend"), (2, "false_sum")}


def hold_against_reference(
    site: Site,
    tier: str,
    drawn: list[OfflineVoucher],
    states: list[dict[str, Any]],
    grown: list[tuple[list[int], int, object]],
) -> None:
    """Both sites equal each other, and what the rules say of the set of vouchers."""
    vouchers = list({one.digest: one for one in drawn}.values())
    limit = LIMIT_MINOR[tier]
    cover = limit if tier == "small" else limit // 2
    claimed = sum(one.amount_minor for one in vouchers)
    paid = min(claimed, limit + cover)
    for gained, spent, ended in grown:
        assert sum(gained) == paid
        assert spent == max(paid - limit, 0)
        assert ended.returned_minor == max(limit - paid, 0)  # type: ignore[attr-defined]
        assert ended.unpaid_minor == claimed - paid  # type: ignore[attr-defined]
    cases = expected_cases(vouchers)
    for state in states:
        assert {(counter, str(kind)) for counter, kind, _ in state["cases"]} == cases
        assert state["wallets_revoked"] == bool(cases)
    if tier == "standard" or claimed <= limit + cover:
        assert states[0] == states[1], "to the last row"
        assert grown[0] == grown[1]
        claims = {payee.account_id: 0 for payee in site.payees}
        for one in vouchers:
            claims[one.payee_account_id] += one.amount_minor
        parts = expected_parts(claims, paid)
        assert grown[0][0] == [parts[payee.account_id] for payee in site.payees]
    else:  # paid at once, and too little: who came first has more, the totals are the same
        left, right = ({**state, "vouchers": 0} for state in states)
        assert left == right


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 4), st.integers(1, 5_000)), max_size=30),
    st.integers(0, 20_000),
    st.randoms(use_true_random=False),
)
def test_awards_are_whole_fair_and_blind_to_order(
    told: list[tuple[int, int, int]], left: int, dice: object
) -> None:
    vouchers = [
        OfflineVoucher(b"a" * 16, payee, amount, counter, 0, b"", b"", 0, bytes([n]) * 32)
        for n, (counter, payee, amount) in enumerate(told)
    ]
    awards = offline_rules.award_at_close(vouchers, left)
    turned = list(vouchers)
    dice.shuffle(turned)  # type: ignore[attr-defined]
    assert offline_rules.award_at_close(turned, left) == awards
    claims: dict[int, int] = {}
    parts: dict[int, int] = {}
    for one in vouchers:
        claims[one.payee_account_id] = claims.get(one.payee_account_id, 0) + one.amount_minor
        part = parts.get(one.payee_account_id, 0)
        parts[one.payee_account_id] = part + awards[one.digest]
        assert 0 <= awards[one.digest] <= one.amount_minor
    assert sum(parts.values()) == min(left, sum(claims.values()))
    assert parts == expected_parts(claims, left)
    first = offline_rules.award_at_sync(vouchers, left)
    assert sum(first.values()) == min(left, sum(claims.values()))
    assert offline_rules.award_at_sync(turned, left) == first


@settings(max_examples=200, deadline=None)
@given(st.permutations(range(6)), st.integers(0, 6))
def test_more_vouchers_only_prove_more(order: list[int], kept: int) -> None:
    payer = Device("A", "party-A")

    def voucher(counter: int, amount: int, previous: bytes, spent: int) -> OfflineVoucher:
        drawn = OfflineVoucher(b"a" * 16, 7, amount, counter, spent, previous, b"n" * 16, 0)
        return resigned(payer.secret, drawn)

    one, twin = voucher(1, 5, b"r" * 32, 0), voucher(1, 6, b"r" * 32, 0)
    two, fork = voucher(2, 5, one.digest, 5), voucher(2, 5, twin.digest, 5)
    three, apart = voucher(3, 5, two.digest, 10), voucher(3, 5, b"u" * 32, 10)
    chosen = [(one, twin, two, fork, three, apart)[place] for place in order]
    some, all_ = offline_rules.find_cases(chosen[:kept]), offline_rules.find_cases(chosen)
    assert some <= all_
    assert all_ == {(1, FraudKind.DOUBLE_SPEND), (2, FraudKind.DOUBLE_SPEND),
                    (3, FraudKind.DOUBLE_SPEND), (2, FraudKind.FALSE_SUM)}  # fmt: skip
