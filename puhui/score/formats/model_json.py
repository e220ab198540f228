"""A model as canonical JSON: sorted keys, shortest exact floats, named by its SHA-256."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace

from pydantic import TypeAdapter, ValidationError

from puhui.kernel.errors import Refused
from puhui.score.nouns import Model


def write_model(model: Model) -> str:
    """The canonical JSON of a model without its digest; floats round-trip exactly."""
    fields = asdict(model)
    fields.pop("digest")
    if model.additive is None:  # as models were written before there were any such
        fields.pop("additive")
    return json.dumps(
        fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest_of(text: str) -> str:
    """SHA-256 in hex of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def seal(model: Model) -> Model:
    """The model with the digest of its canonical JSON."""
    return replace(model, digest=digest_of(write_model(model)))


def read_model(text: str, digest: str) -> Model:
    """Read a model and check that it is the one that ``digest`` names.

    Refused: ``score.model_damaged`` where the text was changed or is not a model.
    """
    if digest_of(text) != digest:
        raise Refused("score.model_damaged", f"The model file {digest[:12]} was changed.")
    try:
        model = TypeAdapter(Model).validate_json(text)
    except ValidationError as error:
        found = error.errors()[0]
        raise Refused(
            "score.model_damaged", f"The model file {digest[:12]} is no model: {found['msg']}."
        ) from None
    return replace(model, digest=digest)
