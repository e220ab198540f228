"""Promises of payment (条件支付): money set aside, and the condition that lets it go, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as data. What ``kind`` needs is given, all else is left empty.

    ``from``: on ``on`` or later. ``until``: on ``on`` or before. ``purpose``: the payee is known
    for one of the codes in ``purposes``. ``reading``: the latest reading of ``name`` by ``source``
    stands in ``comparison`` (lt, le, eq, ge, gt) to ``threshold``. ``all`` and ``any``: of
    ``parts``.
    """

    kind: str
    on: date | None = None
    purposes: tuple[str, ...] = ()
    source: str = ""
    name: str = ""
    comparison: str = ""
    threshold: Decimal | None = None
    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a condition is held against: the day, what the payee is known for, the latest readings
    by source and name. A reading that is not there is not told.
    """

    on: date
    purposes: frozenset[str] = frozenset()
    readings: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise on record. Status: held, kept or lapsed.

    ``payee_id`` is empty where any payee known for the purpose may fulfil it. ``condition`` is its
    canonical text, ``digest`` the SHA-256 of that. Past the day ``lapses_on`` the money is the
    payer's again. ``payment`` is the transfer that it became.
    """

    id: str
    payer_id: str
    payee_id: str
    amount_minor: int
    currency: str
    condition: str
    digest: str
    status: str
    lapses_on: date
    made_us: int
    payment: str = ""


@dataclass(frozen=True, slots=True)
class MakePromise:
    """Money that a payer sets aside, and what must hold for a payee to take it."""

    payer_id: str
    amount_minor: int
    currency: str
    condition: Condition
    lapses_on: date
    payee_id: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Fulfil:
    """A payee takes what was promised."""

    promise_id: str
    payee_id: str


@dataclass(frozen=True, slots=True)
class PromiseMoved:
    """Where a promise stands, the digest of its condition, and the payment that it became."""

    promise_id: str
    status: str
    digest: str
    payment: str = ""


@dataclass(frozen=True, slots=True)
class Lapse:
    """Promises whose last day is before ``day``."""

    day: date
    promise_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lapsed:
    """How many promises lapsed."""

    promises: int


@dataclass(frozen=True, slots=True)
class RecordReading:
    """What a source measured on a day: ``value`` in the unit that its name says.

    A later ``revision`` of the same day replaces an earlier one.
    """

    source: str
    name: str
    observed_on: date
    value: Decimal
    revision: int = 0


@dataclass(frozen=True, slots=True)
class ReadingRecorded:
    """The reading that is on record."""

    source: str
    name: str
    observed_on: date
    revision: int


@dataclass(frozen=True, slots=True)
class PromisesForgotten:
    """How many promises and codes of an erased person were emptied of their words."""

    party_id: str
    promises: int
    codes: int
