"""Permits: who may read which fields of a party for which purpose, and on what ground."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from hashlib import blake2b

from puhui.data import rules, tables
from puhui.data.desk.consent import holder_of_source, terms_of
from puhui.data.desk.lists import read_lists
from puhui.data.nouns import Basis, Permit
from puhui.kernel.act import Act
from puhui.kernel.clock import business_date
from puhui.kernel.crypto import canonical_json
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.party import Party, read_party_file

CANDIDATES_MAX = 50

_MARK_KEY = secrets.token_bytes(32)
"""Permits live within one act of one process, so their key does too; it is never stored."""


def make_permit(
    party_id: str,
    subject: str | None,
    purpose: str,
    fields: frozenset[str],
    sources: frozenset[str] = frozenset(),
    consent_id: str | None = None,
) -> Permit:
    """A permit with its mark; only after the ground was checked."""
    mark = _mark(party_id, subject, purpose, fields, sources, consent_id)
    return Permit(party_id, subject, purpose, fields, sources, consent_id, mark)


def _mark(*parts: str | frozenset[str] | None) -> bytes:
    told = [tuple(sorted(part)) if isinstance(part, frozenset) else part for part in parts]
    return blake2b(repr(told).encode(), key=_MARK_KEY, digest_size=32).digest()


def check_permit(permit: Permit, fields: Collection[str]) -> None:
    """Whether the permit was made here, unchanged, and covers ``fields``.

    Refused: ``data.false_permit``, ``data.field_not_permitted``.
    """
    made = _mark(
        permit.party_id,
        permit.subject,
        permit.purpose,
        permit.fields,
        permit.sources,
        permit.consent_id,
    )
    if not hmac.compare_digest(made, permit.mark):
        raise Refused("data.false_permit", "This permit was not made by the room data.")
    if not permit.fields.issuperset(fields):
        missing = ", ".join(sorted(set(fields) - permit.fields))
        raise Refused("data.field_not_permitted", f"The permit does not cover: {missing}.")


def permit(
    act: Act,
    party: Party,
    *,
    purpose: str,
    fields: Collection[str],
    recipient: str = "",
    source: str = "",
    since_us: int = 0,
) -> Permit:
    """The right to read ``fields`` of a party for ``purpose`` within this act, and its log line.

    A purpose that shows something to one other party needs a consent that names ``recipient`` and
    what is shown, ``source``, and that was given at ``since_us`` or after.

    A purpose that rests on consent needs one that covers all fields now, of the party or of the
    source that named it; it is kept from being revoked until the act ends. What is sealed of a
    person leaves one line in the log of accesses. One statement, and one for the line.
    Refused: ``data.unknown_purpose``, ``data.no_fields``, ``data.unknown_field``,
    ``data.field_not_allowed``, ``data.party_erased``, ``data.no_consent``,
    ``data.consent_expired``, ``data.consent_revoked``, ``data.fields_not_consented``,
    ``data.no_obligation``, ``data.not_own``.
    """
    made = decide(
        act.tx,
        party,
        purpose,
        frozenset(fields),
        is_locked=True,
        now_us=act.now_us,
        actor=act.actor,
        shown=(recipient, source, since_us),
    )
    lists = read_lists()
    if party.subject is not None and rules.highest_level(lists, fields) >= lists.sealed_from:
        log_access(act, made)
    return made


def foresee(
    tx: Transaction,
    party: Party,
    *,
    purpose: str,
    fields: Collection[str],
    now_us: int,
    recipient: str = "",
    source: str = "",
    since_us: int = 0,
) -> Permit:
    """The permit that an act would get, for what is worked out before it; no lock, no log line.

    The act itself asks ``permit`` again, which locks and logs. Refused: what ``permit`` refuses.
    """
    return decide(
        tx,
        party,
        purpose,
        frozenset(fields),
        is_locked=False,
        now_us=now_us,
        actor=None,
        shown=(recipient, source, since_us),
    )


def decide(
    tx: Transaction,
    party: Party,
    purpose_name: str,
    fields: frozenset[str],
    *,
    is_locked: bool,
    now_us: int,
    actor: str | None,
    shown: tuple[str, str, int] = ("", "", 0),
) -> Permit:
    """The permit, if purpose, fields and ground allow it; ``permit`` says what it refuses.

    ``shown``: to whom, what, and since when the consent must stand.
    """
    lists = read_lists()
    purpose = rules.find_purpose(lists, purpose_name)
    rules.check_fields(lists, purpose, fields)
    rules.check_living(party)
    if purpose.basis is Basis.CONSENT:
        holders = [party.id]
        if party.source is not None:
            holders.append(holder_of_source(party.source))
        statement = tables.SHARE_TERMS if is_locked else tables.READ_TERMS
        rows = tx.all(
            statement,
            holders=holders,
            purpose=purpose.name,
            recipient=shown[0],
            count=CANDIDATES_MAX,
        )
        given = [one for one in map(terms_of, rows) if rules.holds_for(one, *shown)]
        terms = rules.choose_consent(given, fields, now_us)
        return make_permit(
            party.id, party.subject, purpose.name, fields, terms.sources, terms.consent_id
        )
    if purpose.basis is not Basis.DUTY:
        told = read_party_file(tx, party.id, business_date(now_us))
        if purpose.basis is Basis.OBLIGATION:
            rules.check_obligation(purpose, any(hold.is_obligation for hold in told.holds))
        else:
            own = {party.id} | {user.id for user in told.users if not user.is_disabled}
            rules.check_viewer(purpose, None, actor in own)
    return make_permit(party.id, party.subject, purpose.name, fields)


def log_access(act: Act, made: Permit) -> str:
    """Write down who reads which fields for which purpose; returns the id of the line."""
    access_id = act.new_id("access")
    act.tx.put(
        tables.INSERT_ACCESS,
        id=access_id,
        party_id=made.party_id,
        actor=act.actor,
        purpose=made.purpose,
        fields=canonical_json(sorted(made.fields)),
        consent_id=made.consent_id,
        at_us=act.now_us,
    )
    return access_id
