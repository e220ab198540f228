"""Trees and additive tables as a plain JSON document that another system can score by."""

from __future__ import annotations

import json
from dataclasses import asdict

from puhui.score.formats.card_json import card_json
from puhui.score.nouns import SCORE_MAX, Model
from puhui.score.rules.value import MISSING_TEXTS


def model_document(model: Model) -> str:
    """The document of a model of any kind; a reader that follows it scores equally.

    A card is written as ``card_json`` does. Of the others ``forest`` is LightGBM's own text or
    XGBoost's trees, ``additive`` tables: of a term each axis gives the bin of its signal (bin 0 is
    missing; 1 + the count of ``edges`` at or below a number; what ``bins`` names at the place of
    a category in ``categories``; the last for one that is not there), and the last axis runs
    fastest in ``scores``. Raw log-odds of default are the sum of leaves, or ``intercept`` and the
    terms; ``calibration`` makes slope x raw + intercept of them. The probability is
    1 / (1 + exp(-log-odds)), the score ``offset`` - ``factor`` x log-odds, rounded half up and
    held within ``scoreMin`` and ``scoreMax``.
    """
    if model.card is not None:
        return card_json(model)
    document = {
        "format": f"puhui-{model.kind}-1",
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
                "derivedFrom": {"operation": signal.operation, "columns": list(signal.columns)},
                "categories": list(texts),
            }
            for signal, texts in zip(model.signals, model.categories, strict=True)
        ],
        "forest": None if model.forest is None else model.forest.text,
        "additive": None if model.additive is None else asdict(model.additive),
    }
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
