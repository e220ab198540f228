"""What webhooks speak of: endpoints, the events that may be told, and what tells them."""

from __future__ import annotations

from dataclasses import dataclass

EVENT_NAMES = (
    "lending.applied",
    "lending.decided",
    "lending.withdrawn",
    "lending.offer_expired",
    "lending.accepted",
    "lending.contract_voided",
    "lending.disbursed",
    "lending.repaid",
    "lending.became_past_due",
    "lending.paid_off",
    "lending.written_off",
    "lending.review_requested",
    "lending.credit_limit_lowered",
    "lending.credit_limit_rise_offered",
    "lending.credit_limit_raised",
)
"""The events of loans that partners may be told: ids and amounts, nothing personal."""


@dataclass(frozen=True, slots=True)
class Loopback:
    """A port of a node under development: endpoints on this machine may be told, by plain http."""


@dataclass(frozen=True, slots=True)
class Register:
    """An address to tell of the events named, from now on."""

    url: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckedEndpoint:
    """A checked address and the journal position after which events are told."""

    url: str
    events: tuple[str, ...]
    after_position: int


@dataclass(frozen=True, slots=True)
class Registered:
    """The id of the new endpoint."""

    endpoint_id: str


@dataclass(frozen=True, slots=True)
class Delete:
    """An endpoint that is told no more."""

    endpoint_id: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """The endpoint that is told no more."""

    endpoint_id: str


@dataclass(frozen=True, slots=True)
class TellAgain:
    """An endpoint that lost events: it is told again of all after a journal position."""

    endpoint_id: str
    after_position: int


@dataclass(frozen=True, slots=True)
class Retold:
    """From where the endpoint is told again, and how often that was asked for."""

    endpoint_id: str
    after_position: int
    generation: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that is told of events; ``generation`` counts how often it started anew."""

    id: str
    owner: str
    url: str
    events: tuple[str, ...]
    after_position: int
    generation: int
    created_us: int
