"""Guarantees that were asked for, and what became of each; every statement on them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    bindparam,
    select,
    update,
)

from puhui.kernel.store import insert_all, metadata

GUARANTEE_ASK = Table(
    "lending_guarantee_ask",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contract_id", Text, nullable=False),
    Column("borrower_id", Text, nullable=False),
    Column("guarantor_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("share_millionths", BigInteger, nullable=False),
    Column("call_after_days", BigInteger, nullable=False),
    Column("verified_income", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_us", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("answered_by", Text),
    Column("answered_us", BigInteger),
    Column("language", Text),
    Column("text", Text),
    Column("text_digest", Text),
    Column("signature", Text),
    Column("guarantee_id", Text),
    CheckConstraint("status IN ('asked', 'signed', 'declined', 'withdrawn')"),
    CheckConstraint("share_millionths BETWEEN 1 AND 1000000"),
    CheckConstraint("guarantor_id <> borrower_id"),
    CheckConstraint("(status = 'signed') = (guarantee_id IS NOT NULL)"),
    Index("lending_guarantee_ask_guarantor", "guarantor_id"),
    Index("lending_guarantee_ask_borrower", "borrower_id"),
    Index("lending_guarantee_ask_contract", "contract_id"),
)
"""One row an asking: the share, who asked, and the text that was read and signed with its digest.

``verified_income`` is what an officer saw proven of the guarantor's income a year, sealed under
the guarantor's key, "" where nobody did."""

_ask = GUARANTEE_ASK.c
INSERT_ASK = insert_all(GUARANTEE_ASK)
READ_ASK = select(*_ask).where(_ask.id == bindparam("id"))
LOCK_ASK = READ_ASK.with_for_update()
READ_WAITING = select(_ask.id).where(
    _ask.contract_id == bindparam("contract_id"),
    _ask.guarantor_id == bindparam("guarantor_id"),
    _ask.status == "asked",
)
_listed = select(
    _ask.id, _ask.contract_id, _ask.borrower_id, _ask.guarantor_id, _ask.currency,
    _ask.share_millionths, _ask.call_after_days, _ask.asked_by, _ask.asked_us, _ask.status,
    _ask.answered_us, _ask.guarantee_id,
).order_by(_ask.asked_us.desc(), _ask.id)  # fmt: skip
ASKED_OF = _listed.where(_ask.guarantor_id == bindparam("party_id"))
ASKED_FOR = _listed.where(_ask.contract_id == bindparam("contract_id"))
WAITING_FOR = _listed.where(_ask.borrower_id == bindparam("party_id"), _ask.status == "asked")
ANSWER_ASK = (
    update(GUARANTEE_ASK)
    .where(_ask.id == bindparam("id_"))
    .values(
        status=bindparam("status_"),
        answered_by=bindparam("answered_by_"),
        answered_us=bindparam("answered_us_"),
        language=bindparam("language_"),
        text=bindparam("text_"),
        text_digest=bindparam("text_digest_"),
        signature=bindparam("signature_"),
        guarantee_id=bindparam("guarantee_id_"),
    )
)
FORGET_INCOMES = (
    update(GUARANTEE_ASK)
    .where(_ask.guarantor_id == bindparam("party_id_"))
    .values(verified_income="")
)
