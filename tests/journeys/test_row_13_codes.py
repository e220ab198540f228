"""Row 13, codes to scan: a shop hangs up a code, people scan it or enter its digits, all is told.

Goal: a merchant of the county is paid by scanning and by digits, a code with an amount pays once,
and the statement of the shop says what came.
"""

from __future__ import annotations

import pytest

from puhui.kernel import Node, Refused
from puhui.kernel.clock import business_date
from puhui.payment import statement
from tests.payment.purse import STAFF, held_by, open_books, person, run, self_of

SHOP = {"category": "5411", "name": "ZHANG GROCERY", "city": "LANKAO", "name_local": "张记杂货铺"}


def test_a_shop_is_paid_by_codes(node: Node) -> None:
    open_books(node)
    payer, shop = person(node, 1, money=100_000), person(node, 2)
    printed = run(node, "create_code", STAFF, party_id=shop, kind="static", **SHOP)
    scanned = {"payer_id": payer, "code": printed.payload, "amount_minor": 1_250}
    entered = {"payer_id": payer, "code": printed.digits, "amount_minor": 880}
    for told in (scanned, entered):
        run(node, "pay_by_code", self_of(payer), **told)
    told = {"party_id": shop, "kind": "dynamic", "amount_minor": 5_000}
    once = run(node, "create_code", self_of(shop), **told)
    run(node, "pay_by_code", self_of(payer), payer_id=payer, code=once.payload)
    with pytest.raises(Refused) as refused:
        run(node, "pay_by_code", self_of(payer), payer_id=payer, code=once.payload)
    assert refused.value.code == "payment.code_ended"
    assert (held_by(node, payer), held_by(node, shop)) == (100_000 - 7_130, 7_130)
    with node.read() as tx:
        lines = statement(tx, shop, "CNY", business_date(node.clock.now_us()).replace(day=1))
    assert [line.amount_minor for line in lines] == [1_250, 880, 5_000]
    assert [line.balance_minor for line in lines] == [1_250, 2_130, 7_130]
