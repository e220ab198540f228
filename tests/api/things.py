"""For each operation something that is really there, so that a call of it succeeds once."""

from __future__ import annotations

from typing import Any

from puhui.kernel.store import change
from puhui.lending.tables.capacity import INSERT_CREDIT_OFFER
from puhui.lending.tables.credit_limit import INSERT_CHANGE
from tests.api.exchange_things import exchange_things, own_exchange_things
from tests.api.offline_things import own_offline_things
from tests.api.payment_things import payment_things, staff_payment_things
from tests.api.town import Town
from tests.lending.bank import PRODUCT, resident_id
from tests.lending.test_desk_guard import second_product

BAD_FLOWS = {"id": "x", "age": "40", "income": "120000", "debt": "0", "flow": "150", "late": "40"}

Things = dict[str, tuple[str, dict[str, Any]]]
"""By operation: who may call it, and what is given."""


def own_things(town: Town) -> Things:
    """For each operation that customers may call: whose thing it is, and what is given."""
    borrower, offered, signed, voided = (town.fresh() for _ in range(4))
    opened, withdrawn, refused, cooled, needy, frugal = (town.fresh() for _ in range(6))
    changed = town.fresh()
    application_id, contract_id = town.decided(offered), town.loan(borrower)
    no = town.application(refused, row=BAD_FLOWS)
    assert town.bank.decide(no).outcome == "refused"
    path = f"/api/lending/applications/{application_id}/contract"
    digest = town.get(offered, path).json()["contract_digest"]
    party_id = town.parties[borrower]
    consent = town.get(borrower, f"/api/data/consents/{party_id}").json()["items"][0]
    loan, party = {"contract_id": contract_id}, {"party_id": party_id}
    mine = {"application_id": application_id}
    grant = {"purpose": "credit_decision", "fields": ["wallet_flow"], "until": "2026-12-31"}
    return {
        **guarantees(town, contract_id, borrower, (offered, withdrawn, opened, voided)),
        "lending.list_applications": (borrower, {}),
        "lending.list_loans": (borrower, {}),
        "lending.read_application": (offered, mine),
        "lending.read_decision": (offered, mine),
        "lending.read_contract": (offered, mine),
        "lending.accept": (offered, {**mine, "contract_digest": digest}),
        "lending.read_loan": (borrower, loan),
        "lending.read_schedule": (borrower, loan),
        "lending.list_events": (borrower, loan),
        "lending.quote_pay_off": (borrower, loan),
        "lending.repay": (borrower, {**loan, "amount_minor": 1000}),
        "lending.draw": revolving(town),
        "lending.close_line": unused_line(town),
        "lending.read_wallet": (borrower, party),
        "data.list_consents": (borrower, party),
        "data.grant_consent": (borrower, {**party, **grant}),
        "data.revoke_consent": (borrower, {"consent_id": consent["consent_id"]}),
        "party.change_details": (borrower, {**party, "address": "虚构路 9 号"}),
        "lending.decide": (opened, {"application_id": town.application(opened)}),
        "lending.withdraw": (withdrawn, {"application_id": town.application(withdrawn)}),
        "lending.request_review": (refused, {"application_id": no}),
        "lending.disburse": (signed, {"contract_id": town.signed(signed)}),
        "lending.void_contract": (voided, {"contract_id": town.signed(voided)}),
        "lending.cool_off": (cooled, {"contract_id": town.loan(cooled)}),
        "lending.lower_credit_limit": (borrower, own_limit(town, borrower, 500_000)),
        "lending.raise_credit_limit": (frugal, raised_limit(town, frugal)),
        "lending.answer_rise": (borrower, offered_rise(town, borrower)),
        "lending.answer_offer": (
            opened,
            {"offer_id": offered_credit(town, opened), "is_wanted": False},
        ),
        "lending.list_offers": (opened, {"party_id": town.parties[opened]}),
        "lending.choose_offers": (needy, {"party_id": town.parties[needy], "is_wanted": False}),
        "servicing.ask_relief": (
            needy,
            {"loan_id": town.loan(needy), "reason": "illness", "days": 60},
        ),
        "servicing.set_contact_zone": (borrower, {**party, "zone": "Asia/Urumqi"}),
        "servicing.withdraw_relief": (changed, {"relief_id": asked_relief(town, changed)}),
        **payment_things(town),
        **own_exchange_things(town),
        **own_offline_things(town),
    }


def guarantees(
    town: Town, contract_id: str, borrower: str, others: tuple[str, str, str, str]
) -> Things:
    """A loan of somebody, and others who are asked to stand for a part of it."""
    guarantor, declining, waiting, coming = others

    def given(who: str) -> dict[str, Any]:
        return {"contract_id": contract_id, "guarantor_id": town.parties[who],
                "share_millionths": 200_000}  # fmt: skip

    def asked(who: str) -> str:
        answer = town.post(borrower, "/api/lending/ask_guarantee", given(who))
        return str(answer.json()["ask_id"])

    signing = asked(guarantor)
    show_to(town, borrower, contract_id, guarantor)
    read = town.get(guarantor, f"/api/lending/guarantees/{signing}").json()
    return {
        "lending.ask_guarantee": (borrower, given(coming)),
        "lending.sign_guarantee": (
            guarantor,
            {"ask_id": signing, "text_digest": read["text_digest"]},
        ),
        "lending.decline_guarantee": (declining, {"ask_id": asked(declining)}),
        "lending.withdraw_guarantee_ask": (borrower, {"ask_id": asked(waiting)}),
        "lending.list_guarantees": (guarantor, {"party_id": town.parties[guarantor]}),
        "lending.read_guarantee": (guarantor, {"ask_id": signing}),
    }


def show_to(town: Town, borrower: str, contract_id: str, guarantor: str) -> dict[str, Any]:
    """The borrower agrees that a guarantor sees the loan; the consent by its number."""
    told = {
        "party_id": town.parties[borrower],
        "purpose": "guarantee_view",
        "fields": ["loan_standing"],
        "until": "2026-12-31",
        "sources": [contract_id],
        "recipient": town.parties[guarantor],
    }
    answer = town.post(borrower, "/api/data/grant_consent", told)
    return {"consent_id": answer.json()["consent_id"]}


def offered_credit(town: Town, who: str) -> str:
    """Credit that somebody was offered and has not answered."""
    offer_id = f"offer-{who}"
    row = {"id": offer_id, "party_id": town.parties[who], "product": PRODUCT, "currency": "CNY",
           "amount_minor": 100_000, "channel": "app", "status": "open", "answered_us": None,
           "made_us": town.bank.node.clock.now_us()}  # fmt: skip
    with change(town.bank.node.store) as tx:
        tx.put(INSERT_CREDIT_OFFER, **row)
    return offer_id


def asked_relief(town: Town, who: str) -> str:
    """A request for relief that waits."""
    given = {"loan_id": town.loan(who), "reason": "market", "days": 30}
    return str(town.post(who, "/api/servicing/ask_relief", given).json()["relief_id"])


def revolving(town: Town) -> tuple[str, dict[str, Any]]:
    """A loan that may be drawn again, of which something was repaid."""
    second_product(town.bank)
    who = town.fresh()
    application_id = town.application(who, product="smallfirm", method="draw_at_will")
    assert town.bank.decide(application_id).outcome == "approved"
    contract = {"contract_id": town.bank.accept(application_id).contract_id}
    town.bank.act("lending.disburse", town.key(), **contract)
    town.bank.act("lending.repay", town.key(), **contract, amount_minor=200_000)
    return who, {**contract, "amount_minor": 100_000}


def unused_line(town: Town) -> tuple[str, dict[str, Any]]:
    """A line of which all was repaid."""
    who = town.fresh()
    application_id = town.application(who, product="smallfirm", method="draw_at_will")
    assert town.bank.decide(application_id).outcome == "approved"
    contract = {"contract_id": town.bank.accept(application_id).contract_id}
    town.bank.act("lending.disburse", town.key(), **contract, amount_minor=200_000)
    town.bank.act("lending.repay", town.key(), **contract, amount_minor=200_000)
    return who, contract


def own_limit(town: Town, who: str, credit_limit_minor: int) -> dict[str, Any]:
    """A limit that somebody sets for what is owed here."""
    party_id = town.parties[who]
    return {"party_id": party_id, "currency": "CNY", "credit_limit_minor": credit_limit_minor}


def raised_limit(town: Town, who: str) -> dict[str, Any]:
    """A limit that is higher again than the one that was set before."""
    town.decided(who)
    lower = own_limit(town, who, 100_000)
    assert town.post(who, "/api/lending/lower_credit_limit", lower).status_code == 200
    return own_limit(town, who, 200_000)


def offered_rise(town: Town, who: str) -> dict[str, Any]:
    """A higher credit limit that waits for an answer, as a monthly review leaves it."""
    change_id = "limit_change-of-a-test"
    row = {
        "id": change_id, "party_id": town.parties[who], "product": PRODUCT, "currency": "CNY",
        "month": "2026-02", "before_minor": 100, "after_minor": 120, "drawn_minor": 50,
        "reason": "rise", "status": "offered", "reviewed_us": 0, "counts_from": "2026-03-01",
        "answered_by": None, "answered_us": None,
    }  # fmt: skip
    with change(town.bank.node.store) as tx:
        tx.put(INSERT_CHANGE, **row)
    return {"change_id": change_id, "is_agreed": False}


def all_things(town: Town) -> Things:
    """For every operation: who may call it, and what is given."""
    party_id = town.parties["ann"]
    hook = {"url": "https://partner.example.com/hook", "events": ["lending.repaid"]}
    ends, again = (
        {"endpoint_id": town.post("operator", "/api/webhook/register", hook).json()["endpoint_id"]}
        for _ in range(2)
    )
    check = {"method": "synthetic", "is_passed": True, "evidence_digest": "0" * 64}
    person = {"name": "测试", "id_number": resident_id(70_001), "phone": "13900070001"}
    visitor = {"name": "测试", "id_number": resident_id(70_002), "phone": "13900009999"}
    record = {
        "party_id": party_id,
        "kind": "registry_fact",
        "reference": "2026-01",
        "day": "2026-01-31",
        "content": {"status": "open"},
    }
    debt = {
        "party_id": party_id,
        "kind": "bureau",
        "currency": "CNY",
        "debt_minor": 100_000,
        "source": "bureau report",
    }
    owed = town.post("operator", "/api/lending/record_obligation", debt).json()
    return {
        **own_things(town),
        **staff_payment_things(town),
        **exchange_things(town),
        "lending.record_obligation": ("operator", debt),
        "lending.close_obligation": ("operator", {"obligation_id": owed["obligation_id"]}),
        "lending.apply": ("operator", town.apply_given("ann")),
        "lending.read_portfolio": ("auditor", {}),
        "party.register_person": ("operator", person),
        "party.become_customer": ("visitor", visitor),
        "party.verify_identity": ("operator", {"party_id": party_id, **check}),
        "data.share_records": ("operator", {"source": "registry", "records": [record]}),
        "webhook.register": ("operator", hook),
        "webhook.delete": ("operator", ends),
        "webhook.tell_again": ("operator", {**again, "after_position": 0}),
        "webhook.list_endpoints": ("operator", {}),
        "webhook.list_events": ("operator", {}),
    }
