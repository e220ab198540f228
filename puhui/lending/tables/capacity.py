"""Debts elsewhere, limits that people set for themselves, offers made; and all debts in one."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)

from puhui.kernel.store import insert_all, metadata, upsert
from puhui.lending.tables import APPLICATION, CONTRACT, DECISION
from puhui.lending.tables.credit_limit import CHANGE, CREDIT_LIMIT, LATE

OBLIGATION = Table(
    "lending_obligation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("is_sealed", BigInteger, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_us", BigInteger, nullable=False),
    Column("closed_us", BigInteger),
    CheckConstraint("kind IN ('wallet_credit', 'declared', 'bureau', 'guarantee')"),
    CheckConstraint("is_sealed IN (0, 1)"),
    Index("lending_obligation_party", "party_id"),
)
"""``sealed`` holds amounts and source, encrypted under the person's key: a bureau's debts are data
of level 4. Plain (``is_sealed`` 0) is only what belongs to nobody's name, or is older."""

OWN_LIMIT = Table(
    "lending_own_limit",
    metadata,
    Column("party_id", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("credit_limit_minor", BigInteger, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    CheckConstraint("credit_limit_minor >= 0"),
)
"""The most that a person lets itself owe here; lending goes by it before any other bound."""

CREDIT_OFFER = Table(
    "lending_credit_offer",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("status", Text, nullable=False, server_default="open"),
    Column("answered_us", BigInteger),
    CheckConstraint("amount_minor > 0"),
    Index("lending_credit_offer_party", "party_id", "made_us"),
)
"""Credit that a person was told of without asking that day; ``status``: open, taken, declined,
replaced by a newer one."""

NO_OFFERS = Table(
    "lending_no_offers",
    metadata,
    Column("party_id", Text, primary_key=True),
    Column("said_us", BigInteger, nullable=False),
)
"""Who wants to be offered no credit: neither products nor higher limits."""

INSERT_OBLIGATION = insert_all(OBLIGATION)
PUT_OWN_LIMIT = upsert(OWN_LIMIT, ["party_id", "currency"])
INSERT_CREDIT_OFFER = insert_all(CREDIT_OFFER)
PUT_NO_OFFERS = upsert(NO_OFFERS, ["party_id"], {})
DELETE_NO_OFFERS = delete(NO_OFFERS).where(NO_OFFERS.c.party_id == bindparam("party_id"))
READ_NO_OFFERS = select(NO_OFFERS.c.said_us).where(NO_OFFERS.c.party_id == bindparam("party_id"))

_contract = CONTRACT.c
_obligation = OBLIGATION.c
_own = OWN_LIMIT.c
_granted = CREDIT_LIMIT.c

_granted_cut = CREDIT_LIMIT.join(
    CHANGE,
    and_(
        CHANGE.c.party_id == _granted.party_id,
        CHANGE.c.product == _granted.product,
        CHANGE.c.reviewed_us >= _granted.set_us,
    ),
)
READ_STANDING = union_all(
    select(
        literal("loan").label("kind"),
        _contract.id.label("reference"),
        _contract.product,
        _contract.status,
        _contract.currency,
        _contract.principal_minor,
        _contract.outstanding_minor,
        _contract.days_past_due,
        _contract.arrears_minor,
        _contract.total_cost_minor,
        _contract.terms,
        _contract.disbursed_minor,
    ).where(
        _contract.party_id == bindparam("party_id"),
        or_(
            _contract.status.in_(["signed", "current", "past_due"]),
            and_(_contract.status == "written_off", _contract.arrears_minor > 0),
        ),
    ),
    select(
        _obligation.kind,
        _obligation.id,
        literal(""),
        literal(""),
        _obligation.currency,
        literal(0),
        literal(0),
        literal(0),
        literal(0),
        _obligation.is_sealed,
        _obligation.sealed,
        literal(0),
    ).where(_obligation.party_id == bindparam("party_id"), _obligation.closed_us.is_(None)),
    select(
        literal("own_limit"),
        literal(""),
        literal(""),
        literal(""),
        _own.currency,
        _own.credit_limit_minor,
        literal(0),
        literal(0),
        literal(0),
        literal(0),
        literal(""),
        literal(0),
    ).where(_own.party_id == bindparam("party_id")),
    select(
        literal("credit_limit"),
        literal(""),
        _granted.product,
        literal(""),
        _granted.currency,
        _granted.credit_limit_minor,
        literal(0),
        literal(0),
        literal(0),
        literal(0),
        literal(""),
        literal(0),
    ).where(_granted.party_id == bindparam("party_id")),
    select(
        literal("credit_cut"),
        CHANGE.c.counts_from,
        _granted.product,
        literal(""),
        _granted.currency,
        CHANGE.c.after_minor,
        literal(0),
        literal(0),
        literal(0),
        literal(0),
        literal(""),
        literal(0),
    )
    .select_from(_granted_cut)
    .where(_granted.party_id == bindparam("party_id"), CHANGE.c.status == "lowered"),
)
"""What a person owes here and elsewhere, the limits it set itself and those the lender set, in one
statement.

Of a loan that was written off the claim lives, all of it overdue. Of a debt elsewhere ``terms``
holds amounts and source, sealed where ``total_cost_minor`` is 1; of a limit ``principal_minor``
is the limit. A ``credit_cut`` lowers a limit from the day that is its ``reference``; a limit that
was put in force after it stands above it.
"""

LOCK_OBLIGATION = select(*_obligation).where(_obligation.id == bindparam("id")).with_for_update()
CLOSE_OBLIGATION = (
    update(OBLIGATION)
    .where(_obligation.id == bindparam("id_"))
    .values(closed_us=bindparam("closed_us_"))
)
READ_PLAIN_OBLIGATIONS = (
    select(_obligation.id, _obligation.party_id, _obligation.kind, _obligation.currency,
           _obligation.sealed)
    .where(_obligation.is_sealed == 0)
    .order_by(_obligation.id)
)  # fmt: skip
SEAL_OBLIGATION = (
    update(OBLIGATION)
    .where(_obligation.id == bindparam("id_"), _obligation.is_sealed == 0)
    .values(sealed=bindparam("sealed_"), is_sealed=1)
)
READ_OWN_LIMIT = select(_own.credit_limit_minor).where(
    _own.party_id == bindparam("party_id"), _own.currency == bindparam("currency")
)
COUNT_OFFERS = select(func.count().label("offers")).where(
    CREDIT_OFFER.c.party_id == bindparam("party_id"),
    CREDIT_OFFER.c.made_us > bindparam("since_us"),
)
COUNT_DECLINED = select(func.count().label("offers")).where(
    CREDIT_OFFER.c.party_id == bindparam("party_id"),
    CREDIT_OFFER.c.status == "declined",
    CREDIT_OFFER.c.answered_us > bindparam("since_us"),
)
LOCK_OFFER = select(*CREDIT_OFFER.c).where(CREDIT_OFFER.c.id == bindparam("id")).with_for_update()
ANSWER_OFFER = (
    update(CREDIT_OFFER)
    .where(CREDIT_OFFER.c.id == bindparam("id_"))
    .values(status=bindparam("status_"), answered_us=bindparam("answered_us_"))
)
READ_OFFERS = (
    select(*CREDIT_OFFER.c)
    .where(CREDIT_OFFER.c.party_id == bindparam("party_id"))
    .order_by(CREDIT_OFFER.c.made_us.desc(), CREDIT_OFFER.c.id)
)
READ_NEED = (
    select(APPLICATION.c.wanted_minor, APPLICATION.c.applied_us)
    .where(
        APPLICATION.c.party_id == bindparam("party_id"),
        APPLICATION.c.product == bindparam("product"),
        APPLICATION.c.applied_us > bindparam("since_us"),
    )
    .order_by(APPLICATION.c.applied_us.desc(), APPLICATION.c.id.desc())
    .limit(1)
)
"""The need that a person stated last for a product."""

READ_MET = union_all(
    select(_contract.principal_minor.label("met_minor")).where(
        _contract.party_id == bindparam("party_id"),
        _contract.product == bindparam("product"),
        _contract.accepted_us >= bindparam("since_us"),
        _contract.status != "void",
    ),
    select(APPLICATION.c.offered_minor).where(
        APPLICATION.c.party_id == bindparam("party_id"),
        APPLICATION.c.product == bindparam("product"),
        APPLICATION.c.applied_us >= bindparam("since_us"),
        APPLICATION.c.status.in_(["review", "offered"]),
    ),
)
"""What was lent or promised by a product since a need was stated."""

REPLACE_OFFERS = (
    update(CREDIT_OFFER)
    .where(
        CREDIT_OFFER.c.party_id == bindparam("party_id_"),
        CREDIT_OFFER.c.product == bindparam("product_"),
        CREDIT_OFFER.c.status == "open",
    )
    .values(status="replaced")
)
"""Of several offers of a product the last stands, so that they never add up beyond the need."""

READ_DECISION_FOR = (
    select(DECISION.c.decision)
    .join(APPLICATION, APPLICATION.c.decision_id == DECISION.c.id)
    .where(APPLICATION.c.id == bindparam("application_id"))
)
READ_LAST_DECISION = (
    select(DECISION.c.decision)
    .join(APPLICATION, APPLICATION.c.decision_id == DECISION.c.id)
    .where(
        APPLICATION.c.party_id == bindparam("party_id"),
        APPLICATION.c.currency == bindparam("currency"),
    )
    .order_by(DECISION.c.decided_us.desc(), DECISION.c.id.desc())
    .limit(1)
)
READ_PROMISES = select(
    APPLICATION.c.id, APPLICATION.c.product, APPLICATION.c.currency,
    APPLICATION.c.offered_minor, APPLICATION.c.term_months,
).where(
    APPLICATION.c.party_id == bindparam("party_id"),
    APPLICATION.c.status.in_(["review", "offered"]),
    APPLICATION.c.offered_minor > 0,
)  # fmt: skip
"""Offers that stand, or wait for a person's yes: what the lender has promised already."""
DELETE_OF_PARTY = tuple(
    delete(table).where(table.c.party_id == bindparam("party_id"))
    for table in (OBLIGATION, OWN_LIMIT, CREDIT_OFFER, NO_OFFERS, CREDIT_LIMIT, CHANGE, LATE)
)
"""What goes when a person is erased."""
