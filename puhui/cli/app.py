"""The program ``puhui``: its commands, and how it ends.

Exit code 0 is done, 2 is refused or bad input, 1 is a fault, 130 is stopped by the user. Heavy
libraries are imported by the commands that use them, so that help comes at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
import typer.core

from puhui.cli.claim import claims, conformance
from puhui.cli.credit import guarantee, offer, partner, product, watch
from puhui.cli.ledger import export, ledger, ledger_copy
from puhui.cli.lending import apply, lend, months, repay, run
from puhui.cli.payment import corridor, message, offline_desk, pay, signing
from puhui.cli.score import audit, score
from puhui.cli.upkeep import api_key, serve, standby, upkeep

if TYPE_CHECKING:
    from puhui.kernel import Fault

REFUSED, FAULT, STOPPED = 2, 1, 130
WORDING = (
    ("Input should be a valid integer, unable to parse string as an integer",
     "it takes a whole number."),
    ("Input should be a valid number, unable to parse string as a number", "it takes a number."),
    ("Input should be", "it must be"),
)  # fmt: skip
"""How the parser of options says that a value is wrong, and how people say it."""


class Program(typer.core.TyperGroup):
    """The program: its help tells what an option takes, and of a flag, which takes nothing, no
    type.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """The options of the program itself."""
        return _without_types(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command of the program, those of a group with it."""
        found = super().get_command(ctx, cmd_name)
        for one in (found, *getattr(found, "commands", {}).values()):
            if one is not None:
                _without_types([*one.params, one.get_help_option(ctx)])
        return found


def _without_types(params: list[Any]) -> list[Any]:
    for one in params:
        if getattr(one, "is_flag", False) and one.metavar is None:
            one.metavar = ""
    return params


app = typer.Typer(
    name="puhui",
    cls=Program,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Inclusive finance on one machine: small loans from application to money in the wallet, "
        "every decision explained, every act replayable.\n\n"
        "Everything is kept under PUHUI_HOME (default: the folder var). Start with: puhui run"
    ),
    epilog="Exit codes: 0 done, 2 refused or bad input, 1 fault. See docs/guides/developer.md.",
)

WORK, LOOK, KEEP = "Lending and paying", "Looking", "Running a node"
DESK = "The credit desk"
app.command("run", rich_help_panel=WORK)(run.run)
app.command("lend", rich_help_panel=WORK)(lend.lend)
app.command("months", rich_help_panel=WORK)(months.months)
app.command("apply", rich_help_panel=WORK)(apply.apply)
app.command("pay", rich_help_panel=WORK)(pay.pay)
app.add_typer(message.message_app, name="message", rich_help_panel=WORK)
app.command("repay", rich_help_panel=WORK)(repay.repay)
app.add_typer(score.score_app, name="score", rich_help_panel=WORK)
app.add_typer(offline_desk.desk_app, name="offline", rich_help_panel=WORK)
app.add_typer(signing.signing_app, name="exchange", rich_help_panel=WORK)
app.add_typer(audit.audit_app, name="audit", rich_help_panel=LOOK)
app.command("claims", rich_help_panel=LOOK)(claims.claims)
app.add_typer(conformance.conformance_app, name="conformance", rich_help_panel=LOOK)
app.add_typer(product.products_app, name="products", rich_help_panel=DESK)
app.add_typer(partner.partners_app, name="partners", rich_help_panel=DESK)
app.add_typer(offer.offers_app, name="offers", rich_help_panel=DESK)
app.add_typer(guarantee.guarantees_app, name="guarantees", rich_help_panel=DESK)
app.command("relief", rich_help_panel=DESK)(watch.relief)
app.command("limits", rich_help_panel=DESK)(watch.credit_limits)
app.command("corridor", rich_help_panel=LOOK)(corridor.corridor)
ledger.ledger_app.command("export")(export.export)
ledger.ledger_app.command("statement")(export.statement)
for command in (ledger_copy.ship, ledger_copy.restore, ledger_copy.prune):
    ledger.ledger_app.command(command.__name__)(command)
app.add_typer(ledger.ledger_app, name="ledger", rich_help_panel=LOOK)
app.command("replay", rich_help_panel=LOOK)(upkeep.replay)
app.command("serve", rich_help_panel=KEEP)(serve.serve)
app.add_typer(api_key.api_key_app, name="api-key", rich_help_panel=KEEP)
app.command("migrate", rich_help_panel=KEEP)(upkeep.migrate)
app.command("promote", rich_help_panel=KEEP)(standby.promote)
app.command("worker", rich_help_panel=KEEP)(upkeep.worker)
app.command("close-day", rich_help_panel=KEEP)(upkeep.close_day)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and end."),
) -> None:
    if version:
        from puhui import __version__

        print(f"puhui {__version__}")
        raise typer.Exit


def main(arguments: list[str] | None = None) -> None:
    """Run the program on ``arguments`` (default: those of the process) and exit with its code."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    sys.exit(_code_of(arguments))


def _code_of(arguments: list[str] | None) -> int:
    """Run the program; what went wrong becomes one sentence on stderr and a code."""
    try:
        ended: Any = app(arguments, prog_name="puhui", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        ended = STOPPED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _missing(error, sys.argv[1:] if arguments is None else arguments) or _failed(error)
    if ended == STOPPED:
        return _say("Stopped. What was answered is kept; the same command goes on.", STOPPED)
    return ended if isinstance(ended, int) else 0


def _missing(error: Exception, words: list[str]) -> int:
    """Bad input rather than a fault: a file that was named and is not there, or is none.

    0 for anything else.
    """
    if not isinstance(error, FileNotFoundError | IsADirectoryError):
        return 0
    name = str(error.filename)
    if name not in words:
        return 0
    if not Path(name).parent.is_dir():
        return _say(f"Refused: There is no folder {Path(name).parent}. (cli.no_file)", REFUSED)
    if isinstance(error, IsADirectoryError):
        return _say(f"Refused: {name} is a folder, and no file. (cli.no_file)", REFUSED)
    return _say(f"Refused: There is no file {name}. (cli.no_file)", REFUSED)


def _failed(error: Exception) -> int:
    show = getattr(error, "show", None)
    if show is not None:  # a wrong option or a missing argument, nearly in typer's own words
        for theirs, ours in WORDING:
            error.message = error.message.replace(theirs, ours)  # type: ignore[attr-defined]
        show(file=sys.stderr)
        return REFUSED
    from puhui.kernel.errors import Fault, Refused

    if isinstance(error, Refused):
        return _say(f"Refused: {error.reason} ({error.code})", REFUSED)
    fault = error if isinstance(error, Fault) else _fault_of(error)
    return _say(f"Fault: {fault.reason} ({fault.code})", FAULT)


def _fault_of(error: Exception) -> Fault:
    """What an error that nobody foresaw means to people."""
    from puhui.kernel.errors import Fault

    if isinstance(error, MemoryError):
        return Fault("cli.no_memory", "There is not enough memory for this.")
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return Fault("cli.file_system", f"{error.strerror}{where}.")
    return Fault(
        "cli.unexpected",
        f"A mistake in puhui itself ({type(error).__name__}); the act that failed recorded "
        f"nothing. {_kept(error)}",
    )


def _kept(error: Exception) -> str:
    """Keep where it happened in a file for whoever mends it; the screen stays readable."""
    import traceback

    from puhui.node import home_folder

    path = home_folder() / "fault.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), "utf-8")
    except OSError:
        return "Where it happened could not be written down."
    return f"Where it happened stands in {path}."


def _say(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)
    return code
