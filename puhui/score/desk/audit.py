"""Audits of models in force: what they decided, by group, every month and whenever asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from pydantic import TypeAdapter

from puhui.data import foresee, permit, read_person
from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.party import find_parties, take_parties
from puhui.score import tables
from puhui.score.arrays.audit import audit_rows
from puhui.score.engines.audit import members_of, references_of
from puhui.score.engines.source import SOURCES
from puhui.score.formats.audit_toml import read_audit_rules, read_declaration
from puhui.score.nouns import Table
from puhui.score.nouns.audit import AuditRows, CutOffPoint, GroupFinding
from puhui.score.nouns.stored_audit import (
    AuditModel,
    DecidedRow,
    GroupCutOff,
    GroupFigures,
    MeasuredModel,
    ModelAudited,
    StoredAudit,
)
from puhui.score.rules.audit import age_on

PURPOSE = "fairness_audit"
FIELDS = ("birth_date", "region", "sex")
"""The only fields an audit looks at; data keeps sex at level 4 for this purpose alone."""

DECLARATION = "people"
ROWS_MAX = 8190
"""An audit looks at so many decisions at most, the newest."""

AUDITS_MAX = 100

_GROUPS: TypeAdapter[tuple[GroupFigures, ...]] = TypeAdapter(tuple[GroupFigures, ...])
_UNKNOWN: TypeAdapter[tuple[tuple[str, float], ...]] = TypeAdapter(tuple[tuple[str, float], ...])


def _decided(tx: Transaction, input: AuditModel, count: int) -> list[DecidedRow]:
    from_us, before_us = start_of_day_us(input.since), start_of_day_us(_next(input.until))
    found: list[DecidedRow] = []
    for source in SOURCES:
        found += source(tx, input.model_digest, from_us, before_us, count - len(found))
    return found


def _next(day: date) -> date:
    return day + timedelta(days=1)


def measure_model(node: Node, input: AuditModel | MeasuredModel) -> MeasuredModel:
    """Read what the model decided and who they are, and measure, before the act.

    Refused: ``score.measured_input``, ``score.bad_period``, ``score.never_in_force``,
    ``score.nothing_decided``.
    """
    if not isinstance(input, AuditModel):
        raise Refused("score.measured_input", "An audit is asked for by model and days alone.")
    if input.since > input.until or (input.until - input.since).days > 3660:
        raise Refused("score.bad_period", "An audit covers days in order, ten years at most.")
    with node.read() as tx:
        if tx.one(tables.READ_ANY_BY_DIGEST, digest=input.model_digest) is None:
            raise Refused("score.never_in_force", "No such model was ever in force here.")
        rows = _decided(tx, input, ROWS_MAX)
        if not rows:
            raise Refused("score.nothing_decided", "The model decided nothing in these days.")
        people = _read_people(node, tx, sorted({row.party_id for row in rows}))
    declaration = read_declaration(DECLARATION)
    told = [people.get(row.party_id, {}) for row in rows]
    table = Table.of_rows(
        ["sex", "age_years", "division"], [_columns(one, input.until) for one in told]
    )
    nan = math.nan
    pd = np.array([nan if row.pd is None else row.pd for row in rows], dtype=np.float64)
    inside = np.clip(pd, 1e-9, 1 - 1e-9)
    bad = [nan if row.is_bad is None else float(row.is_bad) for row in rows]
    audit = audit_rows(
        AuditRows(
            np.array([row.is_approved for row in rows], dtype=np.bool_),
            -np.log(inside / (1 - inside)),
            pd,
            np.array(bad, dtype=np.float64),
            members_of(table, declaration),
            references_of(declaration),
        ),
        read_audit_rules(),
    )
    return MeasuredModel(
        input.model_digest,
        input.since,
        input.until,
        audit.rows,
        audit.approved,
        audit.family,
        tuple(_figures(one, audit.cut_offs) for one in audit.findings),
        audit.unknown,
        tuple(sorted(people)),
    )


def _read_people(node: Node, tx: Transaction, party_ids: list[str]) -> dict[str, dict[str, str]]:
    """Sex, birth date and region by party; who was erased or never named is left out."""
    found = {}
    for party in find_parties(node, tx, party_ids=party_ids):
        if party.is_erased or party.subject is None:
            continue
        now_us = node.clock.now_us()
        foreseen = foresee(tx, party, purpose=PURPOSE, fields=FIELDS, now_us=now_us)
        found[party.id] = read_person(node, tx, foreseen)
    return found


def _columns(person: dict[str, str], until: date) -> list[str]:
    """What groups are told by: sex, age in whole years, the district's number in its region."""
    born, region = person.get("birth_date", ""), person.get("region", "")
    age = str(age_on(date.fromisoformat(born), until)) if born else ""
    return [person.get("sex", ""), age, region[4:6]]


def _figures(one: GroupFinding, cut_offs: Sequence[CutOffPoint]) -> GroupFigures:
    def told(value: float) -> float | None:
        return None if math.isnan(value) else float(value)

    return GroupFigures(
        one.attribute,
        one.group,
        one.reference,
        one.rows,
        one.reference_rows,
        one.approved,
        one.reference_approved,
        bool(one.is_guarded),
        bool(one.is_found),
        told(one.approval),
        told(one.reference_approval),
        told(one.adverse_impact_ratio),
        told(one.approval_gap),
        told(one.smd),
        told(one.true_positive_gap),
        told(one.calibration_gap),
        told(one.p_value),
        told(one.p_adjusted),
        tuple(
            GroupCutOff(at.share, told(at.adverse_impact_ratio), float(at.approval_gap))
            for at in cut_offs
            if (at.attribute, at.group) == (one.attribute, one.group)
        ),
    )


@use_case("score.audit_model", roles=("risk_analyst", "auditor", "system"), purpose=PURPOSE,
          prepare=measure_model)  # fmt: skip
def audit_model(act: Act, input: AuditModel | MeasuredModel) -> ModelAudited:
    """Keep an audit of what a model decided; who was looked at for it can see that.

    At most the 8,190 newest decisions of the days are looked at. Sex, age and region serve the
    audit alone: each look is logged under its purpose, and only figures of groups are kept.
    Refused: those of ``measure_model``.
    """
    assert isinstance(input, MeasuredModel), input
    parties = take_parties(act, input.party_ids)
    for party_id in input.party_ids:
        if not parties[party_id].is_erased:
            permit(act, parties[party_id], purpose=PURPOSE, fields=FIELDS)
    audit_id = act.new_id("audit")
    findings = sum(one.is_found for one in input.groups)
    act.tx.put(
        tables.INSERT_AUDIT,
        id=audit_id,
        model_digest=input.model_digest,
        since=input.since.isoformat(),
        until=input.until.isoformat(),
        rows=input.rows,
        approved=input.approved,
        tests=input.tests,
        findings=findings,
        groups=_GROUPS.dump_json(input.groups).decode(),
        unknown=_UNKNOWN.dump_json(input.unknown).decode(),
        audited_by=act.actor,
        audited_us=act.now_us,
    )
    act.note(model=input.model_digest)
    payload = {"audit": audit_id, "model": input.model_digest, "findings": findings}
    act.emit("score.model_audited", input.model_digest, payload)
    return ModelAudited(audit_id, input.rows, findings)


def audits_of(tx: Transaction, model_digest: str) -> tuple[StoredAudit, ...]:
    """The stored audits of a model, newest first, at most 100. One statement."""
    rows = tx.all(tables.READ_AUDITS, model_digest=model_digest, count=AUDITS_MAX)
    return tuple(_stored(row) for row in rows)


def _stored(row: Row) -> StoredAudit:
    return StoredAudit(
        row.id,
        row.model_digest,
        date.fromisoformat(row.since),
        date.fromisoformat(row.until),
        row.rows,
        row.approved,
        row.tests,
        row.findings,
        _GROUPS.validate_json(row.groups),
        _UNKNOWN.validate_json(row.unknown),
        row.audited_by,
        row.audited_us,
    )


def month_chunks(node: Node, day: date) -> list[AuditModel]:
    """On the last day of a month an audit of every model that decided anything in it."""
    if _next(day).day != 1:
        return []
    since = day.replace(day=1)
    with node.read() as tx:
        asked = [AuditModel(row.digest, since, day) for row in tx.all(tables.READ_DIGESTS)]
        return [one for one in asked if _decided(tx, one, 1)]


day_step(880, "score.audit_model", month_chunks)
