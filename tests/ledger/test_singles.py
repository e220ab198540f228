"""Single transfers under group commit: each is answered once, durable, in the order it came.

Goal: hundreds on their way from any number of threads, waited for in any order or not at all.
Method: a real log in a folder of the test; what was answered is held against what it holds.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from puhui.kernel import Fault
from puhui.ledger.arrays.record import TRANSFER, id_halves, pack_accounts
from puhui.ledger.engines.log import singles as single
from puhui.ledger.engines.log.engine import LogEngine
from puhui.ledger.engines.log.singles import Single, Singles
from puhui.ledger.nouns import Account, Status

START_NS = 1_800_000_000 * 10**9
EVER_NS = 2**63 - 1


def made(number: int, amount: int = 1) -> bytes:
    """A transfer from account 1 to account 2."""
    record = np.zeros(1, dtype=TRANSFER)
    record["id_lo"], record["debit_lo"], record["credit_lo"] = number, 1, 2
    record["amount_lo"], record["ledger"], record["code"] = amount, 156, 1
    return record.tobytes()


@pytest.fixture
def failures() -> list[Fault]:
    return []


@pytest.fixture
def engine(tmp_path: Path, failures: list[Fault]) -> Iterator[LogEngine]:
    """A ledger with two accounts."""
    engine = LogEngine(tmp_path, segment_bytes=4 << 20, ids=16, on_failure=failures.append)
    engine.create_accounts(pack_accounts([Account(n, "CNY", 1) for n in (1, 2)]), START_NS)
    yield engine
    with contextlib.suppress(Fault):
        engine.close()
    LogEngine(tmp_path).close()


@pytest.fixture
def singles(engine: LogEngine) -> Iterator[Singles]:
    """Each group at a time of its own."""
    clock = itertools.count(START_NS + 1_000_000, 1_000_000)
    singles = Singles(engine, clock.__next__, group_max=700)
    yield singles
    singles.close()


def posted(engine: LogEngine) -> int:
    return int(engine.lookup_accounts(id_halves([2]), START_NS)["credits_posted_lo"][0])


def test_they_are_answered_in_any_order(engine: LogEngine, singles: Singles) -> None:
    """Over several groups and blocks; each says when it was created, a repeat that it exists."""
    asked = [singles.submit(made(number)) for number in range(1, 3001)]
    answers = {number: singles.wait(asked[number - 1]) for number in (3000, 1, 701, 1024, 1025)}
    assert {status for status, _ in answers.values()} == {Status.CREATED}
    assert [answers[n][1] for n in sorted(answers)] == sorted(t for _, t in answers.values())
    assert all(singles.wait(one)[0] is Status.CREATED for one in asked)
    again = singles.submit(made(17)), singles.submit(made(18, 2)), singles.submit(made(0))
    assert [singles.wait(one)[0] for one in again] == [
        Status.EXISTS,
        Status.EXISTS_WITH_DIFFERENT_AMOUNT,
        Status.ID_MUST_NOT_BE_ZERO,
    ]
    assert singles.wait(again[0])[1] == 0
    assert posted(engine) == 3000
    assert engine.events == 3003


def test_many_threads(engine: LogEngine, singles: Singles) -> None:
    """Each waits for its own, and an answer stays when thousands have come after it."""
    wrong: list[object] = []

    def work(first: int) -> None:
        kept = singles.submit(made(first))
        for number in range(first + 1, first + 300):
            if singles.wait(singles.submit(made(number)))[0] is not Status.CREATED:
                wrong.append(number)
        if singles.wait(kept)[0] is not Status.CREATED:
            wrong.append(first)

    threads = [threading.Thread(target=work, args=(n * 1000 + 1,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert posted(engine) == 16 * 300


def test_what_nobody_waits_for_is_judged(engine: LogEngine, singles: Singles) -> None:
    """By the thread of the class; closing finishes what is on its way."""
    singles.submit(made(1))
    asked = threading.Event()
    for _ in range(2000):
        if engine.events:
            break
        asked.wait(0.01)
    assert engine.events == 1
    late = [singles.submit(made(number)) for number in range(2, 2000)]
    singles.close()
    assert engine.events == 1999
    assert singles.wait(late[-1])[0] is Status.CREATED


def test_more_than_may_be_on_their_way(engine: LogEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever submits then makes room; no answer is lost when a block is used again."""
    monkeypatch.setattr(single, "BLOCKS", 2)
    monkeypatch.setattr(single, "_TURN", 1)
    clock = itertools.count(START_NS + 1_000_000, 1_000_000)
    singles = Singles(engine, clock.__next__)
    asked: list[Single] = [singles.submit(made(number)) for number in range(1, 9001)]
    assert len({singles.wait(one)[1] for one in asked}) == 9000
    assert posted(engine) == 9000
    singles.close()


def test_a_log_that_fails_ends_them(
    engine: LogEngine,
    singles: Singles,
    failures: list[Fault],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All who wait hear of it, and all who come later; what was durable stays answered."""
    before = singles.submit(made(1))
    assert singles.wait(before)[0] is Status.CREATED

    def fail(handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    asked = [singles.submit(made(number)) for number in (2, 3)]
    for one in (*asked, singles.submit(made(4))):
        with pytest.raises(Fault, match="Input/output error") as caught:
            singles.wait(one)
        assert caught.value.code == "ledger.log_failed"
    assert len(failures) == 1
    assert singles.wait(before)[0] is Status.CREATED
    monkeypatch.undo()


def test_the_example_of_the_guide_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = Path(__file__).parents[2] / "docs/guides/engines.md"
    code = guide.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    said = next(line.split("# ")[1] for line in code.splitlines() if line.startswith("print("))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    exec(compile(code, str(guide), "exec"), {})
    assert capsys.readouterr().out.strip() == said


def test_a_record_of_another_width_moves_nothing_else(singles: Singles, engine: LogEngine) -> None:
    """One too short beside one too long would pass for two of the right width."""
    whole = made(1, 5) + made(2, 7)
    for part in (whole[:64], whole[64:]):
        with pytest.raises(AssertionError):
            singles.submit(part)
    assert singles.wait(singles.submit(made(3)))[0] is Status.CREATED
    assert len(engine.lookup_transfers(id_halves([1, 2, 3]))) == 1
