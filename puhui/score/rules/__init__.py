"""Pure rules of scoring: reading values, judging mappings, adding points, giving reasons."""

from __future__ import annotations

from puhui.kernel.errors import Refused

NAME_CHARACTERS_MAX = 60


def check_champion_name(name: str) -> None:
    """A champion's name is 1 to 60 small letters, digits and _. Refused: ``score.bad_name``."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()
    if not plain or len(name) > NAME_CHARACTERS_MAX:
        raise Refused("score.bad_name", f"{name[:60]!r} is no name for a model in force.")
