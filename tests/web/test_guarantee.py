"""Standing for somebody's loan on pages: asked by the borrower or an officer, answered once."""

from __future__ import annotations

import json

import pytest

from puhui.kernel.act import SYSTEM
from puhui.lending.window import applications_of
from tests.servicing.shares import Keep
from tests.web.browser import Browser
from tests.web.market import act, party_of
from tests.web.test_credit import lent, path_of
from tests.web.town import Town


def asked(town: Town, share: str = "50") -> tuple[Browser, Browser, str]:
    """A borrower who asked somebody else, who has an income known here; and the loan."""
    other = town.customer(town.other)
    other.send(other.apply().form("/apply/check"))
    with town.node.read() as tx:
        (row,) = applications_of(tx, party_of(town, town.other.phone))
    act(town, "lending.withdraw", {"application_id": row.id})
    borrower, loan = lent(town)
    page = borrower.open(borrower.open(f"/loan/{loan}").link("/guarantor"))
    assert "对方会看到" in page.text
    empty = borrower.send(page.form("/guarantor"))
    assert empty.status == 422
    sent = borrower.send(empty.form("/guarantor"), who=town.other.phone, share=share)
    assert "要请的是这位吗" in sent.text and town.other.name not in sent.text
    unsure = borrower.send(sent.form("/guarantor"))
    assert unsure.status == 422, "nobody is asked before the name was looked at"
    party = party_of(town, town.other.phone)
    sent = borrower.send(unsure.form("/guarantor"), choice=party)
    assert "邀请已发出" in sent.text, sent.text
    return borrower, other, loan


def test_somebody_is_asked_reads_and_signs(town: Town) -> None:
    borrower, other, loan = asked(town)
    page = other.open(other.open("/me").link("/guarantee/"))
    name = town.good.name
    assert f"*{name[1:]}" in page.text and name not in page.text, "a part of the name is shown"
    assert "您最多要替借款人还" in page.text and "保证书全文" in page.text
    path = path_of(page)
    wrong = other.send(page.form(path))
    assert wrong.status == 422 and "请先勾选" in wrong.text
    done = other.send(wrong.form(path), agree="yes")
    assert "保证书已签" in done.text
    again = other.open(done.link("/guarantee/"))
    assert not again.has_form(path), "it is answered"
    assert "保证书全文" in again.text
    assert "担保" in other.open("/credit").text
    assert "已签" in borrower.open(f"/loan/{loan}/guarantor").text
    desk = town.staff("loan_officer").open(f"/desk/loan/{loan}")
    assert "担保邀请" in desk.text and "50%" in desk.text


def test_saying_no_needs_no_reason(town: Town) -> None:
    borrower, other, loan = asked(town)
    page = other.open(other.open("/guarantees").link("/guarantee/"))
    done = other.send(page.form("/decline"))
    assert "已回复：不担保" in done.text
    assert "对方不担保" in borrower.open(f"/loan/{loan}/guarantor").text


def test_an_asking_is_taken_back(town: Town) -> None:
    borrower, other, loan = asked(town)
    read = other.open(other.open("/guarantees").link("/guarantee/"))
    page = borrower.open(f"/loan/{loan}/guarantor")
    wrong = borrower.send(page.form("/withdraw"), ask="nothing")
    assert wrong.status == 404
    done = borrower.send(page.form("/withdraw"))
    assert "邀请已撤回" in done.text
    late = other.send(read.form(path_of(read)), agree="yes")
    assert late.status == 422 and "已有答复" in late.text


def test_the_text_is_read_again_after_the_loan_moved(town: Town) -> None:
    _, other, loan = asked(town)
    page = other.open(other.open("/guarantees").link("/guarantee/"))
    act(town, "lending.repay", {"contract_id": loan, "amount_minor": 100_000})
    late = other.send(page.form(path_of(page)), agree="yes")
    assert late.status == 422 and "重新阅读" in late.text
    assert "保证书已签" in other.send(late.form(path_of(page)), agree="yes").text


@pytest.mark.parametrize("path", ["", "/guarantor"])
def test_another_persons_guarantee_is_not_there(town: Town, path: str) -> None:
    borrower, other, loan = asked(town)
    ask_path = other.open("/guarantees").link("/guarantee/")
    wanted = f"/loan/{loan}{path}" if path else ask_path
    asker = other if path else borrower
    assert asker.ask(wanted).status == 404


def test_an_officer_asks_with_an_income_that_was_seen(town: Town) -> None:
    borrower, loan = lent(town)
    parent = town.customer(town.spare)
    officer = town.staff("loan_officer")
    desk = officer.open(f"/desk/loan/{loan}")
    form = next(one for one in desk.forms if one.fields.get("security") == "ask_guarantor")
    party = party_of(town, town.spare.phone)
    for told in ({"guarantor": "party-x", "share": "30"}, {"guarantor": party, "share": "200"},
                 {"guarantor": party, "share": "30", "income": "much"}):  # fmt: skip
        assert officer.send(form, **told).status == 422, told
    done = officer.send(form, guarantor=party, share="30", income="120000")
    assert "等对方答复" in done.text
    link = parent.open("/guarantees").link("/guarantee/")
    assert "/guarantee/" not in parent.open("/me").text.replace("/guarantees", "")
    closed = parent.open(link)
    assert "借款人还没有同意给您看" in closed.text and not closed.has_form(path_of(closed))
    for secret in (town.good.name[1:], "保证书全文", "逾期", "30%"):
        assert secret not in closed.text, secret
    page = borrower.open(borrower.open("/me").link("/guarantor"))
    assert f"…{party[-4:].upper()}" in page.text, "without a wallet no name is shown"
    wrong = borrower.send(page.form("/agree"), ask="nothing")
    assert wrong.status == 404
    page = borrower.send(page.form("/agree"))
    assert "对方现在可以看" in page.text
    assert "只给这位看" in borrower.open("/consents").text
    hidden = borrower.send(page.form("/hide"))
    assert "借款人还没有同意给您看" in parent.open(link).text
    assert "已收回" in hidden.text
    borrower.send(hidden.form("/agree"))
    page = parent.open(link)
    assert "保证书已签" in parent.send(page.form(path_of(page)), agree="yes").text
    rows = json.loads(officer.ask(f"/desk/loan/{loan}.json?table=asked").text)["rows"]
    assert [row["state"] for row in rows] == ["signed"]
    assert "没有逾期" in parent.open(link).text
    borrower.send(borrower.open(f"/loan/{loan}/guarantor").form("/hide"))
    after = parent.open(link)
    assert "已收回给您看" in after.text and "没有逾期" not in after.text
    assert "保证书全文" in after.text, "what was signed is the guarantor's own"


def test_a_partner_is_registered_on_a_page(town: Town) -> None:
    officer, operator = town.staff("loan_officer"), town.staff("operator")
    page = officer.open("/desk/partners")
    assert not page.has_form("/desk/partners"), "officers look"
    town.customer(town.other)
    page = operator.open("/desk/partners")
    assert "联合商户贷" in page.text
    for name in ("two words", "city_bank"):
        page = operator.send(page.form("/desk/partners"), name=name, party="party-x")
        assert page.status == 422, name
    party = party_of(town, town.other.phone)
    done = operator.send(page.form("/desk/partners"), name="city_bank", party=party)
    assert "已登记" in done.text
    rows = json.loads(operator.ask("/desk/partners.json").text)["rows"]
    assert {row["name"]: row["state"] for row in rows}["city_bank"] == "known"


def test_what_is_kept_for_a_lender_is_shown_and_paid_out(town: Town) -> None:
    officer, operator = town.staff("loan_officer"), town.staff("operator")
    assert "待划款" not in operator.open("/desk/partners").text
    town.customer(town.other)
    party = party_of(town, town.other.phone)
    town.node.act("bench.keep", Keep(party, 123_456), key="keep", actor=SYSTEM)
    page = officer.open("/desk/partners")
    assert "1,234.56" in page.text
    assert not page.has_form("/desk/partners/pay"), "officers look"
    page = operator.open("/desk/partners")
    other = operator.open("/desk/partners").form("/desk/partners/pay")
    done = operator.send(page.form("/desk/partners/pay"))
    assert "已划出" in done.text
    assert "1,234.56" not in done.text
    again = operator.send(other)
    assert (again.status, "没有为该出资方保管" in again.text) == (422, True)


def test_credit_is_offered_within_the_need_or_the_rule_is_named(town: Town) -> None:
    browser = town.customer(town.good)
    browser.send(browser.apply().form("/apply/check"))
    party = party_of(town, town.good.phone)
    with town.node.read() as tx:
        (row,) = applications_of(tx, party)
    act(town, "lending.withdraw", {"application_id": row.id})
    operator = town.staff("operator")
    page = operator.open(operator.open(f"/desk/customer/{party}").link("/offers"))
    assert "不诱导借款" in page.text
    path = f"/desk/customer/{party}/offers"
    assert operator.send(page.form(path)).status == 422
    told = {"product": "merchant_310", "channel": "phone"}
    no_consent = operator.send(page.form(path), **told, amount="5000")
    assert no_consent.status == 422 and "同意" in no_consent.text
    consent = {"party_id": party, "purpose": "marketing", "fields": ("name",),
               "until": "2026-12-31"}  # fmt: skip
    act(town, "data.grant_consent", consent)
    over = operator.send(page.form(path), **told, amount="9000000")
    assert over.status == 422
    done = operator.send(over.form(path), **told, amount="5000")
    assert "可以告诉客户" in done.text
    assert "有一条贷款推荐" in browser.open("/me").text
    own = browser.open("/credit/offers")
    assert (
        "为什么给您看这个" in own.text and "5,000.00 元" in own.text and "20,000.00 元" in own.text
    )
    assert "推荐不会超过这个数" in own.text and "不需要" in own.text
    assert browser.send(own.form("/credit/offers"), answer="maybe").status == 404
    went = browser.send(own.form("/credit/offers"), answer="yes")
    assert "/apply" in went.url, "a yes leads to an application, as anybody makes one"
    once = operator.send(done.form(path), **told, amount="5000")
    assert "可以告诉客户" in once.text
    often = operator.send(once.form(path), **told, amount="5000")
    assert often.status == 422, "no more than two in thirty days"
    assert json.loads(operator.ask(f"{path}.json").text)["count"] == 2
    assert not town.staff("loan_officer").open(path).has_form(path), "officers look"
    page = browser.open("/credit/offers")
    never = browser.send(page.form("/credit/offers"), answer="never")
    assert "不再向您推荐贷款" in never.text and "现在没有推荐" in never.text
    assert "贷款推荐" not in browser.open("/me").text
    closed = operator.open(path)
    assert not closed.has_form(path) and "不愿意收到" in closed.text
    again = browser.send(never.form("/credit/offers/choose"), offers="again")
    assert "可以再向您推荐" in again.text
    states = {row["answer"] for row in json.loads(operator.ask(f"{path}.json").text)["rows"]}
    assert states == {"taken", "declined"}
