"""The statement of a wallet: what came and went in a month, to read, to print and to download."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from starlette.responses import Response

from puhui.exchange.window import deals, remittances
from puhui.kernel.calendar import add_months
from puhui.kernel.clock import business_date, time_of
from puhui.kernel.money import DIGITS, Money
from puhui.kernel.store import Transaction
from puhui.ledger import lookup_accounts
from puhui.lending.window import applications_of, receipts
from puhui.payment import numbers, wallet_account
from puhui.payment import statement as read_statement
from puhui.payment.window import StatementLine, codes_of, messages
from puhui.web.ask import Ask
from puhui.web.own import own_party
from puhui.web.pages.payee import labels_of
from puhui.web.pages.wallet import CURRENCY, purses_of
from puhui.web.say import stamp
from puhui.web.table import csv_reply

LINES_A_PAGE = 40


def balance_of(tx: Transaction, party_id: str) -> int | None:
    """What a party's wallet holds, in minor units; None where no wallet was opened yet."""
    (found,) = lookup_accounts(tx, [wallet_account(party_id, CURRENCY)])
    return None if found is None else found.credit_balance_minor


def _month(ask: Ask) -> date:
    asked = ask.query.get("month", "")
    try:
        first = date.fromisoformat(f"{asked}-01") if asked else ask.today.replace(day=1)
    except ValueError:
        first = ask.today.replace(day=1)
    return min(first, ask.today.replace(day=1))


def statement(ask: Ask) -> Response:
    """The statement of one month, newest first."""
    first = _month(ask)
    currency = ask.query.get("currency", CURRENCY)
    currency = currency if currency in DIGITS else CURRENCY
    if ask.query.get("format") == "camt":
        return _camt(ask, currency, first)
    with ask.node.read() as tx:
        purses = purses_of(tx, ask.party_id)
        purse = next((one for one in purses if one.currency == currency), None)
        lines = read_statement(tx, ask.party_id, currency, first)[::-1] if purse else ()
        if ask.query.get("format") == "csv":
            return _csv(ask, tx, lines, first, currency)
        is_whole = ask.query.get("whole") == "1"
        at = int(skip) if (skip := ask.query.get("skip", "0")).isdecimal() else 0
        shown = lines if is_whole else lines[at : at + LINES_A_PAGE]
        labels = labels_of(ask, tx, {one.other for one in shown})
        is_firm = str(own_party(ask, tx).kind) == "firm" or bool(codes_of(tx, ask.party_id))
    following = add_months(first, 1)

    def url(**changes: object) -> str:
        told = {"month": f"{first:%Y-%m}", "currency": currency, **changes}
        return f"/money?{urlencode(told)}"

    return ask.page(
        "money.html",
        purse=purse,
        purses=purses,
        currency=currency,
        lines=shown,
        labels=labels,
        is_whole=is_whole,
        is_firm=is_firm,
        total=len(lines),
        skip=at,
        size=LINES_A_PAGE,
        came=sum(one.amount_minor for one in lines if one.amount_minor > 0),
        went=-sum(one.amount_minor for one in lines if one.amount_minor < 0),
        month=first,
        before=add_months(first, -1),
        following=following if following <= ask.today else None,
        url=url,
        grouped=numbers.grouped_digits,
        number=ask.query.get("number", "")[:40],
        back="/wallet",
    )


def find(ask: Ask) -> Response:
    """What a number means: the receipt, the line of the statement that it stands at, or an
    application.
    """
    typed = ask.query.get("number", "")[:40]
    if not numbers.is_receipt(typed):
        ask.wrong("number", ask.say("money.bad_receipt"))
        return statement(ask)
    end, now_us = f"party:{ask.party_id}", ask.node.clock.now_us()
    number = numbers.grouped_digits(numbers.plain(typed))
    with ask.node.read() as tx:
        for one in deals(tx, payer=end):
            if numbers.receipt(one.id) == number:
                return ask.go(f"/remit/deal/{one.id}")
        for other in remittances(tx, end=end):
            if numbers.receipt(other.id) == number:
                return ask.go(f"/exchange/{other.id}")
        for asked in applications_of(tx, ask.party_id):
            if numbers.receipt(asked.id) == number:
                return ask.go(f"/application/{asked.id}")
        for event in receipts.own_events_numbered(tx, typed, ask.party_id):
            return ask.go(f"/loan/{event.contract_id}#r{event.receipt}")
        for purse in purses_of(tx, ask.party_id):
            found = numbers.own_lines(tx, typed, ask.party_id, purse.currency, now_us=now_us)
            for line in found:
                return ask.go(_url_of(line, purse.currency))
    ask.wrong("number", ask.say("money.no_receipt"))
    return statement(ask)


def _url_of(line: StatementLine, currency: str) -> str:
    """Where a line is shown: its receipt, or its place in the statement of its month."""
    if line.kind in ("payment", "refund"):
        return f"/payment/{line.id}"
    month = business_date(line.time_us).strftime("%Y-%m")
    return f"/money?month={month}&currency={currency}&whole=1#r{line.receipt}"


CSV_COLUMNS = (
    "time",
    "kind",
    "other",
    "remark",
    "in",
    "out",
    "balance",
    "currency",
    "number",
    "id",
)


def _csv(
    ask: Ask, tx: Transaction, lines: tuple[StatementLine, ...], first: date, currency: str
) -> Response:
    labels = labels_of(ask, tx, {one.other for one in lines})
    say = ask.say
    return csv_reply(
        f"wallet-{currency}-{first:%Y-%m}",
        tuple(str(say(f"money.column_{name}")) for name in CSV_COLUMNS),
        [
            (
                stamp(one.time_us),
                say.maybe(f"money.reason_{one.kind}", one.kind),
                labels[one.other],
                one.remark,
                _plain(one.amount_minor, currency) if one.amount_minor > 0 else "",
                _plain(-one.amount_minor, currency) if one.amount_minor < 0 else "",
                _plain(one.balance_minor, currency),
                currency,
                numbers.grouped_digits(one.receipt),
                one.id,
            )
            for one in lines
        ],
    )


def _plain(minor: int, currency: str) -> str:
    """An amount for a spreadsheet, without separators."""
    return Money(minor, currency).figure().replace(",", "")


def _camt(ask: Ask, currency: str, first: date) -> Response:
    """The statement as camt.053.001.08, which firms' bookkeeping reads."""
    with ask.node.read() as tx:
        created = time_of(ask.node.clock.now_us())
        content = messages.statement_camt053(tx, ask.party_id, currency, first, created=created)
    name = f"statement-{currency}-{first:%Y-%m}.xml"
    return Response(
        content,
        media_type="application/xml",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
