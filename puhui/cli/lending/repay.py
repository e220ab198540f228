"""``puhui repay``: payments of a file, each taken for its loan or refused by itself."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from puhui.cli import say
from puhui.cli.open import opened

BATCH = 500
COLUMNS = ("contract_id", "amount", "paid_on")
Payment = dict[str, object]


def repay(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv",
            help="Columns contract_id, amount (like 1234.50), paid_on (like 2026-11-22), payer_id "
            "where somebody else than the borrower pays, and reference, the number of the payment.",
        ),
    ],
    currency: Annotated[str, typer.Option(help="The currency of the amounts.")] = "CNY",
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """Take the payments of a file from the wallets of those who pay, each for its loan.

    A payment counts from its day, even if others were recorded since. What is refused is shown
    with its row, and nothing else is held up by it. The same file a second time changes nothing;
    where files overlap, payments with a reference are taken once.

    Example: puhui repay payments.csv
    """
    from puhui.channel import said
    from puhui.kernel import Actor, Money, Refused
    from puhui.kernel.money import DIGITS

    if currency not in DIGITS:
        raise Refused("lending.no_currency", f"There is no currency {currency[:10]!r} here.")
    payments = _payments(file, currency)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    clerk = Actor("repay", frozenset({"operator"}))
    taken = total = 0
    refused: list[tuple[int, str]] = []
    with opened() as node, say.progress() as step:
        for at in range(0, len(payments), BATCH):
            told = {"payments": payments[at : at + BATCH]}
            key = f"repay:{digest}:{at}"
            found = node.act("lending.take_payments", told, key=key, actor=clerk)
            taken, total = taken + found.taken, total + found.amount_minor
            refused += [(at + place, code) for place, code in found.refused]
            step("payments", min(at + BATCH, len(payments)), len(payments))
    for place, code in refused:
        say.line(f"Row {place + 2}: {said(code, 'en')} ({code})")
    say.line(f"{taken:,} of {len(payments):,} payments taken, {Money(total, currency)} in all.")
    if as_json:
        say.figures({"payments": len(payments), "taken": taken, "refused": len(refused),
                     "amount_minor": total})  # fmt: skip


def _payments(file: Path, currency: str) -> Sequence[Payment]:
    """The rows of a file. Refused: as ``_rows``, and ``cli.bad_file`` for what a cell says."""
    from puhui.kernel import Refused
    from puhui.kernel.event import parse_day
    from puhui.kernel.money import parse_money

    found: list[Payment] = []
    for number, row in enumerate(_rows(file), start=2):
        if any(not row.get(name) for name in COLUMNS):
            raise Refused("cli.bad_file", f"Row {number} needs {', '.join(COLUMNS)}.")
        try:
            amount = parse_money(row["amount"], currency).minor
            day = parse_day(row["paid_on"])
        except Refused as refused:
            raise Refused("cli.bad_file", f"Row {number}: {refused.reason}") from None
        found.append(
            {
                "contract_id": row["contract_id"],
                "amount_minor": amount,
                "paid_on": day.isoformat(),
                "payer_id": row.get("payer_id", ""),
                "reference": row.get("reference", ""),
                "currency": currency,
            }
        )
    return found


def _rows(file: Path) -> Iterator[dict[str, str]]:
    """The rows of a file by the names of its head, blanks around cells left out.

    Refused: ``cli.file_unreadable``, ``cli.bad_file`` where a row or the head is no row of CSV.
    """
    from puhui.kernel import Refused

    number = 1
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            table = csv.reader(lines, strict=True)
            head = [name.strip() for name in next(table, [])]
            if len(set(head)) < len(head):
                raise Refused("cli.bad_file", "A column stands twice in the first row.")
            for number, cells in enumerate(table, start=2):
                if len(cells) > len(head):
                    raise Refused("cli.bad_file", f"Row {number} has more cells than the first.")
                if any("\0" in cell for cell in cells):
                    raise Refused("cli.bad_file", f"Row {number} holds a sign that is no text.")
                if cells:
                    yield dict(zip(head, map(str.strip, cells), strict=False))
    except UnicodeDecodeError:
        raise Refused("cli.file_unreadable", f"{file} is not text in UTF-8.") from None
    except csv.Error as error:
        raise Refused("cli.bad_file", f"After row {number}: no row of CSV ({error}).") from None
