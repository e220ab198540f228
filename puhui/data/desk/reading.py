"""Opening what is sealed, with a permit: the only place in the platform that does."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date

from puhui.data import tables
from puhui.data.desk.lists import read_lists
from puhui.data.desk.permit import check_permit
from puhui.data.nouns import Permit, SharedRecord
from puhui.kernel.crypto import SubjectKey, open_sealed, read_subject_key
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.party import sealing

RECORDS_MAX = 50_000


def _open_record(key: SubjectKey | None, party_id: str, row: Row) -> SharedRecord | None:
    content = row.content
    if row.is_sealed:
        content = open_sealed(key, record_field(row.source, row.kind, row.reference), content)
        if content is None:
            return None
    return SharedRecord(
        party_id=party_id,
        kind=row.kind,
        source=row.source,
        reference=row.reference,
        day=date.fromisoformat(row.day),
        content=json.loads(content),
    )


def record_field(source: str, kind: str, reference: str) -> str:
    """What a sealed record is bound to, so that no two can be exchanged."""
    return f"{kind}\x1f{source}\x1f{reference}"


def _key_of(node: Node, tx: Transaction, permit: Permit) -> SubjectKey | None:
    return None if permit.subject is None else read_subject_key(tx, node.keys, permit.subject)


def read_person(
    node: Node, tx: Transaction, permit: Permit, fields: Collection[str] = ()
) -> dict[str, str]:
    """The personal fields of a permit, opened, by name; absent ones are left out.

    ``fields`` narrows the permit down. Two statements.
    Refused: ``data.field_not_permitted``, ``data.false_permit``.
    """
    check_permit(permit, fields)
    known = read_lists().fields
    wanted = sorted(name for name in fields or permit.fields if not known[name].is_record)
    if not wanted:
        return {}
    key = _key_of(node, tx, permit)
    opened = {
        name: open_sealed(key, name, sealed)
        for name, sealed in sealing.sealed_fields(tx, permit.party_id, wanted).items()
    }
    return {name: text for name, text in opened.items() if text is not None}


def open_text(
    node: Node, tx: Transaction, permit: Permit, *, field: str, sealed: str
) -> str | None:
    """What another room has sealed under the person's key as ``field``, opened; None when the
    key was destroyed. One statement.

    The permit must cover the fields that the text holds: whoever sealed it knows which.
    Refused: ``data.false_permit``. Fault: ``kernel.field_damaged``.
    """
    check_permit(permit, ())
    return open_sealed(_key_of(node, tx, permit), field, sealed)


def read_records(
    node: Node,
    tx: Transaction,
    permit: Permit,
    kinds: Collection[str] = (),
    *,
    since: date = date.min,
    until: date = date.max,
) -> tuple[SharedRecord, ...]:
    """The shared records of a permit, opened, by kind, day, source and reference.

    ``kinds`` narrows the permit down; both days are included. Sources that the consent does not
    name are left out. At most 50,000 records; two statements.
    Refused: ``data.field_not_permitted``, ``data.false_permit``.
    """
    check_permit(permit, kinds)
    known = read_lists().fields
    wanted = sorted(name for name in kinds or permit.fields if known[name].is_record)
    if not wanted:
        return ()
    rows = tx.all(
        tables.READ_RECORDS,
        party_id=permit.party_id,
        kinds=wanted,
        since=since.isoformat(),
        until=until.isoformat(),
        count=RECORDS_MAX,
    )
    if permit.sources:
        rows = [row for row in rows if row.source in permit.sources]
    is_any_sealed = any(row.is_sealed for row in rows)
    key = _key_of(node, tx, permit) if is_any_sealed else None
    opened = (_open_record(key, permit.party_id, row) for row in rows)
    return tuple(record for record in opened if record is not None)
