"""``puhui lend``: a file of past applications, or the demo county, through the lender."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from puhui.cli import say
from puhui.cli.open import opened, operator

if TYPE_CHECKING:
    from puhui.intake import LendRun

File = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE.csv", help="Past applications with how they ended.", show_default=False
    ),
]
MappingName = Annotated[
    str,
    typer.Option(
        "--mapping",
        "-m",
        help="What the columns mean: a name that comes with puhui (sba_case, sba_national, "
        "small_loans) or the path of a TOML file.",
    ),
]


def lend(
    file: File = None,
    mapping: MappingName = "",
    product: Annotated[
        str, typer.Option(help="The product asked for; each mapping has its usual one.")
    ] = "",
    open_data: Annotated[
        str,
        typer.Option(
            "--open", metavar="NAME", help="Open data that comes with puhui: small-loans."
        ),
    ] = "",
    encoding: Annotated[str, typer.Option(help="utf-8 or gb18030, where it cannot be told.")] = "",
    reports: Annotated[
        Path | None,
        typer.Option(help="Folder of the HTML report (default: reports in PUHUI_HOME)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """Lend on a file: learn from its past, decide the rest, pay out, and report how good it was.

    Every row becomes an application through the ordinary acts: apply, decide, sign, pay out. Rows
    that the mapping keeps for training teach the model; bad rows are refused one by one with
    line and reason. A second run finds everything done. Without a file, the merchants of the
    demo county (synthetic) are decided from 90 days of flows that they consented to show.

    Example: puhui lend sba_case.csv --mapping sba_case --json
    """
    _check(file, mapping, open_data, product)
    extra: dict[str, object] = {}
    with opened() as node:
        if file is None and not open_data:
            from puhui.cli.lending.county import lend_county

            with say.progress() as step:
                county = lend_county(node, reports=reports, step=step)
            ran, extra = county.ran, county.extra
        else:
            from puhui.intake import lend_file

            with say.progress() as step:
                ran = lend_file(
                    node,
                    operator(),
                    file=file,
                    mapping=mapping,
                    product=product,
                    open_data=open_data,
                    encoding=encoding,
                    reports=reports,
                    step=step,
                )
        show(ran)
    if as_json:
        say.figures({**figures_of(ran), **extra})


def _check(file: Path | None, mapping: str, open_data: str, product: str) -> None:
    if file is not None and open_data:
        raise typer.BadParameter("Give a file or --open, not both.")
    if file is not None and not mapping:
        raise typer.BadParameter("A file needs --mapping: what its columns mean.")
    if file is None and not open_data and (mapping or product):
        raise typer.BadParameter("--mapping and --product need a file or --open.")


def figures_of(ran: LendRun) -> dict[str, object]:
    """The figures of a run, with the digest of the data they were measured on."""
    report = ran.report
    data = report.file.digest if report.file else report.model.data_digest
    loans = report.disbursed_loans
    return {
        **ran.figures(),
        "disbursed_loans": loans,
        "mean_loan": float(report.disbursed.major()) / loans if loans else None,
        "data_digest": data,
    }


def show(ran: LendRun) -> None:
    """A run in words: what happened, how good it was, what it cost, where the report lies."""
    report = ran.report
    made_up = "synthetic: " if report.is_synthetic else ""
    approved_share = report.approved / max(report.applications, 1)
    again = "nothing new: all of it was done before"
    say.pairs(
        [
            ("data", f"{made_up}{report.title_en} ({report.source_title})"),
            (
                "decided by",
                f"{report.model.kind} {report.model.digest[:12]}, "
                f"trained on {report.model.train_rows:,} rows",
            ),
            ("applications", f"{report.applications:,}, and {report.refused_rows:,} refused rows"),
            (
                "approved",
                f"{report.approved:,} ({say.share(approved_share)}), {report.capped:,} capped; "
                f"{report.reviewed:,} wait for a person",
            ),
            ("paid out", f"{report.disbursed} in {report.disbursed_loans:,} loans"),
            ("recorded", f"{report.new_acts:,} acts" if report.new_acts else again),
            *_quality(ran),
            (
                "one application",
                f"{report.cpu_ms_per_application:.2f} ms CPU, {report.cost.yuan:.2f} yuan in all",
            ),
            ("trial balance", f"{report.trial_balance} apart"),
            ("took", f"{report.seconds:.1f} s"),
            ("report", f"{ran.pages[0]}  (in English: {ran.pages[1].name})"),
        ]
    )


def _quality(ran: LendRun) -> list[tuple[str, str]]:
    """How good the decisions were, where it is known how the loans ended."""
    found, replication = ran.report.evaluation, ran.report.replication
    rows = []
    if found is not None:
        measures = found.measures
        rows += [
            ("AUC, KS", f"{measures.auc:.4f}, {measures.ks:.4f} on {measures.rows:,} rows"),
            (
                "bad rate",
                f"{say.share(found.bad_rate_approved)} of the approved, "
                f"{say.share(found.bad_rate_all)} of all",
            ),
            ("net result", f"{found.realised.net}; at random {found.realised_random_net}"),
        ]
    if replication is not None:
        rows.append(
            (
                "published",
                f"{say.share(replication.misclassified_share, 2)} misclassified, in the paper "
                f"{say.share(replication.published_share, 2)} (a fit that never decides)",
            )
        )
    return rows
