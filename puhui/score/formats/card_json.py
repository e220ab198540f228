"""A points card as a plain JSON document with the words of PMML's Scorecard, for other systems.

Words follow the Data Mining Group's PMML 4.4, element Scorecard: characteristics with attributes,
each with a predicate and a partial score; the first attribute whose predicate holds counts.
"""

from __future__ import annotations

import json
from typing import Any

from puhui.kernel.errors import Refused
from puhui.score.nouns import SCORE_MAX, Model, Signal, SignalPoints
from puhui.score.rules.value import MISSING_TEXTS

FORMAT = "puhui-scorecard-1"


def card_json(model: Model) -> str:
    """The document of a card; a reader that follows it scores equally.

    ``initialScore`` plus one ``partialScore`` per characteristic is the total; the score is the
    total held within ``scoreMin`` and ``scoreMax``; the probability of default is
    1 / (1 + odds), where odds = exp((total - ``offset``) / ``factor``). A text is looked at
    without outer white space, of any alphabet; one of ``missingTexts``, in any case of letters,
    is missing. A value that fulfils ``invalid`` cannot be scored. Refused: ``score.not_a_card``.
    """
    if model.card is None:
        raise Refused("score.not_a_card", "Only a points card can be written as a scorecard.")
    rows = zip(model.signals, model.card.signals, model.categories, strict=True)
    document = {
        "format": FORMAT,
        "modelName": model.name,
        "digest": model.digest,
        "target": model.target,
        "initialScore": model.card.start_points,
        "scoreMin": 0,
        "scoreMax": SCORE_MAX,
        "probability": {"offset": model.scale.offset(), "factor": model.scale.factor()},
        "missingTexts": sorted(MISSING_TEXTS),
        "characteristics": [_characteristic(*row) for row in rows],
    }
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _characteristic(signal: Signal, points: SignalPoints, texts: tuple[str, ...]) -> dict[str, Any]:
    attributes = [_attribute("isMissing", None, points.missing_points)]
    if signal.kind == "category":
        for group, worth in enumerate(points.bin_points):
            own = [t for t, place in zip(texts, points.groups, strict=True) if place == group]
            if own:
                attributes.append(_attribute("isIn", own, worth))
        attributes.append(_attribute("true", None, points.unseen_points))
    else:
        for value, worth in zip(signal.special, points.special_points, strict=True):
            attributes.append(_attribute("equal", value, worth))
        for edge, worth in zip(points.edges, points.bin_points, strict=False):
            attributes.append(_attribute("lessOrEqual", edge, worth))
        attributes.append(_attribute("true", None, points.bin_points[-1]))
    return {
        "name": signal.name,
        "title": {"zh": signal.title_zh, "en": signal.title_en},
        "dataType": "string" if signal.kind == "category" else "double",
        "derivedFrom": derived_of(signal),
        "invalid": invalid_of(signal),
        "attributes": attributes,
    }


def derived_of(signal: Signal) -> dict[str, Any]:
    """Which columns a signal is made of and how; words are those of the guide on mappings.

    ``operand`` and ``dateFormat`` stand where the operation asks for one, ``stated`` where the
    value is the same for everybody.
    """
    found: dict[str, Any] = {"operation": signal.operation, "columns": list(signal.columns)}
    if signal.operation in ("above", "prefix"):
        found["operand"] = signal.operand
    if signal.operation in ("year", "years_between"):
        found["dateFormat"] = signal.date_format
    if signal.operation == "stated":
        found["stated"] = signal.stated
    return found


def invalid_of(signal: Signal) -> list[dict[str, Any]]:
    """The predicates of values that cannot be what the signal is."""
    return [
        {"operator": word, "value": bound}
        for word, bound in (("lessThan", signal.least), ("greaterThan", signal.most))
        if bound is not None
    ]


def _attribute(operator: str, value: object, points: int) -> dict[str, Any]:
    predicate = {"operator": operator} if value is None else {"operator": operator, "value": value}
    return {"predicate": predicate, "partialScore": points}
