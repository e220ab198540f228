"""Consents and shared records for tests, and a use case that reads them as lending would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from puhui.data import Permit, permit, read_person, read_records
from puhui.data.nouns import (
    ConsentGranted,
    GrantConsent,
    RecordsShared,
    RecordToShare,
    Scalar,
    SharedRecord,
    ShareRecords,
)
from puhui.kernel import Act, Actor, Node, use_case
from puhui.kernel.act import USE_CASES
from puhui.party import take_party
from tests.party.people import STAFF

TODAY = date(2026, 3, 2)
PARTNER = Actor("tax_bureau", frozenset({"data_partner"}))
RECORDS = ("invoice", "tax_fact", "registry_fact")
SEEN: dict[str, tuple[dict[str, str], tuple[SharedRecord, ...]]] = {}
"""What the use case below read, by the key of its act: outcomes must hold nothing personal."""


@dataclass(frozen=True, slots=True)
class Read:
    """What to read of whom, and for what."""

    party_id: str
    purpose: str
    fields: tuple[str, ...]
    is_forged: bool = False


@dataclass(frozen=True, slots=True)
class WasRead:
    """Under which consent; what was read shapes no outcome, or an erasure would change it."""

    consent_id: str | None


if "data.try_read" not in USE_CASES:

    @use_case("data.try_read", roles=("system",))
    def try_read(act: Act, input: Read) -> WasRead:
        """What a room on the right does."""
        party = take_party(act, input.party_id)
        made = permit(act, party, purpose=input.purpose, fields=input.fields)
        if input.is_forged:
            made = Permit(
                made.party_id,
                made.subject,
                made.purpose,
                made.fields | {"sex"},
                made.sources,
                made.consent_id,
                made.mark,
            )
        fields, records = read_person(act.node, act.tx, made), read_records(act.node, act.tx, made)
        SEEN[act.key] = (fields, records)
        return WasRead(made.consent_id)


def read(
    node: Node,
    party_id: str,
    key: str,
    *fields: str,
    purpose: str = "credit_decision",
    is_forged: bool = False,
) -> tuple[dict[str, str], tuple[SharedRecord, ...]]:
    """Read ``fields`` of a party through a permit."""
    given = Read(party_id, purpose, fields, is_forged)
    node.act("data.try_read", given, key=key, actor=STAFF)
    return SEEN[key]


def consent(
    node: Node,
    party_id: str,
    key: str,
    *fields: str,
    purpose: str = "credit_decision",
    days: int = 30,
    sources: tuple[str, ...] = (),
) -> ConsentGranted:
    """Have a party consent."""
    given = GrantConsent(party_id, purpose, fields, TODAY + timedelta(days=days), sources)
    actor = Actor(party_id, frozenset({"customer"}))
    made = node.act("data.grant_consent", given, key=key, actor=actor)
    assert isinstance(made, ConsentGranted)
    return made


def fact(
    party_id: str, reference: str, kind: str = "invoice", days_ago: int = 1, **content: Scalar
) -> RecordToShare:
    """A record about a party."""
    day = TODAY - timedelta(days=days_ago)
    return RecordToShare(party_id, kind, reference, day, content or {"amount_minor": 4321000})


def share(
    node: Node, key: str, records: Sequence[RecordToShare], source: str = "tax_bureau"
) -> RecordsShared:
    """Have a partner share records."""
    given = ShareRecords(source, tuple(records))
    made = node.act("data.share_records", given, key=key, actor=PARTNER)
    assert isinstance(made, RecordsShared)
    return made
