"""Months that pass in a small county: some pay, some are late, and the book shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from puhui import demo
from puhui.cli.app import app
from puhui.demo.window import MonthsPassed, lend_secured, let_months_pass
from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.errors import Refused
from puhui.lending.window import contract_row, list_contracts
from puhui.servicing.window import (
    contacts_of,
    guarantees_of,
    lenders_of,
    list_arrears,
    list_reliefs,
    postings_of,
    provision_history,
    vintage_curves,
)


def test_a_book_ages_as_the_days_pass(sqlite_node: Node, clock: FixedClock) -> None:
    node, told = sqlite_node, []
    county = demo.seed_county(node, size=40, seed=5)
    day = demo.play_first_day(node, county, past_borrowers=400)
    passed = let_months_pass(
        node, clock, county, day, days=66, progress=lambda name, done, of: told.append(done)
    )
    assert isinstance(passed, MonthsPassed)
    assert told == list(range(1, 67))
    with node.read() as tx:
        late = list_arrears(tx, count=500)
        assert (passed.days, passed.past_due) == (66, len(late))
        assert 0 < len(late) < day.disbursed
        assert passed.tasks <= len(late)
        assert len(list_reliefs(tx)) == passed.reliefs
        assert contacts_of(tx, late[0].id)
        assert len({row.period for row in provision_history(tx)}) == 2
        assert {one.age for one in vintage_curves(tx, bucket=1)} == {0, 1}


def test_another_bank_lends_a_part_and_a_guarantor_gets_a_premium(sqlite_node: Node) -> None:
    node = sqlite_node
    county = demo.seed_county(node, size=40, seed=5)
    day = demo.play_first_day(node, county, past_borrowers=400)
    made = lend_secured(node, county, day)
    assert made > 1
    assert lend_secured(node, county, day) == made, "a second time changes nothing"
    with node.read() as tx:
        joint = list_contracts(tx, product="merchant_joint")
        (share,) = lenders_of(tx, joint[0].id)
        assert share.share_millionths == 300_000
        assert share.outstanding_minor == joint[0].principal_minor * 3 // 10
        posted = {(one.debit, one.credit, one.kind) for one in postings_of(tx, joint[0].id)}
        assert posted == {
            ("loan", "funding", "disbursement"),
            ("lender", "joint", "lender_share"),
        }
        (guaranteed, *_) = list_contracts(tx, product="merchant_guaranteed")
        (stands,) = guarantees_of(tx, guaranteed.id)
        assert stands.premium_minor == guaranteed.principal_minor // 100
        cost = contract_row(tx, guaranteed.id).total_cost_minor
        assert cost > stands.premium_minor, "the premium is in the total cost"
        with pytest.raises(Refused, match="no_loan"):
            postings_of(tx, "nobody")


def test_a_home_that_is_taken_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "puhui.sqlite").touch()
    monkeypatch.setenv("PUHUI_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["months", "--days", "1"])
    assert isinstance(result.exception, Refused)
    assert result.exception.code == "demo.not_empty"
    assert (tmp_path / "puhui.sqlite").stat().st_size == 0
