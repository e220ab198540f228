"""The register of models in force, and the audits of them that were stored."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Table, Text, bindparam, select

from puhui.kernel.store import insert_all, metadata

MODEL = Table(
    "score_model",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", BigInteger, CheckConstraint("version > 0"), primary_key=True),
    Column("digest", Text, CheckConstraint("length(digest) = 64"), nullable=False, index=True),
    Column(
        "kind", Text, CheckConstraint("kind IN ('points', 'trees', 'additive')"), nullable=False
    ),
    Column("mapping", Text, nullable=False),
    Column("mapping_digest", Text, nullable=False),
    Column("data_digest", Text, nullable=False),
    Column("maker", Text, nullable=False),
    Column("trained_on", Text, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("registered_by", Text, nullable=False),
    Column("registered_us", BigInteger, nullable=False),
)

AUDIT = Table(
    "score_audit",
    metadata,
    Column("id", Text, primary_key=True),
    Column("model_digest", Text, CheckConstraint("length(model_digest) = 64"), nullable=False),
    Column("since", Text, nullable=False),
    Column("until", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("approved", BigInteger, nullable=False),
    Column("tests", BigInteger, nullable=False),
    Column("findings", BigInteger, nullable=False),
    Column("groups", Text, nullable=False),
    Column("unknown", Text, nullable=False),
    Column("audited_by", Text, nullable=False),
    Column("audited_us", BigInteger, nullable=False),
    CheckConstraint("approved BETWEEN 0 AND rows AND findings >= 0"),
    Index("score_audit_model", "model_digest", "audited_us"),
)
"""Figures of groups as JSON; nothing of any one person."""

INSERT_MODEL = insert_all(MODEL)
INSERT_AUDIT = insert_all(AUDIT)

READ_CHAMPION = (
    select(MODEL.c.digest)
    .where(MODEL.c.name == bindparam("name"))
    .order_by(MODEL.c.version.desc())
    .limit(1)
)
LOCK_CHAMPION = (
    select(*MODEL.c)
    .where(MODEL.c.name == bindparam("name"))
    .order_by(MODEL.c.version.desc())
    .limit(1)
    .with_for_update()
)
READ_MODELS = select(*MODEL.c).order_by(MODEL.c.name, MODEL.c.version)
READ_ANY_BY_DIGEST = select(MODEL.c.name).where(MODEL.c.digest == bindparam("digest")).limit(1)
READ_DIGESTS = select(MODEL.c.digest).distinct().order_by(MODEL.c.digest)
READ_AUDITS = (
    select(*AUDIT.c)
    .where(AUDIT.c.model_digest == bindparam("model_digest"))
    .order_by(AUDIT.c.audited_us.desc(), AUDIT.c.id.desc())
    .limit(bindparam("count"))
)
