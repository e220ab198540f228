"""``puhui conformance``: our figures held to open corpora of worked cases."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from puhui.cli import say

conformance_app = typer.Typer(
    no_args_is_help=True, help="Hold our figures to open corpora of worked cases."
)
NEEDED = ("lending/schedules.json", "lending/fineract_features_simple.json")


@conformance_app.callback()
def _all() -> None:
    """Hold our figures to open corpora of worked cases."""


@conformance_app.command("schedules")
def schedules(
    details: Annotated[
        bool, typer.Option("--details", help="Show where each table that differs differs first.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """Run Apache Fineract's worked loans through our engine and count the tables that agree.

    Every cell counts: days, dates, balance, principal, interest, fees, penalties, paid, in
    advance, late, outstanding, to the cent. The corpora are read from the folder that PUHUI_DATA
    names; docs/conformance.md says what is left out and why.

    Example: PUHUI_DATA=data puhui conformance schedules --details
    """
    from puhui.kernel import Refused
    from puhui.servicing import conformance

    folder = Path(os.environ.get("PUHUI_DATA", ""))
    for name in NEEDED:
        if not os.environ.get("PUHUI_DATA") or not (folder / name).is_file():
            raise Refused(
                "cli.no_reference_data", f"It needs {name} in the folder that PUHUI_DATA names."
            )
    found = conformance.summary(folder)
    if details:
        for table in conformance.differences(folder):
            say.line(f"{table.scenario[:60]} | table {table.table} | {table.difference}")
    say.line(f"Cases: {found['exact']} of {found['cases']} agree to the cent.")
    say.line(
        f"Features: {found['feature_exact']} of {found['feature_schedules']} tables of "
        f"{found['feature_scenarios']} scenarios agree; {found['left_out']} are left out."
    )
    if as_json:
        say.figures(found)
