"""The county's rows for an audit: the survey's case where it is seeded, chance alone elsewhere."""

from __future__ import annotations

from puhui.demo.window import fairness_rows


def test_the_bias_is_in_score_and_decision_and_not_in_outcomes() -> None:
    fair, biased = (fairness_rows(1, is_biased=biased) for biased in (False, True))
    assert fair.columns["outcome"] == biased.columns["outcome"]
    assert fair.columns["region"] == biased.columns["region"]
    assert fair.columns["score"] != biased.columns["score"]


def test_a_seed_draws_where_people_live_and_the_same_again() -> None:
    one, again, other = (fairness_rows(seed, is_biased=False) for seed in (1, 1, 2))
    assert one.columns == again.columns
    assert one.columns["region"] != other.columns["region"]
    assert one.columns["outcome"] == other.columns["outcome"]
