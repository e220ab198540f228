"""``puhui score batch`` and ``puhui score export``: a model over a whole file, or elsewhere."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from puhui.cli import say
from puhui.cli.open import opened
from puhui.cli.score.named import model_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from puhui.score import Model, study
    from puhui.score.window import Batch

MODEL_HELP = (
    "The model: the first digits of its digest, or its .json file "
    "(default: the last one put in force for the mapping)."
)


def batch(
    file: Annotated[Path, typer.Argument(metavar="FILE.parquet", help="The rows to score.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where scores go (default: FILE.scores.parquet)."),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", "--card", metavar="DIGEST|FILE", help=MODEL_HELP)
    ] = "",
    mapping: Annotated[
        str,
        typer.Option("--mapping", "-m", help="What the columns mean (default: as in training)."),
    ] = "",
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="A column to carry over, such as the id; repeatable."),
    ] = None,
    spark: Annotated[
        str,
        typer.Option(metavar="MASTER", help="Score on this Spark cluster, such as local[2]."),
    ] = "",
    threads: Annotated[int, typer.Option(min=1, max=64, help="Threads that read.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """Score a Parquet file of any length into another one, in the same order.

    The new file has the columns kept, then points from 0 to 1000, pd (the probability of
    default) and, for a row that cannot be scored, the reason. It appears when it is whole; a run
    that was cut short leaves nothing and can simply be started again. Scores of an earlier run
    are replaced, any other file is left alone.

    Example: puhui score batch people.parquet --model 3f2a9c --keep id --out scores.parquet
    """
    from puhui.score import study

    declared, target = None, out or file.with_name(f"{file.stem}.scores.parquet")
    if mapping:
        declared = study.read_mapping(mapping)
    chosen = model_named(model, declared)
    started, cpu = time.perf_counter(), time.process_time()
    found = _scored(chosen, file, target, declared, keep or (), spark, threads)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    for one in found.first:
        say.note(f"Row {one.row + 1:,}: {one.reason} ({one.code})")
    scored = found.rows - found.refused_rows
    say.line(
        f"{scored:,} rows scored, {found.refused_rows:,} refused, by {chosen.kind} "
        f"{chosen.digest[:12]} in {seconds:.1f} s ({cpu:.1f} s of computing); written to {target}."
    )
    if as_json:
        say.figures(_figures(found, chosen, target, seconds, cpu))


def _scored(
    model: Model,
    file: Path,
    target: Path,
    mapping: study.Mapping | None,
    keep: Sequence[str],
    spark: str,
    threads: int,
) -> Batch:
    """Score the file; whoever stops the program by Ctrl-C or SIGTERM finds no half file."""
    from puhui.score.window import score_parquet, score_spark

    earlier = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with say.progress() as step:
            if spark:
                return score_spark(model, file, target, master=spark, mapping=mapping, keep=keep)
            return score_parquet(
                model, file, target, mapping=mapping, keep=keep, threads=threads,
                progress=lambda done, total: step("score rows", done, total),
            )  # fmt: skip
    except KeyboardInterrupt:
        say.note(f"Nothing was written to {target}; the next run begins anew.")
        raise
    finally:
        signal.signal(signal.SIGTERM, earlier)


def _figures(
    found: Batch, model: Model, target: Path, seconds: float, cpu: float
) -> dict[str, object]:
    scored = found.rows - found.refused_rows
    return {
        "rows": found.rows,
        "refused_rows": found.refused_rows,
        "points_mean": found.points_sum / scored if scored else None,
        "seconds": round(seconds, 3),
        "cpu_s": round(cpu, 3),
        "peak_rss_mib": peak_rss_mib(),
        "model": model.digest,
        "kind": model.kind,
        "out": str(target),
    }


def peak_rss_mib() -> float:
    """The most memory that this process ever had in use, in MiB."""
    import resource

    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


def export(
    model: Annotated[str, typer.Argument(metavar="DIGEST|FILE", help="The model to write.")],
    to: Annotated[str, typer.Option(metavar="sql|json", help="As what to write it.")] = "sql",
    table: Annotated[str, typer.Option(help="The table that the SQL scores.")] = "applicants",
    key: Annotated[str, typer.Option(help="The column that tells its rows apart.")] = "id",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to (default: the screen).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """Write a model for another system, where it scores exactly as it does here.

    As SQL it is one query that DuckDB, SQLite and PostgreSQL answer alike, over a table with one
    column per signal; as JSON a document with the words of PMML. Points cards, trees and additive
    tables are all written so.

    Example: puhui score export 3f2a9c --to sql --table applicants --out card.sql
    """
    from puhui.score.window import model_document, model_sql

    if to not in ("sql", "json"):
        raise typer.BadParameter("--to takes sql or json.")
    chosen = model_named(model, None)
    text = model_sql(chosen, table, key=key) if to == "sql" else model_document(chosen)
    if out is None:
        say.line(text.rstrip("\n"))
    else:
        draft = out.with_name(f".{out.name}.draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(out)
        say.line(f"The model {chosen.digest[:12]} is written to {out}.")
    if as_json:
        say.figures({"model": chosen.digest, "signals": len(chosen.signals), "bytes": len(text)})


def model_named(name: str, mapping: study.Mapping | None) -> Model:
    """The model of a file, of the first digits of a digest, or in force for a mapping."""
    from puhui.score import load_model

    path = Path(name)
    if path.suffix == ".json" and path.is_file():
        return load_model(path.parent, path.stem)
    if not name and mapping is None:
        raise typer.BadParameter("Say which model: --model with a digest or a file, or --mapping.")
    with opened() as node:
        return model_of(node, mapping, name)
