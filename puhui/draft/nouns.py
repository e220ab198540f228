"""Inputs and outcomes of the use cases of drafts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KeepDraft:
    """The whole of a draft as it stands; ``sealed`` is filled in, and the values are left out."""

    party_id: str
    kind: str
    values: Mapping[str, str] = field(default_factory=dict)
    sealed: str = ""


@dataclass(frozen=True, slots=True)
class DropDraft:
    """A draft that was sent, or is not wanted any more."""

    party_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class DraftKept:
    """The draft that is there, or no longer there."""

    party_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class DraftsForgotten:
    """How many drafts of an erased person were deleted."""

    party_id: str
    drafts: int
