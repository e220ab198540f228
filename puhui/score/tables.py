"""The register of models: which one is, and which ones were, in force under a name."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Table, Text, bindparam, select

from puhui.kernel.store import insert_all, metadata

MODEL = Table(
    "score_model",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", BigInteger, CheckConstraint("version > 0"), primary_key=True),
    Column("digest", Text, CheckConstraint("length(digest) = 64"), nullable=False, index=True),
    Column("kind", Text, CheckConstraint("kind IN ('points', 'trees')"), nullable=False),
    Column("mapping", Text, nullable=False),
    Column("mapping_digest", Text, nullable=False),
    Column("data_digest", Text, nullable=False),
    Column("maker", Text, nullable=False),
    Column("trained_on", Text, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("registered_by", Text, nullable=False),
    Column("registered_us", BigInteger, nullable=False),
)

INSERT_MODEL = insert_all(MODEL)

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
