"""A customer as staff see one: who, what runs, what was agreed, and who looked."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from puhui.channel import said
from puhui.complaint import complaints_of
from puhui.data import consents_of, read_lists, view
from puhui.data.window import accesses_of
from puhui.exchange.window import Remittance, deals, remittances
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row
from puhui.lending.window import applications_of, loans_of, receipts
from puhui.party import Party, find_parties, read_party_file
from puhui.payment import numbers
from puhui.payment.window import Payment
from puhui.servicing.window import zone_of
from puhui.web.ask import Ask
from puhui.web.pages.money import balance_of

CONTACT = ("name", "phone", "address")
SEARCH = "customer_search"
"""The purpose under which staff find somebody by phone or identity number."""

ACCESSES_SHOWN = 20
LOOKED_AT = 10_000
"""How many of the newest deals and payments across currencies a receipt number is sought among."""


def search(ask: Ask) -> Response:
    """Find somebody by phone, identity number or the number of the party; or what was paid, by the
    number of its receipt.
    """
    asked = "".join(ask.text("q").split())
    found: tuple[Party, ...] = ()
    receipts = Receipts()
    if ask.request.method == "POST":
        if not asked:
            ask.wrong("q", ask.say("desk.search_missing"))
        elif numbers.is_receipt(asked):
            receipts = _receipts(ask, asked)
        else:
            try:
                found = _found(ask, asked)
            except Refused as refused:
                ask.wrong("q", said(refused.code, ask.view.language))
    return ask.page(
        "desk_customers.html",
        at="customers",
        found=found,
        receipts=receipts,
        asked=asked,
        is_asked=ask.request.method == "POST",
    )


@dataclass(frozen=True, slots=True)
class Receipts:
    """What has a number that people read aloud: payments, payments across currencies, deals
    between nodes, what came of loans or was paid on them, and applications.
    """

    payments: tuple[Payment, ...] = ()
    remittances: tuple[Remittance, ...] = ()
    deal_ids: tuple[str, ...] = ()
    events: tuple[receipts.LoanEvent, ...] = ()
    applications: tuple[Row, ...] = ()


def _receipts(ask: Ask, asked: str) -> Receipts:
    """Everything that has this receipt number; two things may share one."""
    number = numbers.grouped_digits(numbers.plain(asked))
    with ask.node.read() as tx:
        return Receipts(
            numbers.receipted(tx, asked, now_us=ask.node.clock.now_us()),
            tuple(
                one for one in remittances(tx, count=LOOKED_AT) if numbers.receipt(one.id) == number
            ),
            tuple(
                one.id for one in deals(tx, count=LOOKED_AT) if numbers.receipt(one.id) == number
            ),
            receipts.events_numbered(tx, asked, now_us=ask.node.clock.now_us()),
            receipts.applications_numbered(tx, asked, now_us=ask.node.clock.now_us()),
        )


def _found(ask: Ask, asked: str) -> tuple[Party, ...]:
    """Whom a number means; of a person who is found by a personal one the look is on record.

    Refused: as ``find_parties`` and ``data.record_access``.
    """
    field = ""
    with ask.node.read() as tx:
        if asked.startswith("party-"):
            found = find_parties(ask.node, tx, party_ids=[asked])
        elif len(asked) == 11:
            found, field = find_parties(ask.node, tx, phone=asked), "phone"
        elif asked[:2].isdecimal() and asked[6:14].isdecimal():
            found, field = find_parties(ask.node, tx, id_number=asked), "id_number"
        else:
            found = find_parties(ask.node, tx, uscc=asked)
    for one in found:
        if field and one.subject is not None and not one.is_erased:
            told = {"party_id": one.id, "purpose": SEARCH, "fields": (field,)}
            ask.act("data.record_access", told, step=f":{one.id}")
    return found


def show(ask: Ask) -> Response:
    """The file of one party; personal data only after a recorded look."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    party_id = ask.request.path_params["party_id"]
    personal: dict[str, str] = {}
    access_id = ask.query.get("access", "")
    with ask.node.read() as tx:
        told = read_party_file(tx, party_id, ask.today)
        applications = applications_of(tx, party_id)
        loans = loans_of(tx, party_id)
        consents = consents_of(ask.node, tx, party_id=party_id)
        complaints = complaints_of(tx, party_id)
        accesses = accesses_of(tx, party_id)[:ACCESSES_SHOWN]
        balance = balance_of(tx, party_id)
        zone = zone_of(tx, party_id)
        if access_id and any(one.id == access_id for one in accesses):
            try:
                personal = dict(view(ask.node, tx, access_id, viewer=ask.actor.name).fields)
            except Refused as refused:
                ask.wrong("_access", said(refused.code, ask.view.language))
    return ask.page(
        "desk_customer.html",
        at="customers",
        told=told,
        applications=applications,
        loans=loans,
        consents=consents,
        complaints=complaints,
        accesses=accesses,
        balance=balance,
        personal=personal,
        lists=read_lists(),
        now_us=ask.node.clock.now_us(),
        zone=ask.text("zone") or zone,
    )


def open_contact(ask: Ask) -> Response:
    """Record a look at name, phone and address, for carrying out a contract, and show them."""
    party_id = ask.request.path_params["party_id"]
    told = {"party_id": party_id, "purpose": "loan_service", "fields": CONTACT}
    try:
        access = ask.act("data.record_access", told)
    except Refused as refused:
        ask.wrong("_access", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/customer/{party_id}?access={access.access_id}")


def set_zone(ask: Ask) -> Response:
    """Keep in whose hours a customer may be spoken to; empty for the house's."""
    party_id = ask.request.path_params["party_id"]
    try:
        ask.act("servicing.set_contact_zone", {"party_id": party_id, "zone": ask.text("zone")})
    except Refused as refused:
        ask.wrong("zone", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/customer/{party_id}")
