"""Four eyes: what costs much is proposed by one officer and approved by another, on both stores."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui import servicing
from puhui.kernel import Actor, Refused
from puhui.kernel.clock import FixedClock
from puhui.lending.formats.approval import load_approval_figures
from puhui.lending.rules.approval import require_second
from puhui.lending.window import approval
from tests.lending.bank import Bank
from tests.lending.second import SECOND, decide, propose
from tests.lending.test_change import late, move, state_of  # noqa: F401
from tests.lending.test_desk_guard import code_of
from tests.lending.test_loan import in_wallet


@given(st.sampled_from(sorted(load_approval_figures().alone_minor)), st.integers(0, 10**9))
def test_a_change_is_free_up_to_its_figure_and_never_above(name: str, cost: int) -> None:
    figures = load_approval_figures()
    if cost <= figures.alone_minor[name]:
        require_second(figures, name, [(name, cost)])
    else:
        with pytest.raises(Refused, match="needs_second"):
            require_second(figures, name, [(name, cost)])
    require_second(figures, "lending.repay", [("lending.repay", cost)])


def test_the_figures_are_of_use_cases_that_are_there() -> None:
    figures = load_approval_figures()
    assert len(figures.alone_minor) == 14
    assert figures.alone_minor["lending.write_off"] == 0
    assert figures.alone_minor["lending.waive"] == 50_000


KINDS = sorted(name for name, most in load_approval_figures().alone_minor.items() if most)


@given(
    st.sampled_from(KINDS),
    st.integers(0, 250_000),
    st.dictionaries(st.sampled_from(KINDS), st.integers(0, 250_000), max_size=4),
)
def test_what_was_done_alone_before_counts_by_its_part(
    name: str, cost: int, before: dict[str, int]
) -> None:
    """Half of the figure of one kind and half of another's are one whole, to the fen."""
    figures = load_approval_figures().alone_minor
    scale = math.lcm(*(figures[kind] for kind in KINDS))
    used = sum(minor * scale // figures[kind] for kind, minor in before.items())
    is_over = cost > 0 and used + cost * scale // figures[name] > scale
    if is_over:
        with pytest.raises(Refused, match="needs_second"):
            require_second(load_approval_figures(), name, [(name, cost)], before)
    else:
        require_second(load_approval_figures(), name, [(name, cost)], before)


def test_a_kind_that_nobody_does_alone_leaves_nothing_for_others() -> None:
    """What was done alone before its figure became nought counts as all there is."""
    before = {"lending.write_off": 1}
    with pytest.raises(Refused, match="needs_second"):
        require_second(load_approval_figures(), "lending.waive", [("lending.waive", 1)], before)
    require_second(load_approval_figures(), "lending.waive", [("lending.waive", 0)], before)


def test_many_small_changes_are_one_large_one(bank: Bank, clock: FixedClock) -> None:
    """500 yuan of waivers in thirty days, by whomever; other borrowers and months are free.

    A waiver of principal costs its interest too.
    """
    contract_id, other = (bank.lend(bank.person(), name) for name in ("1", "2"))
    told = {"part": "principal", "amount_minor": 20_000}
    bank.act("lending.waive", "w1", contract_id=contract_id, **told)
    colleague = bank.by("colleague", "loan_officer")
    colleague.act("lending.waive", "w2", contract_id=contract_id, **told)
    name = "lending.waive"
    assert code_of(bank.act, name, "w3", contract_id=contract_id, **told) == "lending.needs_second"
    left = {"part": "principal", "amount_minor": 5_000}
    bank.act(name, "w4", contract_id=contract_id, **left)
    one = {"part": "principal", "amount_minor": 4_000}
    assert code_of(bank.act, name, "w5", contract_id=contract_id, **one) == "lending.needs_second"
    bank.act(name, "w6", contract_id=other, **told)
    decide(bank, propose(bank, "waive", contract_id=contract_id, **told).proposal_id)
    move(bank, clock, 30)
    bank.act(name, "w7", contract_id=contract_id, **one)


def test_a_sum_is_not_cut_into_kinds(bank: Bank, late: tuple[str, str]) -> None:  # noqa: F811
    """300 of 500 yuan that one charges alone leave four tenths of what is waived or taken back."""
    contract_id, party_id = late
    told = {"contract_id": contract_id}
    paid = {"amount_minor": 100_000, "paid_on": bank.today().isoformat()}
    number = bank.act("lending.record_payment", "paid", **told, **paid).number
    bank.act("lending.charge_fee", "f", **told, amount_minor=30_000)
    wallet = in_wallet(bank, party_id)
    refused: tuple[tuple[str, dict[str, Any]], ...] = (
        ("charge_back", {"number": number, "amount_minor": 40_001}),
        ("charge_fee", {"amount_minor": 20_001}),
        ("waive", {"part": "fee", "amount_minor": 20_001}),
        ("undo_event", {"number": number}),
    )
    for name, more in refused:
        code = code_of(bank.act, f"lending.{name}", f"{name}-2", **told, **more)
        assert code == "lending.needs_second", name
    assert in_wallet(bank, party_id) == wallet
    bank.act("lending.charge_back", "some", **told, number=number, amount_minor=20_000)
    code = code_of(bank.act, "lending.waive", "more", **told, part="fee", amount_minor=15_000)
    assert code == "lending.needs_second"


def test_other_loans_of_a_borrower_count_too_and_those_of_others_do_not(bank: Bank) -> None:
    party_id = bank.person()
    own = [bank.lend(party_id, name, wanted=300_000) for name in ("1", "2")]
    fee = {"amount_minor": 30_000}
    bank.act("lending.charge_fee", "f1", contract_id=own[0], **fee)
    code = code_of(bank.act, "lending.charge_fee", "f2", contract_id=own[1], **fee)
    assert code == "lending.needs_second"
    bank.act("lending.charge_fee", "f3", contract_id=own[1], amount_minor=20_000)
    bank.act("lending.charge_fee", "f4", contract_id=bank.lend(bank.person(), "3"), **fee)


def test_an_own_mistake_is_undone_alone_and_counts_no_more(bank: Bank) -> None:
    contract_id = bank.lend(bank.person(), "1")
    told = {"contract_id": contract_id}
    number = bank.act("lending.charge_fee", "f1", **told, amount_minor=50_000).number
    once_more = ("lending.charge_fee", "f2")
    assert code_of(bank.act, *once_more, **told, amount_minor=100) == "lending.needs_second"
    bank.act("lending.undo_event", "u1", **told, number=number)
    again = bank.act("lending.charge_fee", "f3", **told, amount_minor=50_000).number
    assert state_of(bank, contract_id).rows[0].fee_minor == 50_000
    assert code_of(bank.act, "lending.waive", "w", **told, part="fee", amount_minor=1) == (
        "lending.needs_second"
    )
    bank.act("lending.undo_event", "u2", **told, number=again)
    bank.act("lending.waive", "w2", **told, part="principal", amount_minor=40_000)


def test_a_write_off_takes_two(bank: Bank, late: tuple[str, str]) -> None:  # noqa: F811
    contract_id, _ = late
    told = {"contract_id": contract_id}
    assert code_of(bank.act, "lending.write_off", "alone", **told) == "lending.needs_second"
    assert state_of(bank, contract_id).status.value == "past_due", "nothing was kept of it"
    moved = propose(bank, "write_off", reason="lost", **told)
    assert moved.status == "open" and moved.cost_minor > 3_000_000
    assert state_of(bank, contract_id).status.value == "past_due", "only tried out"
    assert code_of(propose, bank, "write_off", **told) == "lending.proposed_already"
    assert code_of(decide, bank, moved.proposal_id, by=bank.operator) == "party.four_eyes"
    done = decide(bank, moved.proposal_id)
    assert done.status == "approved" and done.cost_minor == moved.cost_minor
    assert state_of(bank, contract_id).status.value == "written_off"
    assert code_of(decide, bank, moved.proposal_id) == "lending.proposal_decided"
    with bank.node.read() as tx:
        row = approval.proposal_row(tx, moved.proposal_id)
        assert (row.proposed_by, row.decided_by) == (bank.operator.name, SECOND.name)
        assert approval.count_open(tx) == 0
        assert approval.list_proposals(tx) == ()
        assert len(approval.list_proposals(tx, status="approved", contract=contract_id)) == 1


def test_small_changes_are_done_alone_and_large_ones_not(
    bank: Bank,
    late: tuple[str, str],  # noqa: F811
) -> None:
    contract_id, _ = late
    told = {"contract_id": contract_id, "part": "principal"}
    assert bank.act("lending.waive", "small", **told, amount_minor=20_000).number == 1
    large = told | {"amount_minor": 50_001}
    assert code_of(bank.act, "lending.waive", "large", **large) == "lending.needs_second"
    proposed = propose(bank, "waive", **large)
    assert proposed.cost_minor >= 50_001
    done = decide(bank, proposed.proposal_id)
    assert done.number == 2
    assert state_of(bank, contract_id).outstanding_minor == 3_000_000 - 70_001
    undo = {"contract_id": contract_id, "number": 2}
    assert bank.act("lending.undo_event", "undo", **undo).number == 3, (
        "what the bank gets back: alone"
    )


def test_a_proposal_is_declined_withdrawn_or_too_old(
    bank: Bank,
    clock: FixedClock,
    late: tuple[str, str],  # noqa: F811
) -> None:
    contract_id, _ = late
    told = {"contract_id": contract_id}
    first = propose(bank, "write_off", **told)
    assert decide(bank, first.proposal_id, is_approved=False).status == "declined"
    own = {"proposal_id": propose(bank, "write_off", **told).proposal_id}
    other = Actor("other", frozenset({"operator"}))
    with pytest.raises(Refused, match="not_proposer"):
        bank.node.act("lending.withdraw_proposal", own, key="not-own", actor=other)
    assert bank.act("lending.withdraw_proposal", "back", **own).status == "withdrawn"
    assert code_of(bank.act, "lending.withdraw_proposal", "again", **own) == (
        "lending.proposal_decided"
    )
    last = propose(bank, "write_off", **told)
    move(bank, clock, load_approval_figures().days + 1)
    assert code_of(decide, bank, last.proposal_id) == "lending.proposal_over"
    assert code_of(decide, bank, "nothing") == "lending.no_proposal"
    with bank.node.read() as tx:
        assert code_of(approval.proposal_row, tx, "nothing") == "lending.no_proposal"
        assert code_of(approval.list_proposals, tx, order="colour") == "lending.bad_order"


@pytest.mark.parametrize(
    ("name", "told", "code"),
    [
        ("repay", {"amount_minor": 5}, "lending.bad_proposal"),
        ("waive", {"amount_minor": 5}, "lending.bad_proposal"),
        ("waive", {"amount_minor": 10**9, "part": "fee"}, "servicing.over_waived"),
        ("undo_event", {"number": 9}, "servicing.unknown_event"),
        ("change_rate", {"annual_rate": "0.9"}, "lending.rate_over_cap"),
    ],
)
def test_only_what_could_be_done_is_proposed(
    bank: Bank,
    late: tuple[str, str],  # noqa: F811
    name: str,
    told: dict[str, Any],
    code: str,
) -> None:
    contract_id, _ = late
    assert code_of(propose, bank, name, contract_id=contract_id, **told) == code
    why = {"reason": "whim", "contract_id": contract_id}
    assert code_of(propose, bank, "write_off", **why) == "lending.bad_proposal"


def test_an_own_loan_is_neither_proposed_nor_approved(
    bank: Bank,
    late: tuple[str, str],  # noqa: F811
) -> None:
    contract_id, party_id = late
    own = bank.by(party_id, "loan_officer")
    assert code_of(propose, own, "write_off", contract_id=contract_id) == "party.four_eyes"
    proposed = propose(bank, "write_off", contract_id=contract_id)
    borrower = Actor(party_id, frozenset({"risk_analyst"}))
    assert code_of(decide, bank, proposed.proposal_id, by=borrower) == "party.four_eyes"


def test_a_charge_off_takes_two_and_is_undone_by_two(
    bank: Bank,
    late: tuple[str, str],  # noqa: F811
    clock: FixedClock,
) -> None:
    contract_id, party_id = late
    told = {"contract_id": contract_id}
    gone = {"party_id": party_id, "currency": "CNY", "amount_minor": in_wallet(bank, party_id)}
    bank.act("payment.withdraw", "gone", **gone)
    assert code_of(propose, bank, "charge_off", **told) == "servicing.not_impaired"
    move(bank, clock, 100, closes=True)
    assert code_of(bank.act, "lending.charge_off", "alone", **told) == "lending.needs_second"
    moved = propose(bank, "charge_off", reason="lost", **told)
    assert moved.cost_minor == state_of(bank, contract_id).outstanding_minor
    number = decide(bank, moved.proposal_id).number
    assert state_of(bank, contract_id).is_charged_off
    assert code_of(propose, bank, "charge_off", **told) == "servicing.charged_off"
    undo = told | {"number": number}
    assert code_of(bank.act, "lending.undo_event", "undo-it", **undo) == "lending.needs_second"
    decide(bank, propose(bank, "undo_event", **undo).proposal_id)
    assert not state_of(bank, contract_id).is_charged_off
    assert (
        code_of(bank.act, "lending.charge_off", "nobodys", contract_id="x") == "lending.no_contract"
    )


def test_only_tried_out_a_loan_is_not_watched(
    bank: Bank,
    late: tuple[str, str],  # noqa: F811
) -> None:
    """A proposal to start a loan anew leaves its class as it is."""
    contract_id, _ = late
    told = {"contract_id": contract_id}
    assert code_of(bank.act, "lending.re_amortise", "alone-2", **told) == "lending.needs_second"
    moved = propose(bank, "re_amortise", **told)
    with bank.node.read() as tx:
        assert servicing.live.take_loan(tx, contract_id).watch_until == 0
    decide(bank, moved.proposal_id)
    with bank.node.read() as tx:
        assert servicing.live.take_loan(tx, contract_id).watch_until > 0
