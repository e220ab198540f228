"""Joint lenders, guarantors and pledges: shares in every posting, calls, what is lost less."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui import lending, servicing
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.kernel.money import allocate
from puhui.ledger import lookup_accounts
from puhui.lending.desk.ask import decide as decide_desk
from puhui.lending.formats.product import parse_product
from puhui.lending.nouns import GuaranteeTerms, JointShare
from puhui.servicing.desk.figures import risk_figures
from puhui.servicing.desk.loan.joint import joint_account
from puhui.servicing.rules.expected import covered_lgd
from puhui.servicing.window import lenders_of, postings_of
from puhui.worker import close_day
from tests.lending.bank import PRODUCT, Bank
from tests.lending.conftest import bank, sqlite_bank, terms  # noqa: F401  the fixtures
from tests.lending.second import do_with_second
from tests.lending.test_change import held
from tests.lending.test_desk_guard import code_of
from tests.lending.test_desk_money import fund
from tests.lending.test_loan import in_wallet
from tests.servicing.partner import partner

KEYS = count()
JOINT = (JointShare("city_bank", Decimal("0.3")), JointShare("trust", Decimal("0.1")))
BACKED = (GuaranteeTerms("county_fund", Decimal("0.8"), Decimal("0.01"), 30),)


def do(town: Bank, name: str, /, **input: Any) -> Any:
    """A use case under a key of its own."""
    return town.act(name, f"security-{next(KEYS)}", **input)


def close(town: Bank, clock: FixedClock, days: int) -> None:
    """Close a day so many days later."""
    day = town.today() + timedelta(days=days)
    clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T20:00:00+08:00")))
    close_day(town.node, day)


def shares_hold(town: Bank, contract_id: str, lenders: list[str]) -> int:
    """Each lender's account holds its part of what is outstanding, to the fen; returns that."""
    with town.node.read() as tx:
        row = servicing.live.take_loan(tx, contract_id)
        numbers = [joint_account(contract_id, lender) for lender in lenders]
        found = lookup_accounts(tx, numbers)
    order = dict(zip(lenders, (300_000, 100_000), strict=True))
    names = sorted(lenders)
    parts = allocate(row.outstanding_minor, [*(order[name] for name in names), 600_000])
    held_by = dict(zip(lenders, (one.credit_balance_minor for one in found if one), strict=True))
    assert [held_by[name] for name in names] == list(parts[:-1])
    return int(row.outstanding_minor)


def test_joint_lenders_share_every_posting(
    bank: Bank,  # noqa: F811
    clock: FixedClock,
    terms: Any,  # noqa: F811
) -> None:
    terms(joint=JOINT)
    lenders = [partner(bank, "city_bank", 5_000_000), partner(bank, "trust", 5_000_000)]
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1", wanted=2_999_900)
    assert in_wallet(bank, party_id) == 2_999_900
    assert in_wallet(bank, lenders[0]) == 5_000_000 - 899_970
    assert shares_hold(bank, contract_id, lenders) == 2_999_900
    bank.repay(contract_id, 333_333, "early")
    shares_hold(bank, contract_id, lenders)
    close(bank, clock, 31)
    with bank.node.read() as tx:
        state = lending.loan_state(tx, contract_id, bank.today())
        row = servicing.live.take_loan(tx, contract_id)
        shown = lenders_of(tx, contract_id)
        posted = postings_of(tx, contract_id)
    assert {one.lender_id for one in shown} == set(lenders)
    assert {one.debit for one in posted} >= {"loan", "lender"}
    assert any(one.kind == "lender_share" for one in posted)
    interest = sum(share.interest_minor for share in state.shares)
    assert shares_hold(bank, contract_id, lenders) == row.outstanding_minor < 2_700_000
    got = in_wallet(bank, lenders[0]) - 5_000_000
    assert abs(got + row.outstanding_minor * 3 // 10 - interest * 3 // 10) <= 3
    do_with_second(bank, "undo_event", "undo", contract_id=contract_id, number=1)
    shares_hold(bank, contract_id, lenders)
    (before,) = held(bank, "loan_loss")
    with bank.node.read() as tx:
        provided = servicing.live.take_loan(tx, contract_id).booked_loss_minor
    lost = do_with_second(bank, "write_off", "off", contract_id=contract_id).written_off_minor
    assert shares_hold(bank, contract_id, lenders) == 0
    own = lost - sum(allocate(lost, [300_000, 100_000, 600_000])[:2])
    assert held(bank, "loan_loss") == [before + own - provided], (
        "what was provided for it is released"
    )
    wallet = in_wallet(bank, lenders[1])
    do(bank, "lending.repay", contract_id=contract_id, amount_minor=50_000)
    assert in_wallet(bank, lenders[1]) == wallet + 5_000


def test_a_fee_taken_at_first_is_shared_and_comes_back(
    sqlite_bank: Bank,  # noqa: F811
    terms: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """1 % of 999,999 is a fee of 10,000: 30 % and 10 % of it are 3,000 and 1,000."""
    town = sqlite_bank
    pricing = replace(
        lending.shelf.load_product(PRODUCT).pricing, upfront_fee_share=Decimal("0.01")
    )
    product = terms(joint=JOINT, pricing=pricing)
    monkeypatch.setattr(decide_desk, "load_product", lambda _: product)
    lenders = [partner(town, "city_bank", 5_000_000), partner(town, "trust", 5_000_000)]
    contract_id = town.lend(town.person(), "1", wanted=999_999)
    assert held(town, "deferred_fee") == [-6_000], "ours, to be earned over the loan's life"
    assert in_wallet(town, lenders[0]) == 5_000_000 - 299_999 + 3_000
    assert in_wallet(town, lenders[1]) == 5_000_000 - 99_999 + 1_000
    made = do(town, "lending.cool_off", contract_id=contract_id)
    assert (made.fee_returned_minor, held(town, "deferred_fee")) == (10_000, [0])
    assert [in_wallet(town, one) for one in lenders] == [5_000_000, 5_000_000]


def test_a_lender_without_money_or_name_lends_nothing(bank: Bank, terms: Any) -> None:  # noqa: F811
    terms(joint=JOINT)
    party_id = bank.person()
    assert code_of(bank.lend, party_id, "1") == "servicing.no_partner"
    partner(bank, "city_bank", 10)
    poor = partner(bank, "trust", 10)
    other = bank.person()
    assert code_of(bank.lend, other, "2") == "lending.wallet_short"
    bad = {"name": "two words", "party_id": poor}
    assert code_of(do, bank, "servicing.register_partner", **bad) == "servicing.bad_partner"
    terms(joint=(JointShare("trust", Decimal(1)),))
    assert code_of(bank.lend, bank.person(), "3") == "servicing.bad_shares"


def test_a_guarantor_gets_a_premium_pays_and_is_owed(
    bank: Bank,  # noqa: F811
    clock: FixedClock,
    terms: Any,  # noqa: F811
) -> None:
    terms(guarantees=BACKED)
    guarantor, party_id = partner(bank, "county_fund", 1_000_000), bank.person()
    contract_id = bank.lend(party_id, "1", wanted=2_000_000)
    assert in_wallet(bank, guarantor) == 1_020_000
    assert in_wallet(bank, party_id) == 1_980_000
    with bank.node.read() as tx:
        row = servicing.live.take_loan(tx, contract_id)
        (given,) = tx.all(servicing.security.tables.READ_GUARANTEES, loan_id=contract_id)
    assert row.lgd_millionths == round(row.base_lgd_millionths * (1 - 0.8 * 0.8))
    key = {"guarantee_id": given.id}
    assert code_of(do, bank, "servicing.call_guarantee", **key) == "servicing.not_impaired"
    friend = bank.person()
    do(bank, "payment.open_wallet", party_id=friend, currency="CNY")
    do(bank, "payment.pay", **pay(party_id, friend, 1_980_000))
    close(bank, clock, 45)
    close(bank, clock, 16)
    with bank.node.read() as tx:
        state = lending.loan_state(tx, contract_id, bank.today())
        (given,) = tx.all(servicing.security.tables.READ_GUARANTEES, loan_id=contract_id)
        (loan,) = lending.list_loans(tx)
    paid = state.shares[-1].total_minor
    assert given.called_minor == paid == 1_020_000 - in_wallet(bank, guarantor) > 0
    assert loan.outstanding_minor == state.outstanding_minor < 2_000_000
    fund(bank, party_id, 100_000, 990)
    more = {**key, "amount_minor": paid + 1}
    assert code_of(do, bank, "servicing.repay_guarantor", **more) == "servicing.over_claim"
    back = do(bank, "servicing.repay_guarantor", **key, amount_minor=60_000)
    assert (back.called_minor, back.recovered_minor) == (paid, 60_000)


def pay(payer_id: str, payee_id: str, amount_minor: int) -> dict[str, Any]:
    """A payment between two wallets."""
    return {"payer_id": payer_id, "payee": payee_id, "currency": "CNY",
            "amount_minor": amount_minor}  # fmt: skip


def test_a_pledge_lowers_what_is_lost(bank: Bank) -> None:  # noqa: F811
    contract_id = bank.lend(bank.person(), "1", wanted=2_000_000)
    do(bank, "servicing.add_pledge", loan_id=contract_id, kind="house", value_minor=1_000_000)
    with bank.node.read() as tx:
        row = servicing.live.take_loan(tx, contract_id)
    assert row.lgd_millionths == round(row.base_lgd_millionths * (1 - 0.65 / 2))


@settings(deadline=None)
@given(
    st.decimals("0.05", "1", places=3),
    st.integers(0, 10**9),
    st.lists(st.tuples(st.sampled_from(["house", "machine", "soul"]), st.integers(1, 10**9))),
    st.decimals("0", "1", places=3),
    st.decimals("0", "0.99", places=2),
)
def test_cover_never_raises_a_loss(
    lgd: Decimal, outstanding: int, pledges: list[tuple[str, int]], given_: Decimal, others: Decimal
) -> None:
    told = {"outstanding_minor": outstanding, "of_others": others}
    bare = covered_lgd(risk_figures(), lgd, pledges=(), guaranteed=Decimal(0), **told)
    found = covered_lgd(risk_figures(), lgd, pledges=pledges, guaranteed=given_, **told)
    assert 0 <= found <= bare == lgd * (1 - others)


def test_products_say_who_takes_part() -> None:
    from importlib.resources import files

    text = (files("puhui.lending") / "products" / f"{PRODUCT}.toml").read_text(encoding="utf-8")
    figure = 'unit = "{}", from = 2026-11-01, source = "a test"'
    joint = '\n[[joint]]\npartner = "city_bank"\nshare = {{ value = {}, {} }}\n'
    more = joint.format("0.3", figure.format("share of principal"))
    backed = (
        '\n[[guarantee]]\npartner = "county_fund"\n'
        f"share = {{ value = 0.8, {figure.format('share of what is owed')} }}\n"
        f"premium = {{ value = 0.01, {figure.format('share of amount')} }}\n"
        f"call_after = {{ value = 30, {figure.format('day past due')} }}\n"
    )
    product = parse_product(text + more + backed)
    assert product.joint == JOINT[:1] and product.guarantees == BACKED
    whole = joint.format("1", figure.format("share of principal"))
    assert code_of(parse_product, text + whole) == "lending.bad_product"
