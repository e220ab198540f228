"""Row 2, CCB's Huidongni: credit to small firms, on real loans to real firms.

Goal: the same engine with another product file lends to firms; on 2,101 real loans the model that
learned on the customary half tells good from bad on the other half. Needs the reference data.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.program import Program, facts

pytestmark = pytest.mark.xdist_group("cli")

AUC_LEAST = 0.82
LIMIT_MINOR = 50_000_000


def test_real_firms_are_decided_as_the_customary_split_asks(
    program: Program, reference_data: Callable[..., Path]
) -> None:
    """The whole file, once: train on `Selected`, decide the rest, and the published logit again."""
    file = reference_data("credit", "sba_case.csv")
    ended = program("lend", file, "--mapping", "sba_case", "--json")
    assert ended.code == 0, ended.said
    figures = ended.figures
    assert figures["currency"] == "USD"
    assert figures["auc_test"] >= AUC_LEAST
    assert figures["bad_rate_approved"] < figures["bad_rate_all"] / 2
    assert 0.30 < figures["misclassified_share_logit"] < 0.34
    assert figures["capped"] > 0
    assert figures["trial_balance_minor"] == 0
    assert "in the paper 32.16%" in ended.out


def test_a_firm_is_offered_at_most_what_the_product_lends(lender: Program) -> None:
    """800,000 yuan asked of the small firm product: 500,000 at most, decided in one go."""
    told = dict(word.split("=") for word in facts()[1::2])
    rich = [w for name, v in {**told, "income": "60000"}.items() for w in ("--set", f"{name}={v}")]
    ended = lender(
        "apply", "--reference", "row-2", "--consent", "signed form", "--product", "smallfirm",
        "--amount", "800,000", "--mapping", "small_loans", *rich, "--json",
    )  # fmt: skip
    figures = ended.figures
    assert 0 < figures["credit_limit_minor"] <= LIMIT_MINOR
    assert figures["principal_minor"] is None or figures["principal_minor"] <= LIMIT_MINOR
    assert "Credit limit:" in ended.out
