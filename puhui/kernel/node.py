"""A running node: store, clock and keys, and the writer threads that run acts."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from puhui.kernel.act import (
    BATCH_MAX,
    Act,
    Actor,
    Prepared,
    find_use_case,
)
from puhui.kernel.clock import Clock, SystemClock
from puhui.kernel.crypto import Keys, canonical_json, random_bytes, store_subject_keys
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.pending import (
    WAIT_S_MAX,
    Pending,
    answer_again,
    compute_input,
    confirm_outside,
    difference_of,
    doubt_outside,
    fail_all,
    is_text,
    log_answer,
    record_act,
    text_of,
    undo_outside,
)
from puhui.kernel.store import Row, Store, Transaction, Unmarked, Writer, find_recorded

QUEUE_MAX = 20_000
GROUP_S = 0.02
"""A group takes in waiting acts for at most this long before it is committed."""

GATHER_S = 0.02
GATHER_IDLE_S = 0.001
GATHER_STEP_S = 0.0002
"""After a group its callers are let go one after another, each when the one before has come back
or after a step; the next group waits for them, at most so long in all and while one is coming."""


class Node:
    """Everything a use case stands on, and ``act``, the one way to change anything."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        home: Path,
        *,
        clock: Clock | None = None,
        ports: dict[type, object] | None = None,
    ) -> None:
        self.store = store
        self.keys = keys
        self.home = home
        self.clock: Clock = clock or SystemClock()
        self.ports: dict[type, object] = ports or {}
        self.at_close: list[Callable[[], None]] = []
        self.at_repeat: list[Callable[[Transaction, str], None]] = []
        """Called with an act's key before a repeated request gets the first answer."""
        self._queue: SimpleQueue[Pending | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._queue_lock = threading.Lock()
        self._is_closed = False
        self._answers: deque[Pending] = deque()
        self._wanted = 0
        self._enough = threading.Lock()

    def read(self, *, is_snapshot: bool = True) -> AbstractContextManager[Transaction]:
        """A snapshot of the store for short queries; what takes long reads ``node.store``.

        Without ``is_snapshot`` each statement sees what is committed when it runs, which is
        cheaper and enough where an act checks again what was read.

        On SQLite readers of one process take turns: each statement lets the interpreter go, and
        many readers would hand it to one another at every step.
        """
        reading = self.store.read(in_turn=True, is_snapshot=is_snapshot)
        return self._with_ports(reading) if self.ports else reading

    @contextmanager
    def _with_ports(self, reading: AbstractContextManager[Transaction]) -> Iterator[Transaction]:
        with reading as tx:
            tx.ports = self.ports
            yield tx

    def act(self, name: str, input: Any, *, key: str, actor: Actor, dry_run: bool = False) -> Any:
        """Run the use case ``name`` once for ``key`` and wait until it is durable.

        ``input`` is the use case's noun, or a dict of plain data that is checked and made into it.
        The same key with the same input gives the first outcome again. ``dry_run`` changes and
        records nothing. Refused: what the use case refuses, ``kernel.role_missing``,
        ``kernel.bad_input``, ``kernel.key_reused``, ``kernel.batch_too_large``. Fault:
        what the store reports, where nothing was recorded; ``kernel.not_durable`` and
        ``kernel.no_answer``, where nobody knows. Asking again with the same key is always safe.
        """
        return self.submit(name, input, key=key, actor=actor, dry_run=dry_run).result()

    def submit(
        self, name: str, input: Any, *, key: str, actor: Actor, dry_run: bool = False
    ) -> Pending:
        """Like ``act``, without waiting: many may be on their way at once."""
        use_case = find_use_case(name)
        if not use_case.roles & actor.roles:
            raise Refused("kernel.role_missing", f"{actor.name} may not do {name}.")
        if isinstance(input, dict):
            input = use_case.parse(input)
        if not key or len(key) > 200 or not is_text(key):
            raise Refused("kernel.bad_key", "An act's key has 1 to 200 characters of plain text.")
        if use_case.batch and len(getattr(input, use_case.batch)) > BATCH_MAX:
            raise Refused("kernel.batch_too_large", f"A batch has at most {BATCH_MAX:,} items.")
        text = text_of(use_case, input)
        pending = Pending(
            use_case=use_case,
            input=input,
            text=text,
            digest=self.keys.digest(f"{name}\x1f{text}".encode()),
            key=key,
            actor=actor.name,
            dry_run=dry_run,
            salt=random_bytes(16).hex(),
        )
        if use_case.prepare is not None:
            try:
                prepared = use_case.prepare(self, input)
            except Refused:
                if self._is_answered(pending):
                    return pending
                raise
            if isinstance(prepared, Prepared):
                prepared, pending.subject_keys = prepared.input, prepared.subject_keys
            if prepared is not input:
                pending.input, pending.text = prepared, None
        return self._enqueue(pending)

    def _is_answered(self, pending: Pending) -> bool:
        """Answer a request that can no longer be prepared (an erased person) from the journal."""
        found = find_recorded(self.store, pending.key)
        if found is None:
            return False
        answer_again(pending, found)
        pending.answer()
        return True

    def submit_recorded(self, row: Row) -> Pending:
        """Run a journalled act again as it was recorded: same input, time, actor and salt."""
        use_case = find_use_case(row.name)
        return self._enqueue(
            Pending(
                use_case=use_case,
                input=use_case.input_of(row.input),
                text=row.input,
                digest=row.input_digest,
                key=row.key,
                actor=row.actor,
                dry_run=False,
                salt=row.salt,
                now_us=row.time_us,
                recorded=row,
            )
        )

    def _enqueue(self, pending: Pending) -> Pending:
        with self._queue_lock:  # so that no act slips in behind the closing of the node
            if self._is_closed:
                raise Fault("kernel.closed", "The node was closed.")
            if self._queue.qsize() > QUEUE_MAX:
                raise Fault("kernel.overloaded", "Too many acts are waiting; try again shortly.")
            if not self._threads:
                self._start()
            self._queue.put(pending)
            if self._answers:
                self._answer_next()
            elif self._wanted and self._queue.qsize() >= self._wanted:
                self._wanted = 0
                self._enough.release()
        return pending

    def _start(self) -> None:
        self._threads = [
            threading.Thread(target=self._write, name=f"puhui-writer-{n}", daemon=True)
            for n in range(self.store.writers)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Finish the acts on their way, then let the store go."""
        with self._queue_lock:
            self._is_closed = True
            for _ in self._threads:
                self._queue.put(None)
        for thread in self._threads:
            thread.join(WAIT_S_MAX)
        while True:
            try:
                left = self._queue.get_nowait()
            except Empty:
                break
            if left is not None:
                left.error = Fault("kernel.closed", "The node was closed.")
                left.answer()
        for end in self.at_close:
            end()
        self.store.close()

    def _write(self) -> None:
        writer: Writer | None = None
        while (first := self._queue.get()) is not None:
            group = [first]
            try:
                if writer is None:
                    writer = self.store.writer()
                    writer.tx.ports = self.ports
                self._run_group(writer, group)
            except BaseException as error:  # the thread goes on, and every caller gets an answer
                fault = error
                if writer is not None:
                    if isinstance(error, writer.errors):
                        fault = writer.fault_of(error)
                    with suppress(OSError, *writer.errors):
                        writer.close()
                    writer = None
                for pending in group:
                    pending.error = pending.error or fault
                    pending.outcome = None
            for pending in group:
                log_answer(pending)
            self._let_go(group)
        if writer is not None:
            writer.close()

    def _let_go(self, group: list[Pending]) -> None:
        """Answer all callers, and let those who come back with another act do so first.

        They need the interpreter to take their answer and to prepare what they ask next. Woken all
        at once they would fight for it with one another and with the writer, at every statement
        and from core to core; so the next one is woken by the one who is ready. One caller alone
        is never kept waiting, nor does anybody wait for a caller who does something else.
        """
        awaited = []
        for pending in group:
            if pending.is_awaited:  # asked once: meanwhile a caller may begin to wait
                awaited.append(pending)
            else:
                pending.answer()
        if len(awaited) < 2 or self.store.writers > 1:
            for pending in awaited:
                pending.answer()
            return
        self._enough.acquire()
        self._wanted = len(awaited)
        self._answers.extend(awaited)
        self._answer_next()
        start = last = time.perf_counter()
        seen = self._queue.qsize()
        while last - start < GATHER_S and not self._enough.acquire(timeout=GATHER_STEP_S):
            now, waiting = time.perf_counter(), self._queue.qsize()
            if self._answers:
                self._answer_next()
                last = now
            elif waiting > seen:
                seen, last = waiting, now
            elif now - last > GATHER_IDLE_S:
                break
        with self._queue_lock:
            self._wanted = 0
            if self._enough.locked():
                self._enough.release()
        while self._answers:
            self._answer_next()

    def _answer_next(self) -> None:
        with suppress(IndexError):
            self._answers.popleft().answer()

    def _run_group(self, writer: Writer, group: list[Pending]) -> None:
        """Run the waiting acts one after another and make them durable together."""
        writer.begin()
        try:
            try:
                self._fill(writer, group)
            except Unmarked:
                undo_outside(group)
                writer.roll_back()
                writer.begin(is_again=True)
                for pending in group:
                    self._run(writer, pending)
        except BaseException as error:
            fail_all(group, f"The group of acts was undone by a fault of the store ({error}).")
            undo_outside(group)
            writer.roll_back()
            raise
        try:
            writer.commit()
        except writer.errors as error:
            fail_all(group, f"The commit failed: {writer.fault_of(error).reason}")
            doubt_outside(group)
            writer.roll_back()
        except BaseException as error:
            fail_all(group, f"The commit failed ({error}).")
            doubt_outside(group)
            raise
        else:
            confirm_outside(group)

    def _fill(self, writer: Writer, group: list[Pending]) -> None:
        """Run the first act of the group and those that wait behind it, for a bounded time."""
        deadline = time.perf_counter() + GROUP_S
        self._run(writer, group[0])
        while len(group) < writer.group_max and time.perf_counter() < deadline:
            try:
                following = self._queue.get_nowait()
            except Empty:
                break
            if following is None:
                self._queue.put(None)
                break
            group.append(following)
            self._run(writer, following)

    def _run(self, writer: Writer, pending: Pending) -> None:
        """Run one act; what it raises is kept for its caller and harms no neighbour."""
        for attempt in range(writer.retries_max + 1):
            try:
                self._run_once(writer, pending)
                return
            except Unmarked:
                raise
            except writer.errors as error:
                pending.error = writer.fault_of(error)
                undo_outside([pending])
                writer.undo()
                if attempt == writer.retries_max or not writer.is_retryable(error):
                    return
            except Exception as error:  # a use case that is at fault answers for itself alone
                pending.error = error
                undo_outside([pending])
                writer.undo()
                return

    def _run_once(self, writer: Writer, pending: Pending) -> None:
        tx = writer.tx
        pending.error = pending.outcome = None  # of an attempt that was undone nothing stays
        undo_outside([pending])
        writer.mark()
        found = writer.find(pending.key)
        if found is not None:
            for settle in self.at_repeat:
                settle(tx, pending.key)
            answer_again(pending, found)
            writer.keep()
            return
        now_us = self.clock.now_us() if pending.now_us is None else pending.now_us
        act = Act(
            node=self,
            tx=tx,
            name=pending.use_case.name,
            key=pending.key,
            actor=pending.actor,
            now_us=now_us,
            find=writer.find,
        )
        pending.outside = act.outside
        refusal: str | None = None
        try:
            if pending.subject_keys:
                store_subject_keys(tx, pending.subject_keys)
            if pending.use_case.recompute is not None:
                compute_input(act, pending)
            pending.outcome = pending.use_case.function(act, pending.input)
            outcome = pending.use_case.text_of_outcome(pending.outcome)
        except Refused as refused:
            undo_outside([pending])
            writer.undo()
            writer.mark()
            pending.error = refused
            refusal, outcome = refused.code, canonical_json(refused.reason)
            act.events = []
        if pending.dry_run:
            undo_outside([pending])
            writer.undo()
            return
        if pending.recorded is not None:
            pending.difference = difference_of(act, pending, outcome, refusal)
        record_act(writer, pending, act, outcome, refusal)
        writer.keep()
