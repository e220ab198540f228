"""Payments of a file, from the command line: taken, refused by row, and once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.program import Program

pytestmark = pytest.mark.xdist_group("cli")


def test_payments_of_a_file_are_taken_once(lender: Program, tmp_path: Path) -> None:
    store = sqlite3.connect(lender.home / "puhui.sqlite")
    (contract, day, before), *_ = store.execute(
        "SELECT id, started_on, outstanding_minor FROM lending_contract "
        "WHERE status = 'current' ORDER BY id"
    ).fetchall()
    store.close()
    file = tmp_path / "payments.csv"
    file.write_text(
        f"contract_id,amount,paid_on\n{contract},12.50,{day}\nnone,1,{day}\n"
        f"{contract},1,2000-01-01\n",
        encoding="utf-8",
    )
    ended = lender("repay", file, "--json")
    assert ended.code == 0, ended.said
    assert (ended.figures["taken"], ended.figures["refused"]) == (1, 2)
    assert ended.figures["amount_minor"] == 1_250
    assert "Row 3" in ended.out and "(lending.no_contract)" in ended.out
    assert "(servicing.before_loan)" in ended.out
    again = lender("repay", file, "--json")
    assert again.figures == ended.figures
    store = sqlite3.connect(lender.home / "puhui.sqlite")
    (left,) = store.execute(
        "SELECT outstanding_minor FROM lending_contract WHERE id = ?", (contract,)
    ).fetchone()
    store.close()
    assert left == before - 1_250


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("contract_id,amount\nx,1\n", "cli.bad_file"),
        ("contract_id,amount,paid_on\nx,many,2026-01-01\n", "cli.bad_file"),
        ("contract_id,amount,paid_on\nx,1,soon\n", "cli.bad_file"),
    ],
)
def test_files_that_cannot_be_read(lender: Program, tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "payments.csv"
    file.write_text(text, encoding="utf-8")
    ended = lender("repay", file)
    assert (ended.code, f"({code})" in ended.err) == (2, True)
