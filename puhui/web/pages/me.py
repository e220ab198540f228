"""The customer's own first page: what waits for an answer, loans, wallet, applications."""

from __future__ import annotations

from starlette.responses import Response

from puhui.lending.window import applications_of, guarantee, loans_of, offer
from puhui.web.ask import Ask
from puhui.web.own import own_party, read_draft, running_loans
from puhui.web.pages.money import balance_of


def overview(ask: Ask) -> Response:
    """The customer's own first page: what is next, loans, wallet, applications."""
    with ask.node.read() as tx:
        rows = applications_of(tx, ask.party_id)
        loans = [loan for loan in loans_of(tx, ask.party_id) if loan.status != "void"]
        running = running_loans(ask, tx, loans)
        party = own_party(ask, tx)
        balance = balance_of(tx, ask.party_id)
        guarantees = guarantee.asked_of(ask.node, tx, ask.party_id)
        offers = offer.open_offers(tx, ask.party_id, now_us=ask.node.clock.now_us())
        to_agree = {
            one.contract_id
            for one in guarantee.waiting_for(tx, ask.party_id)
            if not guarantee.is_shown(ask.node, tx, one)
        }
    draft = read_draft(ask)
    return ask.page(
        "me.html",
        applications=rows,
        guarantees=guarantees,
        to_agree=sorted(to_agree),
        offers=offers,
        loans=sorted(loans, key=lambda loan: loan.signed_on, reverse=True),
        running=running,
        party=party,
        balance=balance,
        draft=draft,
        welcome=ask.query.get("welcome") == "1",
    )
