"""Acts on their way: what a caller waits for, and how it is answered."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from typing import Any

from puhui.kernel import event
from puhui.kernel.act import Act, Outside, UseCase, code_version
from puhui.kernel.crypto import SubjectKey, canonical_json
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.store import Row, Writer

WAIT_S_MAX = 120.0

LOGGER = logging.getLogger("puhui.act")

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""A zero character as JSON writes it: no store keeps one in a text."""


class Pending:
    """An act on its way: ``result()`` waits until it is durable, or says why it is not."""

    __slots__ = (
        "_lock",
        "actor",
        "difference",
        "digest",
        "dry_run",
        "error",
        "input",
        "is_awaited",
        "is_erased",
        "is_repeat",
        "key",
        "now_us",
        "outcome",
        "outside",
        "recorded",
        "salt",
        "started_s",
        "subject_keys",
        "text",
        "use_case",
    )

    def __init__(
        self,
        *,
        use_case: UseCase,
        input: Any,
        digest: str,
        key: str,
        actor: str,
        dry_run: bool,
        salt: str,
        text: str | None = None,
        subject_keys: tuple[SubjectKey, ...] = (),
        now_us: int | None = None,
        recorded: Row | None = None,
    ) -> None:
        self.use_case = use_case
        self.input = input
        self.digest = digest
        self.key = key
        self.actor = actor
        self.dry_run = dry_run
        self.salt = salt
        self.subject_keys = subject_keys
        self.text = text
        self.now_us = now_us
        self.recorded = recorded
        self.outside: list[Outside] = []
        self.difference: str | None = None
        self.is_awaited = False
        self.is_erased = False
        self.is_repeat = False
        self.outcome: Any = None
        self.error: BaseException | None = None
        self.started_s = time.perf_counter()
        self._lock = threading.Lock()
        self._lock.acquire()

    def result(self) -> Any:
        """The outcome, once durable. Raises what the act raised, ``Refused`` or ``Fault``."""
        self.is_awaited = True
        if not self._lock.acquire(timeout=WAIT_S_MAX):
            raise Fault("kernel.no_answer", f"{self.use_case.name} was not answered in time.")
        self._lock.release()
        if self.error is not None:
            raise self.error
        return self.outcome

    def answer(self) -> None:
        """Let the caller go on; called once, after the commit."""
        self._lock.release()


def answer_again(pending: Pending, found: Row) -> None:
    """Answer a key that was used before: with the first outcome, if it is the same request."""
    pending.is_repeat = True
    if found.name != pending.use_case.name or found.input_digest != pending.digest:
        pending.error = Refused(
            "kernel.key_reused", f"The key {pending.key[:60]!r} was used for another request."
        )
    elif found.refusal is not None:
        pending.error = Refused(found.refusal, _reason(found.outcome))
    else:
        pending.outcome = pending.use_case.outcome_of(found.outcome)


def _reason(text: str) -> str:
    return str(json.loads(text))


def confirm_outside(group: list[Pending]) -> None:
    """After the commit, let what acts did beside the store become final.

    Where that fails the act stands all the same: what is left to do is done when the node is opened
    again, and the caller is told that nobody knows yet; so is who asked for it a second time.
    """
    failed: dict[str, BaseException] = {}
    for pending in group:
        outside, pending.outside = pending.outside, []
        try:
            for one in outside:
                one.confirm()
        except Fault as error:
            failed[pending.key] = error
        if pending.key in failed and (outside or pending.is_repeat):
            pending.outcome, pending.error = None, failed[pending.key]


def undo_outside(group: list[Pending]) -> None:
    """Take back what acts did beside the store, as they did not happen."""
    for pending in group:
        outside, pending.outside = pending.outside, []
        for one in outside:
            one.undo()


def doubt_outside(group: list[Pending]) -> None:
    """Leave what acts did beside the store as it is: the commit may have happened or not."""
    for pending in group:
        outside, pending.outside = pending.outside, []
        for one in outside:
            one.doubt()


def fail_all(group: list[Pending], reason: str) -> None:
    """Tell every caller of an undone group that nothing of it is durable."""
    for pending in group:
        pending.outcome = None
        if not isinstance(pending.error, Fault):
            pending.error = Fault("kernel.not_durable", reason)


def log_answer(pending: Pending) -> None:
    """One line per act: name, key, refusal and time; no personal data."""
    if LOGGER.isEnabledFor(logging.INFO):
        LOGGER.info(
            "%s key=%s actor=%s refusal=%s ms=%.1f",
            pending.use_case.name,
            pending.key,
            pending.actor,
            getattr(pending.error, "code", None),
            (time.perf_counter() - pending.started_s) * 1000,
        )


def compute_input(act: Act, pending: Pending) -> None:
    """Work out the computed part of an act's input; on replay hold it against the record.

    Refused: ``kernel.erased``, ``replay.differs``.
    """
    recompute = pending.use_case.recompute
    assert recompute is not None, pending.use_case.name
    made = recompute(act, pending.input)
    recorded = pending.recorded
    if made is None:
        if recorded is None:
            raise Refused("kernel.erased", "The personal data for this were erased.")
        if recorded.refusal is not None:
            raise Refused(recorded.refusal, _reason(recorded.outcome))
        pending.is_erased = True
        act.recorded = pending.use_case.outcome_of(recorded.outcome)
    elif recorded is None:
        pending.input, pending.text = made, None
    elif made != pending.input:
        raise Refused("replay.differs", f"{pending.use_case.name} now computes {made!r:.300}")


def difference_of(act: Act, pending: Pending, outcome: str, refusal: str | None) -> str | None:
    """How an act that is run again differs from what the journal says of it, if it does."""
    row = pending.recorded
    assert row is not None
    if refusal != row.refusal:
        return f"refused with {refusal}, recorded was {row.refusal}"
    if outcome != row.outcome:
        return f"outcome {outcome[:200]}, recorded was {row.outcome[:200]}"
    digests = canonical_json(act.digests)
    if digests != row.digests:
        return f"decided by {digests}, recorded was {row.digests}"
    return None


def is_text(text: str) -> bool:
    """Whether every store can keep ``text``: no zero character, no half of a character."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def text_of(use_case: UseCase, input: Any) -> str:
    """An input as the journal keeps it. Refused: ``kernel.bad_input`` where no store could."""
    try:
        text = use_case.text_of_input(input)
        text.encode()
    except ValueError as error:
        raise Refused("kernel.bad_input", f"The input cannot be written down: {error}.") from None
    if "\\u0000" in text and _NUL.search(text):
        raise Refused("kernel.bad_input", "The input holds a zero character.")
    return text


def record_act(
    writer: Writer, pending: Pending, act: Act, outcome: str, refusal: str | None
) -> None:
    """Write the journal row of an act that ends now, and what it told."""
    events = event.event_rows(act.key, act.events, canonical_json) if act.events else ()
    writer.record(
        {
            "key": pending.key,
            "time_us": act.now_us,
            "name": act.name,
            "actor": act.actor,
            "input": pending.text or pending.use_case.text_of_input(pending.input),
            "input_digest": pending.digest,
            "outcome": outcome,
            "refusal": refusal,
            "digests": canonical_json(act.digests) if act.digests else "{}",
            "code": code_version(),
            "salt": pending.salt,
        },
        events,
    )
