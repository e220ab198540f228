"""What staff do on a loan's file: pledges, guarantees called, ageing, changes, verified income."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from puhui.data.window import accesses_of
from puhui.kernel import Actor, Refused
from puhui.kernel.clock import business_date
from puhui.kernel.store import change
from puhui.lending.window import applications_of, contract_row, guarantee, loans_of
from puhui.party import read_party_file
from puhui.servicing.window import guarantees_of, loan_row, pledges_of
from puhui.worker import close_day
from tests.web.browser import Browser, Form, Page
from tests.web.market import party_of, top_up
from tests.web.overdue import at, empty, overdue
from tests.web.test_credit import lent
from tests.web.test_line import SET_TERMS
from tests.web.town import Town


def form_of(page: Page, verb: str) -> Form:
    """The form of the security section that does something."""
    return next(one for one in page.forms if one.fields.get("security") == verb)


def signed_guarantee(town: Town, loan: str) -> str:
    """Somebody else stands for the whole loan, called when it is late by a day."""
    town.customer(town.spare)
    party = party_of(town, town.spare.phone)
    told = {"contract_id": loan, "guarantor_id": party, "share_millionths": 1_000_000,
            "call_after_days": 1}  # fmt: skip
    officer = {**told, "verified_income": "90000000"}
    by = Actor("an officer", frozenset({"loan_officer"}))
    ask_id = town.node.act("lending.ask_guarantee", officer, key="ask", actor=by).ask_id
    with town.node.read() as tx:
        borrower = contract_row(tx, loan).party_id
    until = business_date(town.node.clock.now_us()) + timedelta(days=400)
    shown = {"party_id": borrower, "purpose": "guarantee_view", "fields": ("loan_standing",),
             "until": until.isoformat(), "sources": (loan,), "recipient": party}  # fmt: skip
    theirs = Actor(borrower, frozenset({"customer"}))
    town.node.act("data.grant_consent", shown, key="shown", actor=theirs)
    with town.node.read() as tx:
        text = guarantee.draft_guarantee(town.node, tx, ask_id, "zh")
    own = Actor(party, frozenset({"customer"}))
    answer = {"ask_id": ask_id, "text_digest": text.digest}
    town.node.act("lending.sign_guarantee", answer, key="sign", actor=own)
    return party


def test_a_pledge_is_put_on_record_and_kept_while_the_loan_lives(town: Town) -> None:
    _, loan = lent(town)
    officer = town.staff("loan_officer")
    page = officer.open(f"/desk/loan/{loan}")
    page = officer.send(form_of(page, "add_pledge"), pledge_kind="machine", worth="much")
    assert page.status == 422
    page = officer.send(form_of(page, "add_pledge"), pledge_kind="", worth="300")
    assert page.status == 422
    page = officer.send(form_of(page, "add_pledge"), pledge_kind="machine", worth="30000")
    assert "30,000.00" in page.text
    with town.node.read() as tx:
        assert [one.value_minor for one in pledges_of(tx, loan)] == [3_000_000]
    page = officer.send(form_of(page, "release_pledge"))
    assert page.status == 422, "the loan is not paid off"
    form = form_of(page, "release_pledge")
    assert officer.send(form, pledge="pledge-x").status == 404
    assert officer.send(form, security="steal").status == 404


def test_a_guarantee_is_called_and_the_guarantor_paid_back(town: Town) -> None:
    loan, _ = overdue(town)
    party = signed_guarantee(town, loan)
    officer = town.staff("loan_officer")

    def call(page: Page, verb: str, **told: str) -> Page:
        form = next(one for one in page.forms if "guarantee" in one.fields)
        return officer.send(form, security=verb, **told)

    empty(town, party)
    page = call(officer.open(f"/desk/loan/{loan}"), "call")
    assert page.status == 422, "the guarantor's wallet is empty"
    top_up(town, party, 1_000_000)
    page = call(page, "call")
    with town.node.read() as tx:
        (given,) = guarantees_of(tx, loan)
        assert loan_row(tx, loan).arrears_minor < 100, "penalty of the day at most"
    assert given.called_minor > 0
    assert "要求代偿" in page.text and "向担保人还款" in page.text
    page = call(page, "repay_guarantor", paid_back="99999999")
    assert page.status == 422
    top_up(town, party_of(town, town.good.phone), 100_000)
    call(page, "repay_guarantor", paid_back="100")
    with town.node.read() as tx:
        (given,) = guarantees_of(tx, loan)
    assert given.recovered_minor == 10_000
    day = business_date(town.clock.now_us())
    at(town, day, 20)
    close_day(town.node, day)
    assert town.staff("auditor").open(f"/desk/loan/{loan}").status == 200


def test_a_colleague_records_the_yes_of_a_borrower_without_a_login(town: Town) -> None:
    _, loan = lent(town)
    town.customer(town.spare)
    guarantor = party_of(town, town.spare.phone)
    officer = town.staff("loan_officer")
    page = officer.open(f"/desk/loan/{loan}")
    page = officer.send(form_of(page, "ask_guarantor"), guarantor=guarantor, share="30")
    yes = {"yes_way": "paper", "evidence": "AB " * 32}
    alone = officer.send(form_of(page, "record_yes"), **yes)
    assert alone.status == 422, "who asked does not record it"
    with town.node.read() as tx:
        (row,) = guarantee.asked_for(tx, loan)
    told = {"ask_id": row.id, "way": "paper", "evidence": "ab" * 32}
    by = Actor("a colleague", frozenset({"loan_officer"}))
    with pytest.raises(Refused, match=r"^data\.own_consent_only"):
        town.node.act("lending.record_guarantee_consent", told, key="yes", actor=by)
    root = Actor("root", frozenset({"administrator"}))
    with town.node.read() as tx:
        (user,) = read_party_file(
            tx, row.borrower_id, business_date(town.node.clock.now_us())
        ).users
    town.node.act("party.disable_user", {"user_id": user.id}, key="shut", actor=root)
    town.node.act("lending.record_guarantee_consent", told, key="now", actor=by)
    page = officer.open(f"/desk/loan/{loan}")
    assert not any(one.fields.get("security") == "record_yes" for one in page.forms), "shown"


def test_ageing_stands_still_until_a_day_and_goes_on(town: Town) -> None:
    loan, _ = overdue(town)
    officer = town.staff("loan_officer")
    page = officer.open(f"/desk/loan/{loan}")
    form = next(one for one in page.forms if "until" in one.fields)
    page = officer.send(form, security="pause", until="soon")
    assert page.status == 422
    form = next(one for one in page.forms if "until" in one.fields)
    page = officer.send(form, security="pause", until="2036-01-01")
    assert page.status == 422
    form = next(one for one in page.forms if "until" in one.fields)
    page = officer.send(form, security="pause", until="2026-05-01")
    assert "逾期天数停算到 2026年5月1日" in page.text
    form = next(one for one in page.forms if "until" in one.fields)
    page = officer.send(form, security="resume")
    assert "停算到" not in page.text


@pytest.mark.parametrize(
    ("what", "told", "is_sent"),
    [
        ("change_rate", {"rate": "5"}, False),
        ("change_rate", {"rate": "50"}, None),
        ("change_rate", {"rate": "x"}, None),
        ("reschedule", {"due_on": "2026-04-02", "count": "6"}, False),
        ("reschedule", {"due_on": "2026-04-03"}, None),
        ("agree_changes", {"due_on": "2026-04-02", "count": "1"}, False),
        (
            "agree_changes",
            {"due_on": "2026-04-02", "count": "1", "change_amount": "490", "part": "principal"},
            True,
        ),
        ("agree_changes", {"rate": "x"}, None),
        ("agree_changes", {"count": "1"}, None),
        ("agree_changes", {}, None),
        ("charge_fee", {"change_amount": "20"}, False),
        ("charge_fee", {"change_amount": "600"}, True),
        ("undo_event", {"number": "x"}, None),
        ("undo_event", {"number": "0"}, None),
        ("record_drawing", {"change_amount": "5", "drawn_on": "2026-03-01"}, None),
        ("re_age", {"due_on": "2026-05-02", "count": "6"}, True),
        ("", {}, None),
    ],
)
def test_each_change_is_done_proposed_or_told_to_be_wrong(
    town: Town, what: str, told: dict[str, str], is_sent: bool | None
) -> None:
    """Done at once (False), sent to a second officer (True), or refused with words (None)."""
    _, loan = lent(town)
    officer = town.staff("loan_officer")
    page = officer.open(f"/desk/loan/{loan}")
    page = officer.send(page.form("/change"), what=what, why="agreed", **told)
    if is_sent is None:
        assert page.status == 422 and "请改正" in page.text
        kept = page.form("/change").fields
        assert all(kept[name] == value for name, value in told.items()), "what was typed stays"
        return
    assert ("已提交复核" if is_sent else "变更已执行") in page.text


def test_a_reviewed_loan_takes_the_income_that_was_seen(town: Town) -> None:
    browser = town.customer(town.bad)
    page = browser.apply(amount="300000", income="1000", debt="900000")
    page = browser.send(page.form("/apply/check"))
    with town.node.read() as tx:
        (row,) = applications_of(tx, party_of(town, town.bad.phone))
    browser.send(page.form("/review"), statement="请看流水。")
    officer = town.staff("loan_officer")
    case = officer.open(f"/desk/case/{row.id}")
    told = {"answer": "approve", "reason": "看过流水和纳税单"}
    wrong = officer.send(case.form("/propose"), **told, income="much")
    assert wrong.status == 422
    assert wrong.form("/propose").fields["income"] == "much", "what was typed stays"
    done = officer.send(wrong.form("/propose"), **told, income="120000")
    assert done.status in (200, 422)
    if done.status == 200:
        assert "120,000" not in done.text, "sealed"


def test_several_drawings_are_shown_and_drawn(town: Town) -> None:
    """A product with drawings: each part laid out anew; more than is left is refused."""
    browser = building(town)
    page = browser[0].open(f"/loan/{browser[1]}")
    page = browser[0].send(page.form("/take"), amount="5000")
    assert page.status == 200, page.text
    over = browser[0].send(page.form("/draw"), amount="999999")
    assert over.status == 422
    page = browser[0].send(over.form("/draw"), amount="3000")
    rows = json.loads(browser[0].ask(f"/loan/{browser[1]}.json").text)["rows"]
    assert sum(row["principal_minor"] for row in rows) == 800_000
    desk = town.staff("loan_officer").open(f"/desk/loan/{browser[1]}")
    assert desk.text.count("8,000.00") >= 1


def building(town: Town) -> tuple[Browser, str]:
    """Somebody with a signed contract whose money is drawn in several parts."""
    browser = town.customer(town.good)
    page = browser.apply()
    page = browser.send(page.form("/apply/check"))
    page = browser.open(page.link("/contract"))
    browser.send(page.form("/contract"), agree="yes")
    with town.node.read() as tx:
        (loan,) = loans_of(tx, party_of(town, town.good.phone))
        terms = json.loads(contract_row(tx, loan.contract_id).terms)
    terms |= {"has_drawings": True}
    with change(town.node.store) as tx:
        tx.run(SET_TERMS, id_=loan.contract_id, terms_=json.dumps(terms))
    return browser, loan.contract_id


@pytest.mark.parametrize("role", ["loan_officer", "risk_analyst", "operator", "auditor"])
def test_finding_somebody_by_phone_leaves_a_line(town: Town, role: str) -> None:
    """Whoever looks a person up stands in the person's own log; nobody found, nobody looked at."""
    browser = town.customer(town.good)
    desk = town.staff(role)
    page = desk.open("/desk/customers")
    nobody = desk.send(page.form("/desk/customers"), q="13100009999")
    party = party_of(town, town.good.phone)
    with town.node.read() as tx:
        before = len(accesses_of(tx, party))
    found = desk.send(nobody.form("/desk/customers"), q=town.good.phone)
    assert party in found.text
    desk.send(found.form("/desk/customers"), q=party)
    with town.node.read() as tx:
        looks = accesses_of(tx, party)
    assert len(looks) == before + 1, "a number that is not personal leaves none"
    assert [one.fields for one in looks if one.purpose == "customer_search"] == [("phone",)]
    assert "员工按手机号" in browser.open("/consents").text
