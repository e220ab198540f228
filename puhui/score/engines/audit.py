"""Audits of a file: the model or the decisions it holds, and fairer ways to decide."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from puhui.kernel.errors import Refused
from puhui.score.arrays.audit import approve_share, audit_rows, measure_alternative
from puhui.score.arrays.binning import BinRules
from puhui.score.arrays.forest import flatten_forest, forest_sums
from puhui.score.arrays.logit import fit_calibration, sigmoid
from puhui.score.arrays.metric import auc_of
from puhui.score.arrays.vector import (
    categories_of,
    codes_of,
    column_of,
    draw_sample,
    matrix_of,
)
from puhui.score.engines import constraint
from puhui.score.engines.card import card_log_odds, fit_card
from puhui.score.engines.lightgbm import fit_trees
from puhui.score.engines.scorer import score_table
from puhui.score.engines.trainer import ROWS_MIN, train
from puhui.score.formats.audit_toml import read_audit_rules
from puhui.score.nouns import Mapping, Table
from puhui.score.nouns.audit import (
    Alternative,
    Audit,
    AuditRows,
    AuditRules,
    Declaration,
    Flags,
    Floats,
    GroupRule,
    Search,
)
from puhui.score.rules.protect import protected_columns, refuse_protected_signals
from puhui.score.rules.split import hash_share
from puhui.score.rules.value import read_number, read_text

SALT = "fairness report rows"
PAIRS_MAX = 40


def members_of(table: Table, declaration: Declaration) -> dict[tuple[str, str], Flags]:
    """Who belongs to each group, (n,) bool by (attribute, group), crossings included.

    Refused: ``score.column_missing``.
    """
    found: dict[tuple[str, str], Flags] = {}
    for attribute in declaration.attributes:
        for rule in attribute.groups:
            found[attribute.name, rule.name] = _members(table, rule)
    named = {attribute.name: attribute for attribute in declaration.attributes}
    for first, second in declaration.crossings:
        for one in named[first].groups:
            for other in named[second].groups:
                key = (f"{first} x {second}", f"{one.name} x {other.name}")
                found[key] = found[first, one.name] & found[second, other.name]
    return found


def _members(table: Table, rule: GroupRule) -> Flags:
    values = column_of(table, rule.column)
    if rule.values:
        wanted = set(rule.values)
        return np.array([read_text(value) in wanted for value in values], dtype=np.bool_)
    numbers = np.array([read_number(value) for value in values], dtype=np.float64)
    inside = ~np.isnan(numbers)
    if rule.at_least is not None:
        inside &= numbers >= rule.at_least
    if rule.below is not None:
        inside &= numbers < rule.below
    return inside


def references_of(declaration: Declaration) -> dict[str, str]:
    """The reference group of every attribute and crossing."""
    found = {one.name: one.reference for one in declaration.attributes}
    for first, second in declaration.crossings:
        found[f"{first} x {second}"] = f"{found[first]} x {found[second]}"
    return found


def audit_file(
    table: Table, declaration: Declaration, mapping: Mapping | None, *, seed: int = 1,
    pd_max: float | None = None, family: int = 0,
) -> Audit:  # fmt: skip
    """Audit the rows of a file at the cut-off in use and over all cut-offs.

    Decisions in the file are audited on every row; else a model is trained by the mapping's
    training rows and its decisions on the other labelled rows are. Refused:
    ``score.protected_signal``, ``score.column_missing``, ``score.audit_bad``, those of ``train``.
    """
    rows = rows_of(table, declaration, mapping, seed=seed, pd_max=pd_max)
    return audit_rows(
        rows,
        read_audit_rules(),
        title_zh=declaration.title_zh,
        title_en=declaration.title_en,
        family=family,
    )


def rows_of(
    table: Table, declaration: Declaration, mapping: Mapping | None, *, seed: int = 1,
    pd_max: float | None = None,
) -> AuditRows:  # fmt: skip
    """The rows that an audit looks at; ``audit_file`` says which and what is refused."""
    if mapping is not None:
        refuse_protected_signals(mapping.signals, protected_columns(declaration))
    if declaration.approved_column:
        return _decided(table, declaration, mapping)
    if mapping is None:
        raise Refused("score.audit_bad", "This audit needs a mapping to train a model by.")
    model = train(table, mapping, "trees", seed)
    sample = draw_sample(table, mapping)
    places = np.flatnonzero(sample.is_test)
    part = table.take(places)
    scores = score_table(model, part, mapping=mapping)
    readable = ~np.isnan(scores.pd)
    cut = declaration.pd_max if pd_max is None else pd_max
    rows = AuditRows(
        scores.pd <= cut,
        -np.log(scores.pd / (1.0 - scores.pd)),
        scores.pd,
        sample.is_bad[places],
        members_of(part, declaration),
        references_of(declaration),
    )
    return rows.take(readable)


def _decided(table: Table, declaration: Declaration, mapping: Mapping | None) -> AuditRows:
    wanted = set(declaration.approved_values)
    decided = column_of(table, declaration.approved_column)
    blank = np.full(table.rows, np.nan)
    score = blank
    if declaration.score_column:
        values = column_of(table, declaration.score_column)
        score = np.array([read_number(value) for value in values], dtype=np.float64)
    is_known = mapping is not None and mapping.target.column in table.columns
    assert mapping is not None or not is_known, declaration.name
    return AuditRows(
        np.array([read_text(value) in wanted for value in decided], dtype=np.bool_),
        score,
        blank,
        draw_sample(table, mapping).is_bad if mapping is not None and is_known else blank,
        members_of(table, declaration),
        references_of(declaration),
    )


class _Ground:
    """The rows of a search, made ready once: fitted, selected and reported on apart."""

    def __init__(self, table: Table, declaration: Declaration, mapping: Mapping) -> None:
        sample = draw_sample(table, mapping)
        self.signals = tuple(s for s in mapping.signals if s.operation not in ("absent", "stated"))
        train_rows = np.flatnonzero(sample.is_train)
        self.categories = tuple(categories_of(table, s, train_rows) for s in self.signals)
        matrix, refusals = matrix_of(table, self.signals, codes_of(self.categories))
        usable = np.ones(table.rows, dtype=np.bool_)
        usable[[refusal.row for refusal in refusals]] = False
        columns = tuple(table.columns.values())
        shares = np.array([hash_share(SALT, values) for values in zip(*columns, strict=True)])
        self.matrix, self.is_bad = matrix, sample.is_bad
        self.fit = sample.is_train & usable
        self.select = sample.is_test & usable & (shares < 0.5)
        self.report = sample.is_test & usable & (shares >= 0.5)
        self.members = members_of(table, declaration)
        self.references = references_of(declaration)
        self.chosen = dict(mapping.parameters)
        if min(int(self.fit.sum()), int(self.select.sum()), int(self.report.sum())) < ROWS_MIN:
            raise Refused(
                "score.too_few_rows",
                f"A search needs {ROWS_MIN} rows with a known outcome to fit, to select and to "
                "report on, each.",
            )

    def rows(self, score: Floats, approved: Flags, kept: Flags) -> AuditRows:
        """The rows of one part, decided one way."""
        pd = np.full(len(score), np.nan)
        whole = AuditRows(approved, score, pd, self.is_bad, self.members, self.references)
        return whole.take(kept)

    def goodness(self, kind: str, left_out: tuple[int, ...], seed: int) -> Floats:
        """Log-odds of repaying, (n,), by a model fitted without some signals."""
        places = [place for place in range(len(self.signals)) if place not in left_out]
        signals = tuple(self.signals[place] for place in places)
        part = np.ascontiguousarray(self.matrix[:, places])
        if kind == "trees":
            text = fit_trees(part[self.fit], self.is_bad[self.fit], signals, self.chosen, seed)
            return -forest_sums(flatten_forest(text, len(signals)), part)
        groups = [self.categories[place] for place in places]
        card = fit_card(part[self.fit], self.is_bad[self.fit], signals, groups, BinRules())
        return -card_log_odds(card, part, signals)


def search_alternative(
    table: Table,
    declaration: Declaration,
    mapping: Mapping,
    *,
    seed: int = 1,
    pd_max: float | None = None,
    with_constraint: bool = True,
) -> Search:
    """Search for a less discriminatory alternative (LDA) to what the lender does.

    Candidates are points cards and trees, with all signals and without one or two of them, fitted
    on the mapping's training rows. Each approves as large a share as the lender does; one whose
    scores are so coarse that it would approve more stands aside, as to approve more raises every
    ratio. Of those that cost at most the stated AUC on the selection rows the one with the best
    lowest ratio is chosen there, and both are measured on the report rows. Protected attributes
    group rows and enter no candidate. Refused: ``score.protected_signal``, ``score.too_few_rows``,
    ``score.column_missing``.
    """
    refuse_protected_signals(mapping.signals, protected_columns(declaration))
    rules, ground = read_audit_rules(), _Ground(table, declaration, mapping)
    score, approved = _champion(table, declaration, ground, seed, pd_max)
    select, report = ground.select, ground.report
    known = ground.rows(score, approved, select)
    share = float(known.approved.mean())
    auc_min = auc_of(-known.score, known.is_bad) - rules.auc_price_max
    best, best_score = None, score
    count = 0
    for name, left_out, made in _candidates(ground, seed):
        count += 1
        tried = _measure(ground, made, share, select, rules, declaration, name, left_out)
        if not (tried.auc >= auc_min and tried.adverse_impact_ratio > 0.0):
            continue
        if tried.approval > share + rules.gap_min:
            continue
        if best is None or tried.adverse_impact_ratio > best.adverse_impact_ratio:
            best, best_score = tried, made
    champion = measure_alternative(
        ground.rows(score, approved, report),
        rules,
        "champion",
        earns_good=declaration.earns_good,
        loses_bad=declaration.loses_bad,
    )
    chosen = champion
    if best is not None:
        chosen = _measure(
            ground, best_score, share, report, rules, declaration, best.name, best.left_out
        )
    constrained = None
    if with_constraint and constraint.is_installed() and _has_groups(ground, declaration):
        constrained = _constrained(ground, rules, declaration, share, seed)
    counts = (int(ground.fit.sum()), int(select.sum()), int(report.sum()))
    return Search(*counts, count, champion, chosen, constrained)


def _measure(
    ground: _Ground,
    score: Floats,
    share: float,
    kept: Flags,
    rules: AuditRules,
    declaration: Declaration,
    name: str,
    left_out: tuple[str, ...],
) -> Alternative:
    approved = np.zeros(len(score), dtype=np.bool_)
    approved[kept] = approve_share(score[kept], share)
    rows = ground.rows(score, approved, kept)
    return measure_alternative(
        rows,
        rules,
        name,
        left_out=left_out,
        earns_good=declaration.earns_good,
        loses_bad=declaration.loses_bad,
    )


def _champion(
    table: Table, declaration: Declaration, ground: _Ground, seed: int, pd_max: float | None
) -> tuple[Floats, Flags]:
    """What the lender does: its own score and decisions, or the trees with all signals."""
    if declaration.approved_column:
        rows = _decided(table, declaration, None)
        if not declaration.score_column:
            return rows.approved.astype(np.float64), rows.approved
        return rows.score, rows.approved
    score = ground.goodness("trees", (), seed)
    slope, intercept = fit_calibration(-score[ground.select], ground.is_bad[ground.select])
    pd = sigmoid(slope * -score + intercept)
    return score, pd <= (declaration.pd_max if pd_max is None else pd_max)


def _candidates(ground: _Ground, seed: int) -> Sequence[tuple[str, tuple[str, ...], Floats]]:
    """Every model that is tried: name, signals left out, log-odds of repaying (n,)."""
    places = range(len(ground.signals))
    without: list[tuple[int, ...]] = [(), *((place,) for place in places)]
    pairs = list(combinations(places, 2))
    without += pairs if len(pairs) <= PAIRS_MAX else []
    found = []
    for kind in ("points", "trees"):
        for left_out in without if kind == "points" else without[: 1 + len(ground.signals)]:
            if len(left_out) >= len(ground.signals):
                continue
            names = tuple(ground.signals[place].name for place in left_out)
            found.append((kind, names, ground.goodness(kind, left_out, seed)))
    return found


def _has_groups(ground: _Ground, declaration: Declaration) -> bool:
    """Whether two groups of the first attribute have rows enough to be held equal in training."""
    first = declaration.attributes[0]
    counts = [int((ground.members[first.name, g.name] & ground.fit).sum()) for g in first.groups]
    return sum(count >= ROWS_MIN for count in counts) >= 2


def _constrained(
    ground: _Ground, rules: AuditRules, declaration: Declaration, share: float, seed: int
) -> Alternative:
    """Mitigation by constraint: parity over the groups of the first attribute.

    Where the lender decided by no pd, a pd at which a loan breaks even counts as its cut-off.
    """
    attribute = declaration.attributes[0]
    group = np.zeros(len(ground.is_bad), dtype=np.int64)
    for number, rule in enumerate(attribute.groups, start=1):
        group[ground.members[attribute.name, rule.name]] = number
    earned, lost = declaration.earns_good, declaration.loses_bad
    score = constraint.fit_constrained(
        ground.matrix[ground.fit],
        ground.is_bad[ground.fit],
        group[ground.fit],
        ground.matrix,
        seed,
        pd_max=declaration.pd_max or earned / (earned + abs(lost)),
    )
    return _measure(
        ground, score, share, ground.report, rules, declaration, "parity constraint", ()
    )
