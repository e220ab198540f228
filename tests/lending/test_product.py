"""Products, law and texts as files: the shipped ones, and every kind of fault refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from importlib.resources import files

import pytest

from puhui.kernel.errors import Refused
from puhui.lending.formats.product import GUARD_VALUES, parse_law, parse_product
from puhui.lending.formats.shelf import (
    load_law,
    load_product,
    load_template,
    product_names,
)
from puhui.lending.formats.text import check_template, parse_reasons
from puhui.lending.nouns import Method
from puhui.lending.rules.guard import GUARDS

TEXT = (files("puhui.lending") / "products/merchant_310.toml").read_text(encoding="utf-8")


def test_the_shelf_holds_the_products() -> None:
    assert product_names() == (
        "build_stages",
        "crop_season",
        "merchant_310",
        "merchant_guaranteed",
        "merchant_joint",
        "sba_term",
        "small_loan",
        "smallfirm",
        "stall_weekly",
        "tool_balloon",
    )
    assert load_product("merchant_310").largest_minor == 30_000_000
    assert load_product("smallfirm").largest_minor == 50_000_000
    assert load_product("sba_term").terms_months == (84,)
    assert load_product("small_loan").stated_amount_minor == 2_000_000
    assert len({load_product(name).digest for name in product_names()}) == 10
    assert load_product("merchant_joint").joint[0].share == Decimal("0.3")
    (stands,) = load_product("merchant_guaranteed").guarantees
    assert (stands.share, stands.premium_share) == (Decimal("0.8"), Decimal("0.01"))


@pytest.mark.parametrize("name", product_names())
def test_every_figure_has_its_source(name: str) -> None:
    product = load_product(name)
    assert len(product.sources) >= 25
    assert all(figure.unit and figure.source for figure in product.sources)
    assert all(figure.from_on <= date(2026, 11, 30) for figure in product.sources)
    paths = [figure.path for figure in product.sources]
    assert len(set(paths)) == len(paths)


def test_guards_of_the_schema_are_the_guards_of_the_rules() -> None:
    assert set(GUARD_VALUES) == set(GUARDS)


def test_the_digest_ignores_comments_and_sees_figures() -> None:
    digest = parse_product(TEXT).digest
    assert parse_product("# another comment\n" + TEXT).digest == digest
    assert parse_product(TEXT.replace("value = 0.015", "value = 0.016")).digest != digest


@pytest.mark.parametrize(
    "old,new",
    [
        ("currency = ", "currency ="  "= "),
        ('currency = "CNY"', 'currency = "XXX"'),
        ('currency = "CNY"', ""),
        ('currency = "CNY"', 'currency = "CNY"\nunknown = 1'),
        ("version = 2026-11-01", 'version = "first"'),
        ('zh = "310 商户贷"', 'zh = ""'),
        ("smallest = { value = 500,", "smallest = { value = 500.001,"),
        ("smallest = { value = 500,", 'smallest = { value = "500",'),
        ("smallest = { value = 500,", "smallest = { value = true,"),
        ("smallest = { value = 500,", "smallest = { value = 500000,"),
        ("smallest = { value = 500,", "smallest = { value = 0,"),
        ("step = { value = 100,", "step = { value = 0,"),
        ("step = { value = 100,", "step = { value = 70000,"),
        ('smallest = { value = 500, unit = "CNY"', 'smallest = { value = 500, unit = "USD"'),
        ("months = { value = [3, 6, 12]", "months = { value = [6, 3, 12]"),
        ("months = { value = [3, 6, 12]", "months = { value = []"),
        ("default_months = { value = 12", "default_months = { value = 9"),
        ("default_months = { value = 12", "default_months = { value = 12.5"),
        ('default = "equal_instalment"', 'default = "bullet"'),
        ('equal_instalment = "30/360"', 'equal_instalment = "31/360"'),
        ('equal_instalment = "30/360"\n', ""),
        ('draw_at_will = "act/360"', 'draw_at_will = "30/360"'),
        ("lgd = { value = 0.60", "lgd = { value = 1.60"),
        ("lgd = { value = 0.60", "lgd = { value = 0.1234567"),
        ("lgd = { value = 0.60", "lgd = { value = nan"),
        ("rate_min = { value = 0.036", "rate_min = { value = 0.5"),
        ("rate_step = { value = 0.0005", "rate_step = { value = 0"),
        ('rounding = "half_up"', 'rounding = "down"'),
        ('    "due.principal",\n', ""),
        ('    "due.principal",\n', '    "due.interest",\n'),
        ("shifts_due_days = false", "shifts_due_days = 0"),
        ('[guards.consent]\non_fail = "refuse"', ""),
        ('[guards.consent]\non_fail = "refuse"', '[guards.consent]\non_fail = "ignore"'),
        ("[guards.identity]", "[guards.stars]"),
        ("inflow_multiple = {", "score_shares = { value = [[500, 1], [600, 1]], unit = "
         '"score and share of largest amount", from = 2026-11-01, source = "test" }\n'
         "inflow_multiple = {"),
    ],
)  # fmt: skip
def test_a_faulty_product_is_refused(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(Refused) as refused:
        parse_product(TEXT.replace(old, new, 1))
    assert refused.value.code == "lending.bad_product"


def test_a_figure_without_a_source_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        parse_product(TEXT.replace("source =", "origin =", 1))
    assert refused.value.code == "lending.bad_product"
    assert "smallest" in refused.value.reason


def test_an_unknown_product_names_those_there_are() -> None:
    with pytest.raises(Refused) as refused:
        load_product("../data/law")
    assert refused.value.code == "lending.no_product"
    assert "merchant_310" in refused.value.reason


def test_methods_not_offered_have_no_day_count() -> None:
    assert load_product("sba_term").day_count(Method.DRAW_AT_WILL) is None


def test_the_law_is_dated_and_unconfirmed_figures_say_so() -> None:
    caps = load_law().caps
    assert {cap.regime for cap in caps} == {"cn_private", "cn_licensed", "us_sba"}
    assert all(cap.source for cap in caps)
    assert not any(cap.is_confirmed for cap in caps)


@pytest.mark.parametrize(
    "text",
    [
        "reference = []\ncap = []",
        '[[cap]]\nregime = "a"\nrate_max = 1',
        'reference = []\n[[cap]]\nregime = "a"\nreference = "lpr"\nmultiple = { value = 4, '
        'unit = "multiple of reference rate", from = 2020-01-01, source = "x" }',
        "cap = 3\nreference = []",
    ],
)
def test_a_faulty_law_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_law(text)
    assert refused.value.code == "lending.bad_law"


def test_faulty_texts_are_refused() -> None:
    faults = ['[review]\nzh = "a"', '[review]\nzh = "a"\nen = "b"\n[reason.x]\nreason_zh = "c"']
    for text in faults:
        with pytest.raises(Refused) as refused:
            parse_reasons(text)
        assert refused.value.code == "lending.bad_texts"


@pytest.mark.parametrize(
    "old,new",
    [
        ("{apr}", "{name}"),
        ("{apr}", ""),
        ("{apr}", "{apr"),
        ("{schedule}", "{schedule}{apr}{total_cost}"),
        ("{complaints}", ""),
    ],
)
def test_a_template_must_show_the_cost_first(old: str, new: str) -> None:
    text = load_template("zh").replace(old, new)
    if old == "{schedule}":
        text = text.replace("{total_cost}", "", 1).replace("{apr}", "", 1)
    with pytest.raises(Refused) as refused:
        check_template(text)
    assert refused.value.code == "lending.bad_texts"


def test_contracts_speak_two_languages() -> None:
    with pytest.raises(Refused) as refused:
        load_template("fr")
    assert refused.value.code == "lending.no_language"
