"""Several changes as one agreement: all of them, or none, counted together; on both stores."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from puhui import servicing
from puhui.kernel.clock import FixedClock
from tests.lending.bank import Bank
from tests.lending.second import decide, propose
from tests.lending.test_change import late, state_of  # noqa: F401
from tests.lending.test_desk_guard import code_of

NAME = "lending.agree_changes"


def kinds_of(bank: Bank, contract_id: str) -> list[str]:
    """What happened to a loan, by kind."""
    with bank.node.read() as tx:
        return [row.kind for row in servicing.live.events_of(tx, contract_id)]


def test_rate_day_count_and_amount_are_one_act(bank: Bank, clock: FixedClock) -> None:
    contract_id = bank.lend(bank.person(), "1")
    before = state_of(bank, contract_id)
    second = before.rows[1].due_on
    moved_to = second + timedelta(days=4)
    told = {
        "contract_id": contract_id, "due_on": second.isoformat(), "moved_to": moved_to.isoformat(),
        "annual_rate": "0.05", "count": 2, "part": "principal", "waived_minor": 10_000,
    }  # fmt: skip
    done = decide(bank, propose(bank, "agree_changes", **told).proposal_id)
    state = state_of(bank, contract_id)
    assert kinds_of(bank, contract_id) == ["drawn", "waived", "rescheduled"]
    assert done.number == 2
    assert state.outstanding_minor == before.outstanding_minor - 10_000
    assert len(state.rows) == len(before.rows) + 2
    assert state.rows[1].due_on == moved_to
    assert [row.annual_rate for row in state.rows[1:]] == [Decimal("0.05")] * (len(state.rows) - 1)
    assert state.rows[0].annual_rate == before.rows[0].annual_rate
    assert sum(row.principal_owed_minor for row in state.rows) == state.outstanding_minor


def test_what_cannot_be_leaves_nothing_done(bank: Bank) -> None:
    """A waiver that could be goes with a day that no instalment falls due on: neither is done."""
    contract_id = bank.lend(bank.person(), "1")
    told = {"contract_id": contract_id, "part": "principal", "waived_minor": 10_000}
    day = state_of(bank, contract_id).rows[1].due_on + timedelta(days=1)
    never = {"due_on": day.isoformat(), "count": 1}
    assert code_of(bank.act, NAME, "1", **told, **never) == "servicing.bad_event"
    assert code_of(bank.act, NAME, "2", **told, count=1) == "servicing.bad_event"
    assert code_of(bank.act, NAME, "3", **told, annual_rate="0.9") == "lending.rate_over_cap"
    over = told | {"part": "fee", "annual_rate": "0.05"}
    assert code_of(bank.act, NAME, "4", **over) == "servicing.over_waived"
    assert code_of(bank.act, NAME, "5", contract_id=contract_id) == "lending.nothing_agreed"
    assert kinds_of(bank, contract_id) == ["drawn"]
    rate = str(state_of(bank, contract_id).annual_rate)
    assert bank.act(NAME, "6", **told, annual_rate=rate).number == 2
    assert kinds_of(bank, contract_id) == ["drawn", "waived", "rate_changed"]


def test_what_it_costs_is_counted_together(bank: Bank) -> None:
    """Each by itself one officer may do, both together not; a second officer may."""
    contract_id, other, third = (bank.lend(bank.person(), name) for name in ("1", "2", "3"))
    waived = {"part": "principal", "waived_minor": 30_000}
    rate = {"annual_rate": "0.01"}
    bank.act("lending.waive", "w", contract_id=other, part="principal", amount_minor=30_000)
    bank.act("lending.change_rate", "r", contract_id=third, **rate)
    told = {"contract_id": contract_id, **waived, **rate}
    assert code_of(bank.act, NAME, "both", **told) == "lending.needs_second"
    assert kinds_of(bank, contract_id) == ["drawn"]
    moved = propose(bank, "agree_changes", **told)
    assert kinds_of(bank, contract_id) == ["drawn"], "only tried out"
    done = decide(bank, moved.proposal_id)
    assert (done.status, done.cost_minor) == ("approved", moved.cost_minor)
    assert kinds_of(bank, contract_id) == ["drawn", "waived", "rate_changed"]


def test_what_an_agreement_held_counts_for_each_kind_afterwards(bank: Bank) -> None:
    contract_id = bank.lend(bank.person(), "1")
    told = {"contract_id": contract_id, "part": "principal"}
    bank.act(NAME, "a", **told, waived_minor=40_000)
    more = told | {"amount_minor": 20_000}
    assert code_of(bank.act, "lending.waive", "w", **more) == "lending.needs_second"
