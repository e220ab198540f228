"""The books from the command line: trial balances, reports, exports and statements of wallets."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest

from puhui.cli.ledger.export import account_number
from puhui.cli.ledger.ledger import parse_period
from puhui.kernel import Refused
from puhui.payment.formats.iso20022 import read_camt053
from tests.cli.program import Ended, Program

pytestmark = pytest.mark.xdist_group("cli")

SPAN = ("--from", "2026-01-01", "--to", "2030-12-31")
ACCOUNT = r"(?:Assets|Liabilities|Equity|Income|Expenses)(?::[A-Z0-9][A-Za-z0-9-]*)+"
AMOUNT = r"-?\d+(?:\.\d+)? [A-Z][A-Z0-9'._-]{0,22}[A-Z0-9]"
TEXT = r'"(?:[^"\\]|\\.)*"'
LINE = re.compile(
    "|".join(
        (
            r"",
            r";.*",
            rf"option {TEXT} {TEXT}",
            rf"\d{{4}}-\d\d-\d\d open {ACCOUNT} [A-Z]+",
            rf"\d{{4}}-\d\d-\d\d balance {ACCOUNT} {AMOUNT}",
            rf"\d{{4}}-\d\d-\d\d \* {TEXT} {TEXT}",
            rf"  [a-z][A-Za-z0-9_-]+: {TEXT}",
            rf"  {ACCOUNT} {AMOUNT}",
        )
    )
)
"""What a line of a Beancount file may be, of the parts of the language that are used."""


def wallet_of(home: Path) -> tuple[str, str, int]:
    """A borrower's id, their wallet as 32 digits, and the yuan cents in it."""
    store = sqlite3.connect(home / "puhui.sqlite")
    party_id = store.execute("SELECT party_id FROM lending_contract LIMIT 1").fetchone()[0]
    store.close()
    from puhui.payment import wallet_account

    account = wallet_account(party_id, "CNY")
    store = sqlite3.connect(home / "puhui.sqlite")
    sums = store.execute(
        "SELECT credits_posted - debits_posted FROM ledger_balance WHERE account_id = ?",
        (account.to_bytes(16, "big"),),
    ).fetchone()
    store.close()
    return party_id, f"{account:032x}", sums[0]


def year_of(home: Path) -> int:
    """The year in which the loans were paid out."""
    store = sqlite3.connect(home / "puhui.sqlite")
    day: str = store.execute("SELECT max(started_on) FROM lending_contract").fetchone()[0]
    store.close()
    return int(day[:4])


def test_the_general_ledger_is_printed_open_and_closed(lender: Program) -> None:
    today = lender("ledger", "trial-balance", "--period", "2026", "--json")
    assert today.code == 0, today.said
    assert today.figures["trial_balance_minor"] == 0
    assert "1303" in today.out
    assert "贷款" in today.out
    assert "not closed to the end yet" in today.out
    closed = lender("close-day", "--json")
    assert closed.code == 0, closed.said
    day = closed.figures["day"]
    again = lender("close-day", day, "--json")
    assert again.figures["chunks"] == closed.figures["chunks"]
    assert "was closed already" in again.out
    assert "was closed already" not in closed.out
    ended = lender("ledger", "trial-balance", "--date", day, "--json")
    assert (ended.code, ended.figures["is_closed"]) == (0, True)
    sound = lender("ledger", "verify", "--json")
    assert (sound.code, sound.figures["faults"], sound.figures["frames"]) == (0, 0, 0)
    assert sound.figures["transfers"] > 0


def test_the_sheet_balances_and_the_income_is_told(lender: Program) -> None:
    sheet = lender("ledger", "report", "balance-sheet", "--period", "2030", "--json")
    assert sheet.code == 0, sheet.said
    figures = sheet.figures
    assert figures["total_assets"] == figures["total_liabilities_and_equity"] != 0
    assert "资产负债表" in sheet.out
    income = lender("ledger", "report", "income-statement", "--period", "2026", "--json")
    assert income.code == 0
    assert "净利润" in income.out
    wrong = lender("ledger", "report", "cash-flow", "--period", "2026")
    assert (wrong.code, "(ledger.bad_statement)" in wrong.err) == (2, True)
    assert lender("ledger", "report", "balance-sheet").code == 2
    year = lender("ledger", "close-year", "1999")
    assert (year.code, "(ledger.bad_year)" in year.err) == (2, True)


def test_exports_hold_the_same_transfers(lent: tuple[Path, Path, Ended], program: Program,
                                         tmp_path: Path) -> None:  # fmt: skip
    """CSV and JSON say the same, sums per account equal the trial balance, Beancount parses."""
    lender = Program(lent[0], program.patch, program.capture)
    out = tmp_path / "out.csv"
    written = lender("ledger", "export", *SPAN, "--out", out, "--json")
    assert written.code == 0, written.said
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == written.figures["transfers"] > 0
    assert not out.with_name("out.csv.part").exists()
    told = lender("ledger", "export", *SPAN, "--format", "json")
    lines = [json.loads(line) for line in told.out.splitlines()]
    assert [{k: str(v) for k, v in line.items()} for line in lines] == rows
    nets: dict[str, int] = defaultdict(int)
    for row in rows:
        if row["state"] == "posted":
            nets[row["debit_account"]] += int(row["amount_minor"])
            nets[row["credit_account"]] -= int(row["amount_minor"])
    store = sqlite3.connect(lent[0] / "puhui.sqlite")
    kept = store.execute(
        "SELECT account_id, debits_posted - credits_posted FROM ledger_balance"
    ).fetchall()
    store.close()
    assert {i.hex(): net for i, net in kept if net}.items() <= nets.items()
    check_beancount(lender("ledger", "export", *SPAN, "--format", "beancount").out, nets)
    late = lender("ledger", "export", "--from", "2030-01-01", "--to", "2030-12-31")
    assert len(late.out.splitlines()) == 1, "nothing but the header"


def check_beancount(text: str, nets: dict[str, int]) -> None:
    """Every line is of the language; postings add up to nought and to the assertions."""
    held: dict[str, int] = defaultdict(int)
    asserted = {}
    opened = set()
    for line in text.splitlines():
        assert LINE.fullmatch(line), line
        words = line.split()
        if re.match(r"\S+ open ", line):
            opened.add(words[2])
        elif re.match(r"\S+ balance ", line):
            asserted[words[2]] = round(float(words[3]) * 100)
        elif re.match(rf"  {ACCOUNT}", line):
            assert words[0] in opened
            held[words[0]] += round(float(words[1]) * 100)
    assert sum(held.values()) == 0
    assert {name: held[name] for name in asserted} == asserted
    assert {name.split(":")[-1].lower(): minor for name, minor in asserted.items()} == nets


def test_beancount_opens_with_what_was_there(lent: tuple[Path, Path, Ended],
                                             program: Program) -> None:  # fmt: skip
    """A wrong option is refused in words before anything is read."""
    lender = Program(lent[0], program.patch, program.capture)
    for words, said in (
        (("--from", "2026-01-32", "--to", "2026-02-01"), "kernel.bad_day"),
        (("--from", "2026-03-01", "--to", "2026-02-01"), "ledger.bad_period"),
        ((*SPAN, "--format", "xml"), "csv, json, beancount"),
        ((*SPAN, "--json"), "needs --out"),
    ):
        ended = lender("ledger", "export", *words)
        assert ended.code == 2, words
        assert said in ended.said, ended.said


def test_a_statement_is_read_in_three_forms(lent: tuple[Path, Path, Ended], program: Program,
                                            tmp_path: Path) -> None:  # fmt: skip
    lender = Program(lent[0], program.patch, program.capture)
    party_id, account, balance_minor = wallet_of(lent[0])
    year = year_of(lent[0])
    text = lender("ledger", "statement", party_id, "--month", year, "--json")
    assert text.code == 0, text.said
    assert text.figures["closing_minor"] == balance_minor
    assert text.figures["lines"] > 0
    for words in ("对账单", "期初余额", "Closing balance", "Loan disbursement 放款", account):
        assert words in text.out, words
    assert f"{balance_minor / 100:,.2f} CNY" in text.out
    told = lender("ledger", "statement", account, "--month", year, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert int(rows[0]["balance_minor"]) == 0
    assert int(rows[-1]["balance_minor"]) == balance_minor
    running = 0
    for row in rows[1:-1]:
        running += int(row["credit_minor"] or 0) - int(row["debit_minor"] or 0)
        assert int(row["balance_minor"]) == running
    out = tmp_path / "statement.xml"
    camt = lender("ledger", "statement", account, "--month", year, "--format", "camt053",
                  "--out", out, "--json")  # fmt: skip
    assert camt.code == 0, camt.said
    message = read_camt053(out.read_bytes())
    one = message.statements[0]
    assert one.account.other_id == account
    assert {b.code: b.amount.minor for b in one.balances} == {"OPBD": 0, "CLBD": balance_minor}
    assert len(one.entries) == len(rows) - 2


def test_statements_of_nobody_and_of_no_month(lent: tuple[Path, Path, Ended],
                                              program: Program) -> None:  # fmt: skip
    lender = Program(lent[0], program.patch, program.capture)
    for whose in ("party-nobody", "0" * 31 + "5", "12345"):
        ended = lender("ledger", "statement", whose, "--month", "2026-11")
        assert (ended.code, "(ledger.no_account)" in ended.err) == (2, True), whose
    for month in ("2026-13", "November", "2026-1", "26-11", "2026-02-30", ""):
        ended = lender("ledger", "statement", "12345", "--month", month)
        assert (ended.code, "(cli.bad_period)" in ended.err) == (2, True), month
    for words in (("--format", "pdf"), ("--format", "csv", "--json")):
        assert lender("ledger", "statement", "1", "--month", "2026", *words).code == 2
    both = lender("ledger", "trial-balance", "--date", "2026-01-01", "--period", "2026")
    assert both.code == 2


def test_an_empty_ledger_has_empty_books(program: Program) -> None:
    assert program("ledger", "trial-balance", "--period", "2026", "--json").figures["rows"] == 0
    empty = program("ledger", "export", *SPAN)
    assert (empty.code, empty.out.count("\n")) == (0, 1)
    told = program("ledger", "export", *SPAN, "--format", "beancount")
    assert all(LINE.fullmatch(line) for line in told.out.splitlines())
    assert program("ledger", "verify", "--json").figures["faults"] == 0


def test_periods_and_accounts_are_read_as_people_write_them() -> None:
    assert parse_period("2024-02") == (date(2024, 2, 1), date(2024, 2, 29))
    assert parse_period("2026") == (date(2026, 1, 1), date(2026, 12, 31))
    assert parse_period("2026-11-22") == (date(2026, 11, 22),) * 2
    with pytest.raises(Refused):
        parse_period("2026-11-22-1")
    assert account_number("ab" * 16) == int("ab" * 16, 16)
    assert account_number("7") == 7
    assert account_number("party-7") is None
