"""All that a customer owes in one view, and the limit that a person sets for itself."""

from __future__ import annotations

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.lending.window import Obligations, changes_of, loans_of
from puhui.web.ask import Ask, Missing
from puhui.web.column import Column, Kind, product_title
from puhui.web.export import ending_of, file_reply, of_rows
from puhui.web.own import own_debts, running_loans
from puhui.web.pages.amount import read_amount

CURRENCY = "CNY"
CHANGES_SHOWN = 6
COLUMNS = (
    Column("kind", "credit.kind", lambda row: row.kind.value, Kind.WORD, words="credit.kind_"),
    Column("product", "credit.product", lambda row: row.product, Kind.PRODUCT),
    Column("reference", "application.number", lambda row: row.reference, Kind.ID),
    Column("debt", "credit.debt", lambda row: row.debt_minor, Kind.MONEY),
    Column("monthly", "credit.monthly", lambda row: row.monthly_minor, Kind.MONEY),
    Column("arrears", "credit.arrears", lambda row: row.arrears_minor, Kind.MONEY),
    Column("days_past_due", "credit.days", lambda row: row.days_past_due, Kind.COUNT),
)


def show(ask: Ask) -> Response:
    """Everything that is owed, what it costs a month, and the own limit."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    with ask.node.read() as tx:
        found = own_debts(ask, tx)
        changes = changes_of(tx, ask.party_id)
        running = running_loans(ask, tx, loans_of(tx, ask.party_id))
    if ending_of(ask):
        return file_reply(ask, "obligations", COLUMNS, of_rows(found.items))
    names = {one.product for one in found.items} | {one.product for one in changes}
    return ask.page(
        "credit.html",
        found=found,
        late={one.contract_id: one.state.days_past_due for one in running if one.is_late},
        currency=CURRENCY,
        debt_minor=found.debt_minor(CURRENCY),
        monthly_minor=found.monthly_minor(CURRENCY),
        here_minor=found.owed_here_minor(CURRENCY),
        own_minor=found.own_limit_minor(CURRENCY),
        offers=[one for one in changes if one.status == "offered"],
        told=[one for one in changes if one.status != "offered"][:CHANGES_SHOWN],
        titles={one: product_title(ask.say, one) for one in names if one},
        amount=ask.text("amount"),
        done=ask.query.get("done", ""),
        back="/me",
    )


def lower(ask: Ask) -> Response:
    """Let oneself owe less here: to what is owed now by one tap, or to an amount."""
    with ask.node.read() as tx:
        found = own_debts(ask, tx)
    if ask.text("way") == "now":
        wanted: int | None = found.owed_here_minor(CURRENCY)
    else:
        wanted = _amount(ask)
    return _set(ask, "lending.lower_credit_limit", wanted, found)


def higher(ask: Ask) -> Response:
    """Let oneself owe more here again, as far as income carries it."""
    with ask.node.read() as tx:
        found = own_debts(ask, tx)
    return _set(ask, "lending.raise_credit_limit", _amount(ask), found)


def answer(ask: Ask) -> Response:
    """Say yes or no to a higher credit limit that was offered, or no for good; without a yes it
    stays.
    """
    with ask.node.read() as tx:
        own = {one.id for one in changes_of(tx, ask.party_id)}
    if ask.text("change") not in own or ask.text("answer") not in ("yes", "no", "never"):
        raise Missing
    told = {"change_id": ask.text("change"), "is_agreed": ask.text("answer") == "yes"}
    try:
        ask.act("lending.answer_rise", told)
        if ask.text("answer") == "never":
            never = {"party_id": ask.party_id, "is_wanted": False}
            ask.act("lending.choose_offers", never)
    except Refused as refused:
        ask.wrong("_change", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go("/credit?done=answered")


def _amount(ask: Ask) -> int | None:
    typed = ask.text("amount")
    found = 0 if typed in ("0", "0.00") else read_amount(typed, CURRENCY)
    if found is None:
        ask.wrong("amount", ask.say("form.bad_amount"))
    return found


def _set(ask: Ask, name: str, wanted: int | None, found: Obligations) -> Response:
    if ask.problems or wanted is None:
        return _show(ask)
    told = {"party_id": ask.party_id, "currency": CURRENCY, "credit_limit_minor": wanted}
    try:
        ask.act(name, told)
    except Refused as refused:
        ask.wrong("amount", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go("/credit?done=set")
