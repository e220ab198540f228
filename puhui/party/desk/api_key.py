"""Keys for machines: made by an administrator, held to scopes and a rate, revoked."""

from __future__ import annotations

import json
from datetime import date

from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.party.desk.lists import api_key_rules, staff_roles
from puhui.party.desk.session import digest_of_token
from puhui.party.nouns.session import (
    ApiKey,
    ApiKeyCreated,
    ApiKeyRevoked,
    CreateApiKey,
    RevokeApiKey,
)
from puhui.party.rules import session as judge
from puhui.party.tables import session as session_tables

KEYS_MAX = 1000


def _api_key_of(row: Row) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        role=row.role,
        scopes=tuple(json.loads(row.scopes)),
        rate_per_minute=row.rate_per_minute,
        created_us=row.created_us,
        created_by=row.created_by,
        valid_until=date.fromisoformat(row.valid_until),
        is_revoked=row.revoked_us is not None,
    )


def api_key_of(node: Node, tx: Transaction, token: str) -> ApiKey | None:
    """The key in force that ``token`` belongs to; None where none is."""
    row = tx.one(session_tables.READ_API_KEY_BY_TOKEN, token_digest=digest_of_token(token))
    found = None if row is None else _api_key_of(row)
    if found is None or found.is_revoked:
        return None
    return found if business_date(node.clock.now_us()) <= found.valid_until else None


def api_keys_of(tx: Transaction) -> tuple[ApiKey, ...]:
    """Every key that was made, up to 1,000, oldest first."""
    return tuple(_api_key_of(row) for row in tx.all(session_tables.READ_API_KEYS, count=KEYS_MAX))


@use_case("party.create_api_key", roles=("administrator", "system"))
def create_api_key(act: Act, input: CreateApiKey) -> ApiKeyCreated:
    """Make a key for a machine; its token is known here by digest alone.

    Refused: ``party.bad_api_key``, ``party.unknown_role``, ``party.bad_token``.
    """
    judge.check_api_key(input, staff_roles(), act.today, api_key_rules())
    key_id = act.new_id("key")
    act.tx.put(
        session_tables.INSERT_API_KEY,
        id=key_id,
        token_digest=input.token_digest,
        name=input.name,
        role=input.role,
        scopes=json.dumps(sorted(input.scopes)),
        rate_per_minute=input.rate_per_minute,
        created_us=act.now_us,
        created_by=act.actor,
        valid_until=input.valid_until.isoformat(),
        revoked_us=None,
    )
    return ApiKeyCreated(key_id)


@use_case("party.revoke_api_key", roles=("administrator", "system"))
def revoke_api_key(act: Act, input: RevokeApiKey) -> ApiKeyRevoked:
    """End a key; one that was ended stays so. Refused: ``party.unknown_api_key``."""
    if act.tx.one(session_tables.READ_API_KEY, key_id=input.key_id) is None:
        raise Refused("party.unknown_api_key", f"There is no key {input.key_id[:40]}.")
    act.tx.put(session_tables.REVOKE_API_KEY, key_id=input.key_id, now_us=act.now_us)
    return ApiKeyRevoked(input.key_id)
