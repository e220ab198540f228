"""What follows an application: the decision with reasons and price, the contract, the money."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from puhui.cli import say
from puhui.cli.open import operator

if TYPE_CHECKING:
    from datetime import date

    from puhui.kernel import Node


def show_decision(node: Node, application_id: str, told: dict[str, object]) -> str:
    """Print the newest decision with reasons, guards, price and credit limit; its outcome.

    Refused: ``lending.no_application``.
    """
    from puhui import lending
    from puhui.kernel import Money

    with node.read() as tx:
        case, decision = lending.read_case(tx, application_id)
    wanted = Money(case.wanted_minor, case.currency)
    score = "" if case.points is None else f", score {case.points}, pd {say.share(case.pd, 2)}"
    say.line(f"Application {application_id}")
    say.line(f"  {wanted} of {case.product}, applied on {case.applied_on}")
    say.line(f"Decision: {(case.decision or 'none yet').upper()}{score}")
    reasons = () if decision is None else decision.reasons
    if decision is None and case.decision == "refused":
        reasons = ("consent_missing",)
    told |= {
        "application_id": application_id,
        "outcome": case.decision,
        "points": case.points,
        "pd": case.pd,
        "reasons": ", ".join(reasons),
        "currency": case.currency,
        "wanted_minor": case.wanted_minor,
    }
    _show_reasons(node, decision, reasons, case.decision == "refused")
    if decision is not None:
        _show_price(decision, case.currency, told)
    return case.decision or ""


def _show_reasons(node: Node, decision: Any, reasons: tuple[str, ...], is_refused: bool) -> None:
    from puhui import lending

    book = lending.shelf.load_reasons()
    for code in reasons:
        found = book.text(code)
        say.line(f"  - {found.reason_zh}{found.change_zh}")
        say.line(f"    {found.reason_en} {found.change_en} ({code})")
    if decision is not None and decision.score_reasons and reasons:
        say.line(f"  What cost points: {', '.join(decision.score_reasons)}")
    if is_refused:
        say.line(f"  {book.review_zh}")
        say.line(f"  {book.review_en}")
    if decision is not None:
        guards = [f"{guard.code} {guard.outcome.value}" for guard in decision.guards]
        say.line(f"Guards: {', '.join(guards)}")


def _show_price(decision: Any, currency: str, told: dict[str, object]) -> None:
    from puhui.kernel import Money

    price, credit = decision.price, decision.credit_limit
    say.line("Price, per year")
    rows = [(step.code, say.share(float(step.share), 3)) for step in price.steps]
    rows += [
        ("needed", say.share(float(price.needed_rate), 3)),
        ("cap", f"{say.share(float(price.rate_cap), 3)} by {price.capped_by}"),
        ("annual rate", say.share(float(price.annual_rate), 3)),
    ]
    say.pairs(rows)
    say.line(f"Credit limit: {Money(credit.amount_minor, currency)}, bound by {credit.bound_by}")
    say.pairs((code, str(Money(minor, currency))) for code, minor in credit.steps)
    told |= {
        "annual_rate": float(price.annual_rate),
        "credit_limit_minor": credit.amount_minor,
        "principal_minor": decision.offer.principal_minor if decision.offer else None,
        "is_capped": decision.offer.is_capped if decision.offer else None,
    }


def go_on(
    node: Node,
    application_id: str,
    language: str,
    text: bool,
    accept: str,
    disburse: bool,
    told: dict[str, object],
) -> None:
    """Show the contract that would be signed today, or go on with the one that was signed.

    Refused: those of ``lending.accept``, ``lending.void_contract`` and ``lending.disburse``.
    """
    from puhui import lending

    with node.read() as tx:
        signed = lending.contract_of(tx, application_id)
    if signed is not None and _is_old(node, signed.signed_on) and signed.status == "signed":
        say.line(f"The contract of {signed.signed_on} was not paid out; it is written anew.")
        key = f"cli:void:{signed.contract_id}"
        given = {"contract_id": signed.contract_id}
        node.act("lending.void_contract", given, key=key, actor=operator())
        signed = None
    if signed is None:
        _show_contract(node, application_id, language, text, told)
        if not accept:
            digest = told["contract_digest"]
            words = "" if language == "zh" else f" --language {language}"
            say.line(
                f"To sign: puhui apply --application {application_id}{words} --accept {digest}"
            )
            if disburse:
                say.note("Nothing was paid out: the contract is not signed.")
            return
    started = time.perf_counter()
    contract_id = signed.contract_id if signed is not None else ""
    if signed is None:
        done = node.act(
            "lending.accept",
            {"application_id": application_id, "contract_digest": accept, "language": language},
            key=f"cli:accept:{application_id}:{accept[:40]}",
            actor=operator(),
        )
        contract_id = done.contract_id
        say.line(f"Signed: {contract_id}, signature {done.signature[:24]}...")
    elif signed.status != "signed":
        say.line(f"Contract {contract_id} was signed on {signed.signed_on}; it is {signed.status}.")
        told |= {"contract_id": contract_id, "disbursed_minor": signed.principal_minor}
        return
    else:
        say.line(f"Contract {contract_id} was signed on {signed.signed_on}.")
    told["contract_id"] = contract_id
    if disburse:
        _pay(node, contract_id, told)
        told["accept_to_money_ms"] = (time.perf_counter() - started) * 1000
    else:
        say.line(f"To pay out: puhui apply --application {application_id} --disburse")


def _is_old(node: Node, signed_on: date) -> bool:
    """Whether a contract counts from another day than today, so that nobody is paid by it."""
    from puhui.kernel.clock import business_date

    return signed_on != business_date(node.clock.now_us())


def _show_contract(
    node: Node, application_id: str, language: str, text: bool, told: dict[str, object]
) -> None:
    from puhui import lending
    from puhui.kernel import Money
    from puhui.kernel.clock import business_date

    with node.read(is_snapshot=False) as tx:
        today = business_date(node.clock.now_us())
        contract, terms, cost = lending.draft_contract(tx, application_id, today, language)
    lent = Money(cost.principal_minor, terms.currency)
    total = Money(cost.total_minor, terms.currency)
    say.line("Contract")
    say.pairs(
        [
            ("amount lent", str(lent)),
            ("total cost", f"{total}  (interest and fees, paid on time)"),
            ("APR", say.share(float(cost.apr), 4)),
            ("repaid", f"{lent + total} in {terms.count} instalments"),
            ("digest", contract.digest),
        ]
    )
    if text:
        say.line(contract.text)
    told |= {
        "contract_digest": contract.digest,
        "total_cost_minor": cost.total_minor,
        "apr": float(cost.apr),
    }


def _pay(node: Node, contract_id: str, told: dict[str, object]) -> None:
    from puhui.kernel import Money

    paid = node.act(
        "lending.disburse",
        {"contract_id": contract_id},
        key=f"cli:disburse:{contract_id}",
        actor=operator(),
    )
    say.line(
        f"Paid out: {Money(paid.amount_minor, paid.currency)} in wallet {paid.wallet_account_id}"
    )
    told |= {"disbursed_minor": paid.amount_minor, "wallet_account_id": paid.wallet_account_id}
