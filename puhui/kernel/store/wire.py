"""The wire to PostgreSQL: statements in a pipeline on one connection."""

from __future__ import annotations

import re
import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import psycopg
from psycopg.errors import SerializationFailure, error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Column, Table
from sqlalchemy.sql.base import Executable

from puhui.kernel.store.binary import array_of, read_array, type_of_array
from puhui.kernel.store.many import (
    copy_lines,
    postgres_arrays,
    postgres_hold,
    postgres_replace,
    postgres_update,
    split,
    text_array_of,
    type_of,
)
from puhui.kernel.store.memory import Lent, Memory
from puhui.kernel.store.sheet import Array, Words, are_arrays, lay_out, order_of
from puhui.kernel.store.statement import Columns, Compiled, Compiler, Row

PIPELINE_MAX = 256
_GIVEN = re.compile(r"\bgiven\b")
_NUMBERS = (
    "SELECT array_agg(nextval(own.name)), array[pg_current_xact_id()::text::bigint << 32 >> 32]"
    " FROM (SELECT"
    " pg_get_serial_sequence('{table}', '{column}')::regclass AS name OFFSET 0) AS own,"
    " generate_series(1, $1::bigint)"
)
_OWN_VERSION = "SELECT array[pg_current_xact_id()::text::bigint << 32 >> 32]"
_NO_NUMBERS: tuple[str, Words] = ("", np.empty(0, dtype=np.int64))
_PLANS = (
    "SELECT set_config(name, '{}', true)"
    " FROM unnest(array['enable_hashjoin', 'enable_mergejoin', 'enable_seqscan']) AS own (name)"
)
_BY_INDEX, _BY_ANYTHING = _PLANS.format("off").encode(), _PLANS.format("on").encode()
"""A server that has not counted the rows of a table yet would rather read all of them than look for
each of many by its key; the setting ends with the transaction at the latest.
"""
ROWS_BESIDE = 500
"""From so many rows on a COPY goes on beside what follows it."""
PIECE = 65536
"""Bytes of a COPY that are handed to the connection at once."""

_compile = Compiler("postgresql")
_compile_unlocked = Compiler("postgresql", without_locks=True)


class Silent(psycopg.OperationalError):
    """The server gave no answer in time; what it did nobody knows."""


class Stale(SerializationFailure):
    """A row is not as it was remembered; the act is run again and reads it."""


class PostgresTransaction:
    """Statements on one PostgreSQL connection, sent as prepared statements in a pipeline.

    A ``put`` is not waited for: the server's answer to it is taken with the next read or at the
    end of the act. Values travel as text, bytes as they are.
    """

    __slots__ = (
        "__weakref__",
        "_asked",
        "_beside",
        "_compile",
        "_either",
        "_expected",
        "_given",
        "_given_types",
        "_is_refused",
        "_known",
        "_lent",
        "_memory",
        "_names",
        "_numbers",
        "_readable",
        "_running",
        "_sent",
        "_version",
        "_wait_ms",
        "_wire",
        "connection",
        "ports",
    )
    is_alone = False

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        *,
        wait_s_max: int,
        is_reader: bool = False,
        memory: Memory | None = None,
    ) -> None:
        self.connection = connection
        self._memory = memory
        self._known: dict[type, Any] = {}
        self._lent: Lent | None = None
        self._is_refused = False
        self._sent = 0
        self._version: int | None = None
        self._asked: tuple[str, int] | None = None
        self._numbers = _NO_NUMBERS
        self._expected: dict[int, int] = {}
        self.ports: Mapping[type, object] = {}
        self._compile = _compile_unlocked if is_reader else _compile
        self._wait_ms = wait_s_max * 1000
        self._wire = connection.pgconn
        self._names: dict[str, bytes] = {}
        self._beside: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None
        self._given: list[bytes] = []
        self._given_types: tuple[tuple[str, str], ...] = ()
        self._readable = select.poll()
        self._readable.register(self._wire.socket, select.POLLIN)
        self._either = select.poll()
        self._either.register(self._wire.socket, select.POLLIN | select.POLLOUT)
        self._wire.enter_pipeline_mode()

    @property
    def known(self) -> dict[type, Any]:
        """What is remembered of rows that never change."""
        return self._known if self._lent is None else self._lent.known

    @property
    def fresh(self) -> dict[type, Any] | None:
        """What is remembered of rows that do change; None where another writer has that now."""
        if self._lent is None and self._memory is not None and not self._is_refused:
            self._lent = self._memory.lend()
            self._is_refused = self._lent is None  # for as long as the transaction lasts
        return None if self._lent is None else self._lent.fresh

    def remember(self) -> None:
        """What was done is durable: what is remembered stands."""
        lent, self._lent, self._is_refused = self._lent, None, False
        self._version, self._numbers = None, _NO_NUMBERS
        if lent is not None and self._memory is not None:
            self._memory.give_back(lent)

    def forget(self) -> None:
        """Forget all rows that are remembered."""
        self._known.clear()
        lent, self._lent, self._is_refused = self._lent, None, False
        self._version, self._numbers = None, _NO_NUMBERS
        if lent is not None and self._memory is not None:
            self._memory.drop()

    def _change(self, compiled: Compiled) -> None:
        """Forget rows that a statement may change."""
        if compiled.is_changing and self._memory is not None:
            self._memory.change()
            if self._lent is not None:
                self._lent.fresh.clear()

    def one(self, statement: Executable, /, **values: Any) -> Row | None:
        """The only row, or None."""
        rows = self.all(statement, **values)
        assert len(rows) <= 1, statement
        return rows[0] if rows else None

    def all(self, statement: Executable, /, **values: Any) -> list[Row]:
        """All rows."""
        compiled = self._compile(statement)
        self._send(compiled, values)
        result = self.sync()[-1]
        count = result.ntuples
        if not count:
            return []
        columns = range(result.nfields)
        make = compiled.make or compiled.maker(
            [((result.fname(n) or b"").decode(),) for n in columns]
        )
        readers = [_READERS[result.ftype(n)] for n in columns]
        get = result.get_value
        return [
            make([None if (value := get(row, n)) is None else readers[n](value) for n in columns])
            for row in range(count)
        ]

    def run(self, statement: Executable, /, **values: Any) -> int:
        """Change rows; returns how many were changed."""
        compiled = self._compile(statement)
        self._change(compiled)
        self._send(compiled, values)
        return self.sync()[-1].command_tuples or 0

    def put(self, statement: Executable, /, **values: Any) -> None:
        """Change rows without asking how many: sent together with what follows."""
        compiled = self._compile(statement)
        self._change(compiled)
        self._send(compiled, values)

    def run_many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run one statement for each of ``rows``; answers are taken every few hundred, so that
        neither side waits for the other with both buffers full.
        """
        compiled = self._compile(statement)
        assert not compiled.is_expanding, statement
        self._change(compiled)
        for number, row in enumerate(rows, 1):
            self._send(compiled, row)
            if number % PIPELINE_MAX == 0:
                self.sync()

    def arrays(self, statement: Executable, /, **values: Any) -> list[Any]:
        """All rows of a statement by its columns, each of which the server sends as one array."""
        compiled = self._compile(statement)
        if compiled.is_expanding:
            text, ordered = compiled.spread(values)
        else:
            text, ordered = compiled.sql, list(compiled.positional(values))
        width = len(statement.selected_columns)  # type: ignore[attr-defined]
        is_given = _GIVEN.search(text) is not None
        arrays, types = (self._given, self._given_types) if is_given else ([], ())
        formats = [type(value) is bytes for value in ordered] + [True] * len(arrays)
        sql = postgres_arrays(text, width, types, len(ordered))
        self._send_binary(sql, [*map(_encoded, ordered), *arrays], formats)
        result = self.sync()[-1]
        return [read_array(result.get_value(0, n)) for n in range(width)]

    def give(self, columns: Mapping[str, Array]) -> None:
        """Let statements read ``columns`` as the table ``given``, until the next ones are given."""
        self._given_types = tuple((name, type_of_array(c)) for name, c in columns.items())
        self._given = [array_of(column) for column in columns.values()]

    def _send_binary(self, sql: str, values: Sequence[bytes | None], formats: list[bool]) -> None:
        """Send a statement whose answer comes in binary form."""
        self.settle()
        name = self._names.get(sql)
        if name is None:
            name = self._names[sql] = b"s%d" % len(self._names)
            self._wire.send_prepare(name, sql.encode())
            self._sent += 1
        self._wire.send_query_prepared(name, values, formats, 1)
        self._sent += 1

    def load(self, table: Table, columns: Columns, *, by: str | None = None) -> None:
        """Insert many rows at once by COPY, which goes on its own, not in the pipeline.

        Rows in the order of a unique column cost a fifth less than those that are strewn over its
        index: numbers of rows are taken before, in the order in which the rows are given. A large
        load goes on beside what the caller does next; what it meets the next statement raises.
        """
        lists, alone = split(columns)
        form = "text"
        pieces: Iterator[bytes | memoryview] = copy_lines(columns)
        if are_arrays(lists):
            from puhui.kernel.store.copy import copy_rows  # compiled code is loaded where used

            if by is not None:
                order = order_of(lists[by])
                lists = {name: column[order] for name, column in lists.items()}
            alone = {n: v for n, v in alone.items() if v is not None or _has_default(table.c[n])}
            form, pieces = "binary", iter((copy_rows(table, lay_out(lists), alone),))
        names = ", ".join([*lists, *alone])
        command = f"COPY {table.name} ({names}) FROM STDIN (FORMAT {form})".encode()
        self.sync()
        if form == "text" or len(next(iter(lists.values()))) < ROWS_BESIDE:
            self._copy(command, pieces)
            return
        if self._beside is None:
            self._beside = ThreadPoolExecutor(1, "puhui-copy")
        self._running = self._beside.submit(self._copy, command, pieces)

    def ask_numbers(self, table: Table, count: int) -> None:
        """Send for numbers that ``take_numbers`` will want; the server gives them beside what the
        caller does next.
        """
        numbered = table.autoincrement_column
        assert numbered is not None, table.name
        # Whoever waits for all that add rows must find this one before it takes numbers.
        self.send(f"LOCK TABLE {table.name} IN ROW EXCLUSIVE MODE".encode())
        sql = _NUMBERS.format(table=table.name, column=numbered.name)
        self._send_binary(sql, [b"%d" % count], [False])
        self._asked = (table.name, self._sent - 1)
        self._wire.flush()

    def take_numbers(self, table: Table, count: int) -> Words:
        """Numbers for so many rows of a table, those asked for before if they are enough."""
        if self._asked is not None:
            self.sync()
        name, numbers = self._numbers
        if name != table.name or len(numbers) < count:
            self.ask_numbers(table, count)
            self.sync()
            _, numbers = self._numbers
        self._numbers = _NO_NUMBERS
        return numbers[:count]

    def _keep_numbers(self, results: list[PGresult]) -> None:
        """Keep the numbers that were asked for."""
        assert self._asked is not None, "numbers were asked for"
        (name, place), self._asked = self._asked, None
        (self._version,) = read_array(results[place].get_value(0, 1)).tolist()
        self._numbers = (name, read_array(results[place].get_value(0, 0)))

    def version(self) -> int:
        """As rows say it: the number of the transaction, in 32 bits with a sign."""
        if self._version is None:
            self._send_binary(_OWN_VERSION, (), [])
            (self._version,) = read_array(self.sync()[-1].get_value(0, 0)).tolist()
        assert self._version is not None
        return self._version

    def _copy(self, command: bytes, pieces: Iterator[bytes | memoryview]) -> None:
        wire = self._wire
        wire.exit_pipeline_mode()
        wire.send_query(command)
        result = self._answer()
        if result.status == ExecStatus.COPY_IN:
            for piece in pieces:
                for start in range(0, len(piece), PIECE):
                    while wire.put_copy_data(piece[start : start + PIECE]) == 0:
                        self._flush()
            while wire.put_copy_end() == 0:
                self._flush()
            self._flush()
            result = self._answer()
        wire.enter_pipeline_mode()
        if result.status == ExecStatus.FATAL_ERROR:
            self._forget()
            raise error_from_result(result)

    def settle(self) -> None:
        """Wait for what goes on beside; raises what it met."""
        if self._running is not None:
            running, self._running = self._running, None
            running.result()

    def abandon(self) -> None:
        """Wait for what goes on beside, whatever becomes of it: it is undone next."""
        if self._running is not None:
            wait((self._running,))
            self._running = None

    def _flush(self) -> None:
        while self._wire.flush():
            self._wait(self._either)
            self._wire.consume_input()

    def _answer(self) -> PGresult:
        """The first answer that comes, and the end of answers where the command is over."""
        wire = self._wire
        self._flush()
        first: PGresult | None = None
        while True:
            while wire.is_busy():
                self._wait(self._readable)
                wire.consume_input()
            result = wire.get_result()
            if result is None:
                if first is None or wire.status != ConnStatus.OK:
                    raise psycopg.OperationalError("the connection was lost")
                return first
            first = first or result
            if result.status == ExecStatus.COPY_IN:
                return result

    def set_many(
        self, table: Table, key: str, columns: Columns, *, was: Mapping[str, Array] | None = None
    ) -> None:
        """Set columns of many rows, each found by its ``key``, in one statement."""
        lists, alone = split(columns)
        assert not alone, alone
        fixed = {column.name for column in table.c if column.info.get("is_fixed")} - {key}
        names = (key, *[name for name in lists if name != key and name not in fixed])
        if are_arrays(lists):
            self._send_held(postgres_replace, table, {n: lists[n] for n in names}, was or {})
            return
        types = tuple(f"{type_of(table.c[name])}[]" for name in names)
        texts = [text_array_of(lists[name]) for name in names]
        self._send_binary(postgres_update(table, names, types), texts, [False] * len(texts))

    def hold(self, table: Table, key: str, was: Mapping[str, Array]) -> None:
        """Lock many rows, each found by its ``key``, which are as they were."""
        keys = {key: was[key]}
        self._send_held(postgres_hold, table, keys, {n: v for n, v in was.items() if n != key})

    def _send_held(
        self,
        text_of: Callable[..., str],
        table: Table,
        columns: Mapping[str, Array],
        was: Mapping[str, Array],
    ) -> None:
        """Send a statement on as many rows as there are keys, the first of ``columns``; ``Stale``
        where some are not as they ``was``.
        """
        arrays = [*columns.values(), *was.values()]
        count = len(arrays[0])
        sql = text_of(table, tuple(columns), tuple(was), tuple(map(type_of_array, arrays)))
        self.send(_BY_INDEX)
        self._send_binary(
            sql, [b"%d" % count, *map(array_of, arrays)], [False, *[True] * len(arrays)]
        )
        if was:
            self._expected[self._sent - 1] = count
        self.send(_BY_ANYTHING)
        self._wire.flush()  # the server is at it while the next is laid out

    def _send(self, compiled: Compiled, values: Mapping[str, Any]) -> None:
        self.settle()
        ordered: Sequence[Any]
        if compiled.is_expanding:
            sql, ordered = compiled.spread(values)
        else:
            sql, ordered = compiled.sql, compiled.positional(values)
        name = self._names.get(sql)
        if name is None:
            name = self._names[sql] = b"s%d" % len(self._names)
            self._wire.send_prepare(name, sql.encode())
            self._sent += 1
        encoded = [
            value
            if value is None or type(value) is bytes
            else b"%d" % value
            if type(value) is int
            else _encoded(value)
            for value in ordered
        ]
        formats = [type(value) is bytes for value in ordered]
        self._wire.send_query_prepared(name, encoded, formats)
        self._sent += 1

    def send(self, sql: bytes) -> None:
        """Send a command without values, not waiting for the answer."""
        self.settle()
        self._wire.send_query_params(sql, None)
        self._sent += 1

    def check(self) -> None:
        """Take the answers to what must be as remembered, before anything is made durable."""
        if self._expected:
            self.sync()

    def sync(self) -> list[PGresult]:
        """Wait for the answers to all that was sent; raises the first error among them, and
        ``Stale`` where a row is not as remembered.
        """
        self.settle()
        expected, self._expected = self._expected, {}
        results = self._answers()
        for result in results:
            if result.status == ExecStatus.FATAL_ERROR:
                # A statement whose first run failed may not have been prepared: start afresh.
                self._forget()
                raise error_from_result(result)
        if self._asked is not None:
            self._keep_numbers(results)
        for place, count in expected.items():
            if results[place].command_tuples != count:
                if self._memory is not None:
                    self._memory.distrust()
                raise Stale("rows were changed by another writer since they were read")
        return results

    def _answers(self) -> list[PGresult]:
        wire, self._sent = self._wire, 0
        wire.pipeline_sync()
        while wire.flush():
            self._wait(self._either)
            wire.consume_input()
        results = []
        while True:
            while wire.is_busy():
                self._wait(self._readable)
                wire.consume_input()
            result = wire.get_result()
            if result is None:
                if wire.status != ConnStatus.OK:
                    raise psycopg.OperationalError("the connection was lost")
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                break
            results.append(result)
        return results

    def _wait(self, ready: select.poll) -> None:
        """Wait for the server, which is given up when it stays silent too long."""
        if not ready.poll(self._wait_ms):
            self.connection.close()
            raise Silent(f"no answer within {self._wait_ms // 1000} s")

    def is_lost(self) -> bool:
        """Whether the server has hung up: to an idle connection it has nothing else to say."""
        return self._wire.status != ConnStatus.OK or bool(self._readable.poll(0))

    def end(self) -> None:
        """Undo the transaction; a lost connection has undone it already."""
        self.abandon()
        self._asked, self._expected, self._numbers = None, {}, _NO_NUMBERS
        if self._wire.status == ConnStatus.OK:
            try:
                self.send(b"ROLLBACK")
                self.sync()
            except psycopg.Error:
                self.connection.close()

    def _forget(self) -> None:
        """Forget all prepared statements, so that each is prepared again at its next use."""
        self._names.clear()
        self._asked, self._expected = None, {}
        self._wire.send_query_params(b"ROLLBACK", None)
        self._wire.send_query_params(b"DEALLOCATE ALL", None)
        self._answers()


def _has_default(column: Column[Any]) -> bool:
    """Whether a column that is left out gets something else than nothing."""
    return column.server_default is not None


def _encoded(value: Any) -> bytes | None:
    if type(value) is str:
        text = value.encode()
        if b"\0" in text:  # the server would take the text for ended there
            raise ValueError("a text holds a zero character")
        return text
    if type(value) is int:
        return b"%d" % value
    if value is None or type(value) is bytes:
        return value
    raise TypeError(f"columns are int, str, bytes or None, not {type(value).__name__}")


_READERS: dict[int, Callable[[bytes], Any]] = {
    16: lambda value: value == b"t",
    17: lambda value: bytes.fromhex(value[2:].decode()),
    20: int,
    21: int,
    23: int,
    25: bytes.decode,
    1043: bytes.decode,
}
"""How a column of a type (by its number in the server's catalogue) is read."""
