"""Conditions as data, and promises: met or not, and where the money is."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.ledger import lookup_accounts
from puhui.payment.desk.promise import promise_account
from puhui.payment.nouns.promise import Condition, Facts
from puhui.payment.rules import condition as rules
from puhui.payment.window import promise_of, promises_of
from puhui.worker import close_day
from tests.payment.purse import STAFF, held_by, person, run, self_of, today

DAY = date(2026, 3, 2)
LATER = DAY + timedelta(days=30)
FROM = Condition("from", on=DAY + timedelta(days=1))
UNTIL = Condition("until", on=LATER)
SEED = Condition("purpose", purposes=("5261", "0763"))
RAIN = Condition(
    "reading",
    source="weather.lankao",
    name="rain_mm.may",
    comparison="lt",
    threshold=Decimal("40.0"),
)


def both(*parts: Condition) -> Condition:
    return Condition("all", parts=parts)


def either(*parts: Condition) -> Condition:
    return Condition("any", parts=parts)


KEY = ("weather.lankao", "rain_mm.may")


@pytest.mark.parametrize(
    "condition, facts, is_met",
    [
        (FROM, Facts(DAY), False),
        (FROM, Facts(DAY + timedelta(days=1)), True),
        (UNTIL, Facts(LATER), True),
        (UNTIL, Facts(LATER + timedelta(days=1)), False),
        (SEED, Facts(DAY), False),
        (SEED, Facts(DAY, frozenset({"5411"})), False),
        (SEED, Facts(DAY, frozenset({"5411", "5261"})), True),
        (RAIN, Facts(DAY), False),
        (RAIN, Facts(DAY, readings={KEY: Decimal(40)}), False),
        (RAIN, Facts(DAY, readings={KEY: Decimal("39.99")}), True),
        (RAIN, Facts(DAY, readings={("weather.other", KEY[1]): Decimal(0)}), False),
        (RAIN, Facts(DAY, readings={(KEY[0], "rain_mm.june"): Decimal(0)}), False),
        (both(UNTIL, SEED), Facts(DAY), False),
        (both(UNTIL, SEED), Facts(DAY, frozenset({"0763"})), True),
        (either(FROM, RAIN), Facts(DAY), False),
        (either(FROM, RAIN), Facts(DAY, readings={KEY: Decimal(1)}), True),
        (both(UNTIL, either(SEED, both(FROM, RAIN))), Facts(DAY), False),
    ],
)
def test_conditions_are_met_by_facts(condition: Condition, facts: Facts, is_met: bool) -> None:
    assert rules.is_met(condition, facts) is is_met
    if not is_met:
        with pytest.raises(Refused, match="not_met"):
            rules.check_met(condition, facts)


@pytest.mark.parametrize("comparison, values", [
    ("lt", (True, False, False)),
    ("le", (True, True, False)),
    ("eq", (False, True, False)),
    ("ge", (False, True, True)),
    ("gt", (False, False, True)),
])  # fmt: skip
def test_comparisons(comparison: str, values: tuple[bool, ...]) -> None:
    one = Condition("reading", source="s", name="n", comparison=comparison, threshold=Decimal("2"))
    found = [rules.is_met(one, Facts(DAY, readings={("s", "n"): Decimal(v)})) for v in (1, 2, 3)]
    assert tuple(found) == values


def deep(levels: int) -> Condition:
    found = UNTIL
    for _ in range(levels):
        found = both(found)
    return found


@pytest.mark.parametrize(
    "condition",
    [
        Condition("never"),
        Condition(""),
        Condition("from"),
        Condition("from", on=DAY, purposes=("X",)),
        Condition("purpose"),
        Condition("purpose", purposes=("small",)),
        Condition("purpose", purposes=("X" * 36,)),
        Condition("purpose", purposes=tuple(f"X{n}" for n in range(9))),
        Condition("all"),
        Condition("any", parts=(UNTIL,) * 9),
        Condition("any", parts=(Condition("all", parts=(UNTIL,) * 6),) * 3),
        Condition("reading", source="s", name="n", comparison="near", threshold=Decimal(1)),
        Condition("reading", source="S'", name="n", comparison="lt", threshold=Decimal(1)),
        Condition("reading", source="s", name="n", comparison="lt"),
        Condition("reading", source="s", name="n", comparison="lt", threshold=Decimal("NaN")),
        Condition("reading", source="s", name="n", comparison="lt", threshold=Decimal("Infinity")),
        Condition("reading", source="s", name="n", comparison="lt", threshold=Decimal("1e30")),
        Condition("reading", source="s", name="n", comparison="lt", threshold=Decimal("1e-30")),
        deep(4),
    ],
)
def test_what_is_no_condition_is_refused(condition: Condition) -> None:
    with pytest.raises(Refused, match="bad_condition"):
        rules.check_condition(condition)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"until":"tomorrow"}',
        '{"until":"2026-03-02","from":"2026-03-02"}',
        '{"all":{}}',
        '{"all":7}',
        '{"reading":{"source":"s"}}',
        '{"reading":{"source":"s","name":"n","comparison":"lt","threshold":"x"}}',
        '{"all":' * 5000 + "[]" + "}" * 5000,
        '{"all":[{"all":[{"all":[{"all":[{"until":"2026-03-02"}]}]}]}]}',
    ],
)
def test_texts_that_are_no_condition_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="bad_condition"):
        rules.condition_of(text)


def conditions() -> st.SearchStrategy[Condition]:
    days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
    codes = st.lists(st.sampled_from(["5261", "0763", "SEED"]), min_size=1, max_size=3)
    leaves = st.one_of(
        st.builds(lambda day: Condition("from", on=day), days),
        st.builds(lambda day: Condition("until", on=day), days),
        st.builds(lambda some: Condition("purpose", purposes=tuple(sorted(set(some)))), codes),
        st.builds(
            lambda how, value: Condition(
                "reading", source="s", name="n", comparison=how, threshold=value
            ),
            st.sampled_from(sorted(rules.COMPARISONS)),
            st.decimals(-1000, 1000, places=2),
        ),
    )
    return st.recursive(
        leaves,
        lambda inner: st.builds(
            lambda kind, parts: Condition(kind, parts=tuple(parts)),
            st.sampled_from(["all", "any"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        max_leaves=6,
    )


def levels(one: Condition) -> int:
    return 1 + max((levels(part) for part in one.parts), default=0)


@given(conditions(), st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.booleans())
def test_texts_and_facts(one: Condition, day: date, is_known: bool) -> None:
    """A text says its condition again; unmet parts are named where and only where it is unmet;
    more facts of a purpose never undo what was met; naming no purpose meets no purpose."""
    if levels(one) > rules.DEPTH_MAX:
        with pytest.raises(Refused, match="bad_condition"):
            rules.check_condition(one)
        return
    text = rules.text_of(one)
    again = rules.condition_of(text)
    assert rules.text_of(again) == text
    assert rules.digest_of(text) == rules.digest_of(rules.text_of(again))
    facts = Facts(day, frozenset({"5261"}) if is_known else frozenset())
    assert rules.is_met(one, facts) == rules.is_met(again, facts)
    if rules.is_met(one, facts):
        assert rules.is_met(one, Facts(day, frozenset({"5261", "0763", "SEED"})))
    if rules.binds_purpose(one):
        assert not rules.is_met(one, Facts(day))
    can = rules.can_be_met(one, first=date(2026, 1, 1), last=date(2026, 12, 31))
    if rules.is_met(one, facts):
        assert can


def test_equal_conditions_have_one_text() -> None:
    other = Condition("purpose", purposes=("0763", "5261", "5261"))
    assert rules.text_of(other) == rules.text_of(SEED) == '{"purpose":["0763","5261"]}'
    assert rules.text_of(RAIN) == (
        '{"reading":{"comparison":"lt","name":"rain_mm.may",'
        '"source":"weather.lankao","threshold":"40"}}'
    )


def promised(node: Node, payer: str, condition: Condition, **more: Any) -> Any:
    told = {
        "payer_id": payer,
        "amount_minor": 30_000,
        "currency": "CNY",
        "condition": condition,
        "lapses_on": LATER,
        **more,
    }
    return run(node, "promise", self_of(payer), **told)


def read(node: Node, value: str, *, on: date = DAY, revision: int = 0) -> None:
    run(
        node,
        "record_reading",
        source=RAIN.source,
        name=RAIN.name,
        observed_on=on,
        value=value,
        revision=revision,
    )


def fulfil(node: Node, promise_id: str, payee: str) -> Any:
    return run(node, "fulfil", self_of(payee), promise_id=promise_id, payee_id=payee)


def in_escrow(node: Node, promise_id: str) -> int:
    with node.read() as tx:
        (found,) = lookup_accounts(tx, [promise_account(promise_id)])
    assert found is not None
    return found.credit_balance_minor


def test_money_waits_for_a_reading_and_a_wrong_one_never_frees_it(bank: Node) -> None:
    payer, payee = person(bank, 1, money=50_000), person(bank, 2)
    made = promised(bank, payer, RAIN, payee_id=payee)
    assert (held_by(bank, payer), held_by(bank, payee)) == (20_000, 0)
    with pytest.raises(Refused, match="not_met"):
        fulfil(bank, made.promise_id, payee)
    read(bank, "55")
    with pytest.raises(Refused, match=r"waits for rain_mm.may of weather.lankao lt 40"):
        fulfil(bank, made.promise_id, payee)
    read(bank, "12", on=DAY - timedelta(days=1))
    with pytest.raises(Refused, match="not_met"):
        fulfil(bank, made.promise_id, payee)  # observed before the promise was made
    assert held_by(bank, payee) == 0
    read(bank, "39.5", revision=1)
    done = fulfil(bank, made.promise_id, payee)
    assert (done.status, done.digest) == ("kept", made.digest)
    assert (held_by(bank, payer), held_by(bank, payee)) == (20_000, 30_000)
    assert in_escrow(bank, made.promise_id) == 0
    with pytest.raises(Refused, match="promise_ended"):
        fulfil(bank, made.promise_id, payee)
    with bank.read() as tx:
        found = promise_of(tx, made.promise_id)
        assert promises_of(tx, payer) == promises_of(tx, payee) == (found,)
    assert (found.status, found.payment) == ("kept", done.payment)
    assert found.condition == rules.text_of(RAIN)
    assert found.digest == rules.digest_of(found.condition)


def test_money_for_a_purpose_goes_to_those_known_for_it(bank: Node) -> None:
    payer, shop, other = person(bank, 1, money=50_000), person(bank, 2), person(bank, 3)
    shown = {"currency": "CNY", "name": "SHOP", "city": "LANKAO", "kind": "static"}
    run(bank, "create_code", STAFF, party_id=other, category="5411", **shown)
    made = promised(bank, payer, both(SEED, UNTIL))
    for somebody in (shop, other):
        with pytest.raises(Refused, match=r"waits for a payee known for 0763 or 5261"):
            fulfil(bank, made.promise_id, somebody)
    run(bank, "create_code", STAFF, party_id=shop, category="5261", **shown)
    with pytest.raises(Refused, match="same_wallet"):
        fulfil(bank, made.promise_id, payer)
    fulfil(bank, made.promise_id, shop)
    assert (held_by(bank, payer), held_by(bank, shop), held_by(bank, other)) == (20_000, 30_000, 0)


def test_nobody_else_takes_it(bank: Node) -> None:
    payer, payee, other = person(bank, 1, money=50_000), person(bank, 2), person(bank, 3)
    made = promised(bank, payer, UNTIL, payee_id=payee)
    with pytest.raises(Refused, match="promise_payee"):
        fulfil(bank, made.promise_id, other)
    with pytest.raises(Refused, match="not_yours"):
        run(bank, "fulfil", self_of(other), promise_id=made.promise_id, payee_id=payee)
    with pytest.raises(Refused, match="promise_unknown"):
        fulfil(bank, "promise-0", payee)
    with bank.read() as tx, pytest.raises(Refused, match="promise_unknown"):
        promise_of(tx, "promise-0")


@pytest.fixture
def moving(bank: Node, clock: FixedClock) -> Any:
    def to(day: date) -> None:
        clock.set_us(clock.now_us() + (day - today(bank)).days * 86_400_000_000)

    return to


def test_what_lapses_goes_back(bank: Node, moving: Any) -> None:
    payer, payee = person(bank, 1, money=50_000), person(bank, 2)
    made = promised(bank, payer, RAIN, payee_id=payee, lapses_on=DAY + timedelta(days=2))
    kept = promised(bank, payer, UNTIL, payee_id=payee, amount_minor=1_000)
    moving(DAY + timedelta(days=2))
    run(bank, "lapse", day=today(bank), promise_ids=[made.promise_id])
    with pytest.raises(Refused, match="not_met"):
        fulfil(bank, made.promise_id, payee)  # its last day is not over
    moving(DAY + timedelta(days=3))
    read(bank, "1", on=DAY + timedelta(days=3))
    with pytest.raises(Refused, match="promise_lapsed"):
        fulfil(bank, made.promise_id, payee)
    assert held_by(bank, payer) == 19_000
    for count in (1, 0):
        done = run(bank, "lapse", day=today(bank), promise_ids=[made.promise_id, kept.promise_id])
        assert done.promises == count
    with bank.read() as tx:
        assert promise_of(tx, made.promise_id).status == "lapsed"
        assert promise_of(tx, kept.promise_id).status == "held"
    with pytest.raises(Refused, match="promise_ended"):
        fulfil(bank, made.promise_id, payee)
    assert (held_by(bank, payer), held_by(bank, payee)) == (49_000, 0)


SENSELESS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"lapses_on": DAY - timedelta(days=1)}, "bad_promise"),
    ({"lapses_on": DAY + timedelta(days=367)}, "bad_promise"),
    ({"condition": Condition("from", on=LATER + timedelta(days=1))}, "bad_promise"),
    ({"condition": both(FROM, Condition("until", on=DAY))}, "bad_promise"),
    ({"condition": Condition("sometimes")}, "bad_condition"),
    ({"payee_id": ""}, "bad_promise"),
    ({"payee_id": "", "condition": either(SEED, UNTIL)}, "bad_promise"),
    ({"payee_id": "party-none"}, "no_party"),
    ({"amount_minor": 50_001}, "wallet_short"),
    ({"amount_minor": 0}, "bad_amount"),
    ({"currency": "XXX"}, "no_currency"),
)


def test_promises_that_make_no_sense(bank: Node) -> None:
    payer, payee = person(bank, 1, money=50_000), person(bank, 2)
    for change, code in SENSELESS:
        with pytest.raises(Refused, match=code):
            promised(bank, payer, **{"payee_id": payee, "condition": UNTIL, **change})
    with pytest.raises(Refused, match="same_wallet"):
        promised(bank, payer, UNTIL, payee_id=payer)
    assert held_by(bank, payer) == 50_000


def test_promises_keep_to_the_limits_of_wallets(bank: Node) -> None:
    payer, payee = person(bank, 1, tier=4, money=900_000), person(bank, 2, tier=4, money=990_000)
    with pytest.raises(Refused, match="single_limit"):
        promised(bank, payer, UNTIL, payee_id=payee, amount_minor=200_001)
    made = promised(bank, payer, UNTIL, payee_id=payee, amount_minor=200_000)
    with pytest.raises(Refused, match="tier_balance"):
        fulfil(bank, made.promise_id, payee)
    promised(bank, payer, UNTIL, payee_id=payee, amount_minor=199_999)
    with pytest.raises(Refused, match="daily_limit"):
        promised(bank, payer, UNTIL, payee_id=payee, amount_minor=100_002)


def test_readings_are_kept_as_they_were_told(bank: Node) -> None:
    read(bank, "1.50")
    read(bank, "1.5")
    with pytest.raises(Refused, match="reading_differs"):
        read(bank, "1.6")
    with pytest.raises(Refused, match="bad_reading"):
        read(bank, "1", on=DAY + timedelta(days=1))
    with pytest.raises(Refused, match="bad_condition"):
        read(bank, "1e30")
    with pytest.raises(Refused, match="bad_reading"):
        run(bank, "record_reading", source="X Y", name="n", observed_on=DAY, value="1")
    with pytest.raises(Refused, match="role_missing"):
        run(
            bank, "record_reading", self_of("party-1"),
            source="s", name="n", observed_on=DAY, value="1",
        )  # fmt: skip


def test_closing_a_day_ends_promises(bank: Node, moving: Any) -> None:
    payer, payee = person(bank, 1, money=50_000), person(bank, 2)
    made = promised(bank, payer, UNTIL, payee_id=payee, lapses_on=DAY)
    moving(DAY + timedelta(days=1))
    close_day(bank, today(bank))
    with bank.read() as tx:
        assert promise_of(tx, made.promise_id).status == "lapsed"
    assert held_by(bank, payer) == 50_000
