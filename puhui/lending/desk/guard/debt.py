"""Debts elsewhere: sealed before they are recorded, opened to be counted, closed when paid."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date

from puhui.data import Permit, open_text, permit
from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import business_date
from puhui.kernel.crypto import canonical_json, read_subject_key
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.money import DIGITS, MINOR_MAX
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.lending import tables as lending_tables
from puhui.lending.formats.capacity import load_caps
from puhui.lending.nouns.ask_capacity import (
    ObligationKey,
    ObligationsSealed,
    RecordObligation,
    SealedObligation,
    SealedObligations,
    SealObligations,
)
from puhui.lending.nouns.obligation import ELSEWHERE, Elsewhere
from puhui.lending.tables import capacity as tables
from puhui.party import Party, check_actor, sealing, take_party

PURPOSE = "debt_check"
FIELDS = ("bureau_debt",)
"""What a debt elsewhere is under the levels of data: level 4, whoever reported it."""

WORDS_MAX = 200
KINDS = tuple(kind.value for kind in ELSEWHERE)


def field_of(kind: str, currency: str) -> str:
    """What a sealed debt is bound to, so that it cannot stand as one of another kind."""
    return f"obligation\x1f{kind}\x1f{currency}"


def _text(debt_minor: int, monthly_minor: int, source: str) -> str:
    return canonical_json(
        {"debt_minor": debt_minor, "monthly_minor": monthly_minor, "source": source}
    )


def seal_obligation(node: Node, input: RecordObligation | SealedObligation) -> SealedObligation:
    """Check a debt elsewhere and seal amounts and source under the person's key, before the act.

    Where nobody tells the instalments they are worked out here. Refused:
    ``lending.sealed_input``, ``lending.bad_obligation``, ``lending.bad_amount``,
    ``party.unknown``, ``party.erased``.
    """
    if not isinstance(input, RecordObligation):
        raise Refused("lending.sealed_input", "A debt elsewhere is recorded by plain data only.")
    is_named = 0 < len(input.source) <= WORDS_MAX and input.currency in DIGITS
    if input.kind not in KINDS or not is_named:
        raise Refused("lending.bad_obligation", f"A debt elsewhere is one of {', '.join(KINDS)}.")
    if not 0 < input.debt_minor < MINOR_MAX or not 0 <= input.monthly_minor <= input.debt_minor:
        raise Refused("lending.bad_amount", "This is no amount that anybody can owe.")
    months = load_caps(business_date(node.clock.now_us())).declared_months
    monthly = input.monthly_minor or -(-input.debt_minor // months)
    text = _text(input.debt_minor, monthly, input.source)
    field = field_of(input.kind, input.currency)
    sealed = sealing.seal_text(node, input.party_id, field, text)
    told = (input.party_id, input.kind, input.currency)
    return SealedObligation(*told, text if sealed is None else sealed, sealed is not None)


@use_case("lending.record_obligation", roles=("loan_officer", "operator", "system"), api=True,
          prepare=seal_obligation)  # fmt: skip
def record_obligation(act: Act, input: RecordObligation | SealedObligation) -> ObligationKey:
    """Put a debt or guarantee elsewhere on record, sealed, to be counted from now on.

    Refused: ``lending.bad_obligation``, ``lending.bad_amount``, ``lending.sealed_input``,
    ``party.unknown``, ``party.erased``, ``party.four_eyes``.
    """
    assert isinstance(input, SealedObligation), input
    check_actor(act.tx, act.actor, second_to=input.party_id)
    party = take_party(act, input.party_id)
    act.tx.put(lending_tables.LOCK_OBLIGOR, party_id=party.id, decisions=0)
    obligation_id = act.new_id("obligation")
    act.tx.put(
        tables.INSERT_OBLIGATION,
        id=obligation_id,
        party_id=party.id,
        kind=input.kind,
        currency=input.currency,
        sealed=input.sealed,
        is_sealed=int(input.is_sealed),
        recorded_by=act.actor,
        recorded_us=act.now_us,
        closed_us=None,
    )
    return ObligationKey(obligation_id)


@use_case("lending.close_obligation", roles=("loan_officer", "operator", "system"), api=True)
def close_obligation(act: Act, input: ObligationKey) -> ObligationKey:
    """Count a recorded debt no more: it was paid, or the guarantee ended.

    Nobody does so for a debt of their own. Refused: ``lending.no_obligation``,
    ``party.four_eyes``.
    """
    row = act.tx.one(tables.LOCK_OBLIGATION, id=input.obligation_id)
    if row is None or row.closed_us is not None:
        raise Refused("lending.no_obligation", "There is no such debt on record any more.")
    check_actor(act.tx, act.actor, second_to=row.party_id)
    act.tx.put(tables.CLOSE_OBLIGATION, id_=row.id, closed_us_=act.now_us)
    return input


def is_forgotten(act: Act, party: Party) -> bool:
    """Whether an act runs again on a person whose key was destroyed since: what it read of the
    person then cannot be worked out any more. One statement.
    """
    return (
        party.subject is not None and read_subject_key(act.tx, act.node.keys, party.subject) is None
    )


def open_debts(act: Act, party: Party, rows: Sequence[Row]) -> dict[str, Elsewhere]:
    """The debts elsewhere among rows of ``READ_STANDING``, opened, by the number of their record.

    A sealed one is opened under the purpose ``debt_check``, which leaves a line in the log. In an
    act that runs again on a forgotten person they are left out: what the act said is on record.
    """
    sealed = [row for row in rows if row.kind in KINDS and row.total_cost_minor]
    if not sealed:
        return opened(rows, {})
    made = permit(act, party, purpose=PURPOSE, fields=FIELDS)
    if act.recorded is not None:
        return {}
    return opened(rows, texts_of(act.node, act.tx, made, sealed))


def texts_of(node: Node, tx: Transaction, made: Permit, rows: Sequence[Row]) -> dict[str, str]:
    """Sealed rows of ``READ_STANDING`` opened with a permit that covers a bureau's debts."""
    found = {}
    for row in rows:
        field = field_of(row.kind, row.currency)
        text = open_text(node, tx, made, field=field, sealed=row.terms)
        if text is not None:
            found[row.reference] = text
    return found


def opened(rows: Sequence[Row], texts: Mapping[str, str]) -> dict[str, Elsewhere]:
    """Debts elsewhere by the number of their record, from opened texts and plain rows."""
    found = {}
    for row in rows:
        if row.kind not in KINDS:
            continue
        text = texts.get(row.reference) if row.total_cost_minor else row.terms
        if text is not None:
            found[row.reference] = Elsewhere(**json.loads(text))
    return found


def seal_older(node: Node, input: SealObligations | SealedObligations) -> SealedObligations:
    """Seal debts that were recorded plain, before the act. Refused: ``lending.sealed_input``."""
    if not isinstance(input, SealObligations):
        raise Refused("lending.sealed_input", "Debts are sealed from what is stored.")
    wanted = set(input.obligation_ids)
    with node.read() as tx:
        texts = [
            sealing.PlainText(row.id, row.party_id, field_of(row.kind, row.currency), row.sealed)
            for row in tx.all(tables.READ_PLAIN_OBLIGATIONS)
            if row.id in wanted
        ]
        made = sealing.seal_older(node, tx, texts)
    return SealedObligations(tuple((one, text) for one, text in made if text is not None))


@use_case("lending.seal_obligations", roles=("system", "operator"), prepare=seal_older)
def seal_obligations(act: Act, input: SealObligations | SealedObligations) -> ObligationsSealed:
    """Seal debts elsewhere that were recorded before debts were sealed.

    What the journal says of them stays as it was. Refused: ``lending.sealed_input``.
    """
    assert isinstance(input, SealedObligations), input
    for obligation_id, sealed in input.sealed:
        act.tx.put(tables.SEAL_OBLIGATION, id_=obligation_id, sealed_=sealed)
    return ObligationsSealed(len(input.sealed))


def plain_chunks(node: Node, day: date) -> list[SealObligations]:
    """Debts of named persons that still stand plain, in chunks; nothing once all are sealed."""
    with node.read() as tx:
        chunks = sealing.older_chunks(node, tx, tx.all(tables.READ_PLAIN_OBLIGATIONS))
    return [SealObligations(ids) for ids in chunks]


day_step(45, "lending.seal_obligations", plain_chunks)
