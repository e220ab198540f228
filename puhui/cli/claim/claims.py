"""``puhui claims``: the 35 systems of the survey, as reported and as measured here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from puhui.cli import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from puhui.cli.claim.measure import Measured, Standing, SurveyRow


def claims(
    run: Annotated[
        bool, typer.Option("--run", help="Measure again, on a scratch node; takes minutes.")
    ] = False,
    row: Annotated[
        list[int] | None, typer.Option(metavar="NUMBER", help="Only this row; repeatable.")
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Show command, data, code and day of each figure.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """List what the survey reports of 35 systems beside what was measured here.

    No figure of ours is written down anywhere: each one was printed by a command, and is kept in
    PUHUI_HOME with that command, the digest of its data, the commit and the day. A figure that
    other code measured is shown as stale. What only a market can give is not measurable here;
    the nearest figure that is stands beside it.

    Example: puhui claims --run --row 1 --details
    """
    from puhui.cli.claim import measure
    from puhui.node import home_folder

    rows = [one for one in measure.survey_rows() if not row or one.number in row]
    if not rows:
        raise typer.BadParameter("The survey has rows 1 to 35.")
    home = home_folder()
    kept = measure.read_kept(home)
    left_out: Mapping[str, str] = {}
    if run:
        names = {one.command for each in rows for one in each.figures if one.command}
        with say.progress() as step:
            kept, left_out = measure.measure(names, kept, step=step)
        measure.keep(home, kept)
    commit = measure.commit_now()
    standing = [
        (each, [measure.standing_of(one, kept, commit) for one in each.figures]) for each in rows
    ]
    _show(standing)
    if details:
        _show_details(standing, kept)
    for name, why in left_out.items():
        say.note(f"Not measured now: {measure.commands()[name].shown}: {why}.")
    counts = _counts(standing)
    say.line(
        f"\n{counts['rows']} rows, {counts['rows_measured']} with figures of ours; "
        f"{counts['measured']} figures measured, {counts['stale']} stale, "
        f"{counts['market']} not measurable here, {counts['not_yet']} not yet."
    )
    say.line(f"Reported: {measure.survey_source()}. Code now: {commit}.")
    if as_json:
        say.figures({**counts, "commit": commit, **_values(standing)})
    if left_out and not any(name in kept for name in left_out):
        raise typer.Exit(1)


def _show(standing: list[tuple[SurveyRow, list[Standing]]]) -> None:
    lines = []
    for each, figures in standing:
        for place, one in enumerate(figures):
            head = (str(each.number), f"{each.zh} {each.en}") if place == 0 else ("", "")
            lines.append((*head, one.figure.what, one.figure.reported, ours(one)))
    say.table(("#", "system", "figure", "reported", "ours"), lines, right=(0,))


def ours(one: Standing) -> str:
    """Our side of a figure in words."""
    shown = f"{amount(one)} {one.figure.unit}"
    if one.state == "measured":
        return shown
    if one.state == "stale":
        return f"stale: {shown}, measured by {_by(one)}"
    if one.state == "proxy":
        old = f" (stale, by {_by(one)})" if one.is_stale else ""
        return f"not measurable here; nearest: {shown}{old}"
    if one.state == "market":
        return "not measurable here"
    return "not yet" if not one.figure.command else "not yet (--run measures it)"


def _by(one: Standing) -> str:
    return one.measured.commit if one.measured is not None else ""


def amount(one: Standing) -> str:
    """The value as people read it."""
    value, form = one.value, one.figure.form
    if not isinstance(value, int | float) or isinstance(value, bool):
        return str(value)
    if form == "share":
        return say.share(float(value), 2)
    if form == "minor":
        return f"{value / 100:,.2f}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _show_details(
    standing: list[tuple[SurveyRow, list[Standing]]], kept: Mapping[str, Measured]
) -> None:
    from puhui.cli.claim import measure

    named = {one.figure.command for _, figures in standing for one in figures}
    say.line()
    for name, command in measure.commands().items():
        if name in named and name in kept:
            one = kept[name]
            say.line(one.command)
            say.line(
                f"  on {command.on}, data {one.data_digest[:12]}, code {one.commit}, "
                f"{one.measured_on}"
            )


def _counts(standing: list[tuple[SurveyRow, list[Standing]]]) -> dict[str, int]:
    states = [one.state for _, figures in standing for one in figures]
    return {
        "rows": len(standing),
        "rows_measured": sum(
            any(one.state in ("measured", "stale") for one in figures) for _, figures in standing
        ),
        "measured": states.count("measured"),
        "stale": states.count("stale"),
        "market": states.count("market") + states.count("proxy"),
        "not_yet": states.count("none"),
    }


def _values(standing: list[tuple[SurveyRow, list[Standing]]]) -> dict[str, object]:
    """Every value by row and name; null where it is not measured."""
    return {
        f"row_{each.number}_{one.figure.command}_{one.figure.name}": one.value
        for each, figures in standing
        for one in figures
        if one.figure.command
    }
