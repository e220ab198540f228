"""What decisions are made with: mappings and models by digest, and the text form of nouns."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import TypeAdapter

from puhui.kernel.errors import Refused
from puhui.lending.nouns import Decision, Offer, Plan, Servicing
from puhui.lending.nouns.request import Scored
from puhui.score import Model, load_model
from puhui.score import study as score

DECISION: TypeAdapter[Decision] = TypeAdapter(Decision)
TERMS: TypeAdapter[Plan] = TypeAdapter(Plan)
SERVICING: TypeAdapter[Servicing] = TypeAdapter(Servicing)
SCORED: TypeAdapter[Scored] = TypeAdapter(Scored)


@lru_cache(maxsize=64)
def servicing_text(servicing: Servicing) -> str:
    """The text form of how repayments are taken, as a contract keeps it."""
    return SERVICING.dump_json(servicing).decode()


@dataclass(frozen=True, slots=True)
class _WithOffer:
    """The one part of a stored decision that a contract is made of."""

    offer: Offer | None


_OFFER: TypeAdapter[_WithOffer] = TypeAdapter(_WithOffer)


def offer_in(text: str) -> Offer | None:
    """The offer of a stored decision, without reading the rest of it."""
    return _OFFER.validate_json(text).offer


def text_of(decision: Decision) -> str:
    """The text form of a decision, as it is stored."""
    return DECISION.dump_json(decision).decode()


MODELS = "models"
MAPPINGS = "mappings"


@lru_cache(maxsize=32)
def _model(home: Path, digest: str) -> Model:
    return load_model(home / MODELS, digest)


def model_of(home: Path, digest: str) -> Model:
    """The model file with this digest; files by digest never change, so it is read once.

    Refused: ``score.model_missing``, ``score.model_damaged``.
    """
    return _model(home, digest)


@lru_cache(maxsize=64)
def _mapping(home: Path, digest: str) -> score.Mapping:
    path = home / MAPPINGS / f"{digest}.toml"
    if not digest.isalnum() or not path.is_file():
        raise Refused("lending.mapping_missing", f"There is no mapping {digest[:12]!r} here.")
    mapping = score.read_mapping(path)
    if mapping.digest != digest:
        raise Refused("lending.mapping_damaged", f"The mapping {digest[:12]} was changed.")
    return mapping


def mapping_of(home: Path, digest: str) -> score.Mapping:
    """The mapping kept under this digest.

    Refused: ``lending.mapping_missing``, ``lending.mapping_damaged``.
    """
    return _mapping(home, digest)


def keep_mapping(home: Path, mapping: score.Mapping, text: str) -> None:
    """Keep a mapping's text under its digest, whole or not at all, so that replay finds it."""
    path = home / MAPPINGS / f"{mapping.digest}.toml"
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
