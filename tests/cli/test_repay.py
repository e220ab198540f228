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
        ("contract_id,amount,paid_on\nx,1,2026-01-01,more\n", "cli.bad_file"),
        ("contract_id,amount,amount,paid_on\nx,1,2,2026-01-01\n", "cli.bad_file"),
        ("contract_id,amount,paid_on\nx\0,1,2026-01-01\n", "cli.bad_file"),
        ('contract_id,amount,paid_on\n"x,1,2026-01-01\n', "cli.bad_file"),
        ('contract_id,amount,paid_on\n"x"y,1,2026-01-01\n', "cli.bad_file"),
        ("contract_id,amount,paid_on\n" + "x" * 200_000 + ",1,2026-01-01\n", "cli.bad_file"),
        ("contract_id,amount,paid_on\nx,１２,2026-01-01\n".encode("gbk"), "cli.file_unreadable"),
    ],
)
def test_files_that_cannot_be_read(
    lender: Program, tmp_path: Path, text: str | bytes, code: str
) -> None:
    file = tmp_path / "payments.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    ended = lender("repay", file)
    assert (ended.code, f"({code})" in ended.err) == (2, True), ended.err


def test_files_that_overlap_take_a_payment_once(lender: Program, tmp_path: Path) -> None:
    """Under one reference a loan takes one payment, whichever file it stands in."""
    store = sqlite3.connect(lender.home / "puhui.sqlite")
    (contract, day), *_ = store.execute(
        "SELECT id, started_on FROM lending_contract WHERE status = 'current' ORDER BY id DESC"
    ).fetchall()
    store.close()
    file, head = tmp_path / "payments.csv", "contract_id,amount,paid_on,reference"
    rows = [f"{contract},1.00,{day},B-{number}" for number in (1, 2, 3)]
    file.write_text("\ufeff" + "\n".join([head, *rows[:2]]) + "\n", encoding="utf-8")
    assert lender("repay", file, "--json").figures["taken"] == 2
    file.write_text("\n".join([head, *rows, rows[2]]) + "\n", encoding="utf-8")
    again = lender("repay", file, "--json")
    assert (again.figures["taken"], again.figures["refused"]) == (1, 3)
    assert "(lending.payment_known)" in again.out
    other = lender("repay", file, "--currency", "JPY")
    assert other.code == 2
    file.write_text(f"{head}\n{contract},100,{day},C\n", encoding="utf-8")
    foreign = lender("repay", file, "--currency", "JPY", "--json")
    assert foreign.figures["taken"] == 0
    assert "(lending.other_currency)" in foreign.out
