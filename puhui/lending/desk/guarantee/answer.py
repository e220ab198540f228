"""Guarantees that persons sign: asked for, looked at as a debt of their own, then binding."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from puhui.data import permit, read_person
from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row
from puhui.lending.desk.guarantee.show import draft_for, require_ask, take_shown, to_come
from puhui.lending.desk.guard.capacity import capacity_of
from puhui.lending.desk.guard.debt import PURPOSE, is_forgotten
from puhui.lending.desk.guard.income import open_income, seal_income
from puhui.lending.desk.loan.contract import take_contract
from puhui.lending.desk.loan.repay import read_loan
from puhui.lending.desk.loan.stand import hold_guarantor
from puhui.lending.formats.capacity import load_caps
from puhui.lending.nouns.guarantee import (
    AskGuarantee,
    GuaranteeAsked,
    GuaranteeAskKey,
    GuaranteeSigned,
    GuaranteeText,
    SignGuarantee,
)
from puhui.lending.rules.capacity import require_capacity
from puhui.lending.rules.guarantee import check_guarantor
from puhui.lending.tables import capacity as capacity_tables
from puhui.lending.tables import guarantee as tables
from puhui.party import Party, check_actor, take_party
from puhui.servicing import live, security

RUNNING = ("current", "past_due")
BORN = "birth_date"


def seal_ask(node: Node, input: AskGuarantee) -> AskGuarantee:
    """Seal the income that an officer saw proven, before the act.

    Refused: ``lending.bad_amount``, ``party.unknown``, ``party.erased``.
    """
    told = input.verified_income
    return replace(input, verified_income=seal_income(node, input.guarantor_id, told))


@use_case("lending.ask_guarantee", roles=("customer", "loan_officer"), api=True,
          prepare=seal_ask)  # fmt: skip
def ask_guarantee(act: Act, input: AskGuarantee) -> GuaranteeAsked:
    """Ask somebody to stand for a share of a loan that runs; nothing binds before they sign.

    The borrower asks, or an officer, who may say what income was seen proven. Whoever was asked
    sees nothing of the loan before the borrower agrees to that, by a consent for the purpose
    ``guarantee_view`` that names guarantor and contract and is given after the asking. Refused:
    ``lending.no_contract``, ``lending.not_running``, ``lending.guarantee_asked`` where the same
    person was asked for this loan and has not answered, ``lending.bad_amount`` for an income that
    the borrower tells, ``servicing.bad_guarantee``, ``party.unknown``, ``party.erased``,
    ``party.not_yours``, ``party.four_eyes``.
    """
    row = take_contract(act, input.contract_id)
    if check_actor(act.tx, act.actor, acts_for=row.party_id):
        if input.verified_income:
            raise Refused("lending.bad_amount", "An income is stated by an officer who saw it.")
    else:
        check_actor(act.tx, act.actor, second_to=row.party_id)
        check_actor(act.tx, act.actor, second_to=input.guarantor_id)
    _check_running(row)
    guarantor = take_party(act, input.guarantor_id)
    security.check_guarantee(
        act.tx, row, guarantor.id, input.share_millionths, input.call_after_days
    )
    told = {"contract_id": row.id, "guarantor_id": guarantor.id}
    if act.tx.one(tables.READ_WAITING, **told) is not None:
        raise Refused("lending.guarantee_asked", "This person was asked and has not answered yet.")
    ask_id = act.new_id("guarantee_ask")
    act.tx.put(
        tables.INSERT_ASK,
        id=ask_id,
        borrower_id=row.party_id,
        currency=row.currency,
        share_millionths=input.share_millionths,
        call_after_days=input.call_after_days,
        verified_income=input.verified_income,
        asked_by=act.actor,
        asked_us=act.now_us,
        status="asked",
        answered_by=None,
        answered_us=None,
        language=None,
        text=None,
        text_digest=None,
        signature=None,
        guarantee_id=None,
        **told,
    )
    act.emit("lending.guarantee_asked", guarantor.id, {"ask": ask_id, "contract": row.id})
    return GuaranteeAsked(ask_id, row.id, "asked")


def _check_running(row: Row) -> None:
    if row.status not in RUNNING:
        raise Refused("lending.not_running", f"This contract is {row.status}.")


def _take_waiting(act: Act, ask_id: str) -> Row:
    """An asking without an answer, locked after its contract.

    Refused: ``lending.no_guarantee_ask``, ``lending.guarantee_answered``.
    """
    row = require_ask(act.tx.one(tables.LOCK_ASK, id=ask_id), ask_id)
    if row.status != "asked":
        raise Refused("lending.guarantee_answered", f"This guarantee is {row.status} already.")
    return row


def take_guarantor(act: Act, input: SignGuarantee) -> SignGuarantee | None:
    """The guarantor, kept; None where what was looked at then is gone.

    Refused: ``lending.no_guarantee_ask``, ``party.not_yours``, ``party.unknown``,
    ``party.erased``.
    """
    ask = require_ask(act.tx.one(tables.READ_ASK, id=input.ask_id), input.ask_id)
    check_actor(act.tx, act.actor, acts_for=ask.guarantor_id)
    party = act.kept["party"] = take_party(act, ask.guarantor_id)
    return None if is_forgotten(act, party) else input


@use_case("lending.sign_guarantee", roles=("customer",), api=True, recompute=take_guarantor)
def sign_guarantee(act: Act, input: SignGuarantee) -> GuaranteeSigned:
    """Sign as guarantor of a loan that runs, as far as the own income carries it.

    Only whoever was asked signs, an adult whose identity is verified, the text that was read. The
    guarantor's share of the debt and of its instalments counts as a debt of their own, by the
    income of the last decision on them or the one that an officer saw proven. Nobody signs what
    they may not see: the borrower's consent must stand. Refused: ``data.no_consent``,
    ``data.consent_revoked``, ``data.consent_expired``, ``data.fields_not_consented``,
    ``data.party_erased``,
    ``lending.no_guarantee_ask``, ``lending.guarantee_answered``, ``lending.guarantee_changed``
    where the text read is not that of now, ``lending.not_identified``,
    ``lending.guarantor_minor``, ``lending.no_language``, ``lending.not_running``,
    ``lending.over_capacity``, ``lending.own_limit_reached``, ``lending.credit_limit_reached``,
    ``lending.income_unknown``, ``servicing.no_loan``, ``servicing.loan_over``,
    ``servicing.bad_guarantee``, ``party.not_yours``, ``party.unknown``, ``party.erased``.
    """
    found = require_ask(act.tx.one(tables.READ_ASK, id=input.ask_id), input.ask_id)
    row = take_contract(act, found.contract_id)
    ask = _take_waiting(act, input.ask_id)
    _check_running(row)
    take_shown(act, ask)
    party: Party = act.kept["party"]
    text = draft_for(act.tx, ask, row, act.today, input.language)
    if text.digest != input.text_digest:
        raise Refused("lending.guarantee_changed", "The loan moved since you read; read it again.")
    check_guarantor(
        _born_on(act, party),
        act.today,
        years_min=load_caps(act.today).guarantor_years_min,
        is_identified=party.is_identified,
    )
    _check_capacity(act, party, ask, row)
    guarantee_id = security.sign_guarantee(
        act, row.id, party.id, ask.share_millionths, ask.call_after_days
    )
    hold_guarantor(act, party, row.id)
    signature = act.node.keys.sign(text.digest.encode())
    _answer(act, ask, "signed", text=text, signature=signature, guarantee_id=guarantee_id)
    payload = {"guarantee": guarantee_id, "contract": row.id}
    act.emit("lending.guarantee_signed", party.id, payload)
    return GuaranteeSigned(guarantee_id, row.id, text.digest, signature)


def _born_on(act: Act, party: Party) -> date | None:
    """The guarantor's day of birth, opened under the purpose ``debt_check``; None for firms."""
    if party.subject is None or str(party.kind) == "firm":
        return None
    made = permit(act, party, purpose=PURPOSE, fields=(BORN,))
    if act.recorded is not None:
        return None
    text = read_person(act.node, act.tx, made).get(BORN)
    return None if text is None else date.fromisoformat(text)


def _check_capacity(act: Act, party: Party, ask: Row, row: Row) -> None:
    """Whether the guarantor can carry the share as a debt of their own."""
    decided = act.tx.one(
        capacity_tables.READ_LAST_DECISION, party_id=party.id, currency=row.currency
    )
    drawable_minor, more = to_come(row, read_loan(act.tx, row, act.today), act.today)
    month = live.burden_of_loan(act.tx, row.id) + more
    owed_minor = row.outstanding_minor + drawable_minor
    capacity = capacity_of(
        act,
        party,
        product="",
        currency=row.currency,
        wanted_minor=live.share_of(owed_minor, ask.share_millionths),
        wanted_monthly_minor=live.share_of(month, ask.share_millionths),
        known=None if decided is None else decided.decision,
        income_minor=open_income(act, party, ask.verified_income),
    )
    require_capacity(capacity)


@use_case("lending.decline_guarantee", roles=("customer",), api=True)
def decline_guarantee(act: Act, input: GuaranteeAskKey) -> GuaranteeAsked:
    """Say no to a guarantee that was asked for; no reason is needed.

    Refused: ``lending.no_guarantee_ask``, ``lending.guarantee_answered``, ``party.not_yours``.
    """
    found = require_ask(act.tx.one(tables.READ_ASK, id=input.ask_id), input.ask_id)
    check_actor(act.tx, act.actor, acts_for=found.guarantor_id)
    ask = _take_waiting(act, input.ask_id)
    return _end(act, ask, "declined", tell=ask.borrower_id)


@use_case("lending.withdraw_guarantee_ask", roles=("customer", "loan_officer"), api=True)
def withdraw_guarantee_ask(act: Act, input: GuaranteeAskKey) -> GuaranteeAsked:
    """Take back that somebody was asked to stand for a loan, while they have not answered.

    Refused: ``lending.no_guarantee_ask``, ``lending.guarantee_answered``, ``party.not_yours``.
    """
    found = require_ask(act.tx.one(tables.READ_ASK, id=input.ask_id), input.ask_id)
    check_actor(act.tx, act.actor, acts_for=found.borrower_id)
    ask = _take_waiting(act, input.ask_id)
    return _end(act, ask, "withdrawn", tell=ask.guarantor_id)


def _end(act: Act, ask: Row, status: str, *, tell: str) -> GuaranteeAsked:
    _answer(act, ask, status)
    act.emit(f"lending.guarantee_{status}", tell, {"ask": ask.id, "contract": ask.contract_id})
    return GuaranteeAsked(ask.id, ask.contract_id, status)


def _answer(
    act: Act,
    ask: Row,
    status: str,
    *,
    text: GuaranteeText | None = None,
    signature: str | None = None,
    guarantee_id: str | None = None,
) -> None:
    act.tx.put(
        tables.ANSWER_ASK,
        id_=ask.id,
        status_=status,
        answered_by_=act.actor,
        answered_us_=act.now_us,
        language_=None if text is None else text.language,
        text_=None if text is None else text.text,
        text_digest_=None if text is None else text.digest,
        signature_=signature,
        guarantee_id_=guarantee_id,
    )
