"""When a server is lost: promote its standby."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from puhui.cli import say

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]


def promote(
    is_alone: Annotated[
        bool,
        typer.Option(
            "--alone", help="Let acts count without a further standby until one is attached."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the standby of PUHUI_STORE its primary, and shut out the one that was.

    Running nodes come over by themselves where PUHUI_STORE names both servers. Name only the
    server that is the primary already to stop every node that was opened before.

    Example: PUHUI_STORE=postgresql://puhui@one,two/bank puhui promote --alone
    """
    from puhui.kernel.store.promotion import promote as make_primary
    from puhui.node import home_folder

    url = os.environ.get("PUHUI_STORE") or f"sqlite:///{home_folder() / 'puhui.sqlite'}"
    epoch = make_primary(url, is_alone=is_alone)
    say.line(f"The primary is on timeline {epoch.timeline}; the store is in epoch {epoch.number}.")
    if as_json:
        say.figures({"timeline": epoch.timeline, "epoch": epoch.number})
