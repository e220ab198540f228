"""Rules of the general ledger: which account a code belongs to, closing a day, two statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta

from puhui.kernel.errors import Refused
from puhui.ledger.nouns.general import (
    UNASSIGNED,
    Adjustment,
    FinancialLine,
    FinancialStatement,
    GeneralAccount,
    GeneralBalance,
    GeneralChart,
    GeneralKind,
    GeneralRow,
    Movement,
    SheetLine,
    Sums,
)

Key = tuple[str, int]
"""A ledger and the number of a general account."""

NOUGHT = Sums()
_PROFIT_LINE = SheetLine("profit_not_carried", "equity", "Profit not carried yet", "本期未结转利润")
_RESULT_KINDS = (GeneralKind.INCOME, GeneralKind.EXPENSE)


def number_of(code: int, numbers: Collection[int]) -> int:
    """The general account that an account code belongs to: its own number, else its first four
    of five digits, else ``UNASSIGNED``.
    """
    if code in numbers:
        return code
    return code // 10 if code >= 10_000 and code // 10 in numbers else UNASSIGNED


def unassigned() -> GeneralAccount:
    """The account for codes that the chart does not know: shown, so that sheets still balance."""
    name, chinese = "Not in the chart", "未列入科目表"
    return GeneralAccount(UNASSIGNED, name, chinese, GeneralKind.COMMON, True, "unassigned")


def roll_up(sums: Mapping[Key, Sums], numbers: Collection[int]) -> dict[Key, Sums]:
    """Sums by ledger and account code as sums by ledger and general account."""
    rolled: dict[Key, Sums] = {}
    for (ledger, code), one in sums.items():
        key = ledger, number_of(code, numbers)
        rolled[key] = rolled.get(key, NOUGHT) + one
    return rolled


def close_rows(
    day: date,
    last_closed: date | None,
    *,
    opening: Mapping[Key, Sums],
    movements: Sequence[Movement],
    numbers: Collection[int],
) -> tuple[list[GeneralRow], list[Adjustment]]:
    """The rows of ``day`` from the closing sums of the day before and what moved up to it.

    Movements of days closed before are adjustments of this one. The first day that is ever closed
    takes what moved before it as its opening. Refused: ``ledger.books_differ`` where debits and
    credits of a ledger are apart.
    """
    assert last_closed is None or last_closed + timedelta(days=1) == day, (day, last_closed)
    begun = dict(opening)
    kinds: dict[str, dict[Key, Sums]] = {"moved": {}, "adjusted": {}, "carried": {}}
    late: dict[tuple[date, str, int], tuple[Sums, int]] = {}
    for one in movements:
        assert one.day <= day, one
        key = one.ledger, number_of(one.code, numbers)
        if last_closed is None and one.day < day:
            begun[key] = begun.get(key, NOUGHT) + one.sums
            continue
        if one.day < day:
            place = one.day, *key
            sums, postings = late.get(place, (NOUGHT, 0))
            late[place] = sums + one.sums, postings + one.postings
        name = "carried" if one.is_carried else "adjusted" if one.day < day else "moved"
        kinds[name][key] = kinds[name].get(key, NOUGHT) + one.sums
    keys = sorted(set(begun).union(*kinds.values()))
    rows = [
        GeneralRow(*key, begun.get(key, NOUGHT), *(kinds[name].get(key, NOUGHT) for name in kinds))
        for key in keys
    ]
    check_difference(day, rows)
    adjustments = [
        Adjustment(day, value_day, ledger, number, sums, postings)
        for (value_day, ledger, number), (sums, postings) in sorted(late.items())
    ]
    return rows, adjustments


def check_difference(day: date, rows: Sequence[GeneralRow]) -> None:
    """Whether debits equal credits in each ledger. Refused: ``ledger.books_differ``."""
    for ledger in sorted({row.ledger for row in rows}):
        own = tuple(row for row in rows if row.ledger == ledger)
        apart_minor = GeneralBalance(day, day, True, own).difference_minor
        if apart_minor:
            raise Refused(
                "ledger.books_differ",
                f"In {ledger} debits and credits of {day} are {apart_minor} minor units apart; "
                "the day stays open. puhui ledger verify lists what is broken.",
            )


def lines_of_text(rows: Sequence[GeneralRow]) -> str:
    """The rows of a day as text, the same for the same rows: what its digest is taken over."""
    return "\n".join(
        " ".join(
            map(
                str,
                (
                    row.ledger,
                    row.number,
                    *(
                        amount
                        for sums in (row.opening, row.moved, row.adjusted, row.carried)
                        for amount in (sums.debits_minor, sums.credits_minor)
                    ),
                ),
            )
        )
        for row in rows
    )


def profit_of(rows: Sequence[GeneralRow], chart: GeneralChart) -> int:
    """What income and expense accounts hold at the end of the period, minor units; a loss is
    negative. It is profit that no year's end has carried yet.
    """
    return -sum(
        row.closing.net_minor
        for row in rows
        if row.number in chart.accounts and chart.accounts[row.number].kind in _RESULT_KINDS
    )


def balance_sheet(
    balance: GeneralBalance, chart: GeneralChart, currency: str
) -> FinancialStatement:
    """The balance sheet at the end of ``balance.last``: assets equal liabilities and equity.

    Allowances and depreciation are taken off the assets that they belong to. A common account is
    an asset where debits prevail, else a liability. Income and expenses not carried yet are
    equity. Source: data/general.toml.
    """
    rows = [row for row in balance.rows if row.ledger == currency]
    sums: dict[tuple[str, str], int] = {}
    for row in rows:
        account = chart.accounts.get(row.number) or unassigned()
        if account.kind in _RESULT_KINDS:
            continue
        section = _section(account, row.closing.net_minor)
        sign = 1 if section == "assets" else -1
        key = section, account.line
        sums[key] = sums.get(key, 0) + sign * row.closing.net_minor
    lines: list[FinancialLine] = []
    totals = {}
    for section, english, chinese in (
        ("assets", "Total assets", "资产总计"),
        ("liabilities", "Total liabilities", "负债合计"),
        ("equity", "Total equity", "所有者权益合计"),
    ):
        own = [
            FinancialLine(line.name, section, line.english, line.chinese, sums[section, line.name])
            for line in chart.lines
            if (section, line.name) in sums
        ]
        if section == "equity" and (profit := profit_of(rows, chart)):
            line = _PROFIT_LINE
            own.append(FinancialLine(line.name, section, line.english, line.chinese, profit))
        totals[section] = sum(line.amount_minor for line in own)
        lines += own
        name = f"total_{section}"
        lines.append(FinancialLine(name, section, english, chinese, totals[section], is_total=True))
    lines.append(
        FinancialLine(
            "total_liabilities_and_equity",
            "equity",
            "Total liabilities and equity",
            "负债和所有者权益总计",
            totals["liabilities"] + totals["equity"],
            is_total=True,
        )
    )
    return FinancialStatement(
        "balance_sheet", currency, balance.last, balance.last, balance.is_closed, tuple(lines)
    )


def _section(account: GeneralAccount, net_minor: int) -> str:
    if account.kind is GeneralKind.COMMON:
        return "assets" if net_minor > 0 else "liabilities"
    names = {GeneralKind.ASSET: "assets", GeneralKind.LIABILITY: "liabilities"}
    return names.get(account.kind, "equity")


def income_statement(
    balance: GeneralBalance, chart: GeneralChart, currency: str
) -> FinancialStatement:
    """The income statement of the period: income less expenses, the closing of a year left out.

    Adjustments of earlier days stand in the period that booked them. Expenses are negative.
    Source: data/general.toml.
    """
    sums: dict[str, int] = {}
    for row in balance.rows:
        account = chart.accounts.get(row.number)
        if row.ledger == currency and account is not None and account.kind in _RESULT_KINDS:
            amount_minor = -(row.moved + row.adjusted).net_minor
            sums[account.line] = sums.get(account.line, 0) + amount_minor
    lines = [
        FinancialLine(line.name, line.section, line.english, line.chinese, sums[line.name])
        for line in chart.lines
        if line.name in sums
    ]
    tax_minor = sums.get("income_tax", 0)
    before_minor = sum(sums.values()) - tax_minor
    place = next((i for i, line in enumerate(lines) if line.name == "income_tax"), len(lines))
    gross = FinancialLine(
        "profit_before_tax", "income", "Profit before tax", "利润总额", before_minor, is_total=True
    )
    net = FinancialLine(
        "net_profit", "income", "Net profit", "净利润", before_minor + tax_minor, is_total=True
    )
    return FinancialStatement(
        "income_statement",
        currency,
        balance.first,
        balance.last,
        balance.is_closed,
        (*lines[:place], gross, *lines[place:], net),
    )


def carry(balances: Mapping[int, int]) -> tuple[list[tuple[int, bool, int]], int]:
    """What the end of a year moves: of each income and expense account (id, whether the account
    is debited, minor units), and the profit of all together.

    ``balances`` are debits less credits by account id, minor units; those at nought stay out.
    """
    moves = [(i, net < 0, abs(net)) for i, net in sorted(balances.items()) if net]
    return moves, -sum(balances.values())
