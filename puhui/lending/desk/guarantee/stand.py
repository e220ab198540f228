"""Who stands for a loan is kept from erasure while it may be called upon (担保人数据保留)."""

from __future__ import annotations

from puhui.kernel.act import Act
from puhui.party import Party, place_hold, release_hold, take_parties
from puhui.servicing import security

GUARANTEE_HOLD = "guarantee"


def hold_guarantor(act: Act, party: Party, contract_id: str) -> None:
    """Keep a guarantor who signed; one without a name has nothing to erase."""
    if not party.is_anonymous:
        place_hold(act, party, reason=GUARANTEE_HOLD, reference=contract_id)


def release_guarantors(act: Act, contract_id: str) -> None:
    """Let go whoever stood for a loan that is over."""
    for guarantor_id in security.guarantors_of(act.tx, contract_id):
        release_hold(act, guarantor_id, reason=GUARANTEE_HOLD, reference=contract_id)


def hold_guarantors(act: Act, contract_id: str) -> None:
    """Keep whoever stands for a loan, however they came to it: also where a loan that was over
    lives again. Who was erased meanwhile is gone.
    """
    guarantors = security.guarantors_of(act.tx, contract_id)
    for party in take_parties(act, guarantors).values():
        if not party.is_erased:
            hold_guarantor(act, party, contract_id)
