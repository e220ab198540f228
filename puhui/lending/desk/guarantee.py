"""Guarantees that persons sign: looked at as a debt of their own before they bind."""

from __future__ import annotations

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.lending.desk.capacity import capacity_of
from puhui.lending.desk.contract import take_contract
from puhui.lending.desk.debt import is_forgotten
from puhui.lending.nouns.ask_capacity import GuaranteeSigned, SignGuarantee
from puhui.lending.rules.capacity import require_capacity
from puhui.lending.tables import capacity as tables
from puhui.party import check_actor, take_party
from puhui.servicing import live, security

MILLION = 1_000_000


def take_guarantor(act: Act, input: SignGuarantee) -> SignGuarantee | None:
    """The guarantor, kept; None where what was looked at then is gone.

    Refused: ``party.not_yours``, ``party.unknown``, ``party.erased``.
    """
    check_actor(act.tx, act.actor, acts_for=input.guarantor_id)
    party = act.kept["party"] = take_party(act, input.guarantor_id)
    return None if is_forgotten(act, party) else input


@use_case("lending.sign_guarantee", roles=("customer",), recompute=take_guarantor)
def sign_guarantee(act: Act, input: SignGuarantee) -> GuaranteeSigned:
    """Sign as guarantor of a loan that runs, as far as the own income carries it.

    The guarantor's share of the debt and of its instalments counts as a debt of their own, by the
    income of the last decision on them. Refused: ``lending.no_contract``,
    ``lending.not_running``, ``lending.over_capacity``, ``lending.own_limit_reached``,
    ``lending.credit_limit_reached``, ``lending.income_unknown``, ``servicing.no_loan``,
    ``servicing.loan_over``, ``servicing.bad_guarantee``, ``party.not_yours``,
    ``party.unknown``, ``party.erased``.
    """
    row = take_contract(act, input.contract_id)
    if row.status not in ("current", "past_due"):
        raise Refused("lending.not_running", f"This contract is {row.status}.")
    if not 1 <= input.share_millionths <= MILLION:
        raise Refused("servicing.bad_guarantee", "A guarantee is for a part or the whole.")
    decided = act.tx.one(
        tables.READ_LAST_DECISION, party_id=input.guarantor_id, currency=row.currency
    )
    month = live.burden_of_loan(act.tx, row.id)
    capacity = capacity_of(
        act,
        act.kept["party"],
        product="",
        currency=row.currency,
        wanted_minor=live.share_of(row.outstanding_minor, input.share_millionths),
        wanted_monthly_minor=live.share_of(month, input.share_millionths),
        known=None if decided is None else decided.decision,
    )
    require_capacity(capacity)
    guarantee_id = security.sign_guarantee(
        act, row.id, input.guarantor_id, input.share_millionths, input.call_after_days
    )
    payload = {"guarantee": guarantee_id, "contract": row.id}
    act.emit("lending.guarantee_signed", input.guarantor_id, payload)
    return GuaranteeSigned(guarantee_id, row.id)
