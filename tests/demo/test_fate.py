"""Hidden variables stay hidden: nobody but the outcome generator knows them, and no signal copies
one; yet outcomes depend on them, so that signals can tell something.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from puhui.demo import training_table
from puhui.demo.draw import cohort, outcome
from puhui.demo.draw.fate import draw_fate
from puhui.demo.figures import read_figures
from puhui.merchant.rules.signal import SIGNALS
from tests.tidy.tree import Source, imports_of, sources_in

DAY = date(2026, 3, 2)
SEED = 5
SIZE = 1_800
Table = dict[str, tuple[str, ...]]
Numbers = NDArray[np.float64]


@pytest.fixture(scope="module")
def table() -> Table:
    """Past borrowers, drawn once."""
    return training_table(SEED, DAY, size=SIZE)


def imported(source: Source) -> set[str]:
    """Every module and name that a source imports, with dots."""
    return {
        part
        for _, module, name in imports_of(source)
        for part in (module, f"{module}.{name}" if name else module)
    }


def readers_of(module: str) -> set[str]:
    """The sources of the package that import ``module``."""
    return {s.path for s in sources_in("puhui") if module in imported(s)}


def test_only_the_outcome_generator_imports_fate() -> None:
    """No other module of the package, and no way around through importlib."""
    assert readers_of("puhui.demo.draw.fate") == {"puhui/demo/draw/outcome.py"}
    for source in sources_in("puhui/demo"):
        if source.path not in ("puhui/demo/draw/outcome.py", "puhui/demo/draw/fate.py"):
            assert "draw_fate" not in source.text, source.path
            assert "import_module" not in source.text, source.path


def test_signals_and_desks_do_not_reach_the_outcome_generator() -> None:
    """Only generators of raw flows and of the training table know it; it knows none of them."""
    assert readers_of("puhui.demo.draw.outcome") == {
        "puhui/demo/draw/cohort.py",
        "puhui/demo/draw/facts.py",
        "puhui/demo/draw/trade.py",
    }
    (found,) = [s for s in sources_in("puhui/demo") if s.path.endswith("draw/outcome.py")]
    ours = {name for name in imported(found) if name.startswith("puhui.demo.")}
    assert {name.split(".")[2] for name in ours} == {"draw", "nouns"}
    assert not {name for name in ours if "signal" in name or "flow" in name or "trade" in name}
    (rule,) = [s for s in sources_in("puhui/merchant") if s.path.endswith("rules/signal.py")]
    ours = {name for name in imported(rule) if name.startswith("puhui.")}
    assert {name for name in ours if not name.startswith("puhui.merchant.nouns")} == set()


def test_outcomes_are_drawn_apart_from_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other dice for the outcomes leave every signal as it was, and change who went bad."""
    table = training_table(SEED, DAY, size=240)
    monkeypatch.setattr(outcome, "OUTCOME_DICE", 99)
    other = training_table(SEED, DAY, size=240)
    assert all(other[name] == table[name] for name in SIGNALS)
    assert other["outcome"] != table["outcome"]


def columns(table: Table) -> Numbers:
    """The signals as numbers ``(n, k)``."""
    return np.array(
        [[float(text) if text else np.nan for text in table[name]] for name in SIGNALS]
    ).T


def fates(size: int) -> dict[str, Numbers]:
    """The hidden variables of the past borrowers, in the order of the table."""
    batches = read_figures().past_batches
    made = []
    for batch in range(batches):
        count = size // batches + (batch < size % batches)
        dice = np.random.default_rng([SEED, cohort.COHORT_BLOCK + batch, outcome.FATE_DICE])
        made.append(draw_fate(dice, count, read_figures().history_days))
    return {
        "resilience": np.concatenate([fate.resilience for fate in made]),
        "shock_day": np.concatenate([fate.shock_day for fate in made]).astype(np.float64),
        "shock_depth": np.concatenate([fate.shock_depth for fate in made]),
    }


def test_no_signal_copies_a_hidden_variable(table: Table) -> None:
    """Rank correlations stay below 0.95, in truth far below; the fates are the right ones."""
    matrix, hidden = columns(table), fates(SIZE)
    highest = 0.0
    for name, values in hidden.items():
        for place, signal in enumerate(SIGNALS):
            known = ~np.isnan(matrix[:, place])
            found = abs(float(spearmanr(matrix[known, place], values[known]).statistic))
            assert found < 0.95, (name, signal, found)
            highest = max(highest, found)
    assert highest > 0.2, "the fates belong to these rows"


def auc(scores: Numbers, bad: Numbers) -> float:
    """The share of pairs in which the bad one has the higher score."""
    ranks, count = rankdata(scores), bad.sum()
    return float((ranks[bad == 1].sum() - count * (count + 1) / 2) / (count * (len(bad) - count)))


def fitted(matrix: Numbers, bad: Numbers, ridge: float = 5.0) -> Numbers:
    """Weights of a logistic regression, by Newton's method."""
    weights = np.zeros(matrix.shape[1])
    for _ in range(25):
        chance = 1 / (1 + np.exp(-matrix @ weights))
        curve = matrix.T @ (matrix * (chance * (1 - chance))[:, None])
        slope = matrix.T @ (bad - chance) - ridge * weights
        weights += np.linalg.solve(curve + ridge * np.eye(len(weights)), slope)
    return weights


def test_signals_tell_something_but_not_all(table: Table) -> None:
    """A plain model of the signals reaches an AUC between 0.65 and 0.90 on rows it never saw;
    knowing the fate itself would tell more.
    """
    bad = np.array([text == "bad" for text in table["outcome"]], dtype=np.float64)
    assert 0.03 < bad.mean() < 0.15
    matrix = np.where(np.isnan(columns(table)), -1.0, columns(table))
    ranks = rankdata(matrix, axis=0) / len(matrix) * 2 - 1
    ranks = np.column_stack([np.ones(len(ranks)), ranks])
    fold, scores = np.arange(len(bad)) % 5, np.zeros(len(bad))
    for one in range(5):
        weights = fitted(ranks[fold != one], bad[fold != one])
        scores[fold == one] = ranks[fold == one] @ weights
    assert 0.65 < auc(scores, bad) < 0.90
    hidden = fates(SIZE)
    assert auc(-hidden["resilience"], bad) > 0.70
    assert auc(hidden["shock_depth"], bad) > 0.55


def test_the_table_is_whole(table: Table) -> None:
    """One length, different references, batches that end 13 months before; losses only of bad."""
    assert {len(values) for values in table.values()} == {SIZE}
    assert len(set(table["reference"])) == SIZE
    assert (min(table["decided_on"]), max(table["decided_on"])) == ("2024-03-02", "2025-02-02")
    for ended, lost, principal in zip(
        table["outcome"], table["charged_off"], table["principal"], strict=True
    ):
        assert (float(lost) > 0) == (ended == "bad")
        assert float(lost) <= float(principal)
    assert training_table(SEED, DAY, size=60) == training_table(SEED, DAY, size=60)
    assert training_table(SEED + 1, DAY, size=60) != training_table(SEED, DAY, size=60)
