"""Who may open what: every address as every wrong role, and as another customer."""

from __future__ import annotations

import re

import pytest

from puhui.kernel import Actor
from puhui.lending.window import applications_of, loans_of
from puhui.party import find_parties
from puhui.web.routes import CITIZEN, ROUTES, STAFF
from puhui.web.who import ROLES_OF, Who
from tests.web.browser import Browser
from tests.web.every_page import stand_for
from tests.web.market import furnish
from tests.web.town import Town

ROLES = ("loan_officer", "risk_analyst", "operator", "auditor", "administrator")
PARTS = re.compile(r"\{(\w+)\}")
FOR_ALL = ("/scan/{digits}", "/waiting/{key}")
"""A merchant's code is there for everybody who wants to pay it; what waits is looked up under the
visitor's own name, so that nobody's key names anything of somebody else."""


def address(path: str, known: dict[str, str]) -> str:
    """A path with something real, or nothing real, in each of its places."""
    return PARTS.sub(lambda match: known.get(match.group(1), "nobody-1"), path)


def form_of(browser: Browser) -> dict[str, str]:
    """The hidden fields of this browser's forms: a key, and what proves that the form is its."""
    for path in ("/settings", "/desk/customers", "/login"):
        for one in browser.open(path).forms:
            if "key" in one.fields:
                return {"csrf": one.fields["csrf"], "key": "k" * 24}
    raise AssertionError("no form at all")


def answer(browser: Browser, method: str, path: str, fields: dict[str, str]) -> int:
    if method == "GET":
        return browser.ask(path).status
    return browser.post(path, fields).status


def test_nobody_gets_in_without_logging_in(town: Town) -> None:
    browser = town.browser()
    fields = form_of(browser)
    for method, path, _, who in ROUTES:
        if who is Who.ANYONE:
            continue
        page = browser.ask(address(path, {})) if method == "GET" else browser.post(
            address(path, {}), fields
        )  # fmt: skip
        assert page.status == 303, (method, path, page.status)
        assert "/login?next=" in page.headers["location"], path


@pytest.mark.parametrize("role", ROLES)
def test_staff_open_their_own_desks_alone(town: Town, role: str) -> None:
    browser = town.staff(role)
    fields = form_of(browser)
    for method, path, _, who in STAFF:
        if who in (Who.ANYONE, Who.USER) or "replay" in path:
            continue
        status = answer(browser, method, address(path, {"name": "merchant_310"}), fields)
        if role in ROLES_OF[who.name]:
            assert status in (200, 303, 404, 422), (method, path, status)
        else:
            assert status == 404, (method, path, status)
    for method, path, _, who in CITIZEN:
        if who is Who.CUSTOMER:
            status = answer(browser, method, address(path, {}), fields)
            assert status in (200, 303, 404, 422), (method, path, status)


def test_a_customer_opens_no_desk(town: Town) -> None:
    browser = town.customer(town.other)
    fields = form_of(browser)
    for method, path, _, who in STAFF:
        if who not in (Who.ANYONE, Who.USER):
            assert answer(browser, method, address(path, {}), fields) == 404, path


def test_a_half_session_opens_nothing(town: Town) -> None:
    browser = town.browser()
    one = town.logins()[0]
    page = browser.open("/desk/login")
    page = browser.send(page.form("/desk/login"), login=one.login, password=one.password)
    assert "/desk/factor" in page.url
    for method, path, _, who in ROUTES:
        if method == "GET" and who not in (Who.ANYONE, Who.USER):
            found = browser.ask(address(path, {}))
            assert found.status in (303, 404), path
            assert found.headers.get("location", "/desk/factor").startswith("/desk/factor"), path
    wrong = browser.send(page.form("/desk/factor"), digits="000000")
    assert wrong.status == 422


def test_what_belongs_to_another_is_not_there(town: Town) -> None:
    """Object by object: applications, contracts, consents, complaints, looks at data."""
    mine = town.customer(town.good)
    town.lend(mine)
    page = mine.open("/complaints/new")
    page = mine.send(page.form("/complaints/new"), subject="other", words="试试。")
    complaint = re.search(r"complaint-[0-9a-f]+", page.url)
    page = mine.send(mine.open("/mine").form("/mine"))
    access = re.search(r"access-[0-9a-f]+", page.url)
    consent = re.search(r"/consent/(consent-[0-9a-f]+)", mine.open("/consents").text)
    with town.node.read() as tx:
        party_id = find_parties(town.node, tx, phone=town.good.phone)[0].id
        application = applications_of(tx, party_id)[0].id
        (loan,) = loans_of(tx, party_id)
    assert complaint is not None
    assert access is not None
    assert consent is not None
    known = {
        "application_id": application,
        "contract_id": loan.contract_id,
        "complaint_id": complaint.group(),
        "consent_id": consent.group(1),
        "access_id": access.group(),
        "ask_id": stand_for(town, party_id),
        **furnish(town, mine, town.good.phone, town.spare.phone),
    }
    other = town.customer(town.other)
    fields = form_of(other)
    tried = 0
    for method, path, _, _ in CITIZEN:
        if PARTS.search(path) and path not in FOR_ALL:
            tried += 1
            assert answer(other, method, address(path, known), fields) == 404, (method, path)
            if method == "GET":
                assert mine.open(address(path, known)).status == 200, path
    assert tried >= 30


def test_a_complaint_cannot_be_about_anothers_application(town: Town) -> None:
    mine, other = town.customer(town.good), town.customer(town.other)
    mine.send(mine.apply().form("/apply/check"))
    with town.node.read() as tx:
        party_id = find_parties(town.node, tx, phone=town.good.phone)[0].id
        application = applications_of(tx, party_id)[0].id
    page = other.open(f"/complaints/new?about={application}")
    page = other.send(page.form("/complaints/new"), subject="other", words="试试。")
    officer = town.staff("operator")
    case = officer.open(officer.open("/desk/complaints").link("/desk/complaint/"))
    assert application[-8:] not in case.text


def test_reviews_take_four_eyes(town: Town) -> None:
    citizen = town.customer(town.bad)
    page = citizen.apply(amount="300000", income="1000", debt="0")
    page = citizen.send(page.form("/apply/check"))
    page = citizen.send(page.form("/review"), statement="请再看看。")
    first, second = (town.staff_login(one.login) for one in town.logins()[:2])
    case = first.open(first.open("/desk/reviews").link("/desk/case/"))
    assert case.has_form("/propose")
    empty = first.send(case.form("/propose"))
    assert empty.status == 422
    proposed = first.send(empty.form("/propose"), answer="refuse", reason="负担太重。")
    assert not proposed.has_form("/confirm"), "the one who proposes does not confirm"
    case = second.open(proposed.url)
    opened = second.send(case.form("/open"))
    assert "请再看看。" in opened.text
    assert "负担太重。" in opened.text
    assert "扣分" in opened.text
    done = second.send(opened.form("/confirm"), answer="agree", reason="同意。")
    assert not done.has_form("/confirm")
    assert "工作人员已经复核过" in citizen.open(page.url).text


def test_an_administrator_grants_and_takes_roles(town: Town) -> None:
    browser = town.staff("administrator")
    page = browser.open("/desk/users")
    page = browser.send(page.form("/desk/users"), login="newcomer", password="a long pass phrase")
    assert "/desk/user/" in page.url
    path = page.url.removeprefix("http://testserver")
    granted = browser.send(
        page.forms[1] if page.forms[0].action == "/logout" else page.forms[0],
        verb="grant",
        role="auditor",
    )
    assert "已授予" in granted.text
    conflict = browser.send(granted.form(path), verb="grant", role="loan_officer")
    assert conflict.status == 422
    assert browser.send(granted.form(path), verb="explode", role="auditor").status == 404


def test_staff_change_their_own_password(town: Town) -> None:
    one = next(one for one in town.logins() if one.role == "auditor")
    browser = town.staff("auditor")
    page = browser.open("/desk/password")
    wrong = {"login": one.login, "old": "not this one at all", "new": "another long phrase"}
    assert browser.send(page.form("/desk/password"), **wrong).status == 422
    weak = browser.send(page.form("/desk/password"), login=one.login, old=one.password, new="short")
    assert weak.status == 422
    done = browser.send(weak.form("/desk/password"), **{**wrong, "old": one.password})
    assert done.url.endswith("/desk/login")
    assert browser.ask("/desk").status == 303
    again = town.browser()
    page = again.open("/desk/login")
    page = again.send(page.form("/desk/login"), login=one.login, password="another long phrase")
    assert "/desk/factor" in page.url


def test_the_journal_is_searched_opened_and_replayed(town: Town) -> None:
    town.lend(town.customer(town.good))
    browser = town.staff("auditor")
    page = browser.open("/desk/journal?name=lending.disburse")
    act = browser.open(page.link("/desk/act/"))
    assert "lending.disburse" in act.text
    assert browser.open("/desk/act/999999999").status == 404
    refused = browser.open("/desk/journal?end=refused&order=-position&since=2026-03-02&until=x")
    assert refused.status == 200
    oldest = browser.open("/desk/journal?order=position&size=25")
    assert oldest.link("/desk/act/") == "/desk/act/1"
    assert browser.open(oldest.link("&beyond=25")).link("/desk/act/") == "/desk/act/26"
    page = browser.send(act.form("/desk/replay"))
    for _ in range(600):
        if "progress" not in page.text:
            break
        page = browser.open("/desk/replay")
        threadless_wait()
    assert "完全一致" in page.text, page.text


def threadless_wait() -> None:
    """Let the replaying thread work."""
    import threading

    threading.Event().wait(0.1)


def test_machine_words_name_nobody(town: Town) -> None:
    """Actors that pages act through hold no more than they need."""
    from puhui.web.identity import CHECKER
    from puhui.web.pages.apply import READER

    for actor in (CHECKER, READER):
        assert isinstance(actor, Actor)
        assert actor.roles == frozenset({"operator"})
