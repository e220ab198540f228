"""The connection to PostgreSQL: statements sent one behind another, and their answers."""

from __future__ import annotations

import select
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import psycopg
from psycopg.errors import SerializationFailure, error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

from puhui.kernel.store.binary import read_array
from puhui.kernel.store.memory import Lent, Memory
from puhui.kernel.store.sheet import Words
from puhui.kernel.store.statement import Compiled

NO_NUMBERS: tuple[str, Words] = ("", np.empty(0, dtype=np.int64))
PIECE = 65536
"""Bytes of a COPY that are handed to the connection at once."""


class Silent(psycopg.OperationalError):
    """The server gave no answer in time; what it did nobody knows."""


class Stale(SerializationFailure):
    """A row is not as it was remembered; the act is run again and reads it."""


class Pipeline:
    """Prepared statements on one connection, whose answers are taken later.

    ``memory`` is told where a row was not as remembered.
    """

    __slots__ = (
        "__weakref__",
        "_asked",
        "_beside",
        "_either",
        "_expected",
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
    )

    def __init__(
        self, connection: psycopg.Connection[Any], *, wait_s_max: int, memory: Memory | None
    ) -> None:
        self.connection = connection
        self._memory = memory
        self._lent: Lent | None = None
        self._sent = 0
        self._version: int | None = None
        self._asked: tuple[str, int] | None = None
        self._numbers = NO_NUMBERS
        self._expected: dict[int, int] = {}
        self._wait_ms = wait_s_max * 1000
        self._wire = connection.pgconn
        self._names: dict[str, bytes] = {}
        self._beside: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None
        self._readable = select.poll()
        self._readable.register(self._wire.socket, select.POLLIN)
        self._either = select.poll()
        self._either.register(self._wire.socket, select.POLLIN | select.POLLOUT)
        self._wire.enter_pipeline_mode()

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
            else encode(value)
            for value in ordered
        ]
        formats = [type(value) is bytes for value in ordered]
        self._wire.send_query_prepared(name, encoded, formats)
        self._sent += 1

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

    def _keep_numbers(self, results: list[PGresult]) -> None:
        """Keep the numbers that were asked for."""
        assert self._asked is not None, "numbers were asked for"
        (name, place), self._asked = self._asked, None
        (self._version,) = read_array(results[place].get_value(0, 1)).tolist()
        self._numbers = (name, read_array(results[place].get_value(0, 0)))

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

    def _wait(self, ready: select.poll) -> None:
        """Wait for the server, which is given up when it stays silent too long."""
        if not ready.poll(self._wait_ms):
            self.connection.close()
            raise Silent(f"no answer within {self._wait_ms // 1000} s")

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

    def is_lost(self) -> bool:
        """Whether the server has hung up: to an idle connection it has nothing else to say."""
        return self._wire.status != ConnStatus.OK or bool(self._readable.poll(0))

    def end(self) -> None:
        """Undo the transaction; a lost connection has undone it already."""
        self.abandon()
        self._asked, self._expected, self._numbers = None, {}, NO_NUMBERS
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


def encode(value: Any) -> bytes | None:
    """A value as it is sent: a text or a whole number in characters, bytes as they are."""
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
