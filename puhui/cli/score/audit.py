"""``puhui audit``: look at decisions for fairness, and write what was found as a page."""

from __future__ import annotations

import csv
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from puhui.cli import say
from puhui.cli.score import audit_model

if TYPE_CHECKING:
    from puhui.score import Table
    from puhui.score.window import Audit, Search

BYTES_MAX = 500_000_000
COUNTY = "county"
STARTS = {
    COUNTY: "county_fairness",
    "hmda": "hmda",
    "german": "german_credit",
    "sba_n": "sba_national",
    "sba_c": "sba_case",
}
METHOD = (
    "Every group is compared with the reference of its attribute. p is the chance of such a "
    "difference in approvals if there were none (Fisher's exact test; a z test with continuity "
    "correction above 100,000 rows). p, family holds the chance of any false alarm among all "
    "tests of this audit (Holm). A finding needs p, family below 5 in 100 and a ratio below four "
    "fifths or a gap above 2 points. Of a group with fewer than 100 rows nothing is claimed. SMD "
    "is the difference of mean scores in standard deviations."
)

audit_app = typer.Typer(no_args_is_help=True, help="Look at decisions for fairness.")


@audit_app.callback()
def _audit() -> None:
    """Look at decisions for fairness."""


@audit_app.command("fairness")
def fairness(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv|county",
            help="Rows with their decisions, or the word county: synthetic rows with a seeded "
            "bias against the country.",
        ),
    ],
    mapping: Annotated[
        str,
        typer.Option(
            "--mapping",
            "-m",
            help="The audit: a name that comes with puhui (hmda, german_credit, sba_national, "
            "sba_case, county_fairness) or the path of a TOML file; by default the file's name "
            "tells.",
        ),
    ] = "",
    cut_off: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Approve up to this probability of default, 0 to 1."),
    ] = None,
    search: Annotated[
        bool, typer.Option(help="Also search for a less discriminatory way to decide.")
    ] = True,
    reports: Annotated[
        Path | None, typer.Option(help="Folder of the HTML report (default: none is written).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """Compare approvals, scores and outcomes of groups, and look for a fairer way to decide.

    Nothing is recorded. Columns that tell a group are used by the audit alone, never by a score.

    Example: puhui audit fairness hmda_test.csv --mapping hmda --reports reports
    """
    from puhui.score import study
    from puhui.score.window import (
        audit_figures,
        audit_file,
        read_declaration,
        search_alternative,
    )

    declaration = read_declaration(mapping or _guess(file))
    read = study.read_mapping(declaration.mapping) if declaration.mapping else None
    table = _table(file) if str(file) != COUNTY else _county()
    audit = audit_file(table, declaration, read, pd_max=cut_off)
    found = None
    if search and read is not None:
        found = search_alternative(table, declaration, read, pd_max=cut_off)
    _show(audit, found)
    if reports is not None:
        reports.mkdir(parents=True, exist_ok=True)
        path = reports / f"fairness_{declaration.name}.html"
        path.write_text(page(audit, found), encoding="utf-8")
        say.line(f"Report: {path}")
    if as_json:
        say.figures(audit_figures(audit, found))


def _show(audit: Audit, found: Search | None) -> None:
    from puhui.score.window import ALTERNATIVE_COLUMNS, COLUMNS, alternative_lines, audit_lines

    say.table(COLUMNS, audit_lines(audit), right=tuple(range(3, 13)))
    for name, share in audit.unknown:
        if share:
            say.line(f"{name}: unknown for {100 * share:.0f} of 100 rows, which are left out.")
    say.line(METHOD)
    if found is not None:
        say.table(ALTERNATIVE_COLUMNS, alternative_lines(found), right=(2, 3, 4, 5))
        say.line(_searched(found))


def _searched(search: Search) -> str:
    return (
        f"{search.candidates} candidates were fitted on {search.fitted_rows:,} rows and chosen on "
        f"{search.selected_rows:,}; the figures are of {search.reported_rows:,} other rows."
    )


def _county() -> Table:
    from puhui.demo.window import fairness_rows

    say.line("Demo county, synthetic: rural scores are made 30 per cent lower.")
    return fairness_rows(1, is_biased=True)


def _guess(file: Path) -> str:
    for start, name in STARTS.items():
        if file.stem.startswith(start):
            return name
    names = ", ".join(sorted({*STARTS.values()}))
    raise typer.BadParameter(
        f"--mapping is needed, which columns tell the groups: {names}, or a TOML file."
    )


def _table(file: Path) -> Table:
    from puhui.kernel import Refused
    from puhui.score import Table

    if not file.is_file():
        raise Refused("cli.no_file", f"There is no file {str(file)[:200]}.")
    if file.stat().st_size > BYTES_MAX:
        raise Refused("cli.file_too_large", "The file is larger than 500 MB.")
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream)
            header = [name or f"column_{place}" for place, name in enumerate(next(rows, []))]
            return Table.of_rows(header, rows)
    except UnicodeDecodeError:
        raise Refused("cli.file_unreadable", "The file is not UTF-8 text.") from None


def page(audit: Audit, search: Search | None) -> str:
    """The report as one HTML page that needs nothing else; every picture has its table."""
    from puhui.score.window import ALTERNATIVE_COLUMNS, COLUMNS, alternative_lines, audit_lines

    parts = [
        f"<h1>{escape(audit.title_zh)}<br><small>{escape(audit.title_en)}</small></h1>",
        f"<p>{audit.rows:,} rows, {audit.approved:,} approved, {len(audit.found)} findings "
        f"of {audit.family} tests.</p>",
        f'<div role="img" aria-label="Approvals beside the reference, by group; the table below '
        f'has the same figures">{_picture(audit)}</div>',
        _html_table("Groups 各群体", COLUMNS, audit_lines(audit)),
        f"<p>{escape(METHOD)}</p>",
        _html_table(
            "All cut-offs 各审批率下",
            ("attribute", "group", "approved of all", "ratio", "gap"),
            [
                (one.attribute, one.group, f"{one.share:.2f}", f"{one.adverse_impact_ratio:.3f}",
                 f"{one.approval_gap:.3f}")
                for one in audit.cut_offs
            ],
        ),
        _html_table(
            "Calibration 群体内校准",
            ("attribute", "group", "rows", "mean pd", "bad"),
            [
                (one.attribute, one.group, str(one.rows), f"{one.mean_pd:.4f}",
                 f"{one.bad_share:.4f}")
                for one in audit.calibration
            ],
        ),
    ]  # fmt: skip
    if search is not None:
        lines = alternative_lines(search)
        parts.append(_html_table("Fairer ways 更公平的做法", ALTERNATIVE_COLUMNS, lines))
        parts.append(f"<p>{escape(_searched(search))}</p>")
    return (
        '<!doctype html><html lang="zh"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Fairness 公平性审查</title>'
        "<style>body{font:16px/1.6 system-ui;max-width:70rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}"
        "th,td{padding:.2rem .6rem;border-bottom:1px solid #ccc;text-align:right}"
        "caption{text-align:left;font-weight:600}th:first-child,td:first-child,th:nth-child(2),"
        "td:nth-child(2){text-align:left}svg{max-width:100%;height:auto}</style></head><body>"
        "<main>" + "".join(parts) + "</main></body></html>"
    )


def _picture(audit: Audit) -> str:
    import vl_convert

    values = [
        {"group": f"{one.attribute}: {one.group}", "ratio": one.adverse_impact_ratio}
        for one in audit.findings
        if not one.is_guarded
    ]
    spec: dict[str, Any] = {
        "width": 420,
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "bar", "color": "#0b6e4f"},
                "encoding": {
                    "y": {"field": "group", "type": "nominal", "sort": None, "title": None},
                    "x": {
                        "field": "ratio",
                        "type": "quantitative",
                        "title": "approval share over the reference's",
                    },
                },
            },
            {
                "mark": {"type": "rule", "color": "#b3261e", "strokeDash": [4, 4]},
                "encoding": {"x": {"datum": audit.rules.ratio_min}},
            },
        ],
    }
    return str(vl_convert.vegalite_to_svg(spec))


def _html_table(caption: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


audit_app.command("model")(audit_model.audit_model)
