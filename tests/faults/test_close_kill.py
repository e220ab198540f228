"""The close of a day killed within and after each of its chunks, and run again each time.

Goal: wherever a power cut meets the close, the store in the end says what one says that never was
cut short, word for word. Method: a process closes two days, the last of March and the next; it
is killed within its first chunk, before that is committed; the next one does that chunk and is
killed within the second, and so on, until nothing is left to do. What a kill leaves is what one
right after the chunk before leaves, and the pages of an unfinished one beside. Tasks, promises,
provisions, the parts of joint lenders and the books of the day are among the chunks.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from puhui.kernel import Actor
from puhui.kernel.act import USE_CASES
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.kernel.dump import dump_store
from puhui.kernel.event import DAY_STEPS
from puhui.node import open_node
from puhui.worker import close_day
from tests.conftest import Postgres
from tests.faults.conftest import Child
from tests.faults.load import KEYS
from tests.servicing.book import Book, loan_id
from tests.servicing.templates import make_templates

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]
DAY = date(2026, 3, 31)
LOANS, SIZE = 40, 16
ROOMS = ("servicing.", "lending.", "ledger.")
STEPS = {"servicing.run_day", "servicing.open_tasks", "servicing.judge_promises",
         "lending.age_loans", "ledger.close_books"}  # fmt: skip
AGAIN = {"ledger.mark_books", "ledger.close_books"}
"""They look at a closed day again, and say the same of it."""
MANY = 10**6
RUNS_MAX = 60


@pytest.fixture(params=["sqlite", "postgres"])
def two_stores(
    request: pytest.FixtureRequest, tmp_path: Path, empty_sqlite: Path
) -> Iterator[tuple[str, str]]:
    """Two empty stores of each kind in turn."""
    if request.param == "sqlite":
        first, second = (shutil.copy(empty_sqlite, tmp_path / f"{n}.sqlite") for n in (1, 2))
        yield f"sqlite:///{first}", f"sqlite:///{second}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as first, server.database() as second:
        yield first, second


def at(day: date, hour: int) -> FixedClock:
    """An hour of a day in China."""
    return FixedClock(time_us_of(datetime.fromisoformat(f"{day}T{hour:02}:00:00+08:00")))


def filled(url: str, home: Path) -> None:
    """A store with a book of loans, one in ten of them late, and a promise for today."""
    node = open_node(home, store_url=url, keys=KEYS, clock=at(DAY, 10))
    book = Book(node, DAY, make_templates(DAY, ages=12, offsets=5), has_lenders=True)
    book.load(LOANS, with_events=True)
    officer = Actor("officer", frozenset({"loan_officer"}))
    for n in (10, 20, 30):
        told = {"loan_id": loan_id(n), "amount_minor": 100, "by": DAY.isoformat()}
        node.act("servicing.promise_to_pay", told, key=f"promise-{n}", actor=officer)
    node.close()


def close_until_killed(told: Connection, url: str, home: str, chunks: int) -> None:
    """Close both days, and be killed within the chunk that follows ``chunks`` new ones, when all of
    it was written and nothing committed. What is done is told, and "done" where all of it was.
    """
    news: list[str] = []

    def counted(name: str, run: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def run_it(act: Any, input: Any) -> Any:
            outcome = run(act, input)
            if name.startswith(ROOMS):
                if len(news) == chunks:
                    os.kill(os.getpid(), signal.SIGKILL)
                news.append(name)
            return outcome

        return run_it

    for name in DAY_STEPS:
        case = USE_CASES[name]
        USE_CASES[name] = replace(case, function=counted(name, case.function))

    def progress(step: str, done: int, of: int) -> None:
        if news and news[-1] == step:
            told.send_bytes(step.encode())

    with contextlib.suppress(BrokenPipeError):
        for day in (DAY, DAY + timedelta(days=1)):
            node = open_node(Path(home), store_url=url, keys=KEYS, clock=at(day, 20))
            close_day(node, day, progress=progress, size=SIZE)
            node.close()
        told.send_bytes(b"done")


def said(url: str, home: Path) -> Counter[tuple[str, str]]:
    """All that a store says, but for what blinds and numbers the leaves of its journal."""
    node = open_node(home, store_url=url, keys=KEYS, clock=at(DAY, 20))
    found: Counter[tuple[str, str]] = Counter()
    for table, line in dump_store(node.store):
        told = json.loads(line)
        if table == "journal":
            del told["salt"], told["position"]
        found[table, json.dumps(told, sort_keys=True)] += 1
    node.close()
    return found


def test_a_close_that_is_killed_at_every_chunk_says_the_same(
    two_stores: tuple[str, str], tmp_path: Path, start: Callable[..., Child]
) -> None:
    killed_url, whole_url = two_stores
    homes = [tmp_path / name for name in ("killed", "whole")]
    for url, home in zip((killed_url, whole_url), homes, strict=True):
        home.mkdir()
        filled(url, home)

    def run(url: str, home: Path, chunks: int) -> list[str]:
        return start(close_until_killed, args=(url, str(home), chunks)).hear_all(100)

    whole = run(whole_url, homes[1], MANY)
    assert whole[-1] == "done"
    assert set(whole) >= STEPS
    assert whole.count("servicing.run_day") == 2 * -(-LOANS // SIZE)
    assert run(killed_url, homes[0], 0) == [], "killed before it was committed"
    done: list[str] = []
    while "done" not in done and len(done) < RUNS_MAX:
        told = run(killed_url, homes[0], 1)
        assert len(told) == 1 or told[1:] == ["done"], told
        done += told
    assert [one for one in done if one not in AGAIN] == [one for one in whole if one not in AGAIN]
    killed, never = said(killed_url, homes[0]), said(whole_url, homes[1])
    assert not never - killed, sorted(never - killed)[:4]
    journal = [json.loads(line) for table, line in never if table == "journal"]
    closed = {one["outcome"] for one in journal if one["name"] == "ledger.close_books"}
    for table, line in killed - never:
        told = json.loads(line)
        assert (table, told.get("name") in AGAIN) == ("journal", True), (table, line)
        assert told["outcome"] in {'{"first_day":null}', *closed}, told
