"""What was typed when a session had ended: taken along through the login, and shown again.

Nothing of it is stored: it goes with the forms of the login, and only where the form that was sent
was one of the session that ended, so no other site can have anything filled in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from puhui.web.ask import LOOK, Ask, Page, own_path

KEPT_BYTES_MAX = 16_000
"""More than that, as JSON, is not taken along: forms have a bound."""
_NOT_TYPED = frozenset(("csrf", "key", "shown", "digest", "draft", LOOK))
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
    """What was sent, to go with the forms of the login; "" where nothing was typed."""
    fields = {name: text for name, text in ask.form.items() if text and name not in _NOT_TYPED}
    text = json.dumps([ask.path, fields], ensure_ascii=False)
    return text if fields and len(text.encode()) <= KEPT_BYTES_MAX else ""


def read_kept(text: str) -> Kept | None:
    """What was taken along; None where it is nothing, or nothing of ours."""
    try:
        url, fields = json.loads(text)
        made = {str(name): str(value) for name, value in fields.items()}
    except (ValueError, TypeError, AttributeError):
        return None
    is_own = isinstance(url, str) and own_path(url, "") == url != ""
    return Kept(url, made) if is_own else None
