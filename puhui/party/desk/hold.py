"""Holds, which other rooms place while a debt or a duty is open, and erasure."""

from __future__ import annotations

from datetime import date

from puhui.kernel.act import Act, use_case
from puhui.kernel.crypto import destroy_subject_key
from puhui.kernel.event import check_asked_first
from puhui.party import rules, tables
from puhui.party.desk.lists import hold_reasons
from puhui.party.desk.look_up import holds_of, party_of
from puhui.party.desk.user import check_actor
from puhui.party.nouns import ErasePerson, Party, PersonErased
from puhui.party.tables import session as session_tables


def place_hold(
    act: Act,
    party: Party,
    *,
    reason: str,
    reference: str,
    until: date | None = None,
    instead_of: tuple[str, str] | None = None,
) -> None:
    """Keep a party from being erased: while a loan runs, or until a last day set by law.

    The party is one that ``take_party`` gave in this act. ``reason`` stands in the closed list,
    ``reference`` names the contract. Placing the same hold again moves its last day. ``instead_of``
    is reason and reference of a hold that this one follows, and that ends with it. One statement,
    three where there is no hold to follow or the new one is there already.
    """
    assert not party.is_erased, party.id
    assert reason in hold_reasons(), reason
    last_day = None if until is None else until.isoformat()
    new = {"reason": reason, "reference": reference, "until": last_day}
    if instead_of is not None:
        values = {f"{name}_": value for name, value in new.items()}
        passed = act.tx.run(
            tables.PASS_HOLD,
            party_id=party.id,
            old_reason=instead_of[0],
            old_reference=instead_of[1],
            **values,
        )
        if passed:
            return
        release_hold(act, party.id, reason=instead_of[0], reference=instead_of[1])
    act.tx.put(tables.PUT_HOLD, party_id=party.id, **new)


def release_hold(act: Act, party_id: str, *, reason: str, reference: str) -> None:
    """Let a hold go; one that is not there is none. One statement."""
    assert reason in hold_reasons(), reason
    act.tx.put(tables.DELETE_HOLD, party_id=party_id, reason=reason, reference=reference)


@use_case("party.erase_person", roles=("customer", "operator", "system"))
def erase_person(act: Act, input: ErasePerson) -> PersonErased:
    """Forget a person: the key is destroyed, look-ups are emptied, logins are closed.

    What was sealed under the key, here, in other rooms and in the journal, can never be opened
    again; totals and proofs stay as they are. Refused: ``party.unknown``, ``party.erased``,
    ``party.not_yours``, ``party.not_a_person``, ``party.has_holds``, ``party.money_aside``,
    and what other rooms refuse (``payment.wallet_not_empty``). Source: PIPL art. 47.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    row = act.tx.one(tables.LOCK_PARTY, party_id=input.party_id)
    party = rules.check_known(None if row is None else party_of(row), input.party_id)
    holds = holds_of(act.tx, party.id, act.today)
    rules.check_erasable(party, holds, hold_reasons(), act.today)
    check_asked_first(act, "party.erase_person", party.id)
    assert party.subject is not None, party.id
    users = act.tx.all(tables.READ_USERS_OF, party_id=party.id)
    for user in users:
        act.tx.put(tables.CLOSE_USER, user_id=user.id, now_us=act.now_us)
        if user.login_digest is not None:
            sends = act.node.keys.index("code sends", user.login_digest)
            act.tx.put(tables.DELETE_TRIES, digest=user.login_digest)
            act.tx.put(tables.DELETE_TRIES, digest=sends)
            act.tx.put(session_tables.DELETE_CODE, digest=user.login_digest)
    act.tx.put(tables.DELETE_FIELDS, party_id=party.id)
    act.tx.put(tables.DELETE_IDENTITY, party_id=party.id)
    act.tx.put(tables.DELETE_PHONE, party_id=party.id)
    act.tx.put(tables.BLANK_CHECKS, party_id_=party.id)
    act.tx.put(tables.SET_ERASED, party_id=party.id, now_us=act.now_us)
    destroy_subject_key(act.tx, party.subject)
    act.emit("party.erased", party.id, {})
    return PersonErased(party.id, sum(user.disabled_us is None for user in users))
