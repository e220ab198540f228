"""Tables and statements of offline: wallets, allowances, vouchers and fraud cases."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    bindparam,
    func,
    or_,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata, sum_int, upsert

WALLET = Table(
    "offline_wallet",
    metadata,
    Column("party_id", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("pseudonym", Text, nullable=False, unique=True),
    Column("epoch", BigInteger, CheckConstraint("epoch > 0"), nullable=False),
    Column("is_revoked", BigInteger, CheckConstraint("is_revoked IN (0, 1)"), nullable=False),
)

ALLOWANCE = Table(
    "offline_allowance",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("allowance_limit_minor", BigInteger, nullable=False),
    Column("cover_minor", BigInteger, CheckConstraint("cover_minor >= 0"), nullable=False),
    Column("pays_at_sync", BigInteger, CheckConstraint("pays_at_sync IN (0, 1)"), nullable=False),
    Column("claimed_minor", BigInteger, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("cover_used_minor", BigInteger, nullable=False),
    Column("issued_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("sync_until_us", BigInteger, nullable=False),
    Column("closed_us", BigInteger),
    Column("text", Text, nullable=False),
    CheckConstraint("allowance_limit_minor > 0"),
    CheckConstraint("paid_minor >= 0 AND paid_minor <= claimed_minor"),
    CheckConstraint("paid_minor <= allowance_limit_minor + cover_minor"),
    CheckConstraint("cover_used_minor >= 0 AND cover_used_minor <= cover_minor"),
    CheckConstraint("issued_us < expires_us AND expires_us < sync_until_us"),
    Index("offline_allowance_party", "party_id", "currency"),
    Index("offline_allowance_until", "sync_until_us"),
)
"""``claimed_minor`` sums what came in in time; ``cover_used_minor`` is set at the close."""

VOUCHER = Table(
    "offline_voucher",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("allowance_id", Text, ForeignKey("offline_allowance.id"), nullable=False),
    Column("counter", BigInteger, CheckConstraint("counter > 0"), nullable=False),
    Column("payee_account_id", Text, nullable=False),
    Column("amount_minor", BigInteger, CheckConstraint("amount_minor > 0"), nullable=False),
    Column("spent_before_minor", BigInteger, nullable=False),
    Column("previous", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("signature", Text, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("is_late", BigInteger, CheckConstraint("is_late IN (0, 1)"), nullable=False),
    Column("paid_minor", BigInteger),
    CheckConstraint("paid_minor IS NULL OR (paid_minor >= 0 AND paid_minor <= amount_minor)"),
    CheckConstraint("is_late = 0 OR paid_minor = 0"),
    Index("offline_voucher_allowance", "allowance_id", "counter"),
    Index("offline_voucher_payee", "payee_account_id", "received_us"),
)
"""``paid_minor`` is empty while the voucher waits for its allowance to close."""

CASE = Table(
    "offline_case",
    metadata,
    Column("allowance_id", Text, ForeignKey("offline_allowance.id"), primary_key=True),
    Column("counter", BigInteger, primary_key=True),
    Column(
        "kind", Text, CheckConstraint("kind IN ('double_spend', 'false_sum')"), primary_key=True
    ),
    Column("opened_us", BigInteger, nullable=False),
)

EXCESS = Table(
    "offline_excess",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("currency", Text, nullable=False),
    Column("since_us", BigInteger, nullable=False),
)
"""Wallets beside which something is kept aside; how much, the ledger says. A row goes with the
last of it."""

_wallet, _allowance, _voucher, _case = WALLET.c, ALLOWANCE.c, VOUCHER.c, CASE.c
_excess = EXCESS.c

ADD_WALLET = upsert(WALLET, ["party_id", "currency"], {})
LOCK_WALLET = (
    select(*_wallet)
    .where(_wallet.party_id == bindparam("party_id"), _wallet.currency == bindparam("currency"))
    .with_for_update()
)
SET_WALLET = (
    update(WALLET)
    .where(_wallet.party_id == bindparam("party_id_"), _wallet.currency == bindparam("currency_"))
    .values(epoch=bindparam("epoch_"), is_revoked=bindparam("is_revoked_"))
)
READ_REVOKED = (
    select(_wallet.pseudonym, _wallet.epoch)
    .where(
        select(_allowance.id)
        .where(
            _allowance.party_id == _wallet.party_id,
            _allowance.currency == _wallet.currency,
            _allowance.epoch < _wallet.epoch,
            _allowance.sync_until_us >= bindparam("now_us"),
        )
        .exists()
    )
    .order_by(_wallet.pseudonym)
    .limit(bindparam("count"))
)
"""Wallets of which an allowance of an older epoch may still be shown to somebody."""

COUNT_REVOKED = select(func.count().label("wallets")).where(
    _wallet.currency == bindparam("currency"), _wallet.is_revoked == 1
)

INSERT_ALLOWANCE = insert_all(ALLOWANCE)
READ_ALLOWANCE = select(*_allowance).where(_allowance.id == bindparam("id"))
READ_ALLOWANCES = select(*_allowance).where(_allowance.id.in_(bindparam("ids", expanding=True)))
LOCK_ALLOWANCES = READ_ALLOWANCES.order_by(_allowance.id).with_for_update()
READ_ALLOWANCES_OF = (
    select(*_allowance)
    .where(_allowance.party_id == bindparam("party_id"))
    .order_by(_allowance.issued_us.desc(), _allowance.id)
    .limit(bindparam("count"))
)
COUNT_OPEN = select(func.count().label("allowances")).where(
    _allowance.party_id == bindparam("party_id"),
    _allowance.currency == bindparam("currency"),
    _allowance.closed_us.is_(None),
)
READ_DUE = (
    select(_allowance.id)
    .where(
        _allowance.sync_until_us < bindparam("before_us"),
        or_(_allowance.closed_us.is_(None), _allowance.closed_us >= bindparam("before_us")),
    )
    .order_by(_allowance.id)
)
"""Those closed since ``before_us`` stay in the list, so that it is the same all day."""

SET_ALLOWANCE = (
    update(ALLOWANCE)
    .where(_allowance.id == bindparam("id_"))
    .values(
        claimed_minor=bindparam("claimed_minor_"),
        paid_minor=bindparam("paid_minor_"),
        cover_used_minor=bindparam("cover_used_minor_"),
        closed_us=bindparam("closed_us_"),
    )
)
SUM_OPEN = select(
    func.count().label("allowances"),
    sum_int(_allowance.allowance_limit_minor).label("allowance_limit_minor"),
    sum_int(_allowance.cover_minor).label("cover_minor"),
    sum_int(_allowance.claimed_minor).label("claimed_minor"),
    sum_int(_allowance.paid_minor).label("paid_minor"),
).where(_allowance.currency == bindparam("currency"), _allowance.closed_us.is_(None))
SUM_CLOSED = select(
    sum_int(_allowance.cover_used_minor).label("cover_used_minor"),
    sum_int(_allowance.claimed_minor - _allowance.paid_minor).label("unpaid_minor"),
).where(_allowance.currency == bindparam("currency"), _allowance.closed_us.is_not(None))

INSERT_VOUCHER = insert_all(VOUCHER)
READ_VOUCHERS = (
    select(*_voucher)
    .where(_voucher.allowance_id.in_(bindparam("ids", expanding=True)))
    .order_by(_voucher.counter, _voucher.digest)
)
READ_VOUCHERS_TO = (
    select(*_voucher)
    .where(_voucher.payee_account_id == bindparam("payee_account_id"))
    .order_by(_voucher.received_us.desc(), _voucher.digest)
    .limit(bindparam("count"))
)
SUM_WAITING = (
    select(sum_int(_voucher.amount_minor).label("waiting_minor"))
    .select_from(VOUCHER.join(ALLOWANCE, _allowance.id == _voucher.allowance_id))
    .where(_allowance.currency == bindparam("currency"), _voucher.paid_minor.is_(None))
)
PAY_VOUCHER = (
    update(VOUCHER)
    .where(_voucher.digest == bindparam("digest_"))
    .values(paid_minor=bindparam("paid_minor_"))
)

ADD_CASE = upsert(CASE, ["allowance_id", "counter", "kind"], {})
READ_CASES = (
    select(*_case, _allowance.party_id)
    .join(ALLOWANCE, _allowance.id == _case.allowance_id)
    .order_by(_case.opened_us.desc(), _case.allowance_id, _case.counter, _case.kind)
    .limit(bindparam("count"))
)
COUNT_CASES = (
    select(func.count().label("cases"))
    .select_from(CASE.join(ALLOWANCE, _allowance.id == _case.allowance_id))
    .where(_allowance.currency == bindparam("currency"))
)

ADD_EXCESS = upsert(EXCESS, ["account_id"], {})
LOCK_EXCESS = (
    select(*_excess).where(_excess.account_id == bindparam("account_id")).with_for_update()
)
READ_ASIDES = (
    select(*_excess).order_by(_excess.since_us, _excess.account_id).limit(bindparam("count"))
)
READ_EXCESS = select(_excess.account_id).order_by(_excess.account_id)
DROP_EXCESS = EXCESS.delete().where(_excess.account_id == bindparam("account_id_"))
