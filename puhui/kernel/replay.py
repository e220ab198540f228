"""Replay (重放): run a journal again in an empty node and hold everything against the record."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from puhui.kernel.crypto import copy_subject_keys, paste_subject_keys
from puhui.kernel.dump import TableDigest, digest_store
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.node import Node
from puhui.kernel.pending import Pending
from puhui.kernel.store import Row, change
from puhui.kernel.store.journal import count_acts, read_journal

ON_THE_WAY_MAX = 256


@dataclass(frozen=True, slots=True)
class Difference:
    """One act that came out otherwise, or one table that does: ``replay.differs``."""

    position: int
    name: str
    key: str
    what: str


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay found: equal when ``differences`` is empty."""

    acts: int
    refused: int
    erased: int
    differences: tuple[Difference, ...]


def replay(
    source: Node, target: Node, *, progress: Callable[[int, int], None] | None = None
) -> ReplayReport:
    """Run all acts of ``source`` in the empty ``target``, in order, and compare.

    Compared are each outcome, each refusal and its reason, what decided (digests), what can be
    computed again (scores), and at the end the canonical dump, table by table. Acts on persons
    whose keys were destroyed count as ``erased``: their scores stand as recorded. An act whose use
    case or form this release knows no more is a difference, and the others go on. ``target``
    must have one writer, so that acts run in order. Refused: ``replay.target_not_empty``.
    """
    assert target.store.writers == 1, "a replay has one writer"
    source.store.settle_positions()
    with target.read() as tx:
        if count_acts(tx) != (0, 0):
            raise Refused("replay.target_not_empty", "A replay needs an empty node.")
    with source.read() as tx:
        total, _ = count_acts(tx)
        copied = copy_subject_keys(tx)
    _paste_keys(target, copied)
    differences: list[Difference] = []
    counts = {"acts": 0, "refused": 0, "erased": 0}
    waiting: deque[tuple[Row, Pending]] = deque()

    def settle(count_left: int) -> None:
        while len(waiting) > count_left:
            row, pending = waiting.popleft()
            counts["acts"] += 1
            counts["refused"] += row.refusal is not None
            what = _answer(pending)
            counts["erased"] += pending.is_erased
            if what is not None:
                differences.append(Difference(row.position, row.name, row.key, what))
            if progress is not None:
                progress(counts["acts"], total)

    for row in read_journal(source.store):
        try:
            waiting.append((row, target.submit_recorded(row)))
        except (Refused, ValueError) as error:
            settle(0)
            counts["acts"] += 1
            counts["refused"] += row.refusal is not None
            differences.append(Difference(row.position, row.name, row.key, _gone(row, error)))
        settle(ON_THE_WAY_MAX)
    settle(0)
    differences.extend(compare_stores(source, target))
    return ReplayReport(counts["acts"], counts["refused"], counts["erased"], tuple(differences))


def _paste_keys(target: Node, copied: list[tuple[str, str | None]]) -> None:
    with change(target.store) as tx:
        paste_subject_keys(tx, copied)


def _gone(row: Row, error: Refused | ValueError) -> str:
    """What is said of an act that an earlier release recorded in a way that is gone by now.

    What stands in its input may be personal, so nothing of that is repeated.
    """
    is_gone = isinstance(error, Refused)
    what = "has no such use case" if is_gone else "reads its input in another form"
    return f"Recorded by {row.code}; this release {what}: replay it with that one."


def _answer(pending: Pending) -> str | None:
    """Wait for an act; what differs, or None."""
    try:
        pending.result()
    except Refused as refused:
        if refused.code == "replay.differs":
            return refused.reason
    except Fault as fault:
        return str(fault)
    except Exception as error:  # a use case that is at fault now is a difference to report
        return f"{type(error).__name__}: {error}"
    return pending.difference


def compare_stores(one: Node, other: Node) -> list[Difference]:
    """The tables in which two stores differ; one that a store lacks counts as empty."""
    left, right = digest_store(one.store), digest_store(other.store)
    none = TableDigest(0, f"{0:064x}")
    pairs = {
        name: (left.get(name, none), right.get(name, none))
        for name in sorted(left.keys() | right.keys())
    }
    return [
        Difference(0, "dump", name, f"{one_has.rows} rows and {other_has.rows} rows differ")
        for name, (one_has, other_has) in pairs.items()
        if one_has != other_has
    ]
