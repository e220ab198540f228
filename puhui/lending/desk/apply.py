"""Taking applications in, and letting them go."""

from __future__ import annotations

import json
from dataclasses import replace

from puhui.kernel.act import Act, use_case
from puhui.kernel.crypto import canonical_json, read_subject_key, seal
from puhui.kernel.errors import Refused
from puhui.kernel.event import Delivery, subscribe
from puhui.kernel.node import Node
from puhui.kernel.store import Row
from puhui.lending import tables
from puhui.lending.desk.shelf import mapping_of
from puhui.lending.formats.shelf import load_product
from puhui.lending.nouns import Method, Request
from puhui.lending.nouns.request import (
    ApplicationKey,
    Applied,
    Apply,
    ExpireOffers,
    Withdrawn,
)
from puhui.lending.rules.decide import check_request
from puhui.party import check_actor, find_parties, place_hold, release_hold, take_party

ROW_BYTES_MAX = 100_000
HOLD = "open_application"


def seal_row(node: Node, input: Apply) -> Apply:
    """Check that the row can be read by its mapping, and encrypt it under the person's key.

    Refused: ``lending.row_too_large``, ``lending.mapping_missing``, ``lending.mapping_damaged``.
    """
    mapping_of(node.home, input.mapping)
    text = canonical_json(dict(input.row))
    if len(text) > ROW_BYTES_MAX:
        raise Refused("lending.row_too_large", "The facts of one application are too long.")
    with node.read() as tx:
        found = find_parties(node, tx, party_ids=[input.party_id])
        subject = found[0].subject if found else None
        key = read_subject_key(tx, node.keys, subject) if subject else None
    if subject and key is None:
        raise Refused("party.erased", "This person's data was erased at their wish.")
    return replace(input, row={}, sealed=seal(key, "application", text) if key else text)


@use_case("lending.apply", roles=("customer", "loan_officer", "operator", "system"),
          purpose="credit_decision", api=True, prepare=seal_row)  # fmt: skip
def apply(act: Act, input: Apply) -> Applied:
    """Take in an application; nothing is decided yet.

    Refused: ``lending.no_product``, ``lending.bad_amount``, ``lending.bad_term``,
    ``lending.bad_method``, ``party.unknown``, ``party.erased``, ``party.not_yours`` and those of
    ``seal_row``.
    """
    product = load_product(input.product)
    method = product.default_method if input.method is None else _method(input.method)
    months = product.default_term_months if input.term_months is None else input.term_months
    check_request(Request(input.wanted_minor, months, method, act.today), product)
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    party = take_party(act, input.party_id)
    application_id = act.new_id("application")
    act.tx.put(
        tables.INSERT_APPLICATION,
        id=application_id,
        party_id=party.id,
        product=product.name,
        product_digest=product.digest,
        currency=product.currency,
        wanted_minor=input.wanted_minor,
        term_months=months,
        method=method.value,
        channel=input.channel,
        source_id=input.source_id,
        mapping=input.mapping,
        champion=input.champion or product.name,
        sealed=input.sealed,
        row_digest=act.node.keys.digest(input.sealed.encode()),
        fields=canonical_json(sorted(input.fields)),
        status="open",
        offered_minor=0,
        applied_us=act.now_us,
        applied_on=act.today.isoformat(),
        decision_id=None,
    )
    if not party.is_anonymous:
        place_hold(act, party.id, reason=HOLD, reference=application_id)
    act.emit("lending.applied", party.id, {"application": application_id})
    act.note(product=product.digest)
    return Applied(application_id)


def _method(name: str) -> Method:
    try:
        return Method(name)
    except ValueError:
        raise Refused("lending.bad_method", f"There is no method {name[:40]!r}.") from None


def take_application(act: Act, application_id: str) -> Row:
    """The application, locked until the act ends. Refused: ``lending.no_application``."""
    row = act.tx.one(tables.LOCK_APPLICATION, id=application_id)
    if row is None:
        raise Refused("lending.no_application", f"There is no application {application_id[:60]}.")
    return row


def release_application(act: Act, row: Row) -> None:
    """Let the person's hold go once an application is over."""
    release_hold(act, row.party_id, reason=HOLD, reference=row.id)


@use_case("lending.withdraw", roles=("customer", "loan_officer", "operator"), api=True)
def withdraw(act: Act, input: ApplicationKey) -> Withdrawn:
    """Withdraw an application that is not accepted yet.

    Refused: ``lending.no_application``, ``lending.not_open``, ``party.not_yours``.
    """
    row = take_application(act, input.application_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    if row.status not in ("open", "review", "offered"):
        raise Refused("lending.not_open", f"This application is {row.status} already.")
    return Withdrawn(_withdraw(act, [row.id], row.party_id))


def _withdraw(act: Act, application_ids: list[str], party_id: str) -> tuple[str, ...]:
    for application_id in application_ids:
        act.tx.put(tables.SET_APPLICATION_STATUS, id_=application_id, status_="withdrawn")
        release_hold(act, party_id, reason=HOLD, reference=application_id)
        act.emit("lending.withdrawn", party_id, {"application": application_id})
    return tuple(application_ids)


@use_case("lending.withdraw_for_consent", roles=("system",))
def withdraw_for_consent(act: Act, input: Delivery) -> Withdrawn:
    """When a person revokes the consent to decide on credit, undecided applications end."""
    if json.loads(input.event.payload).get("purpose") != "credit_decision":
        return Withdrawn(())
    party_id = input.event.subject
    rows = act.tx.all(tables.READ_OPEN_APPLICATIONS, party_id=party_id)
    return Withdrawn(_withdraw(act, [row.id for row in rows if row.status != "offered"], party_id))


subscribe("lending.withdraw_for_consent", to=("data.consent_revoked",))


@use_case("lending.expire_offers", roles=("system",), batch="application_ids")
def expire_offers(act: Act, input: ExpireOffers) -> Withdrawn:
    """End offers that nobody accepted in time; the person may apply again."""
    expired = []
    for application_id in input.application_ids:
        row = act.tx.one(tables.LOCK_APPLICATION, id=application_id)
        if row is None or row.status != "offered" or row.applied_on > input.day.isoformat():
            continue
        act.tx.put(tables.SET_APPLICATION_STATUS, id_=row.id, status_="expired")
        release_application(act, row)
        act.emit("lending.offer_expired", row.party_id, {"application": row.id})
        expired.append(row.id)
    return Withdrawn(tuple(expired))
