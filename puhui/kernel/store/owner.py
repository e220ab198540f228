"""Whose store it is: the fingerprint of the keys that everything in it is sealed with."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Table, Text, select

from puhui.kernel.errors import Refused
from puhui.kernel.store import Store, change, metadata, upsert

OWNER = Table(
    "store_owner",
    metadata,
    Column("id", BigInteger, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("key_fingerprint", Text, nullable=False),
)
"""One row, written by the first node that opens the store and never changed."""

_ADD = upsert(OWNER, ["id"], {})
_FIND = select(OWNER.c.key_fingerprint)


def owner_of(store: Store) -> str | None:
    """The fingerprint of the keys that the store belongs to; None before its first opening."""
    with store.read() as tx:
        row = tx.one(_FIND)
    return None if row is None else str(row.key_fingerprint)


def claim_store(store: Store, key_fingerprint: str) -> None:
    """Open the store with these keys: the first to do so owns it, all later must hold the same.

    With other keys nothing sealed could be read and no act known again by its digest.
    Refused: ``kernel.wrong_keys``.
    """
    owner = owner_of(store)
    if owner is None:
        with change(store) as tx:
            tx.put(_ADD, id=1, key_fingerprint=key_fingerprint)
        owner = owner_of(store)
    if owner != key_fingerprint:
        raise Refused(
            "kernel.wrong_keys",
            "The store was made with another master key: put the right one in its place.",
        )
