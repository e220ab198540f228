"""The closed lists of purposes and fields, read once from their TOML files."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from puhui.data.nouns import Basis, DataField, DataLevel, Lists, Purpose


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(files("puhui.data").joinpath("data", name).read_text("utf-8"))


@lru_cache(maxsize=1)
def read_lists() -> Lists:
    """All purposes and fields, with their texts in Chinese and English, for rules and pages."""
    stated = _toml("fields.toml")
    fields = {
        name: DataField(
            name, one["zh"], one["en"], DataLevel(one["level"]), one["holder"] == "record"
        )
        for name, one in stated["fields"].items()
    }
    wanted = _toml("purposes.toml")
    purposes = {name: _purpose(name, one, fields) for name, one in wanted["purposes"].items()}
    return Lists(
        purposes=MappingProxyType(purposes),
        fields=MappingProxyType(fields),
        sealed_from=DataLevel(stated["sealed_from"]),
        view_minutes=wanted["view_minutes"],
    )


def _purpose(name: str, entry: dict[str, Any], fields: dict[str, DataField]) -> Purpose:
    named = frozenset(fields) if entry["fields"] == ["*"] else frozenset(entry["fields"])
    assert named <= fields.keys(), (name, named - fields.keys())
    basis = Basis(entry["basis"])
    assert (basis is Basis.CONSENT) == ("days_max" in entry), name
    return Purpose(
        name=name,
        zh=entry["zh"],
        en=entry["en"],
        basis=basis,
        article=entry["article"],
        days_max=entry.get("days_max"),
        roles=frozenset(entry["roles"]),
        fields=named,
        is_for_one=entry.get("is_for_one", False),
    )
