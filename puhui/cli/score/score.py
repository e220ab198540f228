"""``puhui score``: score the rows of a file, list the models on record, and what is beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from puhui.cli import say
from puhui.cli.open import opened
from puhui.cli.score import batch, train
from puhui.cli.score.named import model_of

if TYPE_CHECKING:
    from puhui.kernel import Node
    from puhui.score import Model, study

MODELS = "models"
BLOCK = 20_000
SHOWN = 10
COLUMNS = ("line", "id", "points", "pd", "reasons", "refused")

FILE = "file"


class FileFirst(TyperGroup):
    """A group whose first word may be a file: then the command that scores it is meant."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the word in front that was left out."""
        if args and args[0] not in (*self.commands, "--help", "-h"):
            args = [FILE, *args]
        return super().parse_args(ctx, args)


def score(
    file: Annotated[
        str, typer.Argument(metavar="FILE.csv|models", help="Rows to score, or the word models.")
    ],
    mapping: Annotated[
        str, typer.Option("--mapping", "-m", help="What the columns mean, as for puhui lend.")
    ] = "",
    model: Annotated[
        str,
        typer.Option(
            metavar="DIGEST",
            help="The model, by the first digits of its digest "
            "(default: the last one put in force for this mapping).",
        ),
    ] = "",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where scores go: a .csv or .json file.")
    ] = None,
    reasons: Annotated[int, typer.Option(min=0, max=10, help="Reasons to give each row.")] = 4,
    encoding: Annotated[str, typer.Option(help="utf-8 or gb18030, where it cannot be told.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """Score the rows of a file: points 0 to 1000, probability of default, and reasons.

    Only the columns of the signals are needed; nothing is recorded and nobody applies. Rows that
    cannot be read are told with line and reason. "puhui score models" lists every model that was
    put in force, with its data and figures.

    Example: puhui score file new.csv --mapping small_loans --out scores.csv
    """
    if out is not None and out.suffix not in (".csv", ".json"):
        raise typer.BadParameter("--out needs a name that ends in .csv or .json.")
    if file == MODELS:
        _list(as_json)
        return
    if not mapping:
        raise typer.BadParameter("A file needs --mapping: what its columns mean.")
    with opened() as node:
        found = _score(node, Path(file), mapping, model, out, reasons, encoding)
    if as_json:
        say.figures(found)


def _list(as_json: bool) -> None:
    from puhui.kernel.clock import time_of
    from puhui.score import list_models

    with opened() as node, node.read() as tx:
        models = list_models(tx)
    last = {one.name: one.version for one in models}
    say.table(
        ("in force as", "version", "kind", "digest", "data", "mapping", "AUC (cv)", "since"),
        [
            (
                one.name + ("" if last[one.name] == one.version else " (earlier)"),
                str(one.version),
                one.kind,
                one.digest[:12],
                one.data_digest[:12],
                one.mapping,
                say.number(dict(one.metrics).get("cv_auc")),
                time_of(one.registered_us).date().isoformat(),
            )
            for one in models
        ],
        right=(1, 6),
    )
    if not models:
        say.line("No model is in force yet: puhui run or puhui lend puts one there.")
    if as_json:
        filed = sum(bool(one.data_digest and one.metrics and one.maker) for one in models)
        say.figures({"models": len(models), "in_force": len(last), "models_with_papers": filed})


def _score(
    node: Node,
    path: Path,
    mapping_name: str,
    digest: str,
    out: Path | None,
    reasons: int,
    encoding: str,
) -> dict[str, object]:
    from puhui.score import study

    mapping = study.read_mapping(mapping_name)
    model = model_of(node, mapping, digest)
    counts = {"rows": 0, "refused_rows": 0}
    sums = {"points": 0, "pd": 0.0}
    first: list[dict[str, Any]] = []

    def counted(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for row in rows:
            if row["refused"]:
                counts["refused_rows"] += 1
            else:
                counts["rows"] += 1
                sums["points"] += row["points"]
                sums["pd"] += row["pd"]
            if len(first) < SHOWN:
                first.append(row)
            yield row

    with say.progress() as step:
        rows = counted(_rows(path, mapping, model, reasons, encoding, step))
        _write(out, rows)
    say.table(COLUMNS, [_cells(row) for row in first], right=(0, 2, 3))
    if counts["rows"] + counts["refused_rows"] > len(first):
        say.line(f"... the first {len(first)} of them")
    say.line(
        f"{counts['rows']:,} rows scored, {counts['refused_rows']:,} refused, by {model.kind} "
        f"{model.digest[:12]}{f'; written to {out}' if out else ''}."
    )
    scored = max(counts["rows"], 1)
    return {
        **counts,
        "model": model.digest,
        "kind": model.kind,
        "points_mean": sums["points"] / scored if counts["rows"] else None,
        "pd_mean": sums["pd"] / scored if counts["rows"] else None,
        "out": str(out) if out else None,
    }


def _rows(
    path: Path, mapping: study.Mapping, model: Model, reasons: int, encoding: str, step: say.Step
) -> Iterator[dict[str, Any]]:
    """Every row of the file as it is written, in blocks: scored, or refused with its reason."""
    from puhui.intake import read_file

    reading = read_file(
        path,
        train.without_outcome(mapping),
        "score",
        encoding=encoding,
        progress=lambda done, total: step("read", done, total),
    )
    block: list[Any] = []
    for row in reading:
        block.append(row)
        if len(block) == BLOCK:
            yield from _scored(block, reading.columns, mapping, model, reasons)
            block = []
    if block:
        yield from _scored(block, reading.columns, mapping, model, reasons)


def _scored(
    block: Sequence[Any],
    columns: Sequence[str],
    mapping: study.Mapping,
    model: Model,
    reasons: int,
) -> Iterator[dict[str, Any]]:
    from puhui.score import Table, score_table, study

    rows = [row for row in block if not hasattr(row, "code")]
    table = Table.of_rows(columns, [[row.values[name] for name in columns] for row in rows])
    scores = score_table(model, table, mapping=mapping)
    refused = {one.row: one for one in scores.refusals}
    good = [place for place in range(table.rows) if place not in refused]
    told: dict[int, Any] = {}
    if reasons and good:
        found = study.explain_table(model, table, good, reasons=reasons, mapping=mapping)
        told = {place: one.reasons for place, one in zip(good, found, strict=True)}
    places = iter(range(len(rows)))
    for row in block:
        if hasattr(row, "code"):
            yield _refused(row.line, "", f"{row.reason_en} ({row.code})")
            continue
        place = next(places)
        own = row.values.get(mapping.id_column, "")
        if place in refused:
            yield _refused(row.line, own, f"{refused[place].reason} ({refused[place].code})")
        else:
            yield {
                "line": row.line,
                "id": own,
                "points": int(scores.points[place]),
                "pd": float(scores.pd[place]),
                "reasons": "; ".join(reason.code for reason in told.get(place, ())),
                "refused": "",
            }


def _refused(line: int, own: str, why: str) -> dict[str, Any]:
    return {"line": line, "id": own, "points": None, "pd": None, "reasons": "", "refused": why}


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    pd = "" if row["pd"] is None else f"{row['pd']:.4f}"
    points = "" if row["points"] is None else str(row["points"])
    return (str(row["line"]), row["id"], points, pd, row["reasons"], row["refused"])


def _write(out: Path | None, rows: Iterator[dict[str, Any]]) -> None:
    """Write the rows as they come to a draft that takes the name only when it is whole."""
    if out is None:
        for _ in rows:
            pass
        return
    draft = out.with_name(f".{out.name}.draft")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with draft.open("w", encoding="utf-8", newline="") as stream:
            if out.suffix == ".csv":
                writer = csv.DictWriter(stream, COLUMNS)
                writer.writeheader()
                writer.writerows(rows)
            else:
                separator = "[\n"
                for row in rows:
                    stream.write(separator + json.dumps(row, ensure_ascii=False))
                    separator = ",\n"
                stream.write("[]\n" if separator == "[\n" else "\n]\n")
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


score_app = typer.Typer(cls=FileFirst, no_args_is_help=True)


@score_app.callback()
def _score_group() -> None:
    """Score the rows of a file: points, probability of default, reasons; or list the models.

    "puhui score FILE.csv --mapping NAME" is short for "puhui score file FILE.csv --mapping NAME".
    "puhui score models" lists the models that may be named.
    """


score_app.command(FILE)(score)
score_app.command("batch")(batch.batch)
score_app.command("export")(batch.export)
score_app.command("train")(train.train)
