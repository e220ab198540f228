"""Logins for a few merchants of the county, so that pages can be tried as a customer sees them."""

from __future__ import annotations

from puhui.demo.desk.acts import ROOT, Acting, Wish, expect
from puhui.demo.desk.first_day import FirstDay
from puhui.demo.nouns import DemoLogin, GuardCase, SeededCounty, SeededMerchant
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction
from puhui.lending import contract_of

WITH_LOAN = 2
WITHOUT_LOAN = 1


def open_customers(node: Node, county: SeededCounty, day: FirstDay) -> tuple[DemoLogin, ...]:
    """Open logins for two merchants with a loan and one without, and name them.

    They log in by a code to the phone, which the page of a node on one's own machine shows; there
    is no password. A second time changes nothing. Refused: what ``party.register_user`` refuses.
    """
    with node.read() as tx:
        chosen = _chosen(tx, county, day)
    wishes = [
        Wish(
            f"{ROOT}/customer/{one.merchant.number}",
            {"login": one.merchant.owner.phone, "password": None, "party_id": one.party_id},
        )
        for one in chosen
    ]
    for answer in Acting(node, None).run("party.register_user", wishes, step="customers"):
        expect(answer)
    return tuple(DemoLogin(one.merchant.owner.phone, "", "customer") for one in chosen)


def _chosen(tx: Transaction, county: SeededCounty, day: FirstDay) -> list[SeededMerchant]:
    """Ordinary merchants by whether a loan runs for them, the first ones of the county."""
    found: dict[bool, list[SeededMerchant]] = {True: [], False: []}
    for application_id, number in day.decided:
        one = county.merchants[number]
        if one.merchant.case is GuardCase.ORDINARY:
            found[contract_of(tx, application_id) is not None].append(one)
        if len(found[True]) >= WITH_LOAN and len(found[False]) >= WITHOUT_LOAN:
            break
    return found[True][:WITH_LOAN] + found[False][:WITHOUT_LOAN]
