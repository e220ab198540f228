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
from puhui.score.engines.draft import drafted
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
EXACT_MAX = 2**53
"""To here float64 holds every whole number."""
ZONE = "UTC"
"""An instant is a day of this zone, whatever zone the machine is set to."""
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
    refuse_no_file(source)
    scorer = make_scorer(model, mapping)
    settings = {"threads": threads, "memory_limit": MEMORY, "autoinstall_known_extensions": False}
    reader, writer = duckdb.connect(config=settings), duckdb.connect(config=settings)
    found = Batch()
    stops: list[BaseException] = []
    try:
        _refuse_taken(duckdb, reader, source, target)
        rows, names = _open(duckdb, reader, source)
        needed = needed_columns(names, source.name, scorer, keep)
        own = {name: rows.columns[names.index(name)] for name in needed}
        total, batches = _blocks_of(duckdb, rows, own, source)
        refuse_unread(_unread(batches.schema, arrow), source.name, scorer)
        fields = [batches.schema.field(name) for name in keep]
        fields += [("points", arrow.int16()), ("pd", arrow.float64()), ("refused", arrow.string())]
        schema = arrow.schema(fields)
        read = _heard(batches, stops, (duckdb.Error, arrow.ArrowException, OSError))
        blocks = _scored(scorer, read, schema, arrow, found, total, progress)
        heard = _heard(blocks, stops, (KeyboardInterrupt,))
        _write(writer, arrow.RecordBatchReader.from_batches(schema, heard), target)
    except (RuntimeError, OSError, duckdb.Error, arrow.ArrowException) as error:
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


def refuse_no_file(source: Path, *, or_folder: bool = False) -> None:
    """Refuse what is no file that can be read: ``score.file_missing``."""
    try:
        is_file, is_folder = source.is_file(), source.is_dir()
    except ValueError:  # a name that no file can have
        is_file = is_folder = False
    if is_folder and not or_folder:
        raise Refused(
            "score.file_missing",
            f"{str(source)[:200]!r} is a folder: name one file, or score it on Spark.",
        )
    if not is_file and not is_folder:
        raise Refused("score.file_missing", f"There is no file {str(source)[:200]!r}.")
    if not os.access(source, os.R_OK):
        raise Refused("score.file_missing", f"{source.name} cannot be read: no permission.")


def _open(duckdb: Any, reader: Any, source: Path) -> tuple[Any, tuple[str, ...]]:
    """The rows of a file, and the names of its columns as they stand in it.

    DuckDB knows no letter's case and gives a column whose name was there already another name.
    """
    from pyarrow import ArrowException, parquet

    try:
        with source.open("rb") as file:
            names = tuple(parquet.read_schema(file).names)
        return reader.read_parquet(_plain(source)), names
    except (duckdb.Error, ArrowException, OSError):
        raise Refused("score.not_parquet", f"{source.name} is not a Parquet file.") from None


def _blocks_of(duckdb: Any, rows: Any, own: dict[str, str], source: Path) -> tuple[int, Any]:
    """How many rows there are, and a reader of blocks of the columns of ``own``, each with the
    name that DuckDB gave it. Refused: ``score.not_parquet``.
    """
    try:
        chosen = rows.select(*(duckdb.ColumnExpression(it).alias(n) for n, it in own.items()))
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


def refuse_unread(held: dict[str, str], told: str, scorer: Scorer) -> None:
    """Refuse a file whose signals stand in a column of ``held``: ``score.column_type``."""
    for name in (name for signal in scorer.signals for name in signal.columns):
        if name in held:
            raise Refused(
                "score.column_type",
                f"Column {name!r} of {told} holds {held[name]}: a signal needs numbers, "
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
    if isinstance(error, OSError | duckdb.IOException | duckdb.PermissionException):
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)[:200]
        why = "the disk is full" if NO_ROOM in str(error) else why
        why = "that is no folder" if isinstance(error, FileExistsError) else why
        return Fault("score.not_written", f"The scores cannot go to {target.parent}: {why}.")
    return error


def _plain(path: Path) -> str:
    """A path that DuckDB takes as one file, whatever signs of patterns its name holds."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


def needed_columns(
    names: Sequence[str], told: str, scorer: Scorer, keep: Sequence[str]
) -> list[str]:
    """The columns to read: those of the signals, then those kept. Refused: those told there.

    ``names`` are those of the file, ``told``, each as often as it has it. Other programs know no
    letter's case, so the new file has no two names that differ in nothing else.
    """
    refuse_protected_names(scorer.signals, protected_names())
    wanted = [name for signal in scorer.signals for name in signal.columns]
    needed = list(dict.fromkeys([*wanted, *keep]))
    lacking = [name for name in needed if not name or name not in names]
    if lacking:
        written = ", ".join(repr(name) for name in lacking)
        word = "column" if len(lacking) == 1 else "columns"
        raise Refused("score.column_missing", f"{told} has no {word} {written}.")
    for name in needed:
        if names.count(name) > 1 or _is_twice(name, needed):
            raise Refused("score.column_twice", f"{told} has {name!r} more than once.")
    for name in keep:
        if _is_twice(name, [*keep, *OWN_COLUMNS]):
            raise Refused("score.column_twice", f"The new file would have {name!r} twice.")
    return needed or [names[0]]


def _is_twice(name: str, names: Sequence[str]) -> bool:
    return [one.lower() for one in names].count(name.lower()) > 1


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
    if arrow.types.is_floating(kind) or (arrow.types.is_integer(kind) and _is_exact(values, arrow)):
        if not arrow.types.is_float64(kind):
            values = values.cast(arrow.float64(), safe=False)
        return Column(np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64))
    if arrow.types.is_timestamp(kind) and kind.tz:
        values = values.cast(arrow.timestamp(kind.unit, ZONE))
    coded = values if arrow.types.is_dictionary(kind) else values.dictionary_encode()
    raw = _raws(coded.dictionary, arrow)
    places = coded.indices.fill_null(len(raw)).to_numpy(zero_copy_only=False).astype(np.int64)
    return Column(None, (*raw, None), places)


def _is_exact(values: Any, arrow: Any) -> bool:
    """Whether float64 holds every whole number of the column; a longer one may be a code."""
    if values.type.bit_width < 64:
        return True
    ends = arrow.compute.min_max(values)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    return low is None or (low >= -EXACT_MAX and high <= EXACT_MAX)


def _raws(values: Any, arrow: Any) -> list[Any]:
    """Cells as a form or a text file would give them; a day beyond all calendars as digits."""
    try:
        return [_raw(one) for one in values.to_pylist()]
    except (OverflowError, ValueError):
        whole = values.cast(arrow.int32() if values.type.bit_width == 32 else arrow.int64())
        return [_raw_or(one, count) for one, count in zip(values, whole.to_pylist(), strict=True)]


def _raw_or(cell: Any, count: int | None) -> Any:
    try:
        return _raw(cell.as_py())
    except (OverflowError, ValueError):
        return str(count)


def _raw(value: Any) -> Any:
    """A cell as a form or a text file would give it: days and exact decimals as texts."""
    if value is None or isinstance(value, str | int | float):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _write(writer: Any, stream: Any, target: Path) -> None:
    """Write a stream of Arrow batches to ``target``, whole or not at all."""
    with drafted(target) as draft:
        writer.from_arrow(stream).to_parquet(str(draft), compression="snappy", use_tmp_file=False)
