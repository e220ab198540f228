"""Money set aside, on pages of who pays and who is paid: promised, held, taken, let go."""

from __future__ import annotations

from puhui.kernel.act import SYSTEM
from puhui.payment.window import HeldMoney, Promise, holds_of, promises_of
from tests.web.market import open_wallet, party_of
from tests.web.test_money import rich
from tests.web.town import Town


def test_money_is_set_aside_taken_and_left(town: Town) -> None:
    """Who pays sees until when and who may take it; the payee alone takes it, and nobody else."""
    payer, payee = rich(town), town.customer(town.other)
    open_wallet(town, party_of(town, town.other.phone))
    page = payer.open("/aside")
    assert "您没有为别人留出钱" in page.text
    wrong = payer.send(page.form("/aside"), who="x", amount="-1", until="soon")
    assert wrong.status == 422
    assert "请选择一个日期" in wrong.text
    past = payer.send(wrong.form("/aside"), who=town.other.phone, amount="12.5", until="2020-01-01")
    assert past.status == 422
    made = payer.send(
        past.form("/aside"), who=town.other.phone, amount="12.5", until="2026-03-20", remark="押金"
    )
    assert "钱已留出" in made.text
    for words in ("12.50 元", "2026年3月20日", "只有收款人能取走"):
        assert words in made.text
    assert not made.has_form("/take")
    shown = payee.open("/aside")
    assert "2026年3月20日" in shown.text
    form = shown.form("/take")
    third = town.customer(town.spare)
    own = third.open("/aside").form("/aside")
    assert third.post(form.action, own.fields).status == 404
    taken = payee.send(form)
    assert "钱已到您的钱包" in taken.text
    assert payee.send(form).status in (200, 404, 422), "again: it is taken, and paid once"
    assert "已付" in payer.open("/aside").text


def test_held_money_is_taken_or_let_go_by_its_payee(town: Town) -> None:
    payer, payee = rich(town), town.customer(town.other)
    open_wallet(town, party_of(town, town.other.phone))
    told = {
        "payer_id": party_of(town, town.good.phone),
        "payee": party_of(town, town.other.phone),
        "amount_minor": 700,
        "currency": "CNY",
        "timeout_s": 3_600,
    }
    for key in ("one", "two"):
        town.node.act("payment.hold", told, key=key, actor=SYSTEM)
    page = payee.open("/aside")
    assert page.text.count("7.00 元") == 2
    assert "提前退还" in payer.open("/aside").text
    gone = payee.send(page.form("/release"))
    assert "已退还给对方" in gone.text
    assert "钱已到您的钱包" in payee.send(gone.form("/take")).text
    party_id = party_of(town, town.other.phone)
    with town.node.read() as tx:
        found = holds_of(tx, party_id, now_us=town.node.clock.now_us())
        later = holds_of(tx, party_id, now_us=found[0].expires_us)
        promised = promises_of(tx, party_id)
    assert all(isinstance(one, HeldMoney) for one in found)
    assert sorted(one.status for one in found) == ["released", "taken"]
    assert {one.expires_us - one.made_us for one in found} == {3_600_000_000}
    assert [one.status for one in later] == [one.status for one in found]
    assert all(isinstance(one, Promise) for one in promised)
