"""What one application costs: computing, storage, outside calls, and a share of what is fixed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

SWING = Decimal("0.5")
FINEST = Decimal("1e-12")
VOLUME_STEPS = tuple(Decimal(text) for text in ("0.1", "0.3", "1", "3", "10"))


@dataclass(frozen=True, slots=True)
class CostPart:
    """One part of the cost: ``price`` x ``quantity``, in the unit of the price, is ``yuan``.

    ``kind`` says where the price comes from: "tariff", "list" or "assumption".
    """

    code: str
    title_zh: str
    title_en: str
    price: Decimal
    unit: str
    from_on: str
    source: str
    kind: str
    quantity: Decimal
    yuan: Decimal


@dataclass(frozen=True, slots=True)
class CostSwing:
    """The whole cost when one part is half, and one and a half times, of what is stated."""

    code: str
    title_zh: str
    title_en: str
    low_yuan: Decimal
    high_yuan: Decimal


@dataclass(frozen=True, slots=True)
class ApplicationCost:
    """The cost of one application in yuan, with its sensitivity and the survey's two figures.

    ``by_volume`` holds (applications a year, yuan per application).
    """

    parts: tuple[CostPart, ...]
    yuan: Decimal
    volume: int
    swings: tuple[CostSwing, ...]
    by_volume: tuple[tuple[int, Decimal], ...]
    survey_machine_yuan: Decimal
    survey_people_yuan: Decimal
    survey_source: str


@cache
def _sheet() -> dict[str, Any]:
    text = (resources.files("puhui.intake") / "data" / "cost.toml").read_text("utf-8")
    return tomllib.loads(text)


def cost_of_application(
    *, cpu_seconds: float, stored_bytes: float, is_firm: bool = False, volume: int | None = None
) -> ApplicationCost:
    """The cost of one application from what was measured and the dated prices of cost.toml.

    ``cpu_seconds`` and ``stored_bytes`` are per application; ``volume`` is applications a year,
    as stated in cost.toml when None. A firm is looked up in the bureau at a firm's price.
    Cost = cpu_seconds x price of a processor-second + bytes x price of storing them + calls x
    their prices + fixed cost / volume.
    """
    assert cpu_seconds >= 0, cpu_seconds
    assert stored_bytes >= 0, stored_bytes
    sheet = _sheet()
    yearly = volume or int(sheet["volume"]["applications"]["value"])
    parts = _parts(sheet, cpu_seconds, stored_bytes, is_firm, yearly)
    yuan = _sum(parts)
    survey = sheet["survey"]
    return ApplicationCost(
        parts=parts,
        yuan=yuan,
        volume=yearly,
        swings=tuple(
            CostSwing(
                part.code,
                part.title_zh,
                part.title_en,
                yuan - part.yuan * SWING,
                yuan + part.yuan * SWING,
            )
            for part in sorted(parts, key=lambda part: -part.yuan)
        ),
        by_volume=tuple(
            (count, _sum(_parts(sheet, cpu_seconds, stored_bytes, is_firm, count)))
            for count in (max(1, int(yearly * step)) for step in VOLUME_STEPS)
        ),
        survey_machine_yuan=Decimal(survey["machine"]["value"]),
        survey_people_yuan=Decimal(survey["people"]["value"]),
        survey_source=survey["machine"]["source"],
    )


def _parts(
    sheet: dict[str, Any], cpu_seconds: float, stored_bytes: float, is_firm: bool, volume: int
) -> tuple[CostPart, ...]:
    quantities = {
        "cpu_seconds": Decimal(repr(float(cpu_seconds))),
        "stored_bytes": Decimal(repr(float(stored_bytes))),
        "calls": Decimal(1),
        "volume": 1 / Decimal(volume),
    }
    skipped = "person" if is_firm else "firm"
    return tuple(
        _part(entry, quantities[entry["measured"]])
        for entry in sheet["part"]
        if entry.get("applies_to") != skipped
    )


def _part(entry: dict[str, Any], quantity: Decimal) -> CostPart:
    price = entry["price"]
    value = Decimal(price["value"])
    return CostPart(
        code=entry["code"],
        title_zh=entry["title"]["zh"],
        title_en=entry["title"]["en"],
        price=value,
        unit=price["unit"],
        from_on=price["from"].isoformat(),
        source=price["source"],
        kind=price["kind"],
        quantity=quantity,
        yuan=(value * quantity * Decimal(entry["times"]) / Decimal(entry.get("per", "1"))).quantize(
            FINEST
        ),
    )


def _sum(parts: tuple[CostPart, ...]) -> Decimal:
    return sum((part.yuan for part in parts), Decimal(0))
