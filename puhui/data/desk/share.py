"""Taking in records that partners share, sealed at the party's key where the level asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from puhui.data import rules, tables
from puhui.data.desk.lists import read_lists
from puhui.data.desk.reading import record_field
from puhui.data.nouns import (
    PartyForgotten,
    RecordRefusal,
    RecordsShared,
    RecordToShare,
    SealedRecord,
    SealedRecords,
    ShareRecords,
)
from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import business_date
from puhui.kernel.crypto import SubjectKey, canonical_json, read_subject_key, seal
from puhui.kernel.errors import Refused
from puhui.kernel.event import Delivery, subscribe
from puhui.kernel.node import Node
from puhui.party import Party, find_parties, take_parties


def seal_records(node: Node, input: ShareRecords | SealedRecords) -> SealedRecords:
    """Check each record and seal it, before the act; one that cannot be kept is set aside.

    Refused: ``data.bad_source``, ``data.sealed_input``.
    """
    if not isinstance(input, ShareRecords):
        raise Refused("data.sealed_input", "Records are shared as plain data only.")
    rules.check_source(input.source)
    today = business_date(node.clock.now_us())
    party_ids = sorted({record.party_id for record in input.records})
    keys: dict[str, SubjectKey | None] = {}
    with node.read() as tx:
        parties = {one.id: one for one in find_parties(node, tx, party_ids=party_ids)}
        for party in parties.values():
            if party.subject is not None:
                keys[party.id] = read_subject_key(tx, node.keys, party.subject)
    sealed: list[SealedRecord] = []
    refusals: list[RecordRefusal] = []
    for record in input.records:
        try:
            sealed.append(_sealed(node, input.source, record, parties, keys, today))
        except Refused as no:
            refusals.append(RecordRefusal(record.kind, record.reference, no.code, no.reason))
    return SealedRecords(input.source, tuple(sealed), tuple(refusals))


def _sealed(
    node: Node,
    source: str,
    record: RecordToShare,
    parties: Mapping[str, Party],
    keys: Mapping[str, SubjectKey | None],
    today: date,
) -> SealedRecord:
    lists = read_lists()
    field = rules.check_record(record, lists, today)
    rules.check_party(parties.get(record.party_id), record.party_id, field, lists.sealed_from)
    text = canonical_json(dict(record.content))
    told = canonical_json([record.party_id, record.kind, record.day.isoformat(), text])
    key = keys.get(record.party_id) if field.level >= lists.sealed_from else None
    if key is not None:
        text = seal(key, record_field(source, record.kind, record.reference), text)
    return SealedRecord(
        party_id=record.party_id,
        kind=record.kind,
        reference=record.reference,
        day=record.day,
        content=text,
        is_sealed=key is not None,
        digest=node.keys.index("record", told),
    )


@use_case(
    "data.share_records",
    roles=("data_partner", "operator", "system"),
    api=True,
    batch="records",
    prepare=seal_records,
)
def share_records(act: Act, input: ShareRecords | SealedRecords) -> RecordsShared:
    """Keep what a partner shares about parties: invoices, flows, statements, debts.

    A record that is there already is counted as repeated, unless it says something else now
    (``data.record_differs``). Refused per record: ``data.unknown_field``, ``data.bad_record``,
    ``data.unknown_party``, ``data.party_erased``, ``data.party_without_key``. Refused as a
    whole: ``data.bad_source``, ``data.sealed_input``.
    """
    assert isinstance(input, SealedRecords), input
    refusals = list(input.refusals)
    parties = take_parties(act, sorted({record.party_id for record in input.records}))
    kept: list[tuple[str, SealedRecord]] = []
    for record in input.records:
        if parties[record.party_id].is_erased:
            reason = "This person's data was erased at their wish."
            refusals.append(
                RecordRefusal(record.kind, record.reference, "data.party_erased", reason)
            )
        else:
            kept.append((act.new_id("record"), record))
    rows = [_row(act, input.source, record_id, record) for record_id, record in kept]
    act.tx.run_many(tables.INSERT_RECORD_IF_NEW, rows)
    found = _found(act, input.source, [record for _, record in kept])
    new_count = 0
    for record_id, record in kept:
        there_id, digest = found[record.kind, record.reference]
        new_count += there_id == record_id
        if digest != record.digest:
            reason = "The same reference was shared before with another content."
            refusals.append(
                RecordRefusal(record.kind, record.reference, "data.record_differs", reason)
            )
    differing = len(refusals) - len(input.refusals)
    repeated = len(input.records) - new_count - differing
    return RecordsShared(new_count, repeated, tuple(refusals))


def _row(act: Act, source: str, record_id: str, record: SealedRecord) -> dict[str, object]:
    return {
        "id": record_id,
        "source": source,
        "kind": record.kind,
        "reference": record.reference,
        "party_id": record.party_id,
        "day": record.day.isoformat(),
        "content": record.content,
        "is_sealed": int(record.is_sealed),
        "digest": record.digest,
        "shared_us": act.now_us,
    }


def _found(
    act: Act, source: str, records: list[SealedRecord]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Id and digest of what is stored now under each kind and reference."""
    if not records:
        return {}
    rows = act.tx.all(
        tables.READ_REFERENCES,
        source=source,
        kinds=sorted({record.kind for record in records}),
        references=[record.reference for record in records],
    )
    return {(row.kind, row.reference): (row.id, row.digest) for row in rows}


@use_case("data.forget_party", roles=("system",))
def forget_party(act: Act, input: Delivery) -> PartyForgotten:
    """Delete the records of an erased person and end the consents.

    They were unreadable from the moment of erasure: the key was destroyed.
    """
    party_id = input.event.subject
    records_count = act.tx.run(tables.DELETE_RECORDS, party_id=party_id)
    consents_count = act.tx.run(tables.REVOKE_ALL, holder_=party_id, now_us=act.now_us)
    return PartyForgotten(party_id, records_count, consents_count)


subscribe("data.forget_party", to=("party.erased",))
