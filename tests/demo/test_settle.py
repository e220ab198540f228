"""The county in a node: settled by ordinary acts, once; read back by consent; its first day."""

from __future__ import annotations

from datetime import date

import pytest

from puhui.data.window import accesses_of
from puhui.demo import (
    FirstDay,
    SeededCounty,
    applications,
    demo_logins,
    draw_county,
    open_customers,
    play_first_day,
    read_figures,
    seed_county,
)
from puhui.demo.desk.history import SOURCES
from puhui.demo.draw.cohort import observed_of
from puhui.demo.nouns import GuardCase, MerchantApplication
from puhui.kernel import Node
from puhui.kernel.act import Actor, find_use_case
from puhui.kernel.clock import FixedClock
from puhui.kernel.errors import Refused
from puhui.kernel.store.journal import count_acts
from puhui.ledger import account_history, lookup_accounts, trial_balance, verify
from puhui.merchant import signals_of
from puhui.merchant.rules.row import number_text
from puhui.party import find_parties

SIZE = 24
DAY_US = 86_400_000_000


def acts_of(node: Node) -> tuple[int, int]:
    """How many acts the journal holds, and how many of them were refused."""
    with node.read() as tx:
        return count_acts(tx)


def test_a_second_run_finds_everything_done(node: Node, clock: FixedClock) -> None:
    """Also days later: the county keeps its first day, and the journal does not grow; there is
    no room for another county in the node.
    """
    county = seed_county(node, size=SIZE, seed=3)
    assert county.day == date(2026, 3, 2)
    assert county.new_acts == acts_of(node)[0]
    assert acts_of(node)[1] == 0
    before = acts_of(node)
    clock.set_us(clock.now_us() + 5 * DAY_US)
    again = seed_county(node, size=SIZE, seed=3)
    assert again.new_acts == 0
    assert acts_of(node) == before
    assert (again.day, again.merchants, again.transfers) == (
        county.day,
        county.merchants,
        county.transfers,
    )
    for size, seed in ((SIZE, 4), (SIZE + 1, 3)):
        with pytest.raises(Refused) as refused:
            seed_county(node, size=size, seed=seed)
        assert refused.value.code == "demo.other_county"


def test_a_run_cut_short_goes_on(sqlite_node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the middle of the history leaves nothing twice and nothing out."""
    told: list[str] = []

    def stop(step: str, done: int, total: int) -> None:
        told.append(step)
        if step == "wallets":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seed_county(sqlite_node, size=SIZE, seed=3, progress=stop)
    half = acts_of(sqlite_node)[0]
    county = seed_county(sqlite_node, size=SIZE, seed=3)
    assert 0 < county.new_acts == acts_of(sqlite_node)[0] - half
    assert "staff" in told
    with sqlite_node.read() as tx:
        assert verify(tx).is_sound


def test_the_ledger_holds_what_was_drawn(node: Node) -> None:
    """Balances are the sums of the flows, never below nought on any day; debits equal credits."""
    county = seed_county(node, size=SIZE, seed=3)
    drawn = observed_of(draw_county(3, SIZE, county.day).block)
    with node.read() as tx:
        wallets = lookup_accounts(tx, [one.wallet_id for one in county.merchants])
        for one, wallet, observed in zip(county.merchants, wallets, drawn, strict=True):
            assert wallet is not None
            assert wallet.credit_balance_minor == observed.flows.balance_minor[-1]
            lines = account_history(tx, one.wallet_id, count=10_000)
            assert min(line.balance_minor for line in lines) >= 0
            assert len(lines) == len(observed.flows.day) + 1
        assert trial_balance(tx).difference_minor == 0
        report = verify(tx)
    assert report.is_sound
    assert report.transfers == county.transfers


@pytest.fixture
def sent(sqlite_node: Node) -> tuple[SeededCounty, list[MerchantApplication]]:
    """A settled county and what its merchants apply with."""
    county = seed_county(sqlite_node, size=SIZE, seed=3)
    return county, list(applications(sqlite_node, county))


def test_rows_come_from_consented_reads(
    sqlite_node: Node, sent: tuple[SeededCounty, list[MerchantApplication]]
) -> None:
    """Read through data and ledger, signals equal those of the raw flows that were drawn; each
    look is on record under a consent, and without one nothing was read.
    """
    county, made = sent
    drawn = observed_of(draw_county(3, SIZE, county.day).block)
    cases = {one.party_id: one.merchant for one in county.merchants}
    for application in made:
        merchant = cases[application.party_id]
        is_closed = merchant.case in (GuardCase.WITHOUT_CONSENT, GuardCase.CONSENT_REVOKED)
        assert application.guards.is_consent_valid == (not is_closed)
        assert bool(application.row) == (not is_closed)
        if is_closed:
            assert application.refusal in ("data.no_consent", "data.consent_revoked")
            assert application.guards.yearly_income_minor is None
            continue
        expected = signals_of(drawn[merchant.number])
        assert {name: application.row[name] for name in expected} == {
            name: number_text(value) for name, value in expected.items()
        }
        assert application.guards.yearly_income_minor == merchant.yearly_income_minor
        assert application.guards.existing_debt_minor == merchant.existing_debt_minor
        assert application.guards.overdue_days == merchant.overdue_days
        assert application.guards.is_firm == (merchant.firm is not None)
        assert (application.guards.age_years is None) == (merchant.firm is not None)
        assert application.guards.is_identity_verified == (
            merchant.case is not GuardCase.UNVERIFIED
        )
    copies = sum(merchant.case in (GuardCase.APPLIES_TWICE, GuardCase.EXPOSED)
                 for merchant in cases.values())  # fmt: skip
    assert len(made) == SIZE + copies
    looks = {one.party_id for one in made if one.refusal is None}
    with sqlite_node.read() as tx:
        for party_id in cases:
            seen = accesses_of(tx, party_id)
            assert bool(seen) == (party_id in looks)
            assert all(access.consent_id for access in seen)


class Ticking:
    """A clock that moves on by a millisecond whenever it is read, as a real one does."""

    def __init__(self, now_us: int) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        """The time, later each time it is asked for."""
        self._now_us += 1_000
        return self._now_us


def test_the_first_day(node: Node) -> None:
    """Every guard turns somebody away, money reaches wallets, and a second run adds nothing."""
    node.clock = Ticking(node.clock.now_us())
    county = seed_county(node, size=48, seed=3)
    day = play_first_day(node, county, past_borrowers=500)
    assert isinstance(day, FirstDay)
    assert day.applications == day.approved + day.refused + day.in_review
    assert day.approved == day.disbursed > 10
    assert day.disbursed_minor > 0
    assert {
        "identity_not_verified",
        "consent_missing",
        "age_below",
        "age_above",
        "overdue_active",
        "debt_over_income",
        "application_open",
    } <= set(day.refusals)
    before = acts_of(node)
    again = play_first_day(node, county, past_borrowers=500)
    assert again.new_acts == 0
    assert acts_of(node) == before
    assert (again.approved, again.disbursed_minor) == (day.approved, day.disbursed_minor)
    with node.read() as tx:
        assert trial_balance(tx).difference_minor == 0
    check_logins(node)
    customers = open_customers(node, county, day)
    assert [one.role for one in customers] == ["customer"] * 3
    assert open_customers(node, county, day) == customers
    with node.read() as tx:
        owners = [find_parties(node, tx, phone=one.login) for one in customers]
    assert all(owners), "each is a merchant's own phone"


def check_logins(node: Node) -> None:
    """Each staff role has a login whose password follows from the node's keys, and works."""
    logins = demo_logins(node)
    assert {one.role for one in logins} >= {"loan_officer", "auditor", "administrator"}
    assert len({one.password for one in logins}) == len(logins)
    told = {"login": logins[0].login, "password": logins[0].password, "address": "127.0.0.1"}
    answer = node.act(
        "party.authenticate",
        find_use_case("party.authenticate").parse(told),
        key="try-login",
        actor=Actor("visitor", frozenset({"visitor"})),
    )
    assert answer.user_id is not None


def test_all_is_labelled_synthetic() -> None:
    """The label says so in both languages, and every partner's name does."""
    label = read_figures().label
    assert "合成" in label.zh
    assert "合成" in label.short_zh
    assert "synthetic" in label.en
    assert all("(synthetic)" in source for source in SOURCES.values())
