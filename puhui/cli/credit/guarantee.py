"""``puhui guarantees``: who was asked to stand for a loan; asking somebody, taking it back."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from hashlib import file_digest
from pathlib import Path
from typing import Annotated

import typer

from puhui.cli import say
from puhui.cli.credit.desk import act

PERCENT = 10_000

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]
Contract = Annotated[str, typer.Argument(metavar="CONTRACT", help="The loan, by contract id.")]

guarantees_app = typer.Typer(
    no_args_is_help=True,
    help="Guarantees of persons: who was asked for a loan, asking somebody, taking it back.",
)


@guarantees_app.command("list")
def listed(contract: Contract, as_json: Json = False) -> None:
    """List everybody who was asked to stand for a loan, and what they said.

    Example: puhui guarantees list contract-7d1c...
    """
    from puhui.cli.open import opened
    from puhui.kernel.clock import time_of
    from puhui.lending.window import contract_row, guarantee

    with opened() as node, node.read() as tx:
        contract_row(tx, contract)
        rows = guarantee.asked_for(tx, contract)
        shown = {row.id for row in rows if guarantee.is_shown(node, tx, row)}
    say.table(
        ("asked", "number of the asking", "guarantor", "part", "state", "sees the loan"),
        [
            (f"{time_of(row.asked_us):%Y-%m-%d}", row.id, row.guarantor_id,
             f"{Decimal(row.share_millionths) / PERCENT:f}%", row.status,
             "yes" if row.id in shown else "no")
            for row in rows
        ],
        right=(3,),
    )  # fmt: skip
    if as_json:
        signed = sum(row.status == "signed" for row in rows)
        say.figures({"asked": len(rows), "signed": signed, "shown": len(shown)})


@guarantees_app.command("ask")
def ask(
    contract: Contract,
    guarantor: Annotated[str, typer.Argument(metavar="PARTY", help="Who is asked, by party id.")],
    share: Annotated[
        str, typer.Option(metavar="PERCENT", help="For how many per cent of what is owed.")
    ] = "100",
    call_after: Annotated[
        int, typer.Option(metavar="DAYS", help="After how many days overdue it is called.")
    ] = 91,
    income: Annotated[
        str,
        typer.Option(metavar="AMOUNT", help="The yearly income that was seen proven: 120000.00"),
    ] = "",
    as_json: Json = False,
) -> None:
    """Ask somebody to stand for a part of a loan that runs; nothing binds before they sign.

    They see nothing of the loan until the borrower agrees to it, logged in, or at a desk where they
    have no login (`puhui guarantees agree`). They read, sign or
    decline on a page of their own; no command does that for them.

    Example: puhui guarantees ask contract-7d1c... party-019c... --share 50 --income 120000.00
    """
    from puhui.kernel.money import parse_money

    try:
        millionths = int(Decimal(share) * PERCENT)
    except (InvalidOperation, ValueError, OverflowError):
        raise typer.BadParameter("--share is a number of per cent, such as 50.") from None
    told = {
        "contract_id": contract,
        "guarantor_id": guarantor,
        "share_millionths": millionths,
        "call_after_days": call_after,
        "verified_income": str(parse_money(income, "CNY").minor) if income else "",
    }
    done = act("lending.ask_guarantee", told)
    say.line(f"Asked, as {done.ask_id}. The borrower is asked to agree that they see the loan.")
    if as_json:
        say.figures({"ask": done.ask_id, "status": done.status})


@guarantees_app.command("agree")
def agree(
    ask_id: Annotated[str, typer.Argument(metavar="ASKING", help="The number of the asking.")],
    evidence: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            help="The scan of the signed paper, or the recording.",
        ),
    ],
    way: Annotated[
        str, typer.Option(metavar="WAY", help="How they agreed: paper or voice.")
    ] = "paper",
    as_json: Json = False,
) -> None:
    """Record that a borrower without a login agreed that who was asked sees the loan.

    The file stays where it is; its SHA-256 goes into the receipt of the consent. Another person
    than who asked for the guarantee records it. Who has a login agrees there, not here.

    Example: puhui guarantees agree guarantee_ask-019c... --way paper --evidence scan.pdf
    """
    with evidence.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    told = {"ask_id": ask_id, "way": way, "evidence": digest}
    done = act("lending.record_guarantee_consent", told)
    say.line(
        f"Recorded as {done.consent_id}, with the evidence {digest}: they may see the loan "
        f"until {done.until}. The borrower may take it back at any time."
    )
    if as_json:
        say.figures(
            {
                "ask": done.ask_id,
                "consent": done.consent_id,
                "until": done.until.isoformat(),
                "evidence": digest,
            }
        )


@guarantees_app.command("withdraw")
def withdraw(
    ask_id: Annotated[str, typer.Argument(metavar="ASKING", help="The number of the asking.")],
    as_json: Json = False,
) -> None:
    """Take an asking back while it was not answered.

    Example: puhui guarantees withdraw guarantee_ask-019c...
    """
    done = act("lending.withdraw_guarantee_ask", {"ask_id": ask_id})
    say.line(f"The asking is {done.status}.")
    if as_json:
        say.figures({"ask": done.ask_id, "status": done.status})
