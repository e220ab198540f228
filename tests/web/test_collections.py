"""The desks of what is overdue: arrears, work lists, the file of a loan, contacts, promises."""

from __future__ import annotations

import json

from puhui.kernel import Actor
from puhui.kernel.clock import business_date
from puhui.party.window import read_users
from puhui.servicing.window import loan_row
from tests.web.market import act
from tests.web.overdue import at, overdue
from tests.web.test_credit import relieve
from tests.web.town import Town


def test_a_collector_works_through_a_task(town: Town) -> None:
    loan, borrower = overdue(town)
    page = borrower.open(f"/loan/{loan}")
    assert "已逾期 12 天" in page.text
    assert '<rect class="late"' in page.text
    officer = town.staff("loan_officer")
    work = officer.open("/desk/collections")
    assert "电话" in work.text
    file = officer.open(work.link("/desk/loan/"))
    assert file.url.endswith(loan)
    assert not file.has_form("/finish")
    file = officer.send(file.form("/take"))
    assert "由您负责" in file.text
    early = officer.send(file.form("/finish"))
    assert early.status == 422
    assert "先联系客户" in early.text
    empty = officer.send(early.form("/contact"))
    assert empty.status == 422
    told = {"person": "third", "way": "call", "result": "reached"}
    third = officer.send(empty.form("/contact"), **told)
    assert third.status == 422
    assert "不得向借款人和担保人以外的人催收" in third.text
    kept = officer.send(third.form("/contact"), **{**told, "person": "borrower"})
    assert "今天还可以联系 5 次" in kept.text
    bad = officer.send(kept.form("/promise"), amount="much", by="soon")
    assert bad.status == 422
    far = officer.send(bad.form("/promise"), amount="100", by="2030-01-01")
    assert far.status == 422
    promised = officer.send(far.form("/promise"), amount="100", by="2026-04-20")
    assert "承诺已登记" in promised.text
    done = officer.send(promised.form("/finish"))
    assert "今天的任务已完成" in done.text
    assert loan not in officer.open("/desk/collections").text
    assert loan in officer.open("/desk/collections?status=closed&officer=nobody").text


def test_nobody_is_called_at_night_or_too_often(town: Town) -> None:
    loan, _ = overdue(town)
    day = town.clock.now_us()
    officer = town.staff("loan_officer")
    told = {"person": "borrower", "way": "call", "result": "not_reached"}
    page = officer.open(f"/desk/loan/{loan}")
    for _ in range(6):
        page = officer.send(page.form("/contact"), **told)
        assert page.status == 200
    full = officer.send(page.form("/contact"), **told)
    assert full.status == 422
    assert "次数已达上限" in full.text
    town.clock.set_us(day + 13 * 3_600_000_000)
    officer = town.staff_login(town.logins()[1].login)
    page = officer.open(f"/desk/loan/{loan}")
    night = officer.send(page.form("/contact"), **told)
    assert night.status == 422
    assert "夜间不得联系" in night.text


def test_a_task_belongs_to_who_took_it(town: Town) -> None:
    loan, _ = overdue(town)
    first = town.staff("loan_officer")
    second = town.staff_login(town.logins()[1].login)
    form = second.open(f"/desk/loan/{loan}").form("/take")
    first.send(first.open(f"/desk/loan/{loan}").form("/take"))
    late = second.send(form)
    assert late.status == 422
    assert "他人领取" in late.text
    assert not late.has_form("/finish")
    found = json.loads(first.ask("/desk/collections.json?officer=me").text)["rows"]
    assert [row["loan"] for row in found] == [loan]
    assert second.ask("/desk/collections.csv?officer=me").text.count("\n") == 1


def test_arrears_are_filtered_sorted_and_exported(town: Town) -> None:
    loan, _ = overdue(town, days=40)
    officer = town.staff("loan_officer")
    page = officer.open("/desk/arrears")
    assert loan in page.text
    assert "30-59" in page.text
    assert "关注" in page.text
    for query in ("bucket=1-2", "days=40", "officer=me", "product=sba_term"):
        assert loan not in officer.open(f"/desk/arrears?{query}").text, query
    for query in ("bucket=30-59", "days=39", "officer=nobody", "order=-class&size=100", "days=x"):
        assert loan in officer.open(f"/desk/arrears?{query}").text, query
    csv = officer.ask("/desk/arrears.csv?days=3&order=arrears").text.splitlines()
    assert csv[0].startswith("\ufeff贷款,客户,产品,逾期天数")
    assert len(csv) == 2
    assert csv[1].startswith(loan)
    (row,) = json.loads(officer.ask("/desk/arrears.json").text)["rows"]
    assert (row["days_past_due"], row["class"], row["step"]) == (39, "special_mention", "negotiate")
    assert officer.open("/view?language=en&back=/desk/arrears").text.count("Special mention") == 1


def test_the_file_of_a_loan_has_everything(town: Town) -> None:
    loan, borrower = overdue(town)
    relieve(borrower, loan, reason="disaster", choice="pause_90")
    act(town, "servicing.add_pledge", {"loan_id": loan, "kind": "vehicle", "value_minor": 99_900})
    officer = town.staff("loan_officer")
    page = officer.open(f"/desk/loan/{loan}")
    for words in ("客户申请了帮扶", "车辆", "999.00", "还款计划", "还没有："):
        assert words in page.text, words
    for table, rows in (("plan", 12), ("pledges", 1), ("reliefs", 1), ("contacts", 0)):
        found = json.loads(officer.ask(f"/desk/loan/{loan}.json?table={table}").text)
        assert found["count"] == rows, table
        assert found["filters"] == {"loan": loan}
    analyst = town.staff("risk_analyst")
    assert not analyst.open(f"/desk/loan/{loan}").has_form("/contact")
    assert officer.ask("/desk/loan/nobody").status == 404
    assert officer.ask("/desk/loan/nobody.csv").status == 404


def test_a_finished_task_comes_back_while_arrears_stand(town: Town) -> None:
    from puhui.kernel.clock import business_date
    from puhui.worker import close_day

    loan, _ = overdue(town)
    with town.node.read() as tx:
        people = read_users(tx)
    collector = Actor(next(one.id for one in people if "collector" in one.roles),
                      frozenset({"collector"}))  # fmt: skip
    told = {"loan_id": loan, "person": "borrower", "channel": "call", "result": "reached"}
    for number, (name, input) in enumerate(
        (
            ("servicing.take_task", {"loan_id": loan}),
            ("servicing.record_contact", told),
            ("servicing.finish_task", {"loan_id": loan}),
        )
    ):
        town.node.act(name, input, key=f"c{number}", actor=collector)
    day = business_date(town.clock.now_us())
    at(town, day, 20)
    close_day(town.node, day)
    assert loan in town.staff("loan_officer").open("/desk/collections?officer=nobody").text


def test_a_customer_is_called_in_the_hours_of_the_own_zone(town: Town) -> None:
    """Ten in the morning is eight in Ürümqi, and nobody is called before eight there."""
    loan, _ = overdue(town)
    with town.node.read() as tx:
        party = loan_row(tx, loan).party_id
    officer, operator = town.staff("loan_officer"), town.staff("operator")
    assert not officer.open(f"/desk/customer/{party}").has_form("/zone")
    page = operator.open(f"/desk/customer/{party}")
    wrong = operator.send(page.form("/zone"), zone="Middle/Earth")
    assert wrong.status == 422
    assert "这不是时区名称" in wrong.text
    kept = operator.send(wrong.form("/zone"), zone="Asia/Urumqi")
    assert 'value="Asia/Urumqi"' in kept.text
    file = officer.open(f"/desk/loan/{loan}")
    assert "钟点按 Asia/Urumqi 当地时间" in file.text
    file = officer.send(file.form("/take"))
    told = {"person": "borrower", "way": "call", "result": "reached"}
    at(town, business_date(town.node.clock.now_us()), 9)
    early = officer.send(file.form("/contact"), **told)
    assert (early.status, "夜间不得联系" in early.text) == (422, True)
    at(town, business_date(town.node.clock.now_us()), 10)
    assert "今天还可以联系 5 次" in officer.send(early.form("/contact"), **told).text
    operator.send(operator.open(f"/desk/customer/{party}").form("/zone"), zone="")
    assert "钟点按" not in officer.open(f"/desk/loan/{loan}").text
