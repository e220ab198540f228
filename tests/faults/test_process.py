"""Several processes on one store: fair turns, nothing lost, one schema and one master key."""

from __future__ import annotations

import base64
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from puhui.intake.read import open_data_path
from puhui.kernel import Refused
from puhui.kernel.crypto import Keys
from puhui.kernel.store.journal import read_journal
from puhui.node import open_node
from tests.conftest import check_books
from tests.faults.conftest import Child, Site
from tests.faults.load import (
    add_for_seconds,
    digest_of_text,
    lend_a_file,
    lend_for_a_while,
    open_empty_home,
)
from tests.faults.sample import CLERK, Sample

pytestmark = [pytest.mark.faults]


def test_the_main_job_and_another_process_both_finish(
    site: Site, start: Callable[..., Child], tmp_path: Path
) -> None:
    lines = open_data_path("small-loans").read_text("utf-8").splitlines(keepends=True)
    file = tmp_path / "slice.csv"
    file.write_text("".join(lines[:1501]), "utf-8")
    url, home = site.facts[:2]
    job = start(lend_a_file, url, home, args=(str(file), "small_loans"))
    other = start(lend_for_a_while, site.facts, args=(0, 100_000))
    assert (job.hear(), other.hear()) == ("open", "open")
    applications, refused_rows, new_acts, difference = map(int, job.hear(200).split(" "))
    other.told.send_bytes(b"stop")
    told = [line.split(" ") for line in other.hear_all() if line != "done"]
    assert applications > 500
    assert difference == 0
    assert len(told) >= 16, "the other process was starved"
    node = site.open()
    node.store.settle_positions()
    rows = list(read_journal(node.store))
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    found = {row.key: digest_of_text(row.outcome) for row in rows}
    assert {key: found.get(key) for key, _, _ in told} == {key: told for key, told, _ in told}
    assert len(rows) == new_acts + len(told) + 2, "two acts opened the bank"
    assert refused_rows >= 0
    check_books(node)
    node.close()


def test_two_busy_processes_take_turns(site: Site, start: Callable[..., Child]) -> None:
    """Neither of two processes that write without pause gets less than a tenth of the acts."""
    url, home = site.facts[:2]
    children = [start(add_for_seconds, url, home, args=(name, 3.0)) for name in ("a", "b")]
    for child in children:
        assert child.hear() == "open"
    for child in children:
        child.told.send_bytes(b"go")
    told = [tuple(map(int, child.hear(60).split(" "))) for child in children]
    acts = [count for count, _ in told]
    assert min(acts) * 10 > max(acts), told
    node = site.open()
    node.store.settle_positions()
    rows = [row for row in read_journal(node.store) if row.name == "fault.add"]
    assert len(rows) == sum(acts)
    node.close()


@pytest.mark.parametrize("turn", range(3))
def test_many_first_openings_agree_on_schema_and_key(
    tmp_path: Path, start: Callable[..., Child], turn: int
) -> None:
    home = tmp_path / "home"
    children = [start(open_empty_home, "", str(home), args=(f"act-{n}",)) for n in range(5)]
    for child in children:
        assert child.hear() == "ready"
    for child in children:
        child.told.send_bytes(b"go")
    fingerprints = {child.hear() for child in children}
    assert len(fingerprints) == 1, fingerprints
    assert (home / "master.key").stat().st_mode & 0o777 == 0o600
    node = open_node(home)
    assert {node.keys.fingerprint} == fingerprints
    rows = list(read_journal(node.store))
    assert sorted(row.key for row in rows) == [f"act-{n}" for n in range(5)]
    assert [row.position for row in rows] == [1, 2, 3, 4, 5]
    node.close()


def test_many_first_openings_of_one_database_with_two_keys(
    postgres: Any, tmp_path: Path, start: Callable[..., Child]
) -> None:
    """Two machines with keys of their own meet on one empty database: one of them is refused."""
    with postgres.empty_database() as url:
        homes = [str(tmp_path / name) for name in ("one", "one", "two", "two")]
        children = [
            start(open_empty_home, url, home, args=(f"act-{n}",)) for n, home in enumerate(homes)
        ]
        for child in children:
            assert child.hear() == "ready"
        for child in children:
            child.told.send_bytes(b"go")
        heard = [child.hear() for child in children]
        is_refused = [text.startswith("Refused kernel.wrong_keys") for text in heard]
        assert is_refused in ([True, True, False, False], [False, False, True, True]), heard
        assert len({text for text in heard if not text.startswith("Refused")}) == 1


@pytest.mark.usefixtures("samples")
def test_a_store_is_opened_with_its_own_keys_or_not_at_all(tmp_path: Path) -> None:
    home = tmp_path / "home"
    node = open_node(home)
    node.act("fault.add", Sample(1), key="k", actor=CLERK)
    node.close()
    key = home / "master.key"
    saved = key.read_text("ascii")

    def refused() -> str:
        with pytest.raises(Refused) as caught:
            open_node(home)
        return caught.value.code

    key.unlink()
    assert refused() == "kernel.wrong_keys"
    assert not key.exists(), "no new key beside a store that cannot be read with it"
    key.write_text(base64.b64encode(b"z" * 32).decode(), "ascii")
    assert refused() == "kernel.wrong_keys"
    key.write_bytes(b"\xff\xfe no key")
    assert refused() == "kernel.bad_master_key"
    with pytest.raises(Refused, match=r"^kernel\.wrong_keys"):
        open_node(home, keys=Keys(b"z" * 32))
    key.write_text(saved, "ascii")
    node = open_node(home)
    node.act("fault.add", Sample(1), key="k", actor=CLERK)
    with node.read() as tx:
        from puhui.kernel.store.journal import count_acts

        assert count_acts(tx) == (1, 0)
    node.close()


def test_an_interrupted_first_opening_is_taken_up(tmp_path: Path) -> None:
    """A key without a store, a store without a claim, an empty file: each opens."""
    home = tmp_path / "home"
    open_node(home).close()
    (home / "puhui.sqlite").unlink()
    node = open_node(home)
    node.close()
    with closing(sqlite3.connect(home / "puhui.sqlite")) as connection:
        connection.execute("DELETE FROM store_owner")
        connection.commit()
    again = open_node(home)
    assert again.keys.fingerprint == node.keys.fingerprint
    again.close()
    shutil.rmtree(home)
    home.mkdir()
    (home / "puhui.sqlite").touch()
    open_node(home).close()
