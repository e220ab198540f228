"""The tables of lending and every statement on them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    bindparam,
    func,
    select,
    update,
)

from puhui.kernel.store import excluded, insert_all, metadata, sum_int, upsert

APPLICATION = Table(
    "lending_application",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("product_digest", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("wanted_minor", BigInteger, CheckConstraint("wanted_minor > 0"), nullable=False),
    Column("term_months", BigInteger, nullable=False),
    Column("method", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("champion", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("row_digest", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("offered_minor", BigInteger, nullable=False),
    Column("applied_us", BigInteger, nullable=False),
    Column("applied_on", Text, nullable=False),
    Column("decision_id", Text),
    Column("due_day", BigInteger),
    Column("rhythm", Text, nullable=False, server_default=""),
    CheckConstraint(
        "status IN ('open', 'review', 'offered', 'refused', 'accepted', 'withdrawn', 'expired')"
    ),
    Index("lending_application_party", "party_id", "product", "status"),
    Index("lending_application_status", "status", "applied_on"),
)

DECISION = Table(
    "lending_decision",
    metadata,
    Column("id", Text, primary_key=True),
    Column("application_id", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("points", BigInteger),
    Column("pd", Text),
    Column("model_digest", Text, nullable=False),
    Column("pd_max", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("proposed_by", Text),
    Column("decided_us", BigInteger, nullable=False),
    CheckConstraint("outcome IN ('approved', 'refused', 'review')"),
    Index("lending_decision_application", "application_id", "decided_us"),
)

OBLIGOR = Table(
    "lending_obligor",
    metadata,
    Column("party_id", Text, primary_key=True),
    Column("decisions", BigInteger, nullable=False),
)
"""One row per person who was decided on; locking it makes decisions on a person take turns."""

CUT_OFF = Table(
    "lending_cut_off",
    metadata,
    Column("product", Text, primary_key=True),
    Column("model_digest", Text, primary_key=True),
    Column("pd_max", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
)

REVIEW = Table(
    "lending_review",
    metadata,
    Column("application_id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("proposed_by", Text),
    Column("proposal", Text),
    Column("proposal_reason", Text),
    Column("confirmed_by", Text),
    Column("confirm_reason", Text),
    Column("closed_us", BigInteger),
    Column("verified_income", Text),
    CheckConstraint("status IN ('open', 'proposed', 'closed')"),
    CheckConstraint("confirmed_by IS NULL OR confirmed_by <> proposed_by"),
    Index("lending_review_status", "status", "opened_us"),
)

CONTRACT = Table(
    "lending_contract",
    metadata,
    Column("id", Text, primary_key=True),
    Column("application_id", Text, nullable=False),
    Column("party_id", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("product_digest", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("principal_minor", BigInteger, nullable=False),
    Column("annual_rate", Text, nullable=False),
    Column("apr", Text, nullable=False),
    Column("total_cost_minor", BigInteger, nullable=False),
    Column("upfront_fee_minor", BigInteger, nullable=False),
    Column("counts_from", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("servicing", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("text_digest", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("accepted_by", Text, nullable=False),
    Column("accepted_us", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("started_on", Text),
    Column("disbursed_minor", BigInteger, nullable=False),
    Column("repaid_minor", BigInteger, nullable=False),
    Column("written_off_minor", BigInteger, nullable=False),
    Column("outstanding_minor", BigInteger, nullable=False),
    Column("days_past_due", BigInteger, nullable=False),
    Column("arrears_minor", BigInteger, nullable=False),
    Column("aged_on", Text),
    CheckConstraint(
        "status IN ('signed', 'void', 'current', 'past_due', 'paid_off', 'written_off')"
    ),
    CheckConstraint("outstanding_minor = disbursed_minor - repaid_minor - written_off_minor"),
    CheckConstraint("outstanding_minor >= 0 AND repaid_minor >= 0 AND written_off_minor >= 0"),
    Index("lending_contract_application", "application_id"),
    Index("lending_contract_party", "party_id", "status"),
    Index("lending_contract_status", "status", "id"),
)
"""Repaid, written off and outstanding count principal; the ledger holds the same per contract."""

INSERT_APPLICATION = insert_all(APPLICATION)
LOCK_OBLIGOR = upsert(
    OBLIGOR, ["party_id"], {"decisions": OBLIGOR.c.decisions + excluded(OBLIGOR, "decisions")}
)
INSERT_DECISION = insert_all(DECISION)
INSERT_REVIEW = upsert(REVIEW, ["application_id"], {})
PUT_CONTRACT = upsert(CONTRACT, ["id"])
PUT_CUT_OFF = upsert(CUT_OFF, ["product", "model_digest"])

_application = APPLICATION.c
_contract = CONTRACT.c
_by_id = _application.id == bindparam("id")

READ_APPLICATION = select(*_application).where(_by_id)
READ_APPLICANT = select(_application.party_id).where(_by_id)
"""Whose application it is, without a lock: the person's row is locked before the application."""

LOCK_APPLICATION = READ_APPLICATION.with_for_update()
SET_APPLICATION = (
    update(APPLICATION)
    .where(_application.id == bindparam("id_"))
    .values(
        status=bindparam("status_"),
        decision_id=bindparam("decision_id_"),
        offered_minor=bindparam("offered_minor_"),
    )
)
SET_APPLICATION_STATUS = (
    update(APPLICATION)
    .where(_application.id == bindparam("id_"))
    .values(status=bindparam("status_"))
)
READ_OTHER_APPLICATIONS = (
    select(
        _application.id,
        _application.product,
        _application.status,
        _application.currency,
        _application.offered_minor,
        _application.term_months,
        _application.applied_us,
    )
    .where(
        _application.party_id == bindparam("party_id"),
        _application.status.in_(["open", "review", "offered"]),
        _application.id != bindparam("id"),
    )
    .with_for_update(read=True)
)
"""What else a person has under way. Read before the debts, and locked: an offer that is accepted
in the same moment is then found in one of the two lists or in both, never in neither."""

READ_OPEN_APPLICATIONS = (
    select(_application.id, _application.party_id, _application.status, _application.fields)
    .where(
        _application.party_id == bindparam("party_id"),
        _application.status.in_(["open", "review", "offered"]),
    )
    .order_by(_application.id)
    .with_for_update()
)
READ_OFFERS_BEFORE = (
    select(_application.id)
    .join(DECISION, DECISION.c.id == _application.decision_id)
    .where(_application.status == "offered", DECISION.c.decided_us < bindparam("before_us"))
    .order_by(_application.id)
)
READ_DECISION = select(*DECISION.c).where(DECISION.c.id == bindparam("id"))
READ_OFFER = (
    select(
        _application.id,
        _application.party_id,
        _application.product,
        _application.product_digest,
        _application.currency,
        _application.status,
        DECISION.c.decided_us,
        DECISION.c.decision,
    )
    .outerjoin_from(APPLICATION, DECISION, DECISION.c.id == _application.decision_id)
    .where(_by_id)
)
LOCK_OFFER = READ_OFFER.with_for_update(of=APPLICATION)
"""An application with what was decided last, as far as a contract is made of it."""

READ_CUT_OFF = select(CUT_OFF.c.pd_max).where(
    CUT_OFF.c.product == bindparam("product"), CUT_OFF.c.model_digest == bindparam("model_digest")
)

READ_CONTRACT = select(*_contract).where(_contract.id == bindparam("id"))
LOCK_CONTRACT = READ_CONTRACT.with_for_update()
READ_CONTRACT_OF = select(*_contract).where(
    _contract.application_id == bindparam("application_id"), _contract.status != "void"
)
VOID_CONTRACT = update(CONTRACT).where(_contract.id == bindparam("id_")).values(status="void")
START_CONTRACT = (
    update(CONTRACT)
    .where(_contract.id == bindparam("id_"))
    .values(
        status="current",
        started_on=bindparam("started_on_"),
        disbursed_minor=bindparam("amount_minor_"),
        outstanding_minor=bindparam("amount_minor_"),
    )
)
SET_CONTRACT = (
    update(CONTRACT)
    .where(_contract.id == bindparam("id_"))
    .values(
        status=bindparam("status_"),
        disbursed_minor=bindparam("disbursed_minor_"),
        repaid_minor=bindparam("repaid_minor_"),
        written_off_minor=bindparam("written_off_minor_"),
        outstanding_minor=bindparam("outstanding_minor_"),
        days_past_due=bindparam("days_past_due_"),
        arrears_minor=bindparam("arrears_minor_"),
        aged_on=bindparam("aged_on_"),
    )
)
READ_LIVE_CONTRACTS = (
    select(_contract.id).where(_contract.status.in_(["current", "past_due"])).order_by(_contract.id)
)
COUNT_LIVE_CONTRACTS = select(func.count().label("contracts")).where(
    _contract.status.in_(["current", "past_due"])
)
READ_CHANCE = (
    select(DECISION.c.pd)
    .join(APPLICATION, APPLICATION.c.decision_id == DECISION.c.id)
    .where(APPLICATION.c.id == bindparam("application_id"))
)
"""The chance of default by which a contract's offer was priced."""

READ_LATE_FEES = (
    select(_contract.id)
    .where(_contract.status == "past_due", _contract.terms.like('%"late_fee_minor"%'))
    .order_by(_contract.id)
)
READ_STATUSES = (
    select(_contract.id, _contract.status, _contract.party_id, _contract.days_past_due)
    .where(_contract.id > bindparam("after"), _contract.id <= bindparam("until"))
    .order_by(_contract.id)
    .with_for_update()
)
READ_CONTRACTS = (
    select(*_contract)
    .where(_contract.id > bindparam("after"))
    .order_by(_contract.id)
    .limit(bindparam("count"))
)
READ_CONTRACTS_OF = (
    select(*_contract).where(_contract.party_id == bindparam("party_id")).order_by(_contract.id)
)
READ_REVIEW = select(*REVIEW.c).where(REVIEW.c.application_id == bindparam("application_id"))
LOCK_REVIEW = READ_REVIEW.with_for_update()
READ_REVIEW_QUEUE = (
    select(*REVIEW.c).where(REVIEW.c.status != "closed").order_by(REVIEW.c.opened_us)
)
PROPOSE_REVIEW = (
    update(REVIEW)
    .where(REVIEW.c.application_id == bindparam("application_id_"))
    .values(
        status="proposed",
        proposed_by=bindparam("proposed_by_"),
        proposal=bindparam("proposal_"),
        proposal_reason=bindparam("proposal_reason_"),
        verified_income=bindparam("verified_income_"),
    )
)
REOPEN_REVIEW = (
    update(REVIEW)
    .where(REVIEW.c.application_id == bindparam("application_id_"))
    .values(status="open", proposed_by=None, proposal=None, proposal_reason=None)
)
READ_STALE_CONTRACTS = (
    select(_contract.id)
    .where(_contract.status == "signed", _contract.accepted_us < bindparam("before_us"))
    .order_by(_contract.id)
)
READ_DECISIONS_OF = (
    select(DECISION.c.id, DECISION.c.decision, APPLICATION.c.wanted_minor)
    .join(APPLICATION, APPLICATION.c.id == DECISION.c.application_id)
    .where(APPLICATION.c.party_id == bindparam("party_id"))
    .order_by(DECISION.c.id)
)
BLANK_DECISION = (
    update(DECISION)
    .where(DECISION.c.id == bindparam("id_"))
    .values(decision=bindparam("decision_"), points=None, pd=None)
)
BLANK_APPLICATIONS = (
    update(APPLICATION).where(APPLICATION.c.party_id == bindparam("party_id_")).values(sealed="")
)
BLANK_REVIEWS = (
    update(REVIEW)
    .where(
        REVIEW.c.application_id.in_(
            select(APPLICATION.c.id).where(APPLICATION.c.party_id == bindparam("party_id_"))
        )
    )
    .values(statement="", proposal_reason="", confirm_reason="", verified_income="")
)
CLOSE_REVIEW = (
    update(REVIEW)
    .where(REVIEW.c.application_id == bindparam("application_id_"))
    .values(
        status="closed",
        confirmed_by=bindparam("confirmed_by_"),
        confirm_reason=bindparam("confirm_reason_"),
        closed_us=bindparam("closed_us_"),
    )
)
READ_PORTFOLIO = select(
    _contract.product,
    _contract.currency,
    _contract.status,
    func.count().label("contracts"),
    sum_int(_contract.principal_minor).label("principal_minor"),
    sum_int(_contract.disbursed_minor).label("disbursed_minor"),
    sum_int(_contract.repaid_minor).label("repaid_minor"),
    sum_int(_contract.written_off_minor).label("written_off_minor"),
    sum_int(_contract.outstanding_minor).label("outstanding_minor"),
).group_by(_contract.product, _contract.currency, _contract.status)
