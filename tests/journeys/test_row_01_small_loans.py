"""Row 1, MYbank's 310: from an application to money in the wallet, nobody in between.

Goal: the figures that `puhui claims` shows beside row 1 come out of ordinary runs on real rows.
Method: real small loans through the program; then one more application, timed step by step.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from puhui.cli.claim import measure
from tests.cli.program import Ended, Program, facts

pytestmark = pytest.mark.xdist_group("cli")

COST_OF_PEOPLE_YUAN = 200
COST_OF_MACHINE_YUAN = 2
MINUTES_TO_APPLY, SECONDS_TO_MONEY = 3, 1


def test_real_applications_need_nobody_and_cost_little(lent: tuple[Path, Path, Ended]) -> None:
    """Money for the approved, no application left to a person, and a cost that can be added up."""
    figures = lent[2].figures
    assert figures["reviewed"] == 0
    assert figures["disbursed_loans"] == figures["approved"] > 100
    assert 0 < figures["cost_yuan_per_application"] < COST_OF_PEOPLE_YUAN
    assert figures["bad_rate_approved"] < figures["bad_rate_all"]
    assert figures["trial_balance_minor"] == 0


def test_one_application_is_money_in_the_wallet_within_310(lender: Program) -> None:
    """Facts to decision within three minutes, consent to money within a second: with room."""
    shown = lender(
        "apply", "--reference", "row-1", "--consent", "signed form", "--product", "small_loan",
        "--amount", "20000", "--mapping", "small_loans", *facts(), "--json",
    ).figures  # fmt: skip
    assert shown["outcome"] == "approved"
    assert shown["apply_to_decision_ms"] < MINUTES_TO_APPLY * 60_000
    on = ("apply", "--application", shown["application_id"])
    paid = lender(*on, "--accept", shown["contract_digest"], "--disburse", "--json").figures
    assert paid["disbursed_minor"] == 2_000_000
    assert paid["accept_to_money_ms"] < SECONDS_TO_MONEY * 60_000
    assert lender("ledger", "verify", "--json").figures["findings"] == 0


def test_the_claims_name_figures_that_these_runs_print(
    lender: Program, lent: tuple[Path, Path, Ended]
) -> None:
    """Each figure of row 1 that a run of the program gives is there under its name."""
    (row,) = [one for one in measure.survey_rows() if one.number == 1]
    asked = [one for one in row.figures if one.command == "small_loans"]
    assert asked
    for one in asked:
        assert isinstance(lent[2].figures[one.name], float), one.name
