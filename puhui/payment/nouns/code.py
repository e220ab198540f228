"""Codes to scan (收付款码): what a merchant's code says, and the codes that people show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QrObject:
    """A data object of a code: an id of two digits, and a text or further objects.

    A template has ``parts`` and an empty ``value``; ``position`` is the character of the payload,
    counted from 1, where it begins (nought for an object that was not read).
    """

    id: str
    value: str = ""
    parts: tuple[QrObject, ...] = ()
    position: int = 0


@dataclass(frozen=True, slots=True)
class QrPayload:
    """All data objects of a merchant-presented code in their order, without the checksum (63)."""

    objects: tuple[QrObject, ...]

    def value(self, *ids: str) -> str:
        """The text at ``ids`` from the outside in, such as ``("62", "05")``; "" where none is."""
        level = self.objects
        for depth, wanted in enumerate(ids, start=1):
            found = next((one for one in level if one.id == wanted), None)
            if found is None:
                return ""
            if depth == len(ids):
                return found.value
            level = found.parts
        return ""

    def walk(self) -> Iterator[tuple[str, QrObject]]:
        """Every object with its path, such as ``62.05``, in order; templates before their parts."""
        stack = [(one.id, one) for one in reversed(self.objects)]
        while stack:
            path, found = stack.pop()
            yield path, found
            stack += [(f"{path}.{one.id}", one) for one in reversed(found.parts)]


@dataclass(frozen=True, slots=True)
class MerchantCode:
    """What a merchant's code says to a payer.

    ``scheme`` names whose codes these are, ``digits`` the merchant's number in it. Amounts are in
    minor units of ``currency``; ``amount_minor`` is None where the payer enters it. The tip is
    one of: none, asked for, or fixed in minor units, or a share (hundredths of a percent of the
    amount). ``name_local`` and ``city_local`` are in ``language``.
    """

    scheme: str
    digits: str
    is_dynamic: bool
    category: str
    currency: str
    country: str
    name: str
    city: str
    amount_minor: int | None = None
    tip: str = "none"
    tip_minor: int = 0
    tip_basis_points: int = 0
    postal_code: str = ""
    reference: str = ""
    bill_number: str = ""
    store: str = ""
    terminal: str = ""
    purpose: str = ""
    language: str = ""
    name_local: str = ""
    city_local: str = ""
