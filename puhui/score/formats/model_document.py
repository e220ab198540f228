"""Trees and additive tables as a plain JSON document that another system can score by."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from puhui.score.arrays.forest import FlatForest, flatten_forest
from puhui.score.arrays.pair import Pair
from puhui.score.formats.card_json import card_json, derived_of, invalid_of
from puhui.score.formats.sql_word import finite
from puhui.score.nouns import SCORE_MAX, Model
from puhui.score.rules.value import MISSING_TEXTS


def model_document(model: Model) -> str:
    """The document of a model of any kind; a reader that follows it scores equally.

    A card is written as ``card_json`` does. Words of the others follow PMML 4.4's MiningModel
    where it has them: ``segments`` are trees whose ``score`` at the leaf reached are added in
    their order. Every entry of ``pairs`` is a number made of two ``fields`` by a table, as PMML's
    MapValues: the last of the row whose texts are theirs, null for a missing one, or
    ``defaultValue`` where there is no such row. A node asks ``predicate`` of the value of
    ``field``, a signal or a pair ("lessOrEqual" a number, or "isIn" texts), then goes on in
    ``then`` or ``otherwise``; a value that is missing, or a category that its field does not
    list, goes where ``defaultChild`` says. ``additive`` has
    tables: of a term each axis gives the bin of its field (bin 0 is missing; 1 + the count of
    ``edges`` at or below a number; what ``bins`` names at the place of a category in
    ``categories``; the last for one that is not there), and the last axis runs fastest in
    ``scores``. Raw log-odds of default are the sum of leaves, or ``intercept`` and the terms;
    ``calibration`` makes slope x raw + intercept of them. The probability is
    1 / (1 + exp(-log-odds)), the score ``offset`` - ``factor`` x log-odds, rounded half up and
    held within ``scoreMin`` and ``scoreMax``. A value that fulfils ``invalid`` cannot be scored.
    """
    if model.card is not None:
        return card_json(model)
    pairs = _pairs(model)
    document = {
        "format": f"puhui-{model.kind}-{3 if pairs else 2}",
        "modelName": model.name,
        "digest": model.digest,
        "target": model.target,
        "scoreMin": 0,
        "scoreMax": SCORE_MAX,
        "scale": {"offset": model.scale.offset(), "factor": model.scale.factor()},
        "calibration": asdict(model.calibration),
        "missingTexts": sorted(MISSING_TEXTS),
        "signals": [
            {
                "name": signal.name,
                "title": {"zh": signal.title_zh, "en": signal.title_en},
                "dataType": "string" if signal.kind == "category" else "double",
                "derivedFrom": derived_of(signal),
                "categories": list(texts),
                "invalid": invalid_of(signal),
            }
            for signal, texts in zip(model.signals, model.categories, strict=True)
        ],
        "pairs": pairs,
        "multipleModelMethod": "sum",
        "segments": _segments(model),
        "additive": _additive(model),
    }
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _pairs(model: Model) -> list[dict[str, Any]]:
    """The tables of pairs of categories, by texts."""
    if model.forest is None:
        return []
    told = []
    for pair in flatten_forest(model.forest.text, len(model.signals)).pairs:
        texts = [(*model.categories[place], None) for place in (pair.one, pair.other)]
        told.append(
            {
                "name": _pair_name(model, pair),
                "fields": [model.signals[place].name for place in (pair.one, pair.other)],
                "rows": [
                    [texts[0][one], texts[1][other], share]
                    for (one, other), share in zip(pair.codes(), pair.shares.tolist(), strict=True)
                ],
                "defaultValue": pair.rest,
            }
        )
    return told


def _pair_name(model: Model, pair: Pair) -> str:
    return f"{model.signals[pair.one].name} with {model.signals[pair.other].name}"


def _segments(model: Model) -> list[dict[str, Any]]:
    """Every tree as nested nodes."""
    if model.forest is None:
        return []
    forest = flatten_forest(model.forest.text, len(model.signals))
    return [_node(model, forest, root) for root in forest.trees[:, 0].tolist()]


def _node(model: Model, forest: FlatForest, place: int) -> dict[str, Any]:
    threshold, yes, no, missing, signal = forest.nodes[place].item()
    if yes == place:
        return {"score": threshold}
    if signal >= 0:
        predicate = {"operator": "lessOrEqual", "value": finite(threshold)}
    else:
        signal = -1 - signal
        listed, texts = forest.codes_at(int(threshold)), model.categories[signal]
        own = [one for code, one in enumerate(texts) if code in listed]
        predicate = {"operator": "isIn", "value": own}
    own_name = (
        model.signals[signal].name
        if signal < len(model.signals)
        else _pair_name(model, forest.pairs[signal - len(model.signals)])
    )
    return {
        "field": own_name,
        "predicate": predicate,
        "defaultChild": "then" if missing == yes else "otherwise",
        "then": _node(model, forest, yes),
        "otherwise": _node(model, forest, no),
    }


def _additive(model: Model) -> dict[str, Any] | None:
    """The tables, each axis with the name of its field."""
    if model.additive is None:
        return None
    told = asdict(model.additive)
    for term in told["terms"]:
        for axis in term["axes"]:
            axis["field"] = model.signals[axis.pop("place")].name
    return told
