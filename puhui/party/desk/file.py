"""The file of a party: everything a page or an audit shows that is not personal."""

from __future__ import annotations

from datetime import date

from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.party.desk.look_up import find_party, holds_of, identity_checks_of, relations_of
from puhui.party.desk.user import read_users
from puhui.party.nouns import PartyFile


def read_party_file(tx: Transaction, party_id: str, today: date) -> PartyFile:
    """All that is known of a party without anything personal: holds, checks, relations, users.

    Six statements: for pages, not for acts. Refused: ``party.unknown``.
    """
    party = find_party(tx, party_id)
    if party is None:
        raise Refused("party.unknown", f"There is no party {party_id[:40]}.")
    return PartyFile(
        party=party,
        holds=holds_of(tx, party_id, today),
        checks=identity_checks_of(tx, party_id),
        relations=relations_of(tx, party_id),
        users=read_users(tx, party_id),
    )
