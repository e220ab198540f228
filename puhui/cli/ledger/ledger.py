"""The books: check them, print trial balance and statements, export all transfers."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from puhui.cli import say
from puhui.cli.open import opened

if TYPE_CHECKING:
    from puhui.ledger.window import FinancialStatement

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]

ledger_app = typer.Typer(
    no_args_is_help=True,
    help="The books: check, trial balance, balance sheet, statements, exports, end of the year.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@ledger_app.command("verify")
def verify(as_json: Json = False) -> None:
    """Recompute all books from the transfers and list whatever disagrees.

    Balances, limits, pendings and chains; the closed days of the general ledger; every page of the
    store's files; and with PUHUI_LEDGER=log every frame of the log. A ledger in the store has no
    frames: it says 0. With PUHUI_LEDGER_SHIP also what the copy lacked when this command began.
    Ends with 1 if anything disagrees.

    Example: puhui ledger verify --json
    """
    from puhui import ledger
    from puhui.ledger.window import check_general, verify_log
    from puhui.node import home_folder

    kind, _, folder = os.environ.get("PUHUI_LEDGER", "").partition(":")
    log = home_folder() / (folder or "ledger") if kind == "log" else None
    behind = _behind(log)  # whoever opens the node ships
    with opened() as node:
        with say.progress() as step:
            step("ledger.verify pages", 0, 3)
            broken = node.store.damage()
            with node.read() as tx:
                step("ledger.verify", 1, 3)
                report = ledger.verify(tx)
                step("ledger.verify general", 2, 3)
                findings = (*report.findings, *check_general(tx))
        frames = 0
        if log is not None:
            frames, torn = verify_log(log)
            broken += torn
    transfers, faults = report.transfers, len(broken) + len(findings)
    for words in broken:
        say.line(words)
    say.line(
        f"{report.accounts:,} accounts, {transfers:,} transfers, "
        f"{report.pendings_open:,} open pendings: "
        f"{'the books are sound' if not faults else 'something DISAGREES'}."
    )
    if findings:
        say.table(
            ("check", "of", "expected", "found"),
            [(one.check, one.subject, one.expected, one.found) for one in findings[:50]],
        )
    if as_json:
        say.figures(
            {
                "frames": frames,
                "transfers": transfers,
                "faults": faults,
                "accounts": report.accounts,
                "pendings_open": report.pendings_open,
                "findings": len(findings),
                "trial_balance_minor": report.trial_balance.difference_minor,
            }
            | behind
        )
    if faults:
        raise typer.Exit(1)


def _behind(log: Path | None) -> dict[str, object]:
    """What the copy of a log lacks (recovery point), said and as figures; nothing without one."""
    from puhui.ledger.window import shipped_state
    from puhui.node import home_folder

    copy = os.environ.get("PUHUI_LEDGER_SHIP", "")
    if not copy or log is None or not any(log.glob("segment-*.log")):
        return {}
    state = shipped_state(log, home_folder() / copy)
    behind_s = max(0, state.log_time_ns - state.lacking_since_ns) / 1e9
    say.line(
        f"The copy lacked {state.lacking_transfers:,} transfers, the last {behind_s:.1f} s of the "
        "log: what losing both the log and the store would have cost."
    )
    return {"rpo_transfers": state.lacking_transfers, "rpo_s": behind_s}


@ledger_app.command("trial-balance")
def trial_balance(
    day: Annotated[
        str, typer.Option("--date", metavar="DAY", help="General ledger of a day: 2026-11-22.")
    ] = "",
    period: Annotated[
        str, typer.Option(metavar="PERIOD", help="Of a month or a year: 2026-11 or 2026.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Print debits and credits by ledger and account; they are to be equal.

    Without a date: as the books are now, with what is pending. With one: the general ledger's
    opening balance, movements, late bookings and closing balance of the day or the period. Ends
    with 1 if debits and credits differ.

    Example: puhui ledger trial-balance --date 2026-11-22
    """
    if day and period:
        raise typer.BadParameter("Give --date or --period, not both.")
    if day or period:
        from puhui.kernel.event import parse_day

        first, last = parse_period(period) if period else (parse_day(day),) * 2
        _general_balance(first, last, as_json=as_json)
    else:
        _balance_now(as_json=as_json)


def amount_text(minor: int, currency: str) -> str:
    """An amount for people, without its currency."""
    from puhui.kernel.money import DIGITS, figure_of

    return figure_of(minor, DIGITS.get(currency, 0))


def _balance_now(*, as_json: bool) -> None:
    from puhui import ledger

    with opened() as node, node.read() as tx:
        found = ledger.trial_balance(tx)
    say.table(
        ("ledger", "account", "accounts", "debits", "credits", "pending debits", "pending credits"),
        [
            (
                row.ledger,
                row.name,
                f"{row.accounts:,}",
                amount_text(row.debits_posted_minor, row.ledger),
                amount_text(row.credits_posted_minor, row.ledger),
                amount_text(row.debits_pending_minor, row.ledger),
                amount_text(row.credits_pending_minor, row.ledger),
            )
            for row in found.rows
        ],
        right=range(2, 7),
    )
    accounts = sum(row.accounts for row in found.rows)
    _end_balance(len(found.rows), found.difference_minor, as_json=as_json, accounts=accounts)


def _end_balance(rows: int, difference_minor: int, *, as_json: bool, **more: object) -> None:
    say.line(f"Debits and credits are {difference_minor} minor units apart.")
    if as_json:
        say.figures({"rows": rows, "trial_balance_minor": difference_minor} | more)
    if difference_minor:
        raise typer.Exit(1)


def _general_balance(first: date, last: date, *, as_json: bool) -> None:
    from puhui.ledger.window import general_balance, general_chart

    with opened() as node, node.read() as tx:
        found = general_balance(tx, first, last)
    known = general_chart().accounts
    rows = []
    for row in found.rows:
        account = known.get(row.number)
        name = f"{account.name} {account.chinese}" if account else "Not in the chart 未列入科目表"
        moved = row.moved + row.carried
        amounts = (
            row.opening.net_minor,
            moved.debits_minor,
            moved.credits_minor,
            row.adjusted.net_minor,
            row.closing.net_minor,
        )
        texts = [amount_text(minor, row.ledger) for minor in amounts]
        rows.append((row.ledger, f"{row.number:04d}", name, *texts))
    say.table(
        ("ledger", "number", "account", "opening", "debits", "credits", "late", "closing"),
        rows,
        right=range(3, 8),
    )
    say.line("Balances are debits less credits; late is what came for days closed before.")
    if not found.is_closed:
        say.line(f"{first} to {last} is not closed to the end yet; its sums may still grow.")
    _end_balance(
        len(rows),
        found.difference_minor,
        as_json=as_json,
        is_closed=found.is_closed,
        first=first.isoformat(),
        last=last.isoformat(),
    )


@ledger_app.command("report")
def report(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="balance-sheet or income-statement.")],
    day: Annotated[
        str, typer.Option("--date", metavar="DAY", help="Balance sheet at the end of this day.")
    ] = "",
    period: Annotated[
        str, typer.Option(metavar="PERIOD", help="Of a month or a year: 2026-11 or 2026.")
    ] = "",
    currency: Annotated[str, typer.Option(metavar="CODE", help="Which currency's books.")] = "CNY",
    as_json: Json = False,
) -> None:
    """Print the balance sheet or the income statement of the lender in one currency.

    Days that are not closed count as far as they have come; the report says so.

    Example: puhui ledger report balance-sheet --date 2026-11-22
    """
    from puhui.kernel.event import parse_day
    from puhui.ledger.window import financial_statement

    if bool(day) == bool(period):
        raise typer.BadParameter("Give --date or --period, one of them.")
    first, last = parse_period(period) if period else (parse_day(day),) * 2
    with opened() as node, node.read() as tx:
        found = financial_statement(tx, kind.replace("-", "_"), currency, first=first, last=last)
    say.line(_title(found))
    say.table(
        ("line", "项目", currency),
        [
            (
                line.english.upper() if line.is_total else f"  {line.english}",
                line.chinese,
                amount_text(line.amount_minor, currency),
            )
            for line in found.lines
        ],
        right=(2,),
    )
    if not found.is_closed:
        say.line("Not every day of it is closed; the sums may still grow.")
    if as_json:
        say.figures(
            {line.name: line.amount_minor for line in found.lines}
            | {"currency": currency, "is_closed": found.is_closed}
        )


def _title(found: FinancialStatement) -> str:
    if found.kind == "balance_sheet":
        return f"Balance sheet 资产负债表, end of {found.last}"
    return f"Income statement 利润表, {found.first} to {found.last}"


@ledger_app.command("close-year")
def close_year(
    year: Annotated[int, typer.Argument(metavar="YEAR", help="The year that is over: 2026.")],
    currency: Annotated[str, typer.Option(metavar="CODE", help="Which currency's books.")] = "CNY",
    as_json: Json = False,
) -> None:
    """Carry last year's income and expenses into retained profit; safe to repeat.

    Its 31 December must be closed. The year's income statement stays as it is.

    Example: puhui ledger close-year 2025
    """
    from puhui.cli.open import operator
    from puhui.ledger.window import CloseYear

    accounts, profit_minor, after = 0, 0, ""
    with opened() as node:
        while True:
            key = f"close-year:{year}:{currency}:{after}"
            done = node.act(
                "ledger.close_year", CloseYear(year, currency, after), key=key, actor=operator()
            )
            accounts += done.accounts
            profit_minor += done.profit_minor
            after = done.next_after
            if not after:
                break
    say.line(
        f"{year} is carried: {accounts:,} accounts, "
        f"profit {amount_text(profit_minor, currency)} {currency}."
    )
    if as_json:
        say.figures({"year": year, "accounts": accounts, "profit_minor": profit_minor})


def parse_period(text: str) -> tuple[date, date]:
    """The first and the last day of a day, a month or a year: 2026-11-22, 2026-11, 2026.

    Refused: ``cli.bad_period``.
    """
    from puhui.kernel import Refused

    parts = text.split("-")
    lengths = [len(part) for part in parts]
    if lengths in ([4], [4, 2], [4, 2, 2]) and all(p.isascii() and p.isdigit() for p in parts):
        numbers = [int(part) for part in parts]
        try:
            first = date(*[*numbers, 1, 1][:3])
            if len(numbers) == 3:
                return first, first
            if len(numbers) == 1:
                return first, date(first.year, 12, 31)
            return first, _end_of_month(first)
        except ValueError:
            pass
    raise Refused("cli.bad_period", f"{text[:20]!r} is no period like 2026-11, 2026-11-22 or 2026.")


def _end_of_month(first: date) -> date:
    import calendar

    return first.replace(day=calendar.monthrange(first.year, first.month)[1])
