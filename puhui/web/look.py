"""What a recorded look at somebody's data still gives whoever took it."""

from __future__ import annotations

from puhui.channel import said
from puhui.data import Permit
from puhui.data.window import permit_of_access
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.web.ask import Ask


def permit_asked(ask: Ask, tx: Transaction) -> Permit | None:
    """What the look that the address names gives; None without one, and what is wrong is said."""
    access_id = ask.query.get("access", "")
    if not access_id:
        return None
    try:
        return permit_of_access(ask.node, tx, access_id, viewer=ask.actor.name)
    except Refused as refused:
        ask.wrong("_access", said(refused.code, ask.view.language))
        return None


def permit_for(ask: Ask, tx: Transaction, *, party_id: str, field: str) -> Permit | None:
    """The same, if it is a look at this field of this person."""
    made = permit_asked(ask, tx)
    return made if made and made.party_id == party_id and field in made.fields else None
