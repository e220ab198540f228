"""``puhui run``: from an empty folder to a bank with a county, a first day, and real loans."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from puhui.cli import say
from puhui.cli.lend import figures_of, show
from puhui.cli.open import opened, operator

OPEN_DATA = "small-loans"


def run(
    reports: Annotated[
        Path | None,
        typer.Option(help="Folder of the HTML reports (default: reports in PUHUI_HOME)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """Open a node, play the demo county's first day, then lend on real open data.

    The county is synthetic: shops, people and 120 days of trade drawn from a seed. Its merchants
    apply, are decided, sign and are paid through the ordinary acts. Then 20,000 real small loans
    go the same way. A second run finds everything done and says so.

    Example: puhui run
    """
    from puhui import demo
    from puhui.cli.county import lend_county
    from puhui.intake import lend_file

    started = time.perf_counter()
    with opened() as node:
        say.line(f"Node: {node.home}  ({node.store.dialect})")
        with say.progress() as step:
            county = lend_county(node, reports=reports, step=step)
        say.line("\nThe demo county's first day")
        show(county.ran)
        with say.progress() as step:
            loans = lend_file(node, operator(), open_data=OPEN_DATA, reports=reports, step=step)
        say.line("\nThe main job on real data")
        show(loans)
        logins = demo.demo_logins(node)
    say.line("\nLogins of the demo (made up for this node)")
    say.table(
        ("login", "password", "role"), [(one.login, one.password, one.role) for one in logins]
    )
    acts = county.ran.report.new_acts + loans.report.new_acts
    seconds = time.perf_counter() - started
    if acts:
        say.line(f"\nDone: {acts:,} acts in {seconds:.0f} s. Run it again: nothing is done twice.")
    else:
        say.line(f"\nEverything was done before: no new act, checked in {seconds:.0f} s.")
    say.line(f"Open {loans.pages[0]} in a browser.")
    if as_json:
        own = {**figures_of(county.ran), **county.extra}
        own = {f"county_{name}": value for name, value in own.items()}
        say.figures({**figures_of(loans), **own, "new_acts": acts, "seconds": seconds})
