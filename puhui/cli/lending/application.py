"""One application taken in from words: who asks, on what ground, with which facts, and when."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from puhui.cli.open import operator

if TYPE_CHECKING:
    from puhui.kernel import Node

SOURCE = "cli"
PURPOSE = "credit_decision"
FIELDS = ("industry_fact", "past_repayment", "stated_income", "stated_turnover")
"""The data fields that facts given by words stand for, unless --fields says otherwise."""

CONSENT_DAYS = 365


@dataclass(slots=True)
class Asked:
    """What the words of the command ask for."""

    party: str
    reference: str
    consent: str
    product: str
    amount: str
    months: int | None
    method: str
    mapping: str
    model: str
    row: dict[str, str]
    fields: tuple[str, ...]


def take_in(node: Node, asked: Asked, told: dict[str, object]) -> str:
    """Take the application in and decide it; the same words on one day are one application.

    Refused: ``cli.no_model``, ``kernel.bad_amount``, those of mappings, products and
    ``lending.apply``.
    """
    from puhui import lending
    from puhui.kernel.clock import business_date
    from puhui.kernel.money import parse_money
    from puhui.score import study

    product = lending.shelf.load_product(asked.product)
    wanted = parse_money(asked.amount, product.currency)
    mapping = study.read_mapping(asked.mapping)
    lending.keep_mapping(node.home, mapping, study.mapping_text(asked.mapping))
    party_id = asked.party or _party_of(node, asked)
    champion = asked.model or _model_name(node, asked.product, mapping.name)
    actor, today = operator(), business_date(node.clock.now_us())
    node.act(
        "lending.open_books",
        {"currency": product.currency},
        key=f"books:{product.currency}",
        actor=actor,
    )
    words = json.dumps(
        [
            party_id,
            asked.product,
            wanted.minor,
            asked.months,
            asked.method,
            mapping.digest,
            champion,
            asked.row,
            asked.fields,
            asked.consent,
            str(today),
        ],
        sort_keys=True,
    )
    source_id = hashlib.sha256(words.encode()).hexdigest()[:32]
    started = time.perf_counter()
    applied = node.act(
        "lending.apply",
        {
            "party_id": party_id,
            "product": asked.product,
            "wanted_minor": wanted.minor,
            "mapping": mapping.digest,
            "champion": champion,
            "row": asked.row,
            "fields": asked.fields,
            "channel": SOURCE,
            "source_id": source_id,
            "term_months": asked.months,
            "method": asked.method or None,
        },
        key=f"cli:apply:{source_id}",
        actor=actor,
    )
    application_id: str = applied.application_id
    key = f"cli:decide:{application_id}"
    node.act("lending.decide", {"application_id": application_id}, key=key, actor=actor)
    told["apply_to_decision_ms"] = (time.perf_counter() - started) * 1000
    return application_id


def _party_of(node: Node, asked: Asked) -> str:
    """The party behind a reference, registered where it is new, with the consent recorded."""
    from datetime import timedelta

    from puhui.kernel.clock import business_date

    actor, today = operator(), business_date(node.clock.now_us())
    named = hashlib.sha256(asked.reference.encode()).hexdigest()[:32]
    made = node.act(
        "party.register_parties",
        {"source": SOURCE, "references": (asked.reference,)},
        key=f"cli:party:{named}",
        actor=actor,
    )
    if asked.consent:
        basis = hashlib.sha256(asked.consent.encode()).hexdigest()
        node.act(
            "data.grant_file_consent",
            {
                "source": SOURCE,
                "file_digest": basis,
                "basis": asked.consent,
                "purpose": PURPOSE,
                "fields": asked.fields,
                "until": today + timedelta(days=CONSENT_DAYS),
            },
            key=f"cli:consent:{today}:{basis[:32]}:{_short(asked.fields)}",
            actor=actor,
        )
    party_id: str = made.party_ids[0]
    return party_id


def _short(fields: tuple[str, ...]) -> str:
    return hashlib.sha256(",".join(sorted(fields)).encode()).hexdigest()[:16]


def _model_name(node: Node, product: str, mapping: str) -> str:
    """The name under which a model is in force for this product, or for this mapping at all."""
    from puhui.kernel import Refused
    from puhui.score import list_models

    with node.read() as tx:
        fitting = [one for one in list_models(tx) if one.mapping == mapping]
    if not fitting:
        raise Refused(
            "cli.no_model",
            f"No model is in force for the mapping {mapping!r}; puhui lend trains one, "
            "puhui score models lists those there are.",
        )
    own = [one for one in fitting if one.name.startswith(product)]
    return max(own or fitting, key=lambda one: one.registered_us).name
