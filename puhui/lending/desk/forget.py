"""What lending forgets of a person whose data were erased."""

from __future__ import annotations

from puhui.kernel.act import Act, use_case
from puhui.kernel.event import Delivery, subscribe
from puhui.lending import tables
from puhui.lending.desk.shelf import DECISION, text_of
from puhui.lending.nouns.request import Forgotten
from puhui.lending.rules.decide import strike
from puhui.lending.tables.capacity import DELETE_OF_PARTY
from puhui.lending.tables.guarantee import FORGET_INCOMES
from puhui.servicing import live


@use_case("lending.forget_party", roles=("system",))
def forget_party(act: Act, input: Delivery) -> Forgotten:
    """Strike what decisions and reviews say of an erased person; sums and reasons stay.

    The sealed facts were unreadable from the moment of erasure: the key was destroyed. What
    guards had read of them (income, debt, age) and what was written in reviews goes here.
    Source: PIPL art. 47.
    """
    party_id = input.event.subject
    rows = act.tx.all(tables.READ_DECISIONS_OF, party_id=party_id)
    for row in rows:
        if row.decision != "null":
            text = text_of(strike(DECISION.validate_json(row.decision), row.wanted_minor))
            act.tx.put(tables.BLANK_DECISION, id_=row.id, decision_=text)
    act.tx.put(tables.BLANK_APPLICATIONS, party_id_=party_id)
    act.tx.put(tables.BLANK_REVIEWS, party_id_=party_id)
    act.tx.put(FORGET_INCOMES, party_id_=party_id)
    for statement in DELETE_OF_PARTY:
        act.tx.put(statement, party_id=party_id)
    live.forget_chance(act, party_id)
    return Forgotten(party_id, len(rows))


subscribe("lending.forget_party", to=("party.erased",))
