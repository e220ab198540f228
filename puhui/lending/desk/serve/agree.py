"""Agreements 合并变更: several changes of a loan as one act, done together or not at all."""

from __future__ import annotations

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.lending.desk.serve.change import DECIDERS, check_rate, take_changed
from puhui.lending.desk.serve.happen import happen
from puhui.lending.nouns import Happening, PlanEvent
from puhui.lending.nouns.ask_loan import AgreeChanges, LoanChanged


@use_case("lending.agree_changes", roles=DECIDERS)
def agree_changes(act: Act, input: AgreeChanges) -> LoanChanged:
    """Do what was agreed on together: a waiver, a new rate, another due day, more instalments.

    What cannot be is refused, and then none of it is done. What an officer decides alone is held
    against all of it together. Refused: ``lending.no_contract``, ``lending.not_running``,
    ``lending.nothing_agreed``, ``lending.rate_over_cap``, ``lending.rate_over_signed``,
    ``lending.bad_terms``, ``lending.written_off``, ``lending.needs_second``,
    ``servicing.bad_event`` where no instalment to come falls due on that day,
    ``servicing.over_waived``, ``party.four_eyes``.
    """
    row = take_changed(act, input.contract_id)
    events = []
    if input.waived_minor:
        events.append(
            PlanEvent("", Happening.WAIVED, act.today, input.waived_minor, part=input.part)
        )
    is_planned = input.moved_to is not None or input.count != 0 or input.grace != 0
    if input.annual_rate is not None:
        check_rate(act, row, input.annual_rate)
    if is_planned or input.annual_rate is not None:
        if is_planned and input.due_on is None:
            raise Refused("servicing.bad_event", "Say from which instalment on it is to hold.")
        events.append(
            PlanEvent(
                "",
                Happening.RESCHEDULED if is_planned else Happening.RATE_CHANGED,
                act.today,
                due_on=input.due_on,
                moved_to=input.moved_to,
                count=input.count,
                grace=input.grace,
                annual_rate=input.annual_rate,
            )
        )
    if not events:
        raise Refused("lending.nothing_agreed", "An agreement changes something.")
    return happen(act, row, *events)
