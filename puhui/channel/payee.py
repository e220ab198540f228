"""As much of a payee's name as a payer may see: each look is on record before it is shown."""

from __future__ import annotations

import re

from puhui.data import view
from puhui.kernel import Actor, Node
from puhui.kernel.errors import Refused
from puhui.party import Party

PURPOSE = "payee_check"
READER = Actor(PURPOSE, frozenset({"operator"}))
"""The machine that lets payers check a name; the payee sees each look in the log of accesses."""

_SPELT = re.compile(r"[^\W\d_]+", re.UNICODE)
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")


def hide_name(name: str) -> str:
    """A person's name in part. Of one in Chinese the family name is hidden: 王小明 becomes *小明,
    and one letter stays hidden; of one that is spelt, all but the first letter of each word:
    Somchai Jaidee becomes S*** J***.
    """
    if _HAN.search(name) or not _SPELT.search(name):
        return f"*{name[1:]}" if len(name) > 1 else "*"
    return _SPELT.sub(lambda word: f"{word[0][0]}***", name)


def shown_name(node: Node, party: Party, *, key: str, reader: str = READER.name) -> str:
    """As much of a party's name as a payer may see, "" where none: each ``key`` is one look.

    ``reader`` is who the log of accesses names: this machine, or the node that asks.
    """
    told = {"party_id": party.id, "purpose": PURPOSE, "fields": ("name",)}
    actor = Actor(reader, READER.roles)
    try:
        access = node.act("data.record_access", told, key=key, actor=actor)
        with node.read() as tx:
            name = view(node, tx, access.access_id, viewer=reader).fields.get("name", "")
    except Refused:
        return ""
    return name if str(party.kind) == "firm" else hide_name(name)
