"""Rules of positions: who may have one, and what belongs to a movement in either settlement."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from puhui.exchange.nouns.participant import SettlementKind
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS, MINOR_MAX

KINDS = ("bank", "provider", "peer")
_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")
_NAME_LENGTH_MAX = 80
_REFERENCE = re.compile(r"[A-Za-z0-9._:/-]{1,80}")


def check_participant(name: str, kind: str, public_key: str) -> None:
    """Whether a participant may be registered.

    Refused: ``exchange.bad_participant``, ``exchange.bad_key``.
    """
    if not name.strip() or len(name) > _NAME_LENGTH_MAX or kind not in KINDS:
        raise Refused("exchange.bad_participant", "A participant has a name and a kind.")
    if (public_key or kind != "bank") and not _KEY.fullmatch(public_key):
        raise Refused("exchange.bad_key", "A key is 32 bytes in base64.")


def check_currency(currency: str) -> None:
    """Whether a currency's minor unit is known. Refused: ``exchange.unknown_currency``."""
    if currency not in DIGITS:
        raise Refused("exchange.unknown_currency", f"{currency[:10]!r} is not traded here.")


def check_kind(asked: str, found: str) -> None:
    """Whether a position settles as its currency does. Refused: ``exchange.mixed_settlement``."""
    if asked != found:
        raise Refused("exchange.mixed_settlement", "This currency is settled the other way.")


def check_funds(amount_minor: int, reference: str) -> None:
    """Whether funds can move. Refused: ``exchange.bad_amount``, ``exchange.bad_reference``."""
    if not 0 < amount_minor < MINOR_MAX:
        raise Refused("exchange.bad_amount", "An amount is above nought.")
    if not _REFERENCE.fullmatch(reference):
        raise Refused("exchange.bad_reference", "A reference has 1 to 80 plain characters.")


def check_cap(cap_minor: int) -> None:
    """Whether a cap is one. Refused: ``exchange.bad_amount``."""
    if not 0 <= cap_minor < MINOR_MAX:
        raise Refused("exchange.bad_amount", "A cap is not below nought.")


@dataclass(frozen=True, slots=True)
class Share:
    """What one movement does to one position, minor units: above nought it owes more."""

    position_id: str
    settlement_kind: str
    currency: str
    owes_minor: int


def deferred(shares: Iterable[Share]) -> dict[tuple[str, str], int]:
    """What is to be settled later, by currency and position, minor units; nought is left out."""
    sums: dict[tuple[str, str], int] = {}
    for share in shares:
        if share.settlement_kind == SettlementKind.NET_DEFERRED:
            key = share.currency, share.position_id
            sums[key] = sums.get(key, 0) + share.owes_minor
    return {key: owes_minor for key, owes_minor in sums.items() if owes_minor}
