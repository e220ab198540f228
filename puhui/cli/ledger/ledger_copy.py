"""``puhui ledger ship | restore | prune``: the second copy of a ledger that is a log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from puhui.cli import say

if TYPE_CHECKING:
    from puhui.ledger.window import CopyState

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]
Copy = Annotated[
    Path | None, typer.Argument(metavar="FOLDER", help="The copy (default: PUHUI_LEDGER_SHIP).")
]


def _log_folder() -> Path:
    """Where the log of this home is. Refused: ``cli.no_log``."""
    from puhui.kernel import Refused
    from puhui.node import home_folder

    kind, _, folder = os.environ.get("PUHUI_LEDGER", "").partition(":")
    if kind != "log":
        raise Refused(
            "cli.no_log",
            "The ledger of this node is no log (PUHUI_LEDGER=log): one in the store is copied with "
            "the store, and a cluster keeps its own copies.",
        )
    return home_folder() / (folder or "ledger")


def _copy_folder(given: Path | None) -> Path:
    """Where the copy is. Refused: ``cli.no_copy``."""
    from puhui.kernel import Refused
    from puhui.node import home_folder

    if given is not None:
        return given
    if not os.environ.get("PUHUI_LEDGER_SHIP"):
        raise Refused("cli.no_copy", "Name the folder of the copy, or set PUHUI_LEDGER_SHIP.")
    return home_folder() / os.environ["PUHUI_LEDGER_SHIP"]


def ship(
    folder: Copy = None,
    status: Annotated[
        bool, typer.Option("--status", help="Copy nothing; tell what the copy lacks.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Copy what is new in the log of the ledger to a second place, or tell what is missing there.

    With PUHUI_LEDGER_SHIP set, puhui serve and puhui worker do it every two seconds, and every
    command does it when it ends. The folder must exist: keep it on another machine's disk.

    Example: puhui ledger ship /second/ledger --status
    """
    from puhui.ledger.window import ship_log, shipped_state

    log, to = _log_folder(), _copy_folder(folder)
    copied = 0 if status else ship_log(log, to).copied_bytes
    found = shipped_state(log, to)
    lacking = found.log_sequence - found.copy_sequence
    if not status:
        say.line(f"{copied:,} bytes copied to {to}.")
    say.line(
        f"The log has {found.log_sequence:,} frames, the copy {found.copy_sequence:,}: "
        + (
            f"it lacks {lacking:,} frames, {found.lacking_bytes:,} bytes, "
            f"the work of the last {_lacking_s(found):.1f} s of the log."
            if lacking
            else "it lacks nothing."
        )
    )
    if as_json:
        say.figures(
            {
                "log_frames": found.log_sequence,
                "copy_frames": found.copy_sequence,
                "copied_bytes": copied,
                "lacking_frames": lacking,
                "lacking_bytes": found.lacking_bytes,
                "lacking_s": _lacking_s(found),
            }
        )


def _lacking_s(state: CopyState) -> float:
    """From the first frame that the copy lacks to the last of the log, in seconds."""
    return max(0, state.log_time_ns - state.lacking_since_ns) / 1e9


def restore(
    folder: Copy = None,
    as_json: Json = False,
) -> None:
    """Make the log of the ledger out of its copy, in a home that has none; every frame is checked.

    Then open the node as before. Where its store is still there, the store makes again what the
    copy lacked; where the store was lost too, what was booked after the last shipping is lost.

    Example: puhui ledger restore /second/ledger
    """
    from puhui.ledger.window import restore_log

    log = _log_folder()
    frames = restore_log(_copy_folder(folder), log)
    say.line(f"{frames:,} frames restored into {log}. Check the books: puhui ledger verify")
    if as_json:
        say.figures({"frames": frames})


def prune(
    folder: Copy = None,
    as_json: Json = False,
) -> None:
    """Free the room of full segments that the copy holds; they are read there from now on.

    The node must not be running. Each segment of the copy is read through first. The node then
    needs the second place to open: back that up as well.

    Example: puhui ledger prune /second/ledger
    """
    from puhui.ledger.window import prune_log

    count, freed = prune_log(_log_folder(), _copy_folder(folder))
    say.line(f"{count:,} segments are read from the copy now; {freed:,} bytes are free.")
    if as_json:
        say.figures({"segments": count, "freed_bytes": freed})
