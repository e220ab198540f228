"""``puhui apply``: one application by words, from facts to money, one step at a time."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from puhui.cli import say
from puhui.cli.open import opened, operator

if TYPE_CHECKING:
    from datetime import date

    from puhui.kernel import Node

SOURCE = "cli"
PURPOSE = "credit_decision"
FIELDS = ("industry_fact", "past_repayment", "stated_income", "stated_turnover")
"""The data fields that facts given by words stand for, unless --fields says otherwise."""

CONSENT_DAYS = 365


@dataclass(slots=True)
class Asked:
    """What the words of the command ask for."""

    party: str
    reference: str
    consent: str
    product: str
    amount: str
    months: int | None
    method: str
    mapping: str
    model: str
    row: dict[str, str]
    fields: tuple[str, ...]


def apply(
    application: Annotated[
        str, typer.Option(metavar="ID", help="Go on with an application made before.")
    ] = "",
    party: Annotated[str, typer.Option(metavar="ID", help="Who applies: a registered party.")] = "",
    reference: Annotated[
        str,
        typer.Option(metavar="WORD", help="Who applies: somebody known by a reference alone."),
    ] = "",
    consent: Annotated[
        str,
        typer.Option(
            metavar="BASIS",
            help="Why the facts of the references given here may be used, such as "
            '"form signed on 2026-11-20"; recorded as a consent.',
        ),
    ] = "",
    product: Annotated[str, typer.Option(help="The product asked for, such as small_loan.")] = "",
    amount: Annotated[str, typer.Option(help="How much, such as 20,000 or 20000.00.")] = "",
    months: Annotated[
        int | None, typer.Option(help="For how long (default: as the product says).")
    ] = None,
    method: Annotated[str, typer.Option(help="How it is repaid, such as equal_instalment.")] = "",
    mapping: Annotated[
        str, typer.Option("--mapping", "-m", help="What the facts mean, as for puhui lend.")
    ] = "",
    row: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="The facts as one JSON object.")
    ] = None,
    facts: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One fact; repeatable.")
    ] = None,
    fields: Annotated[
        str, typer.Option(help="Data fields the facts were made from, with commas between.")
    ] = "",
    model: Annotated[
        str, typer.Option(metavar="NAME", help="The model in force to decide by, see score models.")
    ] = "",
    language: Annotated[str, typer.Option(help="Language of the contract: zh or en.")] = "zh",
    text: Annotated[bool, typer.Option("--text", help="Print the whole contract.")] = False,
    accept: Annotated[
        str, typer.Option(metavar="DIGEST", help="Sign the contract whose digest was shown.")
    ] = "",
    disburse: Annotated[
        bool, typer.Option("--disburse", help="Pay the signed loan out to the wallet.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """Apply for one loan by words: decision with reasons, price, contract; then sign, then money.

    Nothing is signed before the contract was shown: its digest is what --accept takes. A refused
    application is an answer like another (exit code 0), with reasons and what would change it.

    Example: puhui apply --reference shop-7 --consent "form of 20 Nov" --product small_loan
    --amount 10000 --mapping small_loans --set age=45 --set income=9000
    """
    asked = Asked(
        party=party,
        reference=reference,
        consent=consent,
        product=product,
        amount=amount,
        months=months,
        method=method,
        mapping=mapping,
        model=model,
        row=_facts(row, facts or []),
        fields=tuple(name.strip() for name in fields.split(",") if name.strip()) or FIELDS,
    )
    if not application:
        _check(asked)
    told: dict[str, object] = {}
    with opened() as node:
        if not application:
            application = _apply(node, asked, told)
        outcome = _show_decision(node, application, told)
        if outcome == "approved":
            _contract(node, application, language, text, accept, disburse, told)
        elif accept or disburse:
            say.note("There is nothing to sign or to pay out.")
    if as_json:
        say.figures(told)


def _check(asked: Asked) -> None:
    if bool(asked.party) == bool(asked.reference):
        raise typer.BadParameter("Say who applies: --party or --reference (or --application).")
    if asked.consent and asked.party:
        raise typer.BadParameter("--consent goes with --reference; a party gives its own consent.")
    for name in ("product", "amount", "mapping"):
        if not getattr(asked, name):
            raise typer.BadParameter(f"An application needs --{name}.")


def _facts(row: Path | None, given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    if row is not None:
        try:
            read = json.loads(row.read_text("utf-8"))
        except FileNotFoundError:
            raise typer.BadParameter(f"There is no file {row}.") from None
        except (ValueError, OSError):
            raise typer.BadParameter(f"{row} does not hold one JSON object.") from None
        if not isinstance(read, dict) or any(isinstance(v, dict | list) for v in read.values()):
            raise typer.BadParameter(f"{row} does not hold one flat JSON object.")
        found = {str(name): "" if value is None else str(value) for name, value in read.items()}
    for one in given:
        name, mark, value = one.partition("=")
        if not mark or not name.strip():
            raise typer.BadParameter(f"--set takes NAME=VALUE, not {one!r}.")
        found[name.strip()] = value.strip()
    return found


def _apply(node: Node, asked: Asked, told: dict[str, object]) -> str:
    """Take the application in and decide it; the same words on one day are one application."""
    from puhui import lending
    from puhui.kernel.clock import business_date
    from puhui.kernel.money import parse_money
    from puhui.score import study

    product = lending.shelf.load_product(asked.product)
    wanted = parse_money(asked.amount, product.currency)
    mapping = study.read_mapping(asked.mapping)
    lending.keep_mapping(node.home, mapping, study.mapping_text(asked.mapping))
    party_id = asked.party or _party_of(node, asked)
    champion = asked.model or _model_name(node, asked.product, mapping.name)
    actor, today = operator(), business_date(node.clock.now_us())
    node.act(
        "lending.open_books",
        {"currency": product.currency},
        key=f"books:{product.currency}",
        actor=actor,
    )
    words = json.dumps(
        [
            party_id,
            asked.product,
            wanted.minor,
            asked.months,
            asked.method,
            mapping.digest,
            champion,
            asked.row,
            asked.fields,
            asked.consent,
            str(today),
        ],
        sort_keys=True,
    )
    source_id = hashlib.sha256(words.encode()).hexdigest()[:32]
    started = time.perf_counter()
    applied = node.act(
        "lending.apply",
        {
            "party_id": party_id,
            "product": asked.product,
            "wanted_minor": wanted.minor,
            "mapping": mapping.digest,
            "champion": champion,
            "row": asked.row,
            "fields": asked.fields,
            "channel": SOURCE,
            "source_id": source_id,
            "term_months": asked.months,
            "method": asked.method or None,
        },
        key=f"cli:apply:{source_id}",
        actor=actor,
    )
    application_id: str = applied.application_id
    key = f"cli:decide:{application_id}"
    node.act("lending.decide", {"application_id": application_id}, key=key, actor=actor)
    told["apply_to_decision_ms"] = (time.perf_counter() - started) * 1000
    return application_id


def _party_of(node: Node, asked: Asked) -> str:
    """The party behind a reference, registered where it is new, with the consent recorded."""
    from datetime import timedelta

    from puhui.kernel.clock import business_date

    actor, today = operator(), business_date(node.clock.now_us())
    named = hashlib.sha256(asked.reference.encode()).hexdigest()[:32]
    made = node.act(
        "party.register_parties",
        {"source": SOURCE, "references": (asked.reference,)},
        key=f"cli:party:{named}",
        actor=actor,
    )
    if asked.consent:
        basis = hashlib.sha256(asked.consent.encode()).hexdigest()
        node.act(
            "data.grant_file_consent",
            {
                "source": SOURCE,
                "file_digest": basis,
                "basis": asked.consent,
                "purpose": PURPOSE,
                "fields": asked.fields,
                "until": today + timedelta(days=CONSENT_DAYS),
            },
            key=f"cli:consent:{today}:{basis[:32]}:{_short(asked.fields)}",
            actor=actor,
        )
    party_id: str = made.party_ids[0]
    return party_id


def _short(fields: tuple[str, ...]) -> str:
    return hashlib.sha256(",".join(sorted(fields)).encode()).hexdigest()[:16]


def _model_name(node: Node, product: str, mapping: str) -> str:
    """The name under which a model is in force for this product, or for this mapping at all."""
    from puhui.kernel import Refused
    from puhui.score import list_models

    with node.read() as tx:
        fitting = [one for one in list_models(tx) if one.mapping == mapping]
    if not fitting:
        raise Refused(
            "cli.no_model",
            f"No model is in force for the mapping {mapping!r}; puhui lend trains one, "
            "puhui score models lists those there are.",
        )
    own = [one for one in fitting if one.name.startswith(product)]
    return max(own or fitting, key=lambda one: one.registered_us).name


def _show_decision(node: Node, application_id: str, told: dict[str, object]) -> str:
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


def _contract(
    node: Node,
    application_id: str,
    language: str,
    text: bool,
    accept: str,
    disburse: bool,
    told: dict[str, object],
) -> None:
    """Show the contract that would be signed today, or go on with the one that was signed."""
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

    with node.read() as tx:
        today = business_date(node.clock.now_us())
        contract, terms, cost = lending.draft_contract(tx, application_id, today, language)
    lent = Money(terms.principal_minor, terms.currency)
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
