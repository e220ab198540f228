"""Cooling-off 冷静期: giving a loan back within the days of its contract, for interest alone."""

from __future__ import annotations

from datetime import date

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.lending.desk.loan.contract import take_contract, transfer_chain
from puhui.lending.desk.loan.line import end_line
from puhui.lending.desk.loan.repay import quote_pay_off, receive
from puhui.lending.desk.shelf import SERVICING
from puhui.lending.nouns import Happening, PlanEvent
from puhui.lending.nouns.ask_capacity import CooledOff
from puhui.lending.nouns.request import ContractKey
from puhui.party import check_actor
from puhui.payment import own_account, wallet_account
from puhui.servicing import joint, live


@use_case("lending.cool_off", roles=("customer", "loan_officer", "operator"), api=True)
def cool_off(act: Act, input: ContractKey) -> CooledOff:
    """Give a loan back without a reason: principal and interest to the day, the fee comes back,
    joint lenders' parts of it too.

    Days count from the day after the money was paid out. It stands: as the fee went back with it,
    this is not undone, and a line that is given back is drawn no more. Refused:
    ``lending.no_contract``, ``lending.not_running``, ``lending.cooling_off_over``,
    ``lending.wallet_short``, ``party.not_yours``.
    """
    row = take_contract(act, input.contract_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    if row.status != "current" or row.started_on is None:
        raise Refused("lending.not_running", f"This contract is {row.status}.")
    days = SERVICING.validate_json(row.servicing).cooling_off_days
    if (act.today - date.fromisoformat(row.started_on)).days > days:
        raise Refused(
            "lending.cooling_off_over", f"A loan can be given back within {days} days of the money."
        )
    fee = int(row.upfront_fee_minor)
    loan, deferred = live.take_loan(act.tx, row.id), 0
    if fee:
        wallet = wallet_account(row.party_id, row.currency)
        deferred = live.return_fee(act, loan)
        parts = [
            (own_account("deferred_fee", row.currency), wallet, deferred, "fee"),
            (own_account("fee_income", row.currency), wallet, fee - deferred, "fee"),
        ]
        transfer_chain(act, [part for part in parts if part[2]], row.currency)
    owed = quote_pay_off(act.tx, row.id, act.today).total_minor
    repaid = receive(act, row, PlanEvent("", Happening.PAID_OFF, act.today, owed))
    if fee:
        joint.return_upfront(act, live.take_loan(act.tx, row.id), deferred_minor=deferred)
    if live.plan_in(row.terms).is_revolving:
        end_line(act, take_contract(act, row.id))
    act.emit("lending.cooled_off", row.party_id, {"contract": row.id})
    return CooledOff(row.id, repaid.principal_minor, repaid.interest_minor, fee)
