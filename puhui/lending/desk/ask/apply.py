"""Taking applications in, and letting them go."""

from __future__ import annotations

import json
from dataclasses import replace

from puhui.data import foresee
from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import business_date
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
from puhui.lending.rules.plan import rhythm_in
from puhui.party import (
    Party,
    check_actor,
    find_parties,
    place_hold,
    release_hold,
    take_party,
)

ROW_BYTES_MAX = 100_000
NAME_MAX = 200
OFFER_DAYS = 30
"""How many days an offer stands after the day of the decision."""

HOLD = "open_application"


def seal_row(node: Node, input: Apply) -> Apply:
    """Check that the row can be read by its mapping, and encrypt it under the person's key.

    Refused: ``lending.row_too_large``, ``lending.mapping_missing``, ``lending.mapping_damaged``,
    ``party.unknown``, ``party.erased``: here, so that no journal row holds the facts unsealed.
    """
    mapping_of(node.home, input.mapping)
    text = canonical_json(dict(input.row))
    if len(text) > ROW_BYTES_MAX:
        raise Refused("lending.row_too_large", "The facts of one application are too long.")
    with node.read(is_snapshot=False) as tx:
        found = find_parties(node, tx, party_ids=[input.party_id])
        if not found:
            raise Refused("party.unknown", f"There is no party {input.party_id[:40]}.")
        subject = found[0].subject
        key = read_subject_key(tx, node.keys, subject) if subject else None
    if subject and key is None:
        raise Refused("party.erased", "This person's data was erased at their wish.")
    return replace(input, row={}, sealed=seal(key, "application", text) if key else text)


@use_case("lending.apply", roles=("customer", "loan_officer", "operator", "system"),
          purpose="credit_decision", api=True, prepare=seal_row)  # fmt: skip
def apply(act: Act, input: Apply) -> Applied:
    """Take in an application; nothing is decided yet.

    Refused: ``lending.no_product``, ``lending.bad_amount``, ``lending.bad_term``,
    ``lending.bad_method``, ``lending.bad_due_day``, ``lending.bad_rhythm``,
    ``lending.bad_source_id``,
    ``lending.not_your_model``,
    ``party.unknown``, ``party.erased``, ``party.not_yours`` and those of ``seal_row``.
    """
    product = load_product(input.product)
    method = product.default_method if input.method is None else _method(input.method)
    months = product.default_term_months if input.term_months is None else input.term_months
    request = Request(
        input.wanted_minor, months, method, act.today, input.due_day, rhythm_in(input.rhythm)
    )
    check_request(request, product)
    if max(len(input.source_id), len(input.channel)) > NAME_MAX:
        raise Refused("lending.bad_source_id", f"Numbers and channels have {NAME_MAX} characters.")
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    if input.champion not in ("", product.name):
        _check_staff(act)
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
        due_day=input.due_day,
        rhythm=input.rhythm,
    )
    if not party.is_anonymous:
        hold_application(act, party, application_id)
    act.emit("lending.applied", party.id, {"application": application_id})
    act.note(product=product.digest)
    return Applied(application_id)


def _check_staff(act: Act) -> None:
    """Who applies for themselves does not choose the model that scores them."""
    try:
        check_actor(act.tx, act.actor, acts_for="")
    except Refused as refused:
        if refused.code != "party.not_yours":
            raise
        raise Refused("lending.not_your_model", "The lender chooses the model.") from None


def _method(name: str) -> Method:
    try:
        return Method(name)
    except ValueError:
        raise Refused("lending.bad_method", f"There is no method {name[:40]!r}.") from None


def take_application(act: Act, application_id: str) -> Row:
    """The application, locked until the act ends. Refused: ``lending.no_application``."""
    return require_application(
        act.tx.one(tables.LOCK_APPLICATION, id=application_id), application_id
    )


def require_application(row: Row | None, application_id: str) -> Row:
    """The row that was found. Refused: ``lending.no_application`` where none was."""
    if row is None:
        raise Refused("lending.no_application", f"There is no application {application_id[:60]}.")
    return row


def hold_application(act: Act, party: Party, application_id: str) -> None:
    """Keep a person from being erased while an application is under way."""
    place_hold(act, party, reason=HOLD, reference=application_id)


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
    _withdraw(act, row)
    return Withdrawn((row.id,))


def _withdraw(act: Act, row: Row) -> None:
    act.tx.put(tables.SET_APPLICATION_STATUS, id_=row.id, status_="withdrawn")
    if row.status == "review":
        act.tx.put(
            tables.CLOSE_REVIEW,
            application_id_=row.id,
            confirmed_by_=None,
            confirm_reason_=None,
            closed_us_=act.now_us,
        )
    release_application(act, row)
    act.emit("lending.withdrawn", row.party_id, {"application": row.id})


@use_case("lending.withdraw_for_consent", roles=("system",))
def withdraw_for_consent(act: Act, input: Delivery) -> Withdrawn:
    """When a person revokes a consent, undecided applications that rested on it end.

    An offer stays: it was made while the consent held, and accepting it needs nothing more read.
    """
    party_id = input.event.subject
    if not party_id.startswith("party-"):
        return Withdrawn(())
    act.tx.put(tables.LOCK_OBLIGOR, party_id=party_id, decisions=0)
    ended = []
    for row in act.tx.all(tables.READ_OPEN_APPLICATIONS, party_id=party_id):
        if row.status != "offered" and not _may_be_read(act, row):
            _withdraw(act, row)
            ended.append(row.id)
    return Withdrawn(tuple(ended))


def _may_be_read(act: Act, row: Row) -> bool:
    """Whether some other consent still covers the facts of an application."""
    (party,) = find_parties(act.node, act.tx, party_ids=[row.party_id])
    fields = json.loads(row.fields)
    try:
        foresee(act.tx, party, purpose="credit_decision", fields=fields, now_us=act.now_us)
    except Refused as refused:
        if not refused.code.startswith("data."):
            raise
        return False
    return True


subscribe("lending.withdraw_for_consent", to=("data.consent_revoked",))


@use_case("lending.expire_offers", roles=("system",), batch="application_ids")
def expire_offers(act: Act, input: ExpireOffers) -> Withdrawn:
    """End offers that nobody accepted in time; the person may apply again."""
    expired = []
    for application_id in input.application_ids:
        row = act.tx.one(tables.LOCK_APPLICATION, id=application_id)
        if row is None or row.status != "offered":
            continue
        decided = act.tx.one(tables.READ_DECISION, id=row.decision_id)
        assert decided is not None, row.id
        if business_date(decided.decided_us) > input.day:
            continue
        act.tx.put(tables.SET_APPLICATION_STATUS, id_=row.id, status_="expired")
        release_application(act, row)
        act.emit("lending.offer_expired", row.party_id, {"application": row.id})
        expired.append(row.id)
    return Withdrawn(tuple(expired))
