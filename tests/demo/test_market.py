"""The county's market: shops to scan, quotes to take; on the next day there are new quotes."""

from __future__ import annotations

from puhui.demo import seed_county
from puhui.demo.desk.market import read_market
from puhui.demo.window import Shop, open_market
from puhui.kernel import Node
from puhui.kernel.act import Actor
from puhui.kernel.clock import FixedClock
from puhui.kernel.store.journal import count_acts
from puhui.ledger import verify

DAY_US = 86_400_000_000


def acts_of(node: Node) -> tuple[int, int]:
    """How many acts the journal holds, and how many of them were refused."""
    with node.read() as tx:
        return count_acts(tx)


def test_shops_are_paid_and_money_is_changed(node: Node, clock: FixedClock) -> None:
    county = seed_county(node, size=24, seed=3)
    before = acts_of(node)[0]
    shops = open_market(node, county)
    told = read_market()
    quotes = len(told["pairs"]) * len(told["changers"]["names"]) * told["changers"]["quotes_each"]
    opened = acts_of(node)[0]
    assert len(shops) == told["codes"]["shops"]
    assert all(isinstance(shop, Shop) and len(shop.digits) == 12 for shop in shops)
    assert opened - before == len(shops) + 3 + 2 + 3 * 2 * 3 + quotes
    assert (open_market(node, county), acts_of(node)) == (shops, (opened, 0)), "nothing twice"

    buyer = county.merchants[-1].party_id
    actor = Actor("counter", frozenset({"operator"}))
    top_up = {"party_id": buyer, "amount_minor": 900_000, "currency": "CNY"}
    node.act("payment.top_up", top_up, key="top up", actor=actor)
    scanned = {"payer_id": buyer, "code": shops[0].digits, "amount_minor": 1_250}
    node.act("payment.pay_by_code", scanned, key="scan", actor=actor)
    for number in range(3):
        for source, target in (("CNY", "THB"), ("THB", "CNY")):
            wish = {
                "party_id": buyer,
                "source_currency": source,
                "target_currency": target,
                "amount_kind": "send",
                "amount_minor": 20_000,
            }
            node.act("exchange.convert", wish, key=f"{number} {source}", actor=actor)
    with node.read() as tx:
        assert verify(tx).findings == ()

    clock.set_us(clock.now_us() + DAY_US)
    before = acts_of(node)[0]
    assert open_market(node, county) == shops
    assert acts_of(node) == (before + quotes, 0), "a new day has quotes of its own"
