"""What was typed when a session had ended: taken along through the login, and shown again.

Whoever sends a form after half an hour without use finds the login instead of an empty form. What
was typed goes in a hidden field of the login, sealed for whose session it was: on a phone that two
people share the second can neither read it nor be shown it. Nothing of it is stored, nothing is
done by it, and it opens for an hour. After a log-out nothing is taken along, nor is what another
site sent: the form must carry the proof of the very session whose cookie the browser still has.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from puhui.kernel.errors import Fault
from puhui.party.window import user_of_ended
from puhui.web.ask import LOOK, Ask, Page, own_path

KEPT_BYTES_MAX = 16_000
"""More than that, as JSON, is not taken along: forms have a bound."""
KEPT_US_MAX = 3_600_000_000
"""An hour: who comes back later begins anew."""
SECRETS = frozenset(("password", "old", "new", "digits"))
"""Fields of passwords and codes: they go nowhere, sealed or not."""
_NOT_TYPED = SECRETS | {"csrf", "key", "shown", "digest", "draft", "kept", LOOK}
_ELSEWHERE = {"/desk/window": "/desk/windows", "/desk/settlement": "/desk/windows"}
"""Where forms stand whose address begins so; all others stand at the beginning of their own."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The address that a form was sent to, and what stood in its fields."""

    url: str
    fields: dict[str, str]


def places(routes: Sequence[tuple[str, str, Page, Any]]) -> dict[str, tuple[str, Page]]:
    """For each address that forms are sent to: the address of the page that shows such a form,
    the longest beginning of it that is one, and what draws that page.
    """
    pages = {path: page for method, path, page, _ in routes if method == "GET"}
    found = {}
    for method, path, _, _ in routes:
        if method == "POST":
            place = path
            while place not in pages:
                place = _ELSEWHERE.get(place, place.rpartition("/")[0] or "/")
            found[path] = (place, pages[place])
    return found


def keep(ask: Ask) -> str:
    """What was sent, sealed, to go with the forms of the login; "" where nothing was typed, or the
    session did not run out by itself.
    """
    fields = {name: text for name, text in ask.form.items() if text and name not in _NOT_TYPED}
    text = json.dumps([ask.path, fields, ask.node.clock.now_us()], ensure_ascii=False).encode()
    if not fields or len(text) > KEPT_BYTES_MAX:
        return ""
    with ask.node.read() as tx:
        user_id = user_of_ended(ask.node, tx, ask.token)
    return "" if user_id is None else ask.node.keys.wrap(_subject(user_id), text)


def read_kept(ask: Ask, user_id: str) -> Kept | None:
    """What was taken along for who has now logged in; None where it is nothing, of somebody else,
    too old, or not sealed here.
    """
    try:
        text = ask.node.keys.unwrap(_subject(user_id), ask.form.get("kept", ""))
    except Fault:
        return None
    url, fields, sealed_us = json.loads(text)
    is_late = ask.node.clock.now_us() - sealed_us > KEPT_US_MAX
    return None if is_late or own_path(url, "") != url else Kept(url, fields)


def _subject(user_id: str) -> str:
    return f"typed {user_id}"
