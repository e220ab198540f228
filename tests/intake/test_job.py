"""The main job: run twice, stopped anywhere, on bad files; what it must never do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from puhui import ledger, lending
from puhui.intake import job, open_data_path
from puhui.intake.run import Runner
from puhui.intake.summary import LendRun
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.clock import FixedClock, business_date
from puhui.kernel.crypto import load_keys
from puhui.kernel.store.journal import count_acts
from puhui.worker import close_day
from tests.intake.made_up import MAPPING, lend, lines, write

__all__ = ["lend"]

DAY_US = 86_400_000_000
Lend = Callable[..., LendRun]
SAME = ("applications", "refused_rows", "approved", "capped", "disbursed_minor", "auc_test")


def same(one: LendRun, other: LendRun) -> bool:
    """Whether two runs print the same of what became of the rows."""
    first, second = one.figures(), other.figures()
    return all(first[name] == second[name] for name in SAME)


def portfolio(node: Node) -> list[tuple[Any, ...]]:
    """Contracts that are not void, with their money, in an order of their own."""
    with node.read() as tx:
        after, found = "", []
        while loans := lending.list_loans(tx, after=after, count=1000):
            found += [(one.party_id, one.status, one.principal_minor) for one in loans]
            after = loans[-1].contract_id
        assert ledger.trial_balance(tx).difference_minor == 0
    return sorted(one for one in found if one[1] != "void")


def check_once(node: Node, run: LendRun) -> None:
    """Nobody was lent to twice, and all that was approved was paid out."""
    loans = portfolio(node)
    assert len({party for party, _, _ in loans}) == len(loans)
    assert {status for _, status, _ in loans} <= {"current"}
    assert sum(principal for _, _, principal in loans) == run.figures()["disbursed_minor"]
    assert run.figures()["approved"] == len(loans)
    assert run.figures()["trial_balance_minor"] == 0


BAD_ROWS = (
    "x1,40,120000,9000,0,0,-5000",
    "x2,40,120000,9000,0,0,",
    "x3,40,120000,many,0,0,5000",
    "x4,40,120000,9000,0",
    "x5,40,120000,9000,0,0,5000,more",
    "r7,40,120000,9000,0,0,5000",
    "x6,40,120000,-1,0,0,5000",
    "x8,40,1e999,9000,0,0,5000",
)


def test_bad_rows_are_refused_and_a_second_run_changes_nothing(node: Node, lend: Lend) -> None:
    unlabelled = (
        "u1,40,120000,9000,0,,5000",
        "u2,17,120000,9000,0,,5000",
        "u4,40,120000,9000,0,perhaps,5000",
    )
    text = (*lines(), *BAD_ROWS, *unlabelled)
    first = lend(node, text)
    figures = first.figures()
    assert figures["refused_rows"] == len(BAD_ROWS)
    assert figures["applications"] > 150
    assert 0 < figures["approved"] < figures["applications"]
    check_once(node, first)
    with node.read() as tx:
        acts = count_acts(tx)
    second = lend(node, text)
    assert same(first, second)
    assert second.figures()["new_acts"] == 0
    with node.read() as tx:
        assert count_acts(tx) == acts
    grown = lend(node, (*text, "u3,40,120000,9000,0,,5000"))
    assert grown.figures()["applications"] == figures["applications"] + 1
    assert 0 < grown.figures()["new_acts"] <= 8


class Stopped(Exception):
    """The process ends here."""


def test_a_run_stopped_anywhere_goes_on_the_next_day(
    sqlite_node: Node, lend: Lend, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, send, seen = sqlite_node, Runner._send, {"count": 0}

    def failing(self: Runner, use_case: str, key: str, /, **input: object) -> Any:
        seen["count"] += use_case == seen["at"]
        if seen["count"] > 30:
            raise Stopped
        return send(self, use_case, key, **input)

    monkeypatch.setattr(Runner, "_send", failing)
    for at in ("lending.apply", "lending.decide", "lending.accept", "lending.disburse"):
        seen.update(at=at, count=0)
        with pytest.raises(Stopped):
            lend(node)
        clock.set_us(clock.now_us() + DAY_US)
    assert any(status == "signed" for _, status, _ in portfolio(node))
    monkeypatch.setattr(Runner, "_send", send)
    done = lend(node)
    check_once(node, done)
    assert same(done, lend(node))
    assert lend(node).figures()["new_acts"] == 0


def test_contracts_undone_by_the_closing_of_the_day_are_signed_again(
    sqlite_node: Node, lend: Lend, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, send = sqlite_node, Runner._send

    def failing(self: Runner, use_case: str, key: str, /, **input: object) -> Any:
        if use_case == "lending.disburse":
            raise Stopped
        return send(self, use_case, key, **input)

    monkeypatch.setattr(Runner, "_send", failing)
    with pytest.raises(Stopped):
        lend(node)
    monkeypatch.setattr(Runner, "_send", send)
    clock.set_us(clock.now_us() + DAY_US)
    close_day(node, business_date(clock.now_us()))
    assert portfolio(node) == []
    check_once(node, lend(node))


KILLED = """
import os, sys
from pathlib import Path
from puhui.kernel import Actor
from puhui.kernel.act import USE_CASES
from puhui.node import open_node, load_rooms
from puhui.intake import job
from puhui.intake.run import Runner

home, folder = Path(sys.argv[1]), Path(sys.argv[2])
load_rooms()
actor = Actor("tester", frozenset().union(*(case.roles for case in USE_CASES.values())))
take, seen = Runner._take, []

def dying(self, pending):
    answer = take(self, pending)
    if pending.use_case.name == "lending.disburse":
        seen.append(pending.key)
        print(pending.key, flush=True)
        if len(seen) == 20:
            os.kill(os.getpid(), 9)
    return answer

Runner._take = dying
node = open_node(home)
job.lend_file(
    node, actor, file=folder / "loans.csv", mapping=folder / "made_up.toml",
    product="merchant_310",
)
"""


def test_a_killed_run_loses_nothing_that_was_answered(
    tmp_path: Path, open_at: Callable[..., Node], lend: Lend
) -> None:
    write(tmp_path / "in")
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(tmp_path / "in")],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PUHUI_STORE": ""},
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert ended.returncode == -9, ended.stderr[-2000:]
    answered = ended.stdout.split()
    assert len(answered) == 20
    node = open_at(f"sqlite:///{tmp_path / 'puhui.sqlite'}", keys=load_keys(tmp_path))
    before = portfolio(node)
    assert len([one for one in before if one[1] == "current"]) >= 20
    done = lend(node)
    check_once(node, done)
    paid = [one for one in before if one[1] == "current"]
    assert set(paid) <= set(portfolio(node))


@pytest.mark.parametrize(
    ("change", "more", "code"),
    [
        (None, {"product": ""}, "intake.product_needed"),
        (None, {"product": "gold"}, "lending.no_product"),
        (None, {"product": "sba_term"}, "intake.currency_differs"),
        (('column = "flow"', 'column = "bad"'), {}, "score.leaking_signal"),
        (("share = 0.6", "share = 1.0"), {}, None),
        (('column = "late"', 'column = "lately"'), {}, "intake.missing_columns"),
    ],
)
def test_what_is_refused_before_anything_is_recorded(
    sqlite_node: Node,
    operator: Actor,
    tmp_path: Path,
    change: tuple[str, str] | None,
    more: dict[str, str],
    code: str | None,
) -> None:
    file, mapping = write(tmp_path / "in", lines(40))
    if change is not None:
        mapping.write_text(MAPPING.replace(*change), encoding="utf-8")
    named = {"product": "merchant_310", **more}
    with pytest.raises(Refused) as caught:
        job.lend_file(sqlite_node, operator, file=file, mapping=mapping, **named)
    assert code is None or caught.value.code == code
    with sqlite_node.read() as tx:
        assert count_acts(tx) == (0, 0)


@pytest.mark.parametrize("name", ["small_loans", "sba_case"])
def test_slices_of_real_files(
    sqlite_node: Node,
    lend: Lend,
    reference_data: Callable[..., Path],
    name: str,
) -> None:
    if name == "small_loans":
        try:
            path = open_data_path("small-loans")
        except Refused as refused:
            pytest.skip(refused.reason)
        count = 500
    else:
        path, count = reference_data("credit", "sba_case.csv"), 1000
    rows = path.read_text("utf-8", errors="replace").splitlines()
    text = tuple(rows[: count + 1])
    first = lend(sqlite_node, text, mapping=name, product="")
    figures = first.figures()
    assert figures["refused_rows"] == 0
    assert figures["applications"] + train_rows(first) == len(text) - 1
    assert 0.6 < figures["auc_test"] < 0.97
    assert figures["bad_rate_approved"] < figures["bad_rate_all"]
    check_once(sqlite_node, first)
    second = lend(sqlite_node, text, mapping=name, product="")
    assert same(first, second)
    assert second.figures()["new_acts"] == 0


def train_rows(run: LendRun) -> int:
    """How many rows taught the model."""
    assert run.report.model is not None
    return run.report.model.train_rows
