"""Recording identity checks: how somebody was identified, with what result, on what evidence."""

from __future__ import annotations

from puhui.kernel.act import Act, use_case
from puhui.party import rules, tables
from puhui.party.desk.lists import identity_rules
from puhui.party.desk.look_up import take_party
from puhui.party.nouns import IdentityState, IdentityVerified, VerifyIdentity


@use_case("party.verify_identity", roles=("operator", "loan_officer", "system"), api=True)
def verify_identity(act: Act, input: VerifyIdentity) -> IdentityVerified:
    """Record an identity check (KYC); the latest one says where the party stands.

    The evidence (a chip reading, a register's reply) stays where it was made; its SHA-256 is
    kept. Refused: ``party.unknown``, ``party.erased``, ``party.bad_check``, ``party.anonymous``.
    """
    party = take_party(act, input.party_id)
    rules.check_identity_check(input, party, identity_rules(), act.today)
    state = IdentityState.PASSED if input.is_passed else IdentityState.FAILED
    check_id = act.new_id("check")
    act.tx.put(
        tables.INSERT_CHECK,
        id=check_id,
        party_id=party.id,
        method=input.method,
        is_passed=int(input.is_passed),
        evidence_digest=input.evidence_digest,
        checked_us=act.now_us,
        checked_by=act.actor,
        valid_until=None if input.valid_until is None else input.valid_until.isoformat(),
    )
    act.tx.put(tables.SET_IDENTITY, party_id=party.id, new_identity=state.value)
    act.emit("party.identity_verified", party.id, {"identity": state.value})
    return IdentityVerified(check_id, state)
