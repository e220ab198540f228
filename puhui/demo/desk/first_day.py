"""The first day of the county: a model from past borrowers, then every merchant applies.

Applications, decisions, contracts and money go through lending's ordinary acts, done by the
merchants themselves; who applies twice does so before or after the first loan is paid out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from puhui.demo.desk.acts import ROOT, Acting, Progress, Wish, expect, outcomes_of
from puhui.demo.desk.reading import application_key, applications, source_id_of
from puhui.demo.desk.settle import FIELDS
from puhui.demo.desk.wallet import CURRENCY
from puhui.demo.draw.cohort import training_table
from puhui.demo.nouns import GuardCase, MerchantApplication, SeededCounty, SeededMerchant
from puhui.kernel.act import Actor
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.lending import draft_contract, keep_mapping
from puhui.score import Table, list_models, save_model, study, train

PRODUCT = "merchant_310"
MAPPING = "merchant_310"
KINDS = ("points", "trees")
CHANNEL = "demo"


@dataclass(frozen=True, slots=True)
class FirstDay:
    """What happened; amounts in fen. ``refusals`` counts the codes that stood against decisions;
    ``new_acts`` is 0 when everything was done before. ``decided`` pairs each application that was
    taken in with the number of its merchant.
    """

    applications: int
    approved: int
    refused: int
    in_review: int
    disbursed: int
    disbursed_minor: int
    refusals: Mapping[str, int]
    cv_auc: float
    model_digest: str
    new_acts: int
    decided: tuple[tuple[str, int], ...]


def play_first_day(
    node: Node,
    county: SeededCounty,
    *,
    past_borrowers: int | None = None,
    progress: Progress | None = None,
) -> FirstDay:
    """Let the merchants of a settled county apply for the merchant loan, decide, and pay out.

    The model learns from ``past_borrowers`` synthetic rows (default: county.toml) unless one is in
    force already. A second time changes nothing.
    Refused: what registering the model and opening the lender's books refuse.
    """
    acting = Acting(node, progress)
    digest, cv_auc, mapping_digest = _put_model_in_force(acting, county, past_borrowers)
    books = Wish(f"{ROOT}/books", {"currency": CURRENCY})
    expect(acting.run("lending.open_books", [books], step="books")[0])
    waiting = _read_waiting(acting, county)
    firsts = [(one, 1) for one in county.merchants]
    twice = [(one, 2) for one in county.merchants if one.merchant.case is GuardCase.APPLIES_TWICE]
    exposed = [(one, 2) for one in county.merchants if one.merchant.case is GuardCase.EXPOSED]
    decided = _apply_and_decide(acting, firsts, waiting, mapping_digest)
    decided += _apply_and_decide(acting, twice, waiting, mapping_digest)
    paid = _accept_and_pay(acting, firsts + twice, decided)
    again = _apply_and_decide(acting, exposed, waiting, mapping_digest)
    paid += _accept_and_pay(acting, exposed, again)
    decided += again
    asked = [one.merchant.number for one, _ in (*firsts, *twice, *exposed)]
    outcomes = Counter(_outcome(answer) for answer in decided)
    return FirstDay(
        applications=len(decided),
        approved=outcomes["approved"],
        refused=outcomes["refused"],
        in_review=outcomes["review"],
        disbursed=len(paid),
        disbursed_minor=sum(answer.amount_minor for answer in paid),
        refusals=dict(Counter(code for answer in decided for code in _reasons(answer))),
        cv_auc=cv_auc,
        model_digest=digest,
        new_acts=acting.new_acts,
        decided=tuple(
            (answer.application_id, number)
            for answer, number in zip(decided, asked, strict=True)
            if not isinstance(answer, Refused)
        ),
    )


def _outcome(answer: Any) -> str:
    return "refused" if isinstance(answer, Refused) else str(answer.outcome)


def _reasons(answer: Any) -> Sequence[str]:
    return [answer.code] if isinstance(answer, Refused) else answer.reasons


def _put_model_in_force(
    acting: Acting, county: SeededCounty, past_borrowers: int | None
) -> tuple[str, float, str]:
    """Train on past borrowers unless a model is in force; its digest, AUC, and the mapping's."""
    node = acting.node
    mapping = study.read_mapping(MAPPING)
    text = files("puhui.score").joinpath("mappings", f"{MAPPING}.toml").read_text("utf-8")
    keep_mapping(node.home, mapping, text)
    with node.read() as tx:
        known = [one for one in list_models(tx) if one.name == PRODUCT]
    if known:
        found = known[-1]
        return found.digest, dict(found.metrics)["cv_auc"], mapping.digest
    columns = training_table(county.seed, county.day, size=past_borrowers)
    table = Table(columns, len(columns["reference"]))
    trained_on = county.day.isoformat()
    made = [
        train(table, mapping, kind, county.seed, maker="demo county", trained_on=trained_on)
        for kind in KINDS
    ]
    best = study.better_of(made)
    save_model(node.home / "models", best)
    wish = Wish(f"{ROOT}/register/{best.digest}", {"name": PRODUCT, "digest": best.digest})
    expect(acting.run("score.register_model", [wish], step="score")[0])
    return best.digest, best.metric("cv_auc"), mapping.digest


def _read_waiting(acting: Acting, county: SeededCounty) -> dict[str, MerchantApplication]:
    """The applications not made yet, by their number; looking adds an access for each merchant."""
    found = {one.source_id: one for one in applications(acting.node, county)}
    acting.new_acts += len({one.party_id for one in found.values()})
    return found


def _self(one: SeededMerchant) -> Actor:
    return Actor(one.party_id, frozenset(("customer",)))


def _apply_and_decide(
    acting: Acting,
    wanted: Sequence[tuple[SeededMerchant, int]],
    waiting: Mapping[str, MerchantApplication],
    mapping_digest: str,
) -> list[Any]:
    """The decision of each application, or the refusal that stood against it, in order."""
    wishes = []
    for one, copy in wanted:
        made = waiting.get(source_id_of(one, copy))
        told = {
            "party_id": one.party_id,
            "product": PRODUCT,
            "wanted_minor": one.merchant.wanted_minor,
            "mapping": mapping_digest,
            "row": dict(made.row) if made else {},
            "fields": FIELDS,
            "channel": CHANNEL,
            "source_id": source_id_of(one, copy),
        }
        wishes.append(Wish(application_key(one, copy), told, _self(one)))
    applied = acting.run("lending.apply", wishes, step="applications")
    decisions = [
        Wish(
            f"{ROOT}/decide/{source_id_of(one, copy)}",
            {"application_id": answer.application_id},
            _self(one),
        )
        for (one, copy), answer in zip(wanted, applied, strict=True)
        if not isinstance(answer, Refused)
    ]
    made_decisions = iter(acting.run("lending.decide", decisions, step="decisions"))
    return [answer if isinstance(answer, Refused) else next(made_decisions) for answer in applied]


def _accept_and_pay(
    acting: Acting, wanted: Sequence[tuple[SeededMerchant, int]], decided: Sequence[Any]
) -> list[Any]:
    """What was paid out on the offers among ``decided``: all of them are accepted the same day."""
    offered = [
        (one, copy, answer.application_id)
        for (one, copy), answer in zip(wanted, decided, strict=True)
        if _outcome(answer) == "approved"
    ]
    keys = [f"{ROOT}/accept/{source_id_of(one, copy)}" for one, copy, _ in offered]
    done = outcomes_of(acting.node, "lending.accept", keys)
    today = business_date(acting.node.clock.now_us())
    wishes = []
    with acting.node.read() as tx:
        for key, (one, _, application_id) in zip(keys, offered, strict=True):
            digest = ""
            if key not in done:
                digest = draft_contract(tx, application_id, today, "zh")[0].digest
            told = {"application_id": application_id, "contract_digest": digest}
            wishes.append(Wish(key, told, _self(one)))
    signed = acting.run("lending.accept", wishes, step="contracts")
    payments = [
        Wish(
            f"{ROOT}/disburse/{source_id_of(one, copy)}",
            {"contract_id": expect(answer).contract_id},
            _self(one),
        )
        for (one, copy, _), answer in zip(offered, signed, strict=True)
    ]
    return [expect(answer) for answer in acting.run("lending.disburse", payments, step="money")]
