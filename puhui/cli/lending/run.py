"""``puhui run``: a bank with a county, a first day and real loans, from nothing, and served."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from puhui.cli import say
from puhui.cli.lending.lend import figures_of, show
from puhui.cli.open import opened, operator

if TYPE_CHECKING:
    from puhui.kernel import Node

OPEN_DATA = "small-loans"
STOPPED = 130


def run(
    reports: Annotated[
        Path | None,
        typer.Option(help="Folder of the HTML reports (default: reports in PUHUI_HOME)."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="End the work with one flat JSON object.")
    ] = False,
    is_served: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve pages and API meanwhile, and on.")
    ] = True,
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to serve on.")] = 8000,
) -> None:
    """Serve a node; meanwhile play the demo county's first day, then lend on real open data.

    The county is synthetic: shops, people and 120 days of trade drawn from a seed. Its merchants
    apply, are decided, sign and are paid through the ordinary acts. Then 20,000 real small loans
    go the same way. A second run finds everything done and says so. Pages answer from the start;
    Ctrl-C ends it, and the same command goes on where it was.

    Example: puhui run
    """
    with opened() as node:
        if not is_served:
            work(node, reports, as_json, "")
            return
        from puhui.serve import serve

        node.home.mkdir(parents=True, exist_ok=True)
        with (node.home / "serve.log").open("a", encoding="utf-8") as log:
            is_whole = serve(
                node,
                host=host,
                port=port,
                ready=lambda address: say.line(f"Serving {address}  (stop with Ctrl-C)\n"),
                beside=lambda address: work(node, reports, as_json, address),
                log=log,
            )
        if not is_whole:  # the thread of the work is in the middle of something: leave it there
            say.note("\nStopped. What was answered is kept; the same command goes on.")
            node.close()
            sys.stdout.flush()
            os._exit(STOPPED)
    say.line("Stopped; everything that was begun is done.")


def work(node: Node, reports: Path | None, as_json: bool, address: str) -> None:
    """Play the first day, lend on real data, and print what came of it and how to go on."""
    from puhui import demo
    from puhui.cli.lending.county import lend_county
    from puhui.intake import lend_file

    started = time.perf_counter()
    say.line(f"Node: {node.home}  ({node.store.dialect})")
    with say.progress() as step:
        county = lend_county(node, reports=reports, step=step)
    say.line("\nThe demo county's first day")
    show(county.ran)
    with say.progress() as step:
        loans = lend_file(node, operator(), open_data=OPEN_DATA, reports=reports, step=step)
    say.line("\nThe main job on real data")
    show(loans)
    say.line("\nLogins of the demo (made up for this node)")
    say.table(
        ("login", "password", "role"),
        [
            (one.login, one.password or "a code, shown on the page", one.role)
            for one in (*demo.demo_logins(node), *county.customers)
        ],
    )
    say.line("\nShops of the demo: pay them by the digits under their code")
    say.table(("shop", "digits"), [(shop.name, shop.digits) for shop in county.shops])
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
    if address:
        tell(node, address)


def tell(node: Node, address: str) -> None:
    """Say where the pages are, who may log in how, and how to stop."""
    say.line(f"\nServing {address}")
    say.line(f"  customers   {address}/          any mobile number; the page shows the code")
    say.line(f"  staff       {address}/desk      a login above; the first time, the page shows")
    say.line("                                       the picture for an authenticator program")
    say.line(f"  API         {address}/api/openapi.json   keys: puhui api-key --help")
    say.line(f"  log         {node.home / 'serve.log'}")
    say.line("Stop with Ctrl-C. Start again with the same command, or with puhui serve.")
    sys.stdout.flush()
