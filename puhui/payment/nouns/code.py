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


@dataclass(frozen=True, slots=True)
class RiskLevel:
    """A level of risk of code payments.

    ``daily_minor_max`` is what one customer may pay in a day, ``institution_minor_max`` what all
    customers together may pay here; fen, None where none is set.
    """

    name: str
    kind: str
    factors: frozenset[str]
    daily_minor_max: int | None
    institution_minor_max: int | None = None


@dataclass(frozen=True, slots=True)
class CreateCode:
    """A code for a merchant: ``static`` to print, or ``dynamic`` for one payment.

    A static code names the merchant's ``category`` (ISO 18245, four digits), ``name`` and
    ``city`` (Latin letters), also in Chinese. A dynamic code takes them from the merchant's static
    one, has an amount in minor units, and ends after ``minutes``, 15 where that is nought.
    """

    party_id: str
    kind: str
    currency: str = "CNY"
    category: str = ""
    name: str = ""
    city: str = ""
    name_local: str = ""
    city_local: str = ""
    amount_minor: int | None = None
    reference: str = ""
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class CodeCreated:
    """The number of a code, twelve digits to enter by hand, and what its picture says."""

    digits: str
    payload: str
    expires_us: int


@dataclass(frozen=True, slots=True)
class CloseCode:
    """A code that is to take no more payments."""

    digits: str


@dataclass(frozen=True, slots=True)
class CodeMoved:
    """Where a code stands now."""

    digits: str
    status: str


@dataclass(frozen=True, slots=True)
class PayByCode:
    """A payment by a merchant's code: what was scanned, or the digits that were entered.

    ``amount_minor`` is what the payer entered, nought where the code says it. ``factors`` are told
    by staff or machines that verified the payment: ``two`` factors, ``certified``.
    """

    payer_id: str
    code: str
    amount_minor: int = 0
    remark: str = ""
    factors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CodePaid:
    """The payment made by a code; ``level`` is the level of risk it was counted at."""

    payment: str
    payee_id: str
    amount_minor: int
    currency: str
    level: str


@dataclass(frozen=True, slots=True)
class PresentCode:
    """A code that a payer shows; ``digest`` is the SHA-256 of its digits, in hexadecimal."""

    party_id: str
    digest: str
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class CodePresented:
    """Until when a shown code may be used, in microseconds UTC."""

    expires_us: int


@dataclass(frozen=True, slots=True)
class CollectCode:
    """A payee takes a payment by the code that a payer shows.

    ``digits`` are given, and hashed before the act; ``digest`` alone is kept.
    """

    payee_id: str
    amount_minor: int
    digits: str = ""
    digest: str = ""
    currency: str = "CNY"
    remark: str = ""
    factors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """A merchant's code (收款码) on record. Status: open, used or closed."""

    digits: str
    party_id: str
    kind: str
    category: str
    currency: str
    name: str
    name_local: str
    city: str
    city_local: str
    amount_minor: int | None
    reference: str
    status: str
    made_us: int
    expires_us: int
    payment: str
