"""Two officers: what one may not do alone is proposed, and approved by another."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from puhui import lending
from puhui.kernel import Actor, Refused
from puhui.lending.nouns.ask_loan import LoanChanged
from puhui.lending.nouns.request import WrittenOff
from tests.lending.bank import Bank

KEYS = count()
SECOND = Actor("second-officer", frozenset({"risk_analyst"}))


def propose(bank: Bank, name: str, /, *, reason: str = "mistake", **input: Any) -> Any:
    """Propose a use case of lending."""
    told = {"name": f"lending.{name}", "told": json.dumps(input), "reason": reason}
    return bank.act("lending.propose_change", f"propose-{next(KEYS)}", **told)


def decide(bank: Bank, proposal_id: str, *, is_approved: bool = True, by: Actor = SECOND) -> Any:
    """What another officer says to a proposal."""
    told = {"proposal_id": proposal_id, "is_approved": is_approved}
    key = f"decide-{next(KEYS)}"
    return bank.node.act("lending.decide_change", told, key=key, actor=by)


def do_with_second(bank: Bank, name: str, key: str, /, **input: Any) -> Any:
    """A use case of lending, by two officers where it needs them."""
    try:
        return bank.act(f"lending.{name}", key, **input)
    except Refused as refused:
        if refused.code != "lending.needs_second":
            raise
    moved = decide(bank, propose(bank, name, **input).proposal_id)
    with bank.node.read() as tx:
        state = lending.loan_state(tx, moved.contract_id, bank.today())
    if name == "write_off":
        return WrittenOff(moved.contract_id, state.written_off_minor, state.claim_minor)
    coming = next((one for one in state.rows if one.owed_minor > 0), None)
    return LoanChanged(
        moved.contract_id,
        moved.number,
        state.outstanding_minor,
        state.owed_today_minor,
        state.credit_minor,
        state.status.value,
        None if coming is None else coming.due_on,
        0 if coming is None else coming.owed_minor,
    )
