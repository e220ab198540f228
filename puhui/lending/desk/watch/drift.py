"""Measuring drift: the facts behind decisions by a model, then and now, set against each other."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta

from puhui.data import foresee, open_text, permit
from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.lending.desk.shelf import mapping_of, model_of
from puhui.lending.nouns.drift import DriftMeasured, MeasuredDrift, MeasureDrift, SignalDrift
from puhui.lending.tables import drift as tables
from puhui.party import Party, find_parties, take_parties
from puhui.score import Table, study

PURPOSE = "model_monitoring"
ROWS_MAX = 2000
"""Each side looks at so many decisions at most, the newest of its days."""

ROWS_MIN = 2
YEARS_MAX = 10
FACTS = "application"
"""The field that facts of an application are sealed as."""

Facts = list[dict[str, str]]


def measure_drift_of(node: Node, input: MeasureDrift | MeasuredDrift) -> MeasuredDrift:
    """Read the facts of both times under the purpose of monitoring, and measure, before the act.

    Refused: ``lending.measured_input``, ``lending.bad_period``, ``lending.nothing_scored``,
    ``score.model_missing``.
    """
    if not isinstance(input, MeasureDrift):
        raise Refused("lending.measured_input", "Drift is asked for by model and days alone.")
    is_ordered = input.before_since <= input.before_until < input.since <= input.until
    if not is_ordered or (input.until - input.before_since).days > YEARS_MAX * 366:
        raise Refused("lending.bad_period", "The days before end before the days now begin.")
    model = model_of(node.home, input.model_digest)
    mapping = mapping_of(node.home, model.mapping_digest)
    looks: dict[str, set[str]] = {}
    with node.read() as tx:
        before = _facts(node, tx, input, (input.before_since, input.before_until), looks)
        after = _facts(node, tx, input, (input.since, input.until), looks)
    if min(len(before), len(after)) < ROWS_MIN:
        raise Refused("lending.nothing_scored", "The model scored too little in these days.")
    found = study.monitor(
        model, _table(before), _table(after), points_least=0, mapping=mapping
    )  # fmt: skip
    return MeasuredDrift(
        input,
        model.mapping_digest,
        len(before),
        found.rows,
        _told(found.score_psi),
        _told(found.mean_pd),
        tuple(
            SignalDrift(one.signal, _told(one.psi), _told(one.missing_before),
                        _told(one.missing_after))
            for one in found.signal_shifts
        ),
        tuple((party_id, tuple(sorted(fields))) for party_id, fields in sorted(looks.items())),
    )  # fmt: skip


def _told(value: float) -> float:
    return 0.0 if math.isnan(value) else float(value)


def _facts(
    node: Node,
    tx: Transaction,
    input: MeasureDrift,
    days: tuple[date, date],
    looks: dict[str, set[str]],
) -> Facts:
    """The facts of the newest decisions of some days; of who was erased since there are none."""
    rows = tx.all(
        tables.READ_SCORED,
        model_digest=input.model_digest,
        from_us=start_of_day_us(days[0]),
        before_us=start_of_day_us(days[1] + timedelta(days=1)),
        count=ROWS_MAX,
    )
    ids = sorted({row.party_id for row in rows})
    people: dict[str, Party] = {}
    for at in range(0, len(ids), 500):
        people |= {one.id: one for one in find_parties(node, tx, party_ids=ids[at : at + 500])}
    found: Facts = []
    for row in rows:
        text = _open(node, tx, row, people.get(row.party_id), looks)
        if text:
            found.append({name: str(value) for name, value in json.loads(text).items()})
    return found


def _open(
    node: Node, tx: Transaction, row: Row, party: Party | None, looks: dict[str, set[str]]
) -> str:
    if party is None or party.is_erased or not row.sealed:
        return ""
    if party.subject is None:
        return str(row.sealed)
    fields = json.loads(row.fields)
    now_us = node.clock.now_us()
    made = foresee(tx, party, purpose=PURPOSE, fields=fields, now_us=now_us)
    looks.setdefault(party.id, set()).update(fields)
    return open_text(node, tx, made, field=FACTS, sealed=row.sealed) or ""


def _table(facts: Facts) -> Table:
    names = sorted({name for one in facts for name in one})
    return Table.of_rows(names, [[one.get(name, "") for name in names] for one in facts])


@use_case("lending.measure_drift", roles=("risk_analyst", "system"), purpose=PURPOSE,
          prepare=measure_drift_of)  # fmt: skip
def measure_drift(act: Act, input: MeasureDrift | MeasuredDrift) -> DriftMeasured:
    """Put on record how far a model's score and signals have moved; figures alone are kept.

    At most the 2,000 newest decisions of each time are looked at; each look stands in the log of
    the person. Refused: those of ``measure_drift_of``.
    """
    assert isinstance(input, MeasuredDrift), input
    parties = take_parties(act, [party_id for party_id, _ in input.looks])
    for party_id, fields in input.looks:
        if not parties[party_id].is_erased:
            permit(act, parties[party_id], purpose=PURPOSE, fields=fields)
    act.note(model=input.asked.model_digest)
    asked = input.asked
    return DriftMeasured(
        asked.model_digest, input.mapping, asked.before_since, asked.before_until, asked.since,
        asked.until, input.rows_before, input.rows, input.score_psi, input.mean_pd, input.signals,
    )  # fmt: skip
