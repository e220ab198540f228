"""The end of a year: income and expense accounts are closed into retained profit by transfers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS
from puhui.ledger.desk.account import sums_at
from puhui.ledger.desk.beside.read import (
    accounts_with_codes,
    codes_beside,
    debits_at,
    engine_of,
)
from puhui.ledger.desk.chart import chart, general_chart
from puhui.ledger.desk.close import closed_span
from puhui.ledger.desk.transfer import create_transfers
from puhui.ledger.nouns import Account, Status, Transfer, id_of
from puhui.ledger.nouns.general import GeneralKind
from puhui.ledger.rules.general import carry, number_of
from puhui.ledger.tables import general
from puhui.ledger.tables.schema import blob, number

ACCOUNTS_MAX = 4_000
_THERE = (Status.CREATED, Status.EXISTS)


@dataclass(frozen=True, slots=True)
class CloseYear:
    """Close a year's income and expenses in one currency; go on past the account ``after``."""

    year: int
    currency: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class YearClosed:
    """What was carried; ``next_after`` is where to go on, empty when all accounts are done."""

    year: int
    currency: str
    accounts: int
    profit_minor: int
    next_after: str


@use_case("ledger.close_year", roles=("operator",))
def close_year(act: Act, input: CloseYear) -> YearClosed:
    """Carry the year's income and expenses through the profit of the year into retained profit.

    Up to 4,000 accounts at once, in the order of their numbers. Each transfer has an id that
    follows from year and account, so a second time nothing is carried twice. The transfers have
    the time of the act and say by their code that they close a year, so no income statement counts
    them. What an earlier year left is carried along. Refused: ``ledger.no_currency``;
    ``ledger.bad_year`` for any but last year; ``ledger.day_not_closed`` until its 31 December is
    closed; ``ledger.year_differs`` where another amount was carried before.
    """
    if input.currency not in DIGITS:
        raise Refused("ledger.no_currency", f"There is no currency {input.currency[:10]!r} here.")
    if input.year != act.today.year - 1:
        raise Refused("ledger.bad_year", f"In {act.today.year} the year before it is closed.")
    last_day = date(input.year, 12, 31)
    span = closed_span(act.tx)
    if span is None or span[1] < last_day:
        raise Refused("ledger.day_not_closed", f"{last_day} is not closed yet: puhui close-day.")
    after = int(input.after, 16) if _is_id(input.after) else 0
    ids = _result_accounts(act, input.currency, after)
    until_us = start_of_day_us(date(input.year + 1, 1, 1)) - 1
    if engine_of(act.tx) is None:
        sums = sums_at(act.tx, ids, at_us=until_us)
        moves, profit_minor = carry({i: found[1] - found[3] for i, found in sums.items()})
    else:
        moves, profit_minor = carry({i: debits_at(act.tx, i, until_us) for i in ids})
    if moves:
        _carry(act, input, moves, profit_minor)
    next_after = f"{ids[-1]:032x}" if len(ids) == ACCOUNTS_MAX else ""
    return YearClosed(input.year, input.currency, len(moves), profit_minor, next_after)


def _is_id(text: str) -> bool:
    return len(text) == 32 and all(digit in "0123456789abcdef" for digit in text)


def _result_accounts(act: Act, currency: str, after: int) -> list[int]:
    """The next income and expense accounts past a number, in order."""
    engine = engine_of(act.tx)
    if engine is not None:
        codes = _result_codes(codes_beside(engine))
        return accounts_with_codes(engine, currency, codes, after=after, count=ACCOUNTS_MAX)
    rows = act.tx.all(
        general.ACCOUNTS_WITH_CODES,
        ledger=currency,
        codes=_result_codes({row.code for row in act.tx.all(general.CODES)}),
        after=blob(after),
        count=ACCOUNTS_MAX,
    )
    return [number(row.id) for row in rows]


def _result_codes(found: set[int]) -> list[int]:
    """The codes of income and expense accounts among those found, and those of the chart."""
    known = general_chart().accounts
    codes = found | set(chart().accounts.values())
    kinds = (GeneralKind.INCOME, GeneralKind.EXPENSE)
    numbers = {code: number_of(code, known) for code in codes}
    return sorted(code for code, n in numbers.items() if n in known and known[n].kind in kinds)


def _carry(
    act: Act, input: CloseYear, moves: list[tuple[int, bool, int]], profit_minor: int
) -> None:
    """Each account against the profit of the year, then that against retained profit; a chain."""
    codes = chart()
    own = {
        name: id_of(f"general ledger {name} {input.currency}")
        for name in ("profit_of_year", "retained_profit")
    }
    profit, retained = own["profit_of_year"], own["retained_profit"]
    wanted = [
        (account_id, profit, amount) if is_debited else (profit, account_id, amount)
        for account_id, is_debited, amount in moves
    ]
    if profit_minor > 0:
        wanted.append((profit, retained, profit_minor))
    elif profit_minor < 0:
        wanted.append((retained, profit, -profit_minor))
    transfers = [
        Transfer(
            id=id_of(f"year end {input.year} {input.currency} {input.after} {debit} {credit}"),
            debit_account_id=debit,
            credit_account_id=credit,
            amount_minor=amount,
            ledger=input.currency,
            code=codes.transfer("year_end"),
            flags=Transfer.LINKED if place < len(wanted) - 1 else 0,
            user_data_32=input.year,
        )
        for place, (debit, credit, amount) in enumerate(wanted)
    ]
    opening = [Account(own[name], input.currency, codes.account(name)) for name in own]
    statuses = create_transfers(act, transfers, opening=opening)
    wrong = [s for s in statuses if s not in (*_THERE, Status.LINKED_EVENT_FAILED)]
    if wrong:
        raise Refused("ledger.year_differs", f"The year was closed otherwise before: {wrong[0]}.")
