"""Many acts by stable keys: those that the journal holds already are read, the rest are done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from puhui.kernel.act import Actor, find_use_case
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction, journal

ON_THE_WAY_MAX = 128
"""Acts handed in before the first of them is waited for: enough to be committed in groups."""

ROOT = "demo-county"
"""What every key of the county begins with."""

COUNTY = Actor(ROOT, frozenset(("system", "operator", "risk_analyst")))
"""The program that settles the county; nobody can log in as it."""

Progress = Callable[[str, int, int], None]
"""Told the name of a step, how much of it is done, and how much it is in all."""


@dataclass(frozen=True, slots=True)
class Wish:
    """An act to be done: its stable key, its input as plain data, and who does it."""

    key: str
    input: Mapping[str, Any]
    actor: Actor = COUNTY


class Acting:
    """Does acts in order on a node, counts the new ones, and tells how far it got."""

    def __init__(self, node: Node, progress: Progress | None = None) -> None:
        self.node = node
        self.new_acts = 0
        self._progress = progress

    def run(self, name: str, wishes: Iterable[Wish], *, step: str) -> list[Any]:
        """The outcome of each wish, or the ``Refused`` that stood against it, in order.

        Inputs of acts that are in the journal are not looked at. A fault is raised.
        """
        wanted = list(wishes)
        known = outcomes_of(self.node, name, (wish.key for wish in wanted))
        use_case = find_use_case(name)
        answers: list[Any] = []
        pending: deque[Any] = deque()
        # Several writers take batches in any order, and money must come in before it goes out.
        most = 1 if name == "ledger.create_transfers" else ON_THE_WAY_MAX
        for wish in wanted:
            if wish.key in known:
                pending.append(known[wish.key])
            else:
                self.new_acts += 1
                pending.append(self._submit(name, use_case.parse(dict(wish.input)), wish))
            if len(pending) >= most:
                answers.append(_answer(pending.popleft()))
                self._tell(step, len(answers), len(wanted))
        answers += [_answer(one) for one in pending]
        self._tell(step, len(wanted), len(wanted))
        return answers

    def _submit(self, name: str, input: Any, wish: Wish) -> Any:
        """The act on its way; what is refused before it starts is an answer too."""
        try:
            return self.node.submit(name, input, key=wish.key, actor=wish.actor)
        except Refused as refused:
            self.new_acts -= 1
            return refused

    def _tell(self, step: str, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress(step, done, total)


def _answer(one: Any) -> Any:
    if not hasattr(one, "result"):
        return one
    try:
        return one.result()
    except Refused as refused:
        return refused


def expect(answer: Any) -> Any:
    """The outcome of an act that nothing should have stood against."""
    if isinstance(answer, Refused):
        raise answer
    return answer


def outcomes_of(node: Node, name: str, keys: Iterable[str]) -> dict[str, Any]:
    """What became of the acts of ``keys`` that the journal holds: outcomes or refusals, by key."""
    use_case = find_use_case(name)
    found = {}
    with node.read() as tx:
        for key in keys:
            row = tx.one(journal.FIND, key=key)
            if row is not None:
                if row.refusal is not None:
                    found[key] = Refused(row.refusal, str(row.outcome))
                else:
                    found[key] = use_case.outcome_of(row.outcome)
    return found


def is_done(tx: Transaction, key: str) -> bool:
    """Whether an act of this key stands in the journal."""
    return tx.one(journal.FIND, key=key) is not None
