"""The closed lists of party, read once from the TOML files that carry their dates and sources."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from puhui.party.nouns import HoldReason, IdentityRules, LoginRules, Role
from puhui.party.nouns.session import ApiKeyRules, CodeRules, FactorRules, SessionRules


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(files("puhui.party").joinpath("data", name).read_text("utf-8"))


@lru_cache(maxsize=1)
def staff_roles() -> dict[str, Role]:
    """The roles that can be granted, by name."""
    return {
        name: Role(name, entry["zh"], entry["en"], frozenset(entry["excludes"]))
        for name, entry in _toml("roles.toml").items()
        if isinstance(entry, dict)
    }


@lru_cache(maxsize=1)
def hold_reasons() -> dict[str, HoldReason]:
    """The reasons for which a party's data must be kept, by name."""
    return {
        name: HoldReason(name, **entry)
        for name, entry in _toml("holds.toml").items()
        if isinstance(entry, dict)
    }


@lru_cache(maxsize=1)
def identity_rules() -> IdentityRules:
    """What the checks of identity numbers and owners need to know."""
    read = _toml("identity.toml")
    return IdentityRules(
        provinces=frozenset(read["provinces"]["codes"]),
        methods=frozenset(read["methods"]["names"]),
        mobile_prefixes=frozenset(read["mobile"]["prefixes"]),
        owner_share_min=Decimal(read["beneficial_owner"]["share_min"]),
    )


@lru_cache(maxsize=1)
def login_rules() -> LoginRules:
    """How failed logins slow down, and how long a password is."""
    read = _toml("login.toml")
    return LoginRules(**{name: read[name] for name in LoginRules.__slots__})


@lru_cache(maxsize=1)
def code_rules() -> CodeRules:
    """How long one-time codes hold, and how sending them slows down."""
    return CodeRules(**_toml("session.toml")["code"])


@lru_cache(maxsize=1)
def session_rules() -> SessionRules:
    """How long sessions last."""
    return SessionRules(**_toml("session.toml")["session"])


@lru_cache(maxsize=1)
def factor_rules() -> FactorRules:
    """How time-based one-time passwords are made."""
    return FactorRules(**_toml("session.toml")["factor"])


@lru_cache(maxsize=1)
def api_key_rules() -> ApiKeyRules:
    """The bounds of keys for machines."""
    return ApiKeyRules(**_toml("session.toml")["api_key"])
