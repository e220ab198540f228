"""Who stands for a loan is kept from erasure while it may be called upon (担保人数据保留)."""

from __future__ import annotations

from puhui.kernel.act import Act
from puhui.kernel.store import Row
from puhui.lending.tables import guarantee as tables
from puhui.party import Party, place_hold, release_hold, take_parties

GUARANTEE_HOLD = "guarantee"


def hold_guarantor(act: Act, party: Party, contract_id: str) -> None:
    """Keep a guarantor who signed; one without a name has nothing to erase."""
    if not party.is_anonymous:
        place_hold(act, party, reason=GUARANTEE_HOLD, reference=contract_id)


def release_guarantors(act: Act, contract_id: str) -> None:
    """Let go whoever stood for a loan that is over."""
    for one in _signed(act, contract_id):
        release_hold(act, one.guarantor_id, reason=GUARANTEE_HOLD, reference=contract_id)


def hold_guarantors(act: Act, contract_id: str) -> None:
    """Keep them again where a loan that was over lives again; who was erased meanwhile is gone."""
    signed = sorted({one.guarantor_id for one in _signed(act, contract_id)})
    for party in take_parties(act, signed).values():
        if not party.is_erased:
            hold_guarantor(act, party, contract_id)


def _signed(act: Act, contract_id: str) -> list[Row]:
    rows = act.tx.all(tables.ASKED_FOR, contract_id=contract_id)
    return [one for one in rows if one.status == "signed"]
