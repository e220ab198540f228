"""Loans that another bank lends part of, or a guarantor stands for, and cohorts of later months.

Two suppliers of the county stand in for the other bank and for the guarantor; all of it synthetic.
Merchants apply with the facts that were read of them on the county's first day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from puhui.demo.desk.acts import ROOT, Acting, Wish, expect
from puhui.demo.desk.first_day import FirstDay
from puhui.demo.desk.reading import look
from puhui.demo.desk.settle import FIELDS
from puhui.demo.desk.wallet import CLEARING, CURRENCY, wallet_of
from puhui.demo.nouns import SeededCounty, SeededMerchant
from puhui.kernel.act import Actor
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.ledger import Transfer, chart
from puhui.lending import contract_of, draft_contract
from puhui.score import study

PRODUCTS = ("merchant_joint", "merchant_guaranteed", "merchant_310")
PARTNERS = ("city_bank", "county_guarantor")
PARTNER_MONEY = 50_000_000
FIRST_LOANS = 6
LEAST, STEP, STEPS = 200_000, 100_000, 5
MONTHS = 12
CHANNEL = "demo"


@dataclass(frozen=True, slots=True)
class Cohort:
    """Loans paid out together: each with the number of its merchant."""

    loans: tuple[tuple[str, int], ...]


def open_partners(acting: Acting, county: SeededCounty, day: FirstDay) -> None:
    """Name who lends and who guarantees, give them money, and put the model in force."""
    parties = county.suppliers[: len(PARTNERS)]
    for name, party_id in zip(PARTNERS, parties, strict=True):
        told = {"name": name, "party_id": party_id}
        expect(acting.run("servicing.register_partner", [Wish(f"{ROOT}/partner/{name}", told)],
                          step="partners")[0])  # fmt: skip
    for product in PRODUCTS[: len(PARTNERS)]:
        told = {"name": product, "digest": day.model_digest}
        wish = Wish(f"{ROOT}/register/{product}", told)
        expect(acting.run("score.register_model", [wish], step="partners")[0])
    kind = chart().transfer("payment")
    sent = tuple(
        Transfer(Transfer.id_of(f"{ROOT}/partner-money/{party_id}"), CLEARING,
                 wallet_of(party_id), PARTNER_MONEY, CURRENCY, kind)
        for party_id in parties
    )  # fmt: skip
    wish = Wish(f"{ROOT}/partner-money", {"transfers": sent})
    expect(acting.run("ledger.create_transfers", [wish], step="partners")[0])


def rows_of(
    acting: Acting, county: SeededCounty, numbers: Sequence[int]
) -> dict[int, dict[str, str]]:
    """The facts of merchants by their number, read with their consent; none without one."""
    merchants = [county.merchants[number] for number in sorted(set(numbers))]
    today = business_date(acting.node.clock.now_us())
    found = look(acting, merchants, today)
    return {
        one.merchant.number: row
        for one, (row, _, refusal) in zip(merchants, found, strict=True)
        if refusal is None
    }


def borrowers(node: Node, day: FirstDay) -> list[int]:
    """The numbers of the merchants whose loan of the first day was signed, in order."""
    with node.read() as tx:
        return sorted({n for id_, n in day.decided if contract_of(tx, id_) is not None})


def lend_secured(node: Node, county: SeededCounty, day: FirstDay) -> int:
    """A few loans of the joint and of the guaranteed product on the first day; how many.

    A second time changes nothing.
    """
    acting = Acting(node)
    open_partners(acting, county, day)
    numbers = borrowers(node, day)[:FIRST_LOANS]
    rows = rows_of(acting, county, numbers)
    return len(lend_cohort(acting, county, "first", rows, PRODUCTS[:2]).loans)


def lend_cohort(
    acting: Acting,
    county: SeededCounty,
    name: str,
    rows: Mapping[int, Mapping[str, str]],
    products: Sequence[str] = PRODUCTS,
) -> Cohort:
    """Small loans for some merchants, applied for, decided, signed and paid out on one day."""
    mapping = study.read_mapping("merchant_310").digest
    made = []
    for place, (number, row) in enumerate(sorted(rows.items())):
        one = county.merchants[number]
        key = f"{name}-{number:05d}"
        told = {
            "party_id": one.party_id,
            "product": products[place % len(products)],
            "wanted_minor": LEAST + STEP * (number % STEPS),
            "mapping": mapping,
            "row": dict(row),
            "fields": FIELDS,
            "channel": CHANNEL,
            "source_id": key,
            "term_months": MONTHS,
        }
        if contract_id := _lend(acting, one, key, told):
            made.append((contract_id, number))
    return Cohort(tuple(made))


def _lend(acting: Acting, one: SeededMerchant, key: str, told: Mapping[str, Any]) -> str:
    """From an application to money in the wallet; "" where something stood against it."""
    own = Actor(one.party_id, frozenset({"customer"}))

    def run(name: str, told: Mapping[str, Any]) -> Any:
        verb = name.rpartition(".")[2]
        return acting.run(name, [Wish(f"{ROOT}/{verb}/{key}", told, own)], step="cohort")[0]

    applied = run("lending.apply", told)
    if isinstance(applied, Refused):
        return ""
    application = {"application_id": applied.application_id}
    decided = run("lending.decide", application)
    if isinstance(decided, Refused) or decided.outcome != "approved":
        return ""
    today = business_date(acting.node.clock.now_us())
    with acting.node.read() as tx:
        known = contract_of(tx, applied.application_id)
        digest = ""
        if known is None:
            digest = draft_contract(tx, applied.application_id, today, "zh")[0].digest
    signed = run("lending.accept", {**application, "contract_digest": digest})
    if isinstance(signed, Refused):
        return ""
    paid = run("lending.disburse", {"contract_id": signed.contract_id})
    return "" if isinstance(paid, Refused) else str(signed.contract_id)
