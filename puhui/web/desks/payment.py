"""The desk of payments: how many a minute, what was refused, wallets, codes, double spends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.act import USE_CASES
from puhui.kernel.clock import start_of_day_us
from puhui.kernel.errors import Refused
from puhui.kernel.store.browse import count_acts, count_ends
from puhui.offline import exposure
from puhui.offline.window import FraudKind, asides, fraud_cases
from puhui.payment.window import count_wallets, tiers
from puhui.web.ask import Ask
from puhui.web.chart import lines_of
from puhui.web.column import Column, Kind
from puhui.web.export import ending_of, file_reply, of_rows
from puhui.web.table import sheet_of

MINUTE_US = 60_000_000
ASIDES_MAX = 200
SPANS = (15, 60, 240)
DAYS = (1, 7, 30)
MINUTES = (
    Column("minute", "clearing.minute", lambda row: row[0], Kind.MOMENT),
    Column("done", "clearing.done", lambda row: row[1], Kind.COUNT),
    Column("refused", "clearing.refused", lambda row: row[2], Kind.COUNT),
)
REFUSED = (
    Column("use_case", "clearing.use_case", lambda row: row[0]),
    Column("code", "clearing.reason_code", lambda row: row[1]),
    Column("words", "clearing.reason_words", lambda row: str(row[2])),
    Column("acts", "clearing.times", lambda row: row[3], Kind.COUNT),
)
WALLETS = (
    Column("currency", "clearing.currency", lambda row: row.currency),
    Column("tier", "clearing.tier", lambda row: row.tier),
    Column("status", "application.status", lambda row: row.status),
    Column("wallets", "desk.at_wallets", lambda row: row.wallets, Kind.COUNT),
)
CASES = (
    Column("opened", "clearing.opened", lambda row: row.opened_us, Kind.MOMENT),
    Column("kind", "clearing.kind", lambda row: row.kind.value, Kind.WORD,
           words="clearing.fraud_"),
    Column("party", "desk.customer", lambda row: row.party_id, Kind.ID),
    Column("allowance", "clearing.allowance", lambda row: row.allowance_id, Kind.ID),
    Column("counter", "clearing.counter", lambda row: row.counter, Kind.COUNT),
    Column("vouchers", "clearing.proof", lambda row: " ".join(row.digests)),
)  # fmt: skip
BESIDE = ("exchange.remit", "exchange.convert", "offline.sync_vouchers")
"""What moves customers' money outside the room of payment."""

MOVING = tuple(
    f"payment.{verb}"
    for verb in "pay pay_batch pay_by_code collect_code pay_request top_up withdraw refund capture "
    "fulfil run_orders".split()
)
"""What moves money in the room of payment; others of its use cases prepare or ask for it."""


def payment_names() -> list[str]:
    """The use cases whose refusals are listed: all of the room payment, and those beside it."""
    return sorted(name for name in USE_CASES if name.startswith("payment.") or name in BESIDE)


def throughput(ask: Ask) -> Response:
    """Acts of payments by minute over the last minutes, as a chart and as its table."""
    asked = ask.query.get("minutes", "")
    span = int(asked) if asked in {str(one) for one in SPANS} else SPANS[1]
    last_us = ask.node.clock.now_us() // MINUTE_US * MINUTE_US
    first_us = last_us - (span - 1) * MINUTE_US
    until_us = last_us + MINUTE_US
    with ask.node.read() as tx:
        rows = count_acts(tx, MOVING + BESIDE, since_us=first_us, until_us=until_us)
    done = dict.fromkeys(range(first_us, until_us, MINUTE_US), 0)
    failed = dict(done)
    for row in rows:
        (done if row.refusal is None else failed)[row.minute_us] += row.acts
    table = [(at, done[at], failed[at]) for at in reversed(done)]
    if ending_of(ask):
        told = {"minutes": str(span)}
        return file_reply(ask, "payments-by-minute", MINUTES, of_rows(table), told)
    points = [(-(last_us - at) / MINUTE_US, float(yes)) for at, yes in done.items()]
    most = max([*done.values(), 1])
    chart = lines_of(
        ask.view.size,
        [("done", "good", points)],
        x=(ask.say("clearing.minutes_ago"), "d"),
        y=(ask.say("clearing.acts_a_minute"), "d"),
        y_domain=(0.0, float(most) * 1.1),
        fill=True,
    )
    whole, refusals = sum(done.values()), sum(failed.values())
    return ask.page(
        "desk_payments.html",
        at="payments",
        span=span,
        spans=SPANS,
        table=[one for one in table if one[1] or one[2]],
        chart=chart,
        whole=whole,
        refusals=refusals,
        share=refusals / (whole + refusals) if whole + refusals else None,
        most=max(done.values()),
        now=done[last_us],
    )


def refused(ask: Ask) -> Response:
    """Refused payments by use case and reason, over the days of the address."""
    sheet = sheet_of(
        "/desk/refused",
        ask.query,
        filters=("days", "name"),
        order="-acts",
        orders={"acts", "name", "code"},
    )
    asked = sheet.filters["days"]
    days = int(asked) if asked in {str(one) for one in DAYS} else DAYS[1]
    names = payment_names()
    wanted = [sheet.filters["name"]] if sheet.filters["name"] in names else names
    since_us = start_of_day_us(ask.today - timedelta(days=days - 1))
    with ask.node.read() as tx:
        rows = count_ends(tx, wanted, since_us=since_us, until_us=ask.node.clock.now_us() + 1)
    whole = sum(row.acts for row in rows)
    found = [
        (row.name, row.refusal, said(row.refusal, ask.view.language), row.acts)
        for row in rows
        if row.refusal is not None
    ]
    place = {"acts": 3, "name": 0, "code": 1}[sheet.order.removeprefix("-")]
    found.sort(key=lambda one: (one[place], one[0], one[1]), reverse=sheet.order[0] == "-")
    if ending_of(ask):
        return file_reply(ask, "refused-payments", REFUSED, of_rows(found), sheet.filters)
    return ask.page(
        "desk_refused.html",
        at="refused",
        sheet=sheet,
        days=days,
        choices=DAYS,
        names=names,
        rows=found[sheet.skip : sheet.skip + sheet.size],
        has_more=len(found) > sheet.skip + sheet.size,
        whole=whole,
        refusals=sum(one[3] for one in found),
    )


def wallets(ask: Ask) -> Response:
    """Wallets on record by currency, kind and status, with what each kind allows."""
    sheet = sheet_of(
        "/desk/wallets",
        ask.query,
        filters=("currency", "status"),
        order="tier",
        orders={"tier", "currency", "wallets"},
    )
    with ask.node.read() as tx:
        rows = count_wallets(tx)
    found = [
        one
        for one in rows
        if sheet.filters["currency"] in ("", one.currency)
        and sheet.filters["status"] in ("", one.status)
    ]
    name = sheet.order.removeprefix("-")
    found.sort(key=lambda one: getattr(one, name), reverse=sheet.order[0] == "-")
    if ending_of(ask):
        return file_reply(ask, "wallets", WALLETS, of_rows(found), sheet.filters)
    return ask.page(
        "desk_wallets.html",
        at="wallets",
        sheet=sheet,
        rows=found,
        tiers=tiers(),
        currencies=sorted({one.currency for one in rows}),
        whole=sum(one.wallets for one in found if one.status == "open"),
    )


def offline(ask: Ask) -> Response:
    """What offline payments can cost, and the cases of double spends."""
    sheet = sheet_of(
        "/desk/offline",
        ask.query,
        filters=("kind", "party"),
        order="-opened",
        orders={"opened", "kind", "party"},
    )
    with ask.node.read() as tx:
        cases = fraud_cases(tx)
        risk = exposure(tx, "CNY")
        kept = asides(tx, count=ASIDES_MAX)
    found = [
        one
        for one in cases
        if sheet.filters["kind"] in ("", one.kind.value)
        and sheet.filters["party"] in ("", one.party_id)
    ]
    keys: dict[str, Any] = {
        "opened": lambda one: one.opened_us,
        "kind": lambda one: one.kind.value,
        "party": lambda one: one.party_id,
    }
    found.sort(key=keys[sheet.order.removeprefix("-")], reverse=sheet.order[0] == "-")
    if ending_of(ask):
        return file_reply(ask, "offline-cases", CASES, of_rows(found), sheet.filters)
    return ask.page(
        "desk_offline.html",
        at="offline",
        sheet=sheet,
        risk=risk,
        asides=kept,
        kinds=[one.value for one in FraudKind],
        rows=found[sheet.skip : sheet.skip + sheet.size],
        has_more=len(found) > sheet.skip + sheet.size,
    )


def pay_aside_out(ask: Ask) -> Response:
    """Pay what is kept aside for somebody out to their own bank account."""
    told = {"party_id": ask.text("party"), "currency": ask.text("currency")}
    try:
        ask.act("offline.pay_out_excess", told)
    except Refused as refused_:
        ask.wrong("_refused", said(refused_.code, ask.view.language))
        return offline(ask)
    return ask.go("/desk/offline")


FIELDS = ("party", "category", "name", "city", "name_local", "city_local")


def codes(ask: Ask) -> Response:
    """A printed code for a merchant, whose shop was looked at."""
    return ask.page(
        "desk_codes.html",
        at="codes",
        typed={name: ask.text(name) for name in FIELDS},
        done=ask.query.get("done", "")[:12],
    )


def make_code(ask: Ask) -> Response:
    """Make the code; the merchant finds it on the page of being paid."""
    told = {name: ask.text(name) for name in FIELDS[1:]}
    for name in ("party", "category", "name", "city"):
        if not ask.text(name):
            ask.wrong(name, ask.say("clearing.code_missing"))
    if ask.problems:
        return codes(ask)
    try:
        made = ask.act(
            "payment.create_code", {"party_id": ask.text("party"), "kind": "static", **told}
        )
    except Refused as refused_:
        fields = {"payment.code_category": "category", "party.unknown": "party"}
        ask.wrong(fields.get(refused_.code, "name"), said(refused_.code, ask.view.language))
        return codes(ask)
    return ask.go(f"/desk/codes?done={made.digits}")
