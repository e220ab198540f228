"""Keeping a node: migrations, events, closing days, and replay."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from puhui.cli import say
from puhui.cli.open import opened

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]


def migrate(as_json: Json = False) -> None:
    """Bring the store to the state that this version works with; safe to repeat.

    Take a backup first, and stop the other processes of the node.

    Example: PUHUI_STORE=postgresql://puhui@db/bank puhui migrate
    """
    from puhui.kernel.store import open_store
    from puhui.migrations import HEAD
    from puhui.migrations import migrate as bring_up
    from puhui.node import home_folder, load_rooms

    load_rooms()
    home = home_folder()
    home.mkdir(parents=True, exist_ok=True)
    url = os.environ.get("PUHUI_STORE") or f"sqlite:///{home / 'puhui.sqlite'}"
    open_store(url).close()  # says in plain words what is wrong with a URL or a server
    before = bring_up(url)
    if before == HEAD:
        say.line(f"The store is at {HEAD} already.")
    else:
        say.line(f"The store was {'empty' if not before else f'at {before}'} and is at {HEAD} now.")
    if as_json:
        say.figures({"before": before or None, "after": HEAD, "is_changed": before != HEAD})


def worker(
    once: Annotated[bool, typer.Option("--once", help="Deliver what is there, then end.")] = False,
    as_json: Json = False,
) -> None:
    """Deliver the events of acts to the rooms that wait for them, until stopped.

    Stop it with Ctrl-C or SIGTERM: it ends after the delivery at hand. Delivering twice changes
    nothing.

    Example: puhui worker --once
    """
    import signal
    import threading

    from puhui.channel import queues  # noqa: F401  registers the draining of queues
    from puhui.worker import deliver, run_worker

    stop = threading.Event()
    with opened() as node:
        if once:
            done = deliver(node)
            taken, stuck = done.taken, done.stuck
        else:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda got, frame: stop.set())
            say.note("Delivering events; Ctrl-C stops.")
            taken, stuck = run_worker(node, stop), ()
    say.line(f"{taken:,} events delivered.")
    for name in stuck:
        say.note(f"{name} fails at an event; it is tried again in the next pass.")
    if as_json:
        say.figures({"taken": taken, "stuck": len(stuck)})
    if stuck:
        raise typer.Exit(1)


def close_day(
    day: Annotated[
        str, typer.Argument(metavar="DAY", help="Like 2026-11-22 (default: yesterday in China).")
    ] = "",
    as_json: Json = False,
) -> None:
    """Close a day, and first every day before it that is still open, oldest first.

    Instalments that are due are taken from wallets, interest is counted, loans are aged, classed
    and at the end of a month provided for; standing orders run; collectors get their lists; offers
    and contracts that lapsed end; the books of the day are closed. It may be stopped and repeated:
    what is done is found done.

    Example: puhui close-day 2026-11-22
    """
    from datetime import date, timedelta

    from puhui.cli.upkeep.days import check_day, close_days, day_figures, told_sums
    from puhui.kernel.clock import business_date
    from puhui.kernel.event import parse_day

    with opened() as node:
        today = business_date(node.clock.now_us())
        closed = parse_day(day) if day else today - timedelta(days=1)
        is_again = check_day(node, closed)
        with say.progress() as step:

            def begin(next_day: date, left: int) -> None:
                if left > 1 or next_day != closed:
                    say.note(f"Closing {next_day}; {left - 1} more after it.")

            done = close_days(node, closed, begin=begin, progress=step)
    how = "was closed already; it came to" if is_again else "is closed"
    for one in done:
        say.line(
            f"{one.day} {how}: {one.steps} steps, {one.chunks} chunks; {one.loans:,} loans, "
            f"{one.due:,} instalments due, {one.debited:,} loans debited, "
            f"{one.short:,} wallets short, {one.postings:,} postings."
        )
        for sums in one.money:
            say.line(f"{one.day} {told_sums(sums)}")
    if as_json:
        figures = day_figures(done)
        say.figures({"day": closed.isoformat(), "days": len(done)} | figures)


def replay(
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="An empty folder to keep the second node in (default: none kept)."
        ),
    ] = None,
    store: Annotated[
        str, typer.Option(metavar="URL", help="An empty store for it (default: SQLite in DIR).")
    ] = "",
    as_json: Json = False,
) -> None:
    """Run every recorded act again in an empty node, and compare all that came out.

    Outcomes, refusals, scores, the models that decided, and at the end every table. Prints what
    differs and ends with 1 if anything does. With --into and --store it is also the way to move a
    node to another store.

    Example: puhui replay --into second
    """
    import shutil

    if store and into is None:
        raise typer.BadParameter("--store needs --into: the second node keeps its files there.")
    folder = into or Path(tempfile.mkdtemp(prefix="puhui-replay-"))
    try:
        _replay(folder, store, is_kept=into is not None, as_json=as_json)
    finally:
        if into is None:
            shutil.rmtree(folder, ignore_errors=True)


def _replay(folder: Path, store: str, *, is_kept: bool, as_json: bool) -> None:
    import shutil
    import time

    from puhui.kernel import replay as kernel_replay
    from puhui.node import open_node

    started = time.perf_counter()
    with opened() as source:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("models", "mappings"):
            if (source.home / name).is_dir():
                shutil.copytree(source.home / name, folder / name, dirs_exist_ok=True)
        url = store or f"sqlite:///{folder / 'puhui.sqlite'}"
        target = open_node(folder, store_url=url, keys=source.keys, writers=1)
        try:
            with say.progress() as step:
                report = kernel_replay.replay(
                    source, target, progress=lambda done, total: step("replaying", done, total)
                )
        finally:
            target.close()
    seconds = time.perf_counter() - started
    same = "everything is as recorded" if not report.differences else "it DIFFERS"
    say.line(
        f"{report.acts:,} acts run again in {seconds:.1f} s, {report.refused:,} of them refusals, "
        f"{report.erased:,} of erased persons: {same}."
    )
    if report.differences:
        say.table(
            ("position", "act", "key", "what"),
            [(str(one.position), one.name, one.key, one.what) for one in report.differences[:50]],
            right=(0,),
        )
    if is_kept:
        say.line(f"The second node lies in {folder}; copy the master key there to open it.")
    if as_json:
        say.figures(
            {
                "acts": report.acts,
                "refused": report.refused,
                "erased": report.erased,
                "differences": len(report.differences),
                "seconds": seconds,
            }
        )
    if report.differences:
        raise typer.Exit(1)
