"""Schedules of products: lent, serviced and ended on both stores; what does not go together."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from puhui import lending
from puhui.kernel.clock import FixedClock
from puhui.kernel.errors import Refused
from puhui.lending.formats import shelf
from puhui.lending.formats.product import parse_product
from puhui.lending.nouns import FeeKind, Method, Offer, Product
from puhui.lending.rules.plan import plan_of
from puhui.servicing import build_schedule, cost, noun
from tests.lending.bank import Bank
from tests.lending.books import check_books
from tests.lending.second import decide, propose
from tests.lending.test_change import do, move, state_of
from tests.lending.test_desk_guard import code_of
from tests.lending.test_desk_money import fund
from tests.lending.test_loan import in_wallet
from tests.lending.test_race import signed

FOLDER = files("puhui.lending") / "products"
TEXT = (FOLDER / "merchant_310.toml").read_text(encoding="utf-8")
CROP, STALL, TOOL, HOUSE = "crop_season", "stall_weekly", "tool_balloon", "build_stages"


def figure(value: str, unit: str) -> str:
    """A figure of a product file."""
    return f'{{ value = {value}, unit = "{unit}", from = 2026-11-01, source = "test" }}'


def share(value: str) -> str:
    """A share of the amount."""
    return figure(value, "share of amount")


def with_schedule(
    schedule: str, *, offered: str = 'equal_instalment = "30/360"', early: str = "",
    days: str = "3", months: str = "[3, 6, 12]", tail: str = "",
) -> str:  # fmt: skip
    """The merchant product with a schedule, and methods offered."""
    first, rest = TEXT.split("[method]", 1)
    _, rest = rest.split("[pricing]", 1)
    method = offered.split(" ", 1)[0]
    text = f'{first}[method]\ndefault = "{method}"\n[method.offered]\n{offered}\n'
    text += f"[schedule]\n{schedule}\n[pricing]{rest}\n{tail}"
    text = text.replace("months = { value = [3, 6, 12]", f"months = {{ value = {months}")
    if early:
        text = text.replace('direction = "', f'early = "{early}"\ndirection = "', 1)
    if days != "3":
        start = text.index("cooling_off = ")
        end = text.index("\n", start)
        text = text[:start] + f"cooling_off = {figure(days, 'day')}" + text[end:]
    if "\nrevolving = true" in text:
        text = text.replace("\nrevolving = true", "\nrevolving = false", 1)
    return text


def offer(product: Product, minor: int = 1_200_000, months: int = 12) -> Offer:
    """An offer of a product at 12 % a year."""
    return Offer(minor, "CNY", Decimal("0.12"), months, product.default_method, 0, False)


GOOD = {
    "flat": ('interest = "flat"', {"early": "next_repayment", "days": "0"}),
    "bullet": ("bullet = true", {"offered": 'interest_first = "act/365"'}),
    "balloon": (f"balloon = {share('0.3')}", {}),
    "grace": (f"grace_principal = {figure('2', 'period')}", {}),
    "grace_all": (
        f"grace_principal = {figure('2', 'period')}\ngrace_interest = {figure('2', 'period')}", {},
    ),
    "free": (f"interest_free = {figure('2', 'period')}", {}),
    "fixed": (f"fixed_instalment = {share('0.1')}", {"early": "reduce_count"}),
    "weeks": ('frequency = "weeks"', {}),
    "days": (f'frequency = "days"\nevery = {figure("10", "day")}', {}),
    "quarters": (f"every = {figure('3', 'month')}", {}),
    "roll": ('month_end = "roll"', {}),
    "down": (f"down_payment = {share('0.2')}", {}),
    "cut": ('year_cut = "1 January"', {"offered": 'equal_principal = "act/act"'}),
    "adjusted": ("adjusts_instalment = true", {}),
    "drawings": ("drawings = true", {}),
    "shares": (f"variable_shares = {share('[0.1, 0.05]')}", {}),
    "amounts": (f"variable_amounts = {figure('[500, 2000]', 'CNY')}", {}),
    "tens": (f"instalment_multiple = {figure('10', 'CNY')}", {}),
    "own_day": ("chooses_due_day = true", {"offered": 'equal_instalment = "act/365"'}),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_each_key_becomes_a_plan_that_ends_at_nought(name: str) -> None:
    schedule, more = GOOD[name]
    product = parse_product(with_schedule(schedule, **more))
    for months in product.terms_months:
        plan = plan_of(offer(product, months=months), product)
        made = build_schedule(plan, 1_200_000, date(2026, 1, 31))
        assert sum(made.principal_minor) == 1_200_000
        assert made.outstanding_minor[-1] == 0
        assert cost(plan, made).apr > 0


def test_what_a_year_has() -> None:
    """A quarter has 13 weeks, a month 30 days; a bullet is one row, a grace on all shortens."""
    count = {}
    for name in ("weeks", "days", "quarters", "bullet", "grace_all", "free"):
        schedule, more = GOOD[name]
        product = parse_product(with_schedule(schedule, **more))
        count[name] = plan_of(offer(product), product).count
    assert count == {"weeks": 52, "days": 36, "quarters": 4, "bullet": 1, "grace_all": 10,
                     "free": 12}  # fmt: skip


DRAWN = 'draw_at_will = "act/360"'
FLAT = 'interest = "flat"'


@pytest.mark.parametrize(
    "schedule,more",
    [
        (FLAT, {"early": "next_repayment"}),
        (FLAT, {"days": "0"}),
        (FLAT, {"early": "next_repayment", "days": "0", "offered": DRAWN}),
        (f"{FLAT}\ninterest_free = {figure('2', 'period')}", {"early": "next_repayment",
                                                              "days": "0"}),
        ("bullet = true", {}),
        (f"bullet = true\ngrace_principal = {figure('1', 'period')}",
         {"offered": 'interest_first = "act/365"'}),
        (f"balloon = {share('0.3')}", {"offered": 'interest_first = "act/365"'}),
        (f"balloon = {share('1')}", {}),
        (f"down_payment = {share('1')}", {}),
        (f"grace_principal = {figure('3', 'period')}", {}),
        (f"grace_interest = {figure('2', 'period')}", {}),
        (f"grace_principal = {figure('2', 'period')}", {"offered": DRAWN}),
        (f"interest_free = {figure('3', 'period')}", {}),
        (f"fixed_instalment = {share('0.1')}", {}),
        (f"fixed_instalment = {share('0.1')}", {"early": "reduce_count",
                                                "offered": 'equal_principal = "30/360"'}),
        ('frequency = "weeks"', {"months": "[4, 12]"}),
        ('frequency = "years"', {}),
        (f"every = {figure('5', 'month')}", {}),
        ('frequency = "weeks"\nmonth_end = "roll"', {}),
        ('month_end = "later"', {}),
        ('year_cut = "1 January"', {}),
        ("adjusts_instalment = true", {"offered": 'equal_principal = "30/360"'}),
        (f"drawings = true\nballoon = {share('0.3')}", {}),
        ("surprise = true", {}),
        (f"variable_shares = {share('[0.1]')}\nvariable_amounts = {figure('[5]', 'CNY')}", {}),
        (f"variable_shares = {share('[0.1]')}", {"offered": 'equal_principal = "30/360"'}),
        (f"variable_shares = {share('[0.1, 0.1, 0.1, 0.1]')}", {}),
        (f"variable_shares = {share('[]')}", {}),
        (f"variable_amounts = {figure('[0.001]', 'CNY')}", {}),
        (f"instalment_multiple = {figure('10', 'CNY')}",
         {"offered": 'equal_principal = "30/360"'}),
        (f"instalment_multiple = {figure('0', 'CNY')}", {}),
        (f"instalment_multiple = {figure('100000', 'CNY')}", {}),
        ("chooses_due_day = true", {}),
        ('chooses_due_day = true\nfrequency = "weeks"',
         {"offered": 'equal_instalment = "act/365"'}),
        ("", {"tail": '[[fee]]\nkind = "late"'}),
        ("", {"tail": f'[[fee]]\nkind = "late"\namount = {figure("0.001", "CNY")}'}),
        ("", {"tail": f'[[fee]]\nkind = "late"\namount = {figure("1", "CNY")}\n'
                      "is_interest = true"}),
        ("", {"tail": f'[[fee]]\nkind = "yearly"\namount = {figure("1", "CNY")}'}),
        ("", {"offered": DRAWN,
              "tail": f'[[fee]]\nkind = "each_instalment"\namount = {figure("1", "CNY")}'}),
    ],
)  # fmt: skip
def test_what_does_not_go_together(schedule: str, more: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        parse_product(with_schedule(schedule, **more))
    assert refused.value.code == "lending.bad_product"


def test_days_too_near_are_not_moved() -> None:
    text = with_schedule('frequency = "weeks"')
    with pytest.raises(Refused, match="two weeks"):
        parse_product(text.replace("shifts_due_days = false", "shifts_due_days = true"))


def test_an_order_names_all_parts_and_what_is_due_first() -> None:
    due = '    "due.principal",\n'
    ahead = [f'    "in_advance.{part}",\n' for part in ("principal", "interest", "fee", "penalty")]
    product = parse_product(TEXT.replace(due, due + "".join(ahead)))
    assert len(product.servicing.allocation) == 12
    for faulty in (due + "".join(ahead[:3]), ahead[0] + due + "".join(ahead[1:])):
        with pytest.raises(Refused) as refused:
            parse_product(TEXT.replace(due, faulty))
        assert refused.value.code == "lending.bad_product"


def test_fees_count_in_the_apr() -> None:
    """12,000.00 lent at 12 %: half a per cent kept back and 2.00 a month cost more than 12 %."""
    product = shelf.load_product(TOOL)
    assert product.fee(FeeKind.EACH_INSTALMENT) == (200, Decimal(0))
    plan = plan_of(offer(product), product)
    made = build_schedule(plan, 1_200_000, date(2026, 1, 1))
    assert made.fee_minor == (200,) * 12
    assert cost(plan, made, 6_000).apr > cost(plan, made).apr > Decimal("0.12")
    assert cost(plan, made, 6_000).total_minor == made.total_interest_minor + 2_400 + 6_000


def in_force(bank: Bank, product: str) -> None:
    """Score a product by the model of the test bank."""
    bank.act("score.register_model", f"model-{product}", name=product, digest=bank.model_digest)


def paid_to_the_end(bank: Bank, clock: FixedClock, contract_id: str, party_id: str) -> Any:
    """Pay what falls due on each due day, close each of these days, and see the loan end."""
    fund(bank, party_id, 50_000_000)
    for row in state_of(bank, contract_id).rows:
        days = (row.due_on - bank.today()).days
        move(bank, clock, days, closes=True)
    return state_of(bank, contract_id)


@pytest.mark.parametrize("product,months", [(CROP, 6), (STALL, 3), (TOOL, 12), (HOUSE, 24)])
def test_products_of_the_shelf_from_money_to_end(
    bank: Bank, clock: FixedClock, product: str, months: int
) -> None:
    in_force(bank, product)
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1", product=product, term_months=months, wanted=2_000_000)
    with bank.node.read() as tx:
        state = lending.loan_state(tx, contract_id, bank.today())
    rows = state.rows
    assert len(rows) == {CROP: 1, STALL: 13, TOOL: 12, HOUSE: 24}[product]
    if product == TOOL:
        assert rows[-1].principal_minor >= 600_000
        assert [row.principal_minor for row in rows[:3]] == [0, 0, 0]
        assert {row.fee_minor for row in rows} == {200}
    ended = paid_to_the_end(bank, clock, contract_id, party_id)
    assert ended.status is noun.LoanStatus.PAID_OFF
    assert sum(row.principal_paid_minor for row in ended.rows) == 2_000_000
    check_books(bank.node)


def test_a_late_instalment_bears_its_fee_once(bank: Bank, clock: FixedClock) -> None:
    in_force(bank, STALL)
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1", product=STALL, term_months=3, wanted=500_000)
    empty(bank, party_id)
    move(bank, clock, 7 + 3, closes=True)
    assert charged(bank, contract_id) == 0, "within the days of grace"
    move(bank, clock, 1, closes=True)
    assert charged(bank, contract_id) == 500
    move(bank, clock, 1, closes=True)
    assert charged(bank, contract_id) == 500
    move(bank, clock, 8, closes=True)
    assert charged(bank, contract_id) == 1_000, "the second instalment is late too"
    check_books(bank.node)


def empty(bank: Bank, party_id: str) -> None:
    """Take everything out of a wallet, so that no debit finds money."""
    from puhui import ledger
    from puhui.payment import own_account, wallet_account

    amount = in_wallet(bank, party_id)
    bank.act(
        "ledger.create_transfers",
        "empty",
        transfers=[
            {
                "id": 99,
                "debit_account_id": wallet_account(party_id, "CNY"),
                "credit_account_id": own_account("funding", "CNY"),
                "amount_minor": amount,
                "ledger": "CNY",
                "code": ledger.chart().transfer("deposit"),
            }
        ],
    )


def charged(bank: Bank, contract_id: str) -> int:
    """Late fees on record."""
    return sum(
        row.penalty_charged_minor for row in state_of(bank, contract_id).rows
    )  # fmt: skip


def test_drawings_are_laid_out_anew(bank: Bank, clock: FixedClock) -> None:
    """On the first day, by the borrower, and by staff as of an earlier day: never beyond it all."""
    in_force(bank, HOUSE)
    party_id = bank.person()
    contract_id = signed(bank, party_id, "1", product=HOUSE, term_months=24, wanted=2_000_000)
    told = {"contract_id": contract_id}
    do(bank, "disburse", **told, amount_minor=500_000)
    began = bank.today()
    do(bank, "draw", **told, amount_minor=500_000)
    state = state_of(bank, contract_id)
    assert state.outstanding_minor == 1_000_000 == sum(row.principal_minor for row in state.rows)
    move(bank, clock, 20, closes=True)
    day = (began + timedelta(days=10)).isoformat()
    more = {**told, "amount_minor": 400_000, "drawn_on": day}
    assert code_of(bank.act, "lending.record_drawing", "alone", **more) == "lending.needs_second"
    before = in_wallet(bank, party_id)
    moved = propose(bank, "record_drawing", **more)
    assert in_wallet(bank, party_id) == before, "only tried out"
    decide(bank, moved.proposal_id)
    assert in_wallet(bank, party_id) == before + 400_000
    state = state_of(bank, contract_id)
    assert state.drawn[-1] == (began + timedelta(days=10), 400_000)
    assert state.outstanding_minor == 1_400_000
    rate = state.annual_rate
    days = (state.rows[0].due_on - began).days
    expected = rate / 12 * (1_000_000 + 400_000 * Decimal(days - 10) / days)
    assert abs(state.rows[0].interest_minor - expected) <= 2
    assert code_of(do, bank, "draw", **told, amount_minor=600_001) == "lending.over_agreed"
    over = {**more, "amount_minor": 600_001}
    assert code_of(propose, bank, "record_drawing", **over) == "lending.over_agreed"
    ahead = {**more, "drawn_on": (bank.today() + timedelta(days=1)).isoformat()}
    assert code_of(propose, bank, "record_drawing", **ahead) == "servicing.day_ahead"
    early = {**more, "drawn_on": (began - timedelta(days=1)).isoformat()}
    assert code_of(propose, bank, "record_drawing", **early) == "servicing.before_loan"
    check_books(bank.node)


def test_other_loans_have_no_drawings(bank: Bank) -> None:
    contract_id = bank.lend(bank.person(), "1")
    told = {"contract_id": contract_id, "amount_minor": 1, "drawn_on": bank.today().isoformat()}
    assert code_of(bank.act, "lending.record_drawing", "x", **told) == "lending.not_drawn_in_parts"


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shelf without a bank's own products, as it is after the test too."""
    monkeypatch.setattr(shelf, "OWN", {})
    shelf.load_product.cache_clear()


def kept(home: Path, name: str, text: str) -> Path:
    """A product file of a bank."""
    path = home / "products" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.usefixtures("own")
def test_a_bank_puts_its_own_products_beside_them(tmp_path: Path) -> None:
    text = TEXT.replace('name = "merchant_310"', 'name = "bakers"', 1)
    path = kept(tmp_path, "bakers", text)
    assert shelf.add_products(tmp_path) == ("bakers",)
    assert shelf.add_products(tmp_path) == ("bakers",)
    assert "bakers" in shelf.product_names()
    assert shelf.load_product("bakers").digest == parse_product(text).digest
    assert shelf.product_file("bakers") == path
    assert shelf.product_file("merchant_310") is None


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    "name,old,new,code",
    [
        ("bakers", "", "", "lending.bad_product"),
        ("bakers", 'name = "merchant_310"', 'name = "bakers', "lending.bad_product"),
        ("merchant_310", "value = 0.015", "value = 0.016", "lending.product_twice"),
    ],
)
def test_a_faulty_file_is_named(tmp_path: Path, name: str, old: str, new: str, code: str) -> None:
    path = kept(tmp_path, name, TEXT.replace(old, new, 1))
    with pytest.raises(Refused) as refused:
        shelf.add_products(tmp_path)
    assert refused.value.code == code
    assert str(path) in refused.value.reason


def test_contracts_say_what_was_agreed() -> None:
    from puhui.lending.rules.wording import cooling_words, early_words, late_fee_words, method_words

    stall, tool, house = (shelf.load_product(name) for name in (STALL, TOOL, HOUSE))
    told = plan_of(offer(stall), stall)
    assert "一周一期" in method_words(told, "zh", fee_minor=0).replace("每 1 周一期", "一周一期")
    assert "one instalment a week" in method_words(told, "en", fee_minor=0)
    assert "5.00" in late_fee_words(told, "en")
    plan = plan_of(offer(tool), tool)
    words = method_words(plan, "en", fee_minor=200, is_published=False)
    assert "3,600.00" in words and "not published" in words and "2.00" in words
    assert "fewer" in early_words(plan, "en")
    staged = method_words(plan_of(offer(house), house), "zh", fee_minor=0, has_drawings=True)
    assert "分次提款" in staged
    flat = parse_product(with_schedule(FLAT, early="next_repayment", days="0"))
    assert "owed whole" in early_words(plan_of(offer(flat), flat), "en")
    assert cooling_words(0, "en") == "This product has no cooling-off time."
    assert Method.EQUAL_INSTALMENT is flat.default_method
