"""``puhui apply``: one application by words, from facts to money, one step at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from puhui.cli import say
from puhui.cli.lending.application import FIELDS, Asked, take_in
from puhui.cli.lending.contract import go_on, show_decision
from puhui.cli.open import opened

Continued = Annotated[
    str, typer.Option(metavar="ID", help="Go on with an application made before.")
]
Party = Annotated[str, typer.Option(metavar="ID", help="Who applies: a registered party.")]
Reference = Annotated[
    str, typer.Option(metavar="WORD", help="Who applies: somebody known by a reference alone.")
]
Consent = Annotated[
    str,
    typer.Option(
        metavar="BASIS",
        help="Why the facts of the references given here may be used, such as "
        '"form signed on 2026-11-20"; recorded as a consent.',
    ),
]
Product = Annotated[str, typer.Option(help="The product asked for, such as small_loan.")]
Amount = Annotated[str, typer.Option(help="How much, such as 20,000 or 20000.00.")]
Months = Annotated[int | None, typer.Option(help="For how long (default: as the product says).")]
Method = Annotated[str, typer.Option(help="How it is repaid, such as equal_instalment.")]
MappingName = Annotated[
    str, typer.Option("--mapping", "-m", help="What the facts mean, as for puhui lend.")
]
Row = Annotated[
    Path | None, typer.Option(metavar="FILE.json", help="The facts as one JSON object.")
]
Facts = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One fact; repeatable.")
]
Fields = Annotated[
    str, typer.Option(help="Data fields the facts were made from, with commas between.")
]
ModelName = Annotated[
    str, typer.Option(metavar="NAME", help="The model in force to decide by, see score models.")
]
Language = Annotated[str, typer.Option(help="Language of the contract: zh or en.")]
Text = Annotated[bool, typer.Option("--text", help="Print the whole contract.")]
AcceptDigest = Annotated[
    str, typer.Option(metavar="DIGEST", help="Sign the contract whose digest was shown.")
]
Disburse = Annotated[
    bool, typer.Option("--disburse", help="Pay the signed loan out to the wallet.")
]
Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]


def apply(
    application: Continued = "",
    party: Party = "",
    reference: Reference = "",
    consent: Consent = "",
    product: Product = "",
    amount: Amount = "",
    months: Months = None,
    method: Method = "",
    mapping: MappingName = "",
    row: Row = None,
    facts: Facts = None,
    fields: Fields = "",
    model: ModelName = "",
    language: Language = "zh",
    text: Text = False,
    accept: AcceptDigest = "",
    disburse: Disburse = False,
    as_json: Json = False,
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
            application = take_in(node, asked, told)
        outcome = show_decision(node, application, told)
        if outcome == "approved":
            go_on(node, application, language, text, accept, disburse, told)
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
