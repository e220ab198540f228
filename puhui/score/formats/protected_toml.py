"""The shipped list of columns that no score may read."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

from puhui.score.nouns.audit import ProtectedNames


@lru_cache(maxsize=1)
def protected_names() -> ProtectedNames:
    """Names that tell a group by themselves, whatever the file: see ``data/protected.toml``."""
    text = (resources.files("puhui.score") / "data" / "protected.toml").read_text("utf-8")
    told = tomllib.loads(text)
    return ProtectedNames(frozenset(told["whole"]), tuple(told["words"]))
