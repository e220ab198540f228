"""Scoring a Parquet file of any length into another: DuckDB reads and writes, kernels add up.

DuckDB decodes row groups in threads of its own and hands over blocks in the file's order; the
kernels score a block without the interpreter lock; another connection writes what comes out.
At no time is more in memory than a few blocks. The new file takes its name when it is whole.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.errors import Fault, Refused
from puhui.score.arrays.block import Column, block_matrix, pds_in_range
from puhui.score.arrays.card import card_totals
from puhui.score.engines.scorer import Scorer, make_scorer, score_matrix
from puhui.score.formats.protected_toml import protected_names
from puhui.score.nouns import SCORE_MAX, Mapping, Model, RowRefusal
from puhui.score.rules.protect import refuse_protected_names

Floats = NDArray[np.float64]

BLOCK_ROWS = 131_072
"""Rows scored at a time: small enough for the cache's outskirts, large enough to cost nothing."""
MEMORY = "768MB"
"""What each of DuckDB's two connections may hold."""
OWN_COLUMNS = ("points", "pd", "refused")
SHOWN = 5
NO_ROOM = os.strerror(errno.ENOSPC)
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Batch:
    """What became of a file: rows read, rows refused, and the first few refusals in words."""

    rows: int = 0
    refused_rows: int = 0
    points_sum: int = 0
    first: list[RowRefusal] = field(default_factory=list)


def score_parquet(
    model: Model,
    source: Path,
    target: Path,
    *,
    mapping: Mapping | None = None,
    keep: Sequence[str] = (),
    threads: int = 2,
    progress: Progress | None = None,
) -> Batch:
    """Score every row of ``source`` into ``target``, in the same order.

    ``target`` has the columns of ``keep`` as they are, ``points`` (0..1000) and ``pd`` (0..1),
    both null in a row that cannot be scored, and then ``refused`` with code and reason. A run
    that is cut short leaves an earlier ``target`` as it was, and can simply be started again; a
    file that holds no scores is never written over. Refused: ``score.engine_missing``,
    ``score.file_missing``, ``score.not_parquet``, ``score.column_missing``,
    ``score.column_type``, ``score.column_twice``, ``score.same_file``, ``score.target_taken``,
    ``score.protected_signal``.
    Fault: ``score.not_written`` where the disk is full or does not take the file.
    """
    duckdb, arrow = libraries()
    if not source.is_file():
        raise Refused("score.file_missing", f"There is no file {str(source)[:200]!r}.")
    scorer = make_scorer(model, mapping)
    settings = {"threads": threads, "memory_limit": MEMORY, "autoinstall_known_extensions": False}
    reader, writer = duckdb.connect(config=settings), duckdb.connect(config=settings)
    found = Batch()
    stops: list[BaseException] = []
    try:
        _refuse_taken(duckdb, reader, source, target)
        rows = _open(duckdb, reader, source)
        needed = needed_columns(rows.columns, source, scorer, keep)
        total, batches = _blocks_of(duckdb, rows, needed, source)
        refuse_unread(_unread(batches.schema, arrow), source, scorer)
        fields = [batches.schema.field(name) for name in keep]
        fields += [("points", arrow.int16()), ("pd", arrow.float64()), ("refused", arrow.string())]
        schema = arrow.schema(fields)
        read = _heard(batches, stops, (duckdb.Error, arrow.ArrowException, OSError))
        blocks = _scored(scorer, read, schema, arrow, found, total, progress)
        heard = _heard(blocks, stops, (KeyboardInterrupt,))
        _write(writer, arrow.RecordBatchReader.from_batches(schema, heard), target)
    except (RuntimeError, duckdb.Error, arrow.ArrowException) as error:
        raise _told(duckdb, error, stops, source, target) from None
    finally:
        reader.close()
        writer.close()
    assert found.rows == total, (found.rows, total)
    return found


def libraries() -> tuple[Any, Any]:
    """DuckDB and Arrow. Refused: ``score.engine_missing``."""
    try:
        import duckdb
        import pyarrow
        import pyarrow.compute
    except ImportError:
        raise Refused(
            "score.engine_missing",
            "Scoring Parquet files needs DuckDB and Arrow: pip install 'puhui[scale]'.",
        ) from None
    return duckdb, pyarrow


def _open(duckdb: Any, reader: Any, source: Path) -> Any:
    try:
        return reader.read_parquet(_plain(source))
    except duckdb.Error:
        raise Refused("score.not_parquet", f"{source.name} is not a Parquet file.") from None


def _blocks_of(duckdb: Any, rows: Any, needed: Sequence[str], source: Path) -> tuple[int, Any]:
    """How many rows there are, and a reader of their blocks. Refused: ``score.not_parquet``."""
    try:
        chosen = rows.select(*(duckdb.ColumnExpression(name) for name in needed))
        return len(rows), chosen.to_arrow_reader(BLOCK_ROWS)
    except duckdb.Error:
        raise _damaged(source) from None


def _damaged(source: Path) -> Refused:
    return Refused("score.not_parquet", f"{source.name} is damaged and cannot be read to its end.")


def _refuse_taken(duckdb: Any, reader: Any, source: Path, target: Path) -> None:
    """Refuse a ``target`` that holds anything but scores of an earlier run."""
    if not target.exists():
        return
    if target.samefile(source):
        raise Refused("score.same_file", "The scores cannot go into the file they are read from.")
    try:
        is_scores = (
            target.is_file()
            and tuple(reader.read_parquet(_plain(target)).columns[-len(OWN_COLUMNS) :])
            == OWN_COLUMNS
        )
    except duckdb.Error:
        is_scores = False
    if not is_scores:
        raise Refused(
            "score.target_taken",
            f"{str(target)[:200]!r} exists and holds no scores: it is left as it is. "
            "Choose another name.",
        )


def _unread(schema: Any, arrow: Any) -> dict[str, str]:
    """The columns whose cells are no single values, each with what it holds."""
    told = {}
    for one in schema:
        if arrow.types.is_nested(one.type):
            told[one.name] = "lists or records"
        elif arrow.types.is_binary(one.type) or arrow.types.is_large_binary(one.type):
            told[one.name] = "raw bytes"
    return told


def refuse_unread(held: dict[str, str], source: Path, scorer: Scorer) -> None:
    """Refuse a file whose signals stand in a column of ``held``: ``score.column_type``."""
    for name in (name for signal in scorer.signals for name in signal.columns):
        if name in held:
            raise Refused(
                "score.column_type",
                f"Column {name!r} of {source.name} holds {held[name]}: a signal needs numbers, "
                "texts or days.",
            )


def _heard(
    blocks: Iterable[Any], stops: list[BaseException], kinds: tuple[Any, ...]
) -> Iterator[Any]:
    """The same blocks; what ends them early goes to ``stops``, as DuckDB hides it in its own."""
    try:
        yield from blocks
    except kinds as error:
        stops.append(error)
        raise


def _told(
    duckdb: Any, error: Exception, stops: Sequence[BaseException], source: Path, target: Path
) -> BaseException:
    """What an error of DuckDB or Arrow means: stopped, no memory, damaged or not written."""
    for one in (*stops, error):
        is_stop = isinstance(one, KeyboardInterrupt | duckdb.InterruptException)
        if is_stop or "Query interrupted" in str(one):
            return KeyboardInterrupt()
        if isinstance(one, duckdb.OutOfMemoryException):
            return MemoryError()
    if stops:
        return _damaged(source)
    if isinstance(error, duckdb.IOException | duckdb.PermissionException):
        why = "the disk is full" if NO_ROOM in str(error) else str(error)[:200]
        return Fault("score.not_written", f"The scores cannot go to {target.parent}: {why}.")
    return error


def _plain(path: Path) -> str:
    """A path that DuckDB takes as one file, whatever signs of patterns its name holds."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


def needed_columns(
    names: Sequence[str], source: Path, scorer: Scorer, keep: Sequence[str]
) -> list[str]:
    """The columns to read: those of the signals, then those kept. Refused: those told there."""
    refuse_protected_names(scorer.signals, protected_names())
    wanted = [name for signal in scorer.signals for name in signal.columns]
    lacking = [name for name in dict.fromkeys([*wanted, *keep]) if name not in names]
    if lacking:
        written = ", ".join(repr(name) for name in lacking)
        word = "column" if len(lacking) == 1 else "columns"
        raise Refused("score.column_missing", f"{source.name} has no {word} {written}.")
    twice = sorted({name for name in keep if keep.count(name) > 1 or name in OWN_COLUMNS})
    if twice:
        raise Refused("score.column_twice", f"The new file would have {twice[0]!r} twice.")
    return list(dict.fromkeys([*wanted, *keep])) or [names[0]]


def _scored(
    scorer: Scorer,
    batches: Any,
    schema: Any,
    arrow: Any,
    found: Batch,
    total: int,
    progress: Progress | None,
) -> Iterator[Any]:
    """Every block with its scores; the counts go to ``found`` as they come."""
    pds = None if scorer.card is None else pds_in_range(scorer.model, scorer.card)
    for batch in batches:
        made, refusals = score_batch(scorer, batch, schema, arrow, pds)
        for one in refusals[: SHOWN - len(found.first)]:
            found.first.append(RowRefusal(found.rows + one.row, one.code, one.reason))
        found.rows += batch.num_rows
        found.refused_rows += len(refusals)
        found.points_sum += int(arrow.compute.sum(made.column("points")).as_py() or 0)
        yield made
        if progress is not None:
            progress(found.rows, total)


def score_batch(
    scorer: Scorer, batch: Any, schema: Any, arrow: Any, pds: tuple[int, Floats] | None
) -> tuple[Any, tuple[RowRefusal, ...]]:
    """One Arrow batch scored into ``schema``: columns kept, points, pd, refused; and refusals."""
    rows = batch.num_rows
    names = dict.fromkeys(name for signal in scorer.signals for name in signal.columns)
    columns = {name: _column(batch.column(name), arrow) for name in names}
    matrix, refusals = block_matrix(columns, rows, scorer.signals, scorer.codes)
    points, pd = _points(scorer, matrix, pds)
    mask, texts = None, arrow.nulls(rows, arrow.string())
    if refusals:
        mask = np.zeros(rows, dtype=np.bool_)
        mask[[one.row for one in refusals]] = True
        words: list[str | None] = [None] * rows
        for one in refusals:
            words[one.row] = f"{one.reason} ({one.code})"
        texts = arrow.array(words, arrow.string())
    made = [
        *(batch.column(name) for name in schema.names[: -len(OWN_COLUMNS)]),
        arrow.array(points.astype(np.int16), mask=mask),
        arrow.array(pd, mask=mask),
        texts,
    ]
    return arrow.RecordBatch.from_arrays(made, schema=schema), refusals


def _points(
    scorer: Scorer, matrix: Floats, pds: tuple[int, Floats] | None
) -> tuple[NDArray[np.int64], Floats]:
    """As ``score_matrix``, with a card's probabilities looked up instead of sorted for."""
    if scorer.card is None or pds is None:
        return score_matrix(scorer, np.ascontiguousarray(matrix))
    totals = card_totals(scorer.card, matrix)
    least, table = pds
    return np.clip(totals, 0, SCORE_MAX), table[totals - least]


def _column(values: Any, arrow: Any) -> Column:
    """An Arrow column as numbers, or as its distinct raw values and where each row's stands."""
    kind = values.type
    if arrow.types.is_floating(kind) or arrow.types.is_integer(kind):
        if not arrow.types.is_float64(kind):
            values = values.cast(arrow.float64(), safe=False)
        return Column(np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64))
    coded = values if arrow.types.is_dictionary(kind) else values.dictionary_encode()
    raw = [_raw(one) for one in coded.dictionary.to_pylist()]
    places = coded.indices.fill_null(len(raw)).to_numpy(zero_copy_only=False).astype(np.int64)
    return Column(None, (*raw, None), places)


def _raw(value: Any) -> Any:
    """A cell as a form or a text file would give it: days and exact decimals as texts."""
    if value is None or isinstance(value, str | int | float):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _write(writer: Any, stream: Any, target: Path) -> None:
    """Write a stream of Arrow batches to ``target``, whole or not at all."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        writer.from_arrow(stream).to_parquet(str(draft), compression="snappy")
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
