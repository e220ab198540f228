"""Drawings 分次提款 of term loans recorded by staff, on the day they came, though it is past."""

from __future__ import annotations

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.lending.desk.guard.capacity import check_drawdown
from puhui.lending.desk.loan.change import OFFICERS, check_amount
from puhui.lending.desk.loan.contract import take_contract
from puhui.lending.desk.loan.happen import happen
from puhui.lending.desk.loan.line import check_room, pay_out
from puhui.lending.desk.loan.repay import read_book
from puhui.lending.nouns import Happening, PlanEvent
from puhui.lending.nouns.ask_loan import LoanChanged, RecordDrawing
from puhui.party import check_actor, take_party
from puhui.payment import admit
from puhui.servicing import live


@use_case("lending.record_drawing", roles=OFFICERS)
def record_drawing(act: Act, input: RecordDrawing) -> LoanChanged:
    """Draw a part of a term loan with several drawings, today or as of an earlier day.

    The money goes into the borrower's wallet today, interest counts from ``drawn_on``, and the
    loan is recomputed as if it had been drawn then: the plan is laid out anew. Nobody does this
    alone: one officer proposes it, another approves. Refused: ``lending.no_contract``,
    ``lending.not_running``, ``lending.not_drawn_in_parts``, ``lending.bad_amount``,
    ``lending.over_agreed``, ``lending.bad_terms`` after the last due day,
    ``lending.needs_second``, ``lending.over_capacity``, ``lending.own_limit_reached``,
    ``lending.credit_limit_reached``, ``lending.past_due`` of another loan,
    ``lending.books_not_open``, ``servicing.day_ahead``,
    ``servicing.before_loan``, ``payment.tier_balance``, ``payment.wallet_closed``,
    ``party.four_eyes``, ``party.erased``.
    """
    row = take_contract(act, input.contract_id)
    if row.status not in ("current", "past_due"):
        raise Refused("lending.not_running", f"This contract is {row.status}.")
    check_actor(act.tx, act.actor, second_to=row.party_id)
    state = read_book(act.tx, row).state(act.today)
    if live.take_loan(act.tx, row.id).status != "live":
        raise Refused("lending.not_running", "Nothing is drawn of a loan that was given up.")
    if not state.plan.has_drawings:
        raise Refused("lending.not_drawn_in_parts", "This loan has no further drawings.")
    check_amount(input.amount_minor)
    check_room(row, state, input.amount_minor)
    owed = state.outstanding_minor + input.amount_minor
    party, last_due = take_party(act, row.party_id), state.rows[-1].due_on
    check_drawdown(act, party, row, owed_minor=owed, last_due=last_due)
    admit(act.tx, row.party_id, row.currency, input.amount_minor)
    event = PlanEvent("", Happening.DRAWN, input.drawn_on, input.amount_minor)
    if not act.kept.get("is_trial"):
        pay_out(act, row, input.amount_minor)
    return happen(act, row, event)
